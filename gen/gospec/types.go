package gospec

import (
	"cmp"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strconv"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// use is a place where a type is used.
type use struct {
	pos  token.Pos
	what string // of messages
}

// scalars are the types of Go that a declaration has a word for.
var scalars = map[string]string{
	"string": "string", "bool": "bool", "int": "int", "int32": "int32", "int64": "int64",
	"uint32": "uint32", "uint64": "uint64", "float64": "float64",
	"time.Time": "time", "time.Duration": "duration", "encoding/json.RawMessage": "json",
}

func scalarOf(t types.Type) string {
	if b, ok := t.(*types.Basic); ok {
		t = types.Typ[b.Kind()] // a rune is an int32
	}
	return scalars[types.TypeString(t, nil)]
}

func isScalar(t types.Type) bool { return scalarOf(t) != "" }

// typeRef turns a Go type into one of the declaration.
func (r *reader) typeRef(t types.Type, u use) spec.TypeRef {
	if alias, ok := t.(*types.Alias); ok {
		if ref, ok := r.alias(alias, u); ok {
			return ref
		}
		return r.typeRef(alias.Rhs(), u)
	}
	if name := scalarOf(t); name != "" {
		return spec.TypeRef{Kind: spec.Scalar, Name: name, Pos: r.at(u.pos)}
	}
	switch t := t.(type) {
	case *types.Named:
		return r.named(t, u)
	case *types.Pointer:
		return r.container(spec.Optional, t.Elem(), u)
	case *types.Slice:
		if isByte(t.Elem()) {
			return spec.TypeRef{Kind: spec.Scalar, Name: "bytes", Pos: r.at(u.pos)}
		}
		return r.container(spec.List, t.Elem(), u)
	case *types.Map:
		if types.Identical(t.Key(), types.Typ[types.String]) {
			return r.container(spec.Map, t.Elem(), u)
		}
		return r.unsupported(t, u, "the keys of a map are strings, so write map[string]T")
	case *types.Basic:
		if t.Kind() == types.Invalid {
			r.invalid = append(r.invalid, unknown(u))
			return spec.TypeRef{Pos: r.at(u.pos)}
		}
		if isByte(t) { // which the declaration in YAML takes for bytes
			return r.unsupported(t, u, "use uint32")
		}
		if scalar := spec.ScalarFor(t.Name()); scalar != "" {
			return r.unsupported(t, u, "use "+scalar)
		}
	case *types.Array:
		return r.unsupported(t, u, "use a slice, or a type with JSON methods of its own")
	case *types.Struct:
		return r.unsupported(t, u, "declare a type for it and give it a name")
	case *types.Interface:
		return r.unsupported(t, u, r.insteadOf(t))
	}
	return r.unsupported(t, u, "it has no JSON")
}

func isByte(t types.Type) bool {
	b, ok := types.Unalias(t).(*types.Basic)
	return ok && b.Kind() == types.Uint8
}

// unsupported reports a type that a declaration has no word for.
func (r *reader) unsupported(t types.Type, u use, advice string) spec.TypeRef {
	r.report(u.pos, diagnostic.UnsupportedGoType, "%s has the type %s, which cannot be stored; %s", u.what, diagnostic.Shorten(r.typeString(t)), advice)
	return spec.TypeRef{Pos: r.at(u.pos)}
}

// typeString writes a type as the package does.
func (r *reader) typeString(t types.Type) string {
	return types.TypeString(t, func(p *types.Package) string {
		if p == r.pkg {
			return ""
		}
		return p.Name()
	})
}

func (r *reader) container(kind spec.Kind, elem types.Type, u use) spec.TypeRef {
	inner := r.typeRef(elem, u)
	if inner.Kind == 0 {
		return inner
	}
	return spec.TypeRef{Kind: kind, Elem: &inner, Pos: r.at(u.pos)}
}

// alias reads another name of a type, where that name is the one to use: of a type of another package, which the name makes
// one of the declaration, or of a generic type with arguments.
func (r *reader) alias(alias *types.Alias, u use) (spec.TypeRef, bool) {
	named, ok := types.Unalias(alias).(*types.Named)
	if !ok || isScalar(named) || named.Obj().Pkg() == nil || isInterface(named) {
		return spec.TypeRef{}, false
	}
	obj := alias.Obj()
	local := obj.Pkg() == r.pkg && alias.TypeArgs().Len() == 0
	switch {
	case local && named.Obj().Pkg() == r.pkg && named.TypeArgs().Len() > 0:
		return r.declare(named, obj, u), true
	case named.Obj().Pkg() == r.pkg:
		return spec.TypeRef{}, false
	}
	key := types.TypeString(alias, nil)
	t := r.aliases[key]
	if t == nil {
		t = &spec.Type{Kind: spec.Imported, Pos: r.at(u.pos)}
		target := named.Obj()
		if local {
			t.Doc, t.As = r.docOf(obj), &spec.GoType{Name: obj.Name()}
			t.Pos = r.at(obj.Pos())
		} else {
			target = obj // it may be all that can be named of the type
		}
		args, ok := r.goTypes(named.TypeArgs(), u)
		if !ok {
			return spec.TypeRef{Pos: r.at(u.pos)}, true
		}
		if !local {
			if args, ok = r.goTypes(alias.TypeArgs(), u); !ok {
				return spec.TypeRef{Pos: r.at(u.pos)}, true
			}
		}
		t.Go = spec.GoType{Path: target.Pkg().Path(), Name: target.Name(), Args: args, Pos: t.Pos}
		if !local {
			as := t.Go
			t.As = &as
		}
		r.addType(t, obj.Name(), local)
		r.aliases[key] = t
	}
	return spec.TypeRef{Kind: spec.Declared, Name: t.Name.Text, Pos: r.at(u.pos)}, true
}

func isInterface(t types.Type) bool { return types.IsInterface(t) }

// named reads a defined type.
func (r *reader) named(t *types.Named, u use) spec.TypeRef {
	obj := t.Obj()
	switch {
	case isInterface(t):
		return r.unsupported(t, u, "it is an interface; "+r.insteadOf(t.Underlying().(*types.Interface)))
	case obj.Pkg() == r.pkg && obj.Parent() != r.pkg.Scope():
		return r.unsupported(t, u, "it is declared in a function; move it out")
	case obj.Pkg() != r.pkg && !obj.Exported():
		return r.unsupported(t, u, "its package does not export it, so generated code cannot use it")
	}
	if obj.Pkg() != r.pkg || hasJSON(t) {
		return r.declare(t, obj, u)
	}
	plain := r.definition(t)
	switch underlying := plain.(type) {
	case *types.Struct:
		return r.declare(t, obj, u)
	case *types.Basic:
		if underlying.Kind() == types.String && len(r.constantsOf(t)) > 0 {
			return r.declare(t, obj, u)
		}
	}
	r.depth++
	defer func() { r.depth-- }()
	if r.depth > maxDepth {
		return r.unsupported(t, u, "it contains itself, or nearly so; put a struct between")
	}
	ref := r.typeRef(plain, u)
	as, ok := r.goType(t, u)
	if ref.Kind == 0 || !ok {
		return spec.TypeRef{Pos: ref.Pos}
	}
	ref.As = as
	return ref
}

// definition returns what a defined type of the package is but for its name: the underlying type, or one that a declaration
// has a word for, as in "type Stamp time.Time".
func (r *reader) definition(t *types.Named) types.Type {
	if d := r.declarationOf(t.Obj()); d != nil {
		if of := types.Unalias(r.info.TypeOf(d.spec.(*ast.TypeSpec).Type)); isScalar(of) {
			return of
		}
	}
	return t.Underlying()
}

// declare returns a reference to a type of the declaration, which it adds with the first one. obj is the name to go by.
func (r *reader) declare(named *types.Named, obj *types.TypeName, u use) spec.TypeRef {
	if t, ok := r.declared.At(named).(*spec.Type); ok {
		return spec.TypeRef{Kind: spec.Declared, Name: t.Name.Text, Pos: r.at(u.pos)}
	}
	local := obj.Pkg() == r.pkg
	as, ok := r.goType(named, u)
	if !ok {
		return spec.TypeRef{Pos: r.at(u.pos)}
	}
	t := &spec.Type{Pos: r.at(u.pos), As: as}
	name := obj.Name()
	if local {
		t.Pos, t.Doc = r.at(obj.Pos()), r.docOf(obj)
	}
	if obj != named.Obj() { // another name
		t.As = &spec.GoType{Name: name}
	} else if named.TypeArgs().Len() > 0 {
		name = r.instanceName(named)
		t.Pos = r.at(u.pos)
	}
	if len(r.typeString(named)) > maxTypeString {
		return r.unsupported(named, u, "its arguments are too long, as are those of a type that contains itself with others; give them names")
	}
	plain := local && obj == named.Obj() && named.TypeArgs().Len() == 0
	r.addType(t, name, plain)
	r.declared.Set(named, t) // before its fields, which may use it
	switch {
	case !local || hasJSON(named):
		t.Kind = spec.Imported
		t.Go = *as
		t.Go.Pos = t.Pos
	case isStruct(named):
		t.Kind = spec.Struct
		t.Fields = r.fields(named.Underlying().(*types.Struct), "type "+quoted(diagnostic.Shorten(r.typeString(named))), "", u.pos)
	default:
		t.Kind = spec.Enum
		t.Values = r.constantsOf(named)
	}
	return spec.TypeRef{Kind: spec.Declared, Name: t.Name.Text, Pos: r.at(u.pos)}
}

// maxDepth bounds defined types that are made of others, as one that contains itself is without end.
const maxDepth = 50

// maxTypeString bounds the text of a type with its arguments. A generic type may contain itself with ever larger ones.
const maxTypeString = 300

func isStruct(t types.Type) bool {
	_, ok := t.Underlying().(*types.Struct)
	return ok
}

// constantsOf returns the values of an enum, each once, in the order of their constants.
func (r *reader) constantsOf(t *types.Named) []spec.EnumValue {
	var list []spec.EnumValue
	seen := make(map[string]bool)
	r.eachConstant(t, func(c *declared, name *ast.Ident, obj *types.Const) {
		if obj.Val().Kind() != constant.String {
			return
		}
		if text := constant.StringVal(obj.Val()); !seen[text] {
			seen[text] = true
			list = append(list, spec.EnumValue{Name: spec.Name{Text: text, Pos: r.at(name.Pos())}, Doc: c.doc, GoName: name.Name})
		}
	})
	return list
}

// hasJSON reports whether a type, or a pointer to it, has JSON methods of its own.
func hasJSON(t types.Type) bool {
	set := types.NewMethodSet(types.NewPointer(t))
	for _, name := range []string{"MarshalJSON", "UnmarshalJSON", "MarshalText", "UnmarshalText"} {
		if set.Lookup(nil, name) != nil {
			return true
		}
	}
	return false
}

// docOf returns the doc of a type of the package.
func (r *reader) docOf(obj *types.TypeName) string {
	if d := r.declarationOf(obj); d != nil {
		return d.doc
	}
	return ""
}

// goType says how Go code writes a type that is, or is an argument of, one of the declaration.
func (r *reader) goType(t types.Type, u use) (*spec.GoType, bool) {
	one := func(name string, elems ...types.Type) (*spec.GoType, bool) {
		g := &spec.GoType{Name: name}
		for _, e := range elems {
			arg, ok := r.goType(e, u)
			if !ok {
				return nil, false
			}
			g.Args = append(g.Args, arg)
		}
		return g, true
	}
	switch t := t.(type) {
	case *types.Alias:
		return r.goTypeName(t.Obj(), t.TypeArgs(), u)
	case *types.Named:
		return r.goTypeName(t.Obj(), t.TypeArgs(), u)
	case *types.Basic:
		return one(t.Name())
	case *types.Pointer:
		return one("*", t.Elem())
	case *types.Slice:
		return one("[]", t.Elem())
	case *types.Array:
		return one("["+strconv.FormatInt(t.Len(), 10)+"]", t.Elem())
	case *types.Map:
		return one("map", t.Key(), t.Elem())
	case *types.Interface:
		if t.Empty() {
			return one("any")
		}
	}
	r.unsupported(t, u, "give it a name, like \"type Inner ...\", and use that")
	return nil, false
}

func (r *reader) goTypeName(obj *types.TypeName, args *types.TypeList, u use) (*spec.GoType, bool) {
	g := &spec.GoType{Name: obj.Name()}
	if obj.Pkg() != nil && obj.Pkg() != r.pkg {
		g.Path = obj.Pkg().Path()
	}
	var ok bool
	g.Args, ok = r.goTypes(args, u)
	return g, ok
}

func (r *reader) goTypes(list *types.TypeList, u use) (types []*spec.GoType, ok bool) {
	for t := range list.Types() {
		g, ok := r.goType(t, u)
		if !ok {
			return nil, false
		}
		types = append(types, g)
	}
	return types, true
}

// instanceName makes up a name for a generic type with arguments: Page[Item] is PageOfItem.
func (r *reader) instanceName(t *types.Named) string {
	const most = 80
	name := t.Obj().Name() + "Of"
	for i := range t.TypeArgs().Len() {
		if i > 0 {
			name += "And"
		}
		name += argumentName(t.TypeArgs().At(i))
	}
	if len(name) > most {
		return t.Obj().Name() + "Of" + strconv.Itoa(len(r.w.Types)) // which addType makes sure is free
	}
	return name
}

func argumentName(t types.Type) string {
	switch t := types.Unalias(t).(type) {
	case *types.Basic:
		return spec.GoName(t.Name())
	case *types.Named:
		name := spec.GoName(t.Obj().Name())
		for arg := range t.TypeArgs().Types() {
			name += argumentName(arg)
		}
		return name
	case *types.Pointer:
		return "Optional" + argumentName(t.Elem())
	case *types.Slice:
		return "List" + argumentName(t.Elem())
	case *types.Array:
		return "Array" + strconv.FormatInt(t.Len(), 10) + argumentName(t.Elem())
	case *types.Map:
		return "Map" + argumentName(t.Elem())
	}
	return "Other"
}

// reserve keeps the names of types apart from those of messages, with which they share functions of the codec.
func (r *reader) reserve() {
	for _, t := range r.types {
		for _, d := range t.directives {
			r.taken[t.name.Name] = r.taken[t.name.Name] || d.isMessage()
		}
	}
}

// addType gives a type a name that no other has, near its own, and adds it. plain says that its own is the one by which Go
// code refers to it.
func (r *reader) addType(t *spec.Type, own string, plain bool) {
	name := own
	if !spec.IsTypeName(own) {
		name = cmp.Or(spec.GoName(own), "Type")
	}
	if !token.IsExported(name) {
		name = "Type" + name
	}
	base := name
	for n := 2; r.taken[name] || spec.IsReserved(name); n++ {
		name = base + strconv.Itoa(n)
	}
	r.taken[name] = true
	t.Name = spec.Name{Text: name, Pos: t.Pos}
	if plain && name == own {
		t.As = nil
	}
	r.w.Types = append(r.w.Types, t)
}

// declaredTypes adds the types that only a directive makes a part of the declaration, and sorts all of them: those of the
// package come in the order of the source, the others where they are used first.
func (r *reader) declaredTypes() {
	for _, t := range r.types {
		d := t.take("type")
		if d == nil {
			continue
		}
		r.words(d, "type "+quoted(t.name.Name), nil)
		obj, _ := r.info.Defs[t.name].(*types.TypeName)
		switch {
		case obj == nil:
		case t.spec.(*ast.TypeSpec).TypeParams != nil:
			r.report(d.pos, diagnostic.MisplacedDirective, "%s has type parameters, so it is many types; use one of them in a field instead", t.name.Name)
		default:
			ref := r.typeRef(obj.Type(), use{t.name.Pos(), "type " + quoted(t.name.Name)})
			if ref.Kind != 0 && ref.Kind != spec.Declared {
				r.report(d.pos, diagnostic.MisplacedDirective, "%s is neither a struct nor an enum, nor of another package, so fields need no declaration of it; remove the directive", t.name.Name)
			}
		}
	}
	slices.SortStableFunc(r.w.Types, func(a, b *spec.Type) int { return a.Pos.Compare(b.Pos) })
}
