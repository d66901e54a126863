package gospec

import (
	"go/ast"
	"go/token"
	"go/types"
	"reflect"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// fields reads the fields of a struct, with those of the structs that it embeds. owner names it in messages, prefix is the
// path to an embedded one. pos is where the fields are said to be when the struct is of another package; otherwise each has
// its own.
func (r *reader) fields(st *types.Struct, owner, prefix string, pos token.Pos) []*spec.Field {
	return r.fieldsBut(nil, st, owner, prefix, pos)
}

// fieldsBut is fields without one of them.
func (r *reader) fieldsBut(but *types.Var, st *types.Struct, owner, prefix string, pos token.Pos) []*spec.Field {
	list := r.fieldList(but, st, owner, prefix, pos)
	names := make(map[string]bool)
	for _, f := range list {
		if n := f.Name; names[n.Text] && n.StoredAs != "" {
			f.Name = spec.Name{Text: n.StoredAs, Pos: n.Pos}
		}
		names[f.Name.Text] = true
	}
	return list
}

func (r *reader) fieldList(but *types.Var, st *types.Struct, owner, prefix string, pos token.Pos) []*spec.Field {
	var list []*spec.Field
	for i := range st.NumFields() {
		v := st.Field(i)
		if v == but || v.Name() == "_" {
			continue
		}
		f := goField{Var: v, pos: pos, owner: owner, path: prefix + v.Name()}
		f.json, f.options = jsonTag(st.Tag(i))
		if v.Pkg() == r.pkg {
			f.pos = v.Pos()
		}
		r.ironflowTag(&f, st.Tag(i))
		if inner := r.embedded(&f); inner != nil {
			list = append(list, r.fieldList(nil, inner, owner, f.path+".", f.pos)...)
			continue
		}
		list = append(list, r.field(&f))
	}
	return list
}

// fieldNamed returns the name of a field: that of its Go field in small letters, and the one in its tag as what it is stored under.
// The one in the tag is both where the Go name says the same, is no name of a declaration in YAML, or belongs to another field.
func fieldNamed(f *goField, pos spec.Pos) spec.Name {
	snake := spec.SnakeName(f.Name())
	switch {
	case f.json == "" || f.json == snake:
		return spec.Name{Text: snake, Pos: pos}
	case !spec.IsSnake(snake), spec.IsSnake(f.json) && strings.EqualFold(strings.ReplaceAll(f.json, "_", ""), f.Name()):
		return spec.Name{Text: f.json, Pos: pos}
	}
	return spec.Name{Text: snake, Pos: pos, StoredAs: f.json, AsPos: pos}
}

// goField is a field of a struct.
type goField struct {
	*types.Var
	pos     token.Pos
	owner   string   // of messages
	path    string   // from the struct that embeds its struct
	json    string   // the name in its tag
	options []string // the rest of that tag
	decimal bool     // its strings are decimals

	personal, notPersonal bool

	byDefault, was spec.Name
}

// what names the field in messages.
func (f *goField) what() string { return "field " + f.path + " of " + f.owner }

// embedded returns the struct whose fields take the place of an embedded one, nil for a field that has a value of its own.
func (r *reader) embedded(f *goField) *types.Struct {
	if !f.Embedded() || f.json != "" {
		return nil
	}
	t := types.Unalias(f.Type())
	if p, ok := t.(*types.Pointer); ok {
		if _, ok := p.Elem().Underlying().(*types.Struct); ok && !hasJSON(p.Elem()) {
			r.report(f.pos, diagnostic.NotStored, "%s is an embedded pointer, and nobody can tell an empty one from none when it is read; embed %s itself, or give it a name",
				f.what(), f.Name())
		}
		return nil
	}
	if st, ok := t.Underlying().(*types.Struct); ok && !hasJSON(t) && !isScalar(t) {
		return st
	}
	return nil
}

// field reads a field that is stored.
func (r *reader) field(f *goField) *spec.Field {
	name := spec.Name{Text: f.json, Pos: r.at(f.pos)}
	switch {
	case f.json == "-" && len(f.options) == 0:
		r.report(f.pos, diagnostic.NotStored, `%s has the tag json:"-", so it would be gone when its struct is read again; store it, or keep it out of the struct`, f.what())
		return &spec.Field{Name: spec.Name{Pos: name.Pos}}
	case !f.Exported():
		r.report(f.pos, diagnostic.NotStored, "%s is not exported, so it would be gone when its struct is read again; export it, or keep it out of the struct", f.what())
		return &spec.Field{Name: spec.Name{Pos: name.Pos}}
	case slices.Contains(f.options, "string"):
		r.report(f.pos, diagnostic.FieldTag, `%s has the option "string" in its tag, which is not supported; declare it as a string`, f.what())
	case f.json == "" && strings.ContainsFunc(f.Name(), func(c rune) bool { return c > '~' }):
		r.report(f.pos, diagnostic.NotASCII, "%s is called in JSON by its name, which has letters outside of ASCII; name it in its tag, like `json:\"size\"`", f.what())
		return &spec.Field{Name: spec.Name{Pos: name.Pos}}
	}
	field := &spec.Field{Name: fieldNamed(f, name.Pos), GoName: f.path, Default: f.byDefault, Was: f.was, Personal: f.personal, PersonalPos: r.at(f.pos), NotPersonal: f.notPersonal}
	at := f.pos
	if ast := r.astField(f.Var); ast != nil {
		field.Doc = docText(ast.Doc, ast.Comment)
		at = ast.Type.Pos()
	}
	field.Type = r.typeRef(f.Type(), use{pos: at, what: f.what()})
	if f.decimal {
		r.decimal(f, &field.Type)
	}
	return field
}

// astField finds the source of a field, nil for one of another package.
func (r *reader) astField(v *types.Var) *ast.Field {
	if r.astFields == nil {
		r.astFields = make(map[token.Pos]*ast.Field)
		for _, file := range r.files {
			ast.Inspect(file, func(n ast.Node) bool {
				st, ok := n.(*ast.StructType)
				if !ok {
					return true
				}
				for _, f := range st.Fields.List {
					for _, name := range f.Names {
						r.astFields[name.Pos()] = f
					}
					if len(f.Names) == 0 {
						r.astFields[embeddedName(f.Type).Pos()] = f
					}
				}
				return true
			})
		}
	}
	if v.Pkg() != r.pkg {
		return nil
	}
	return r.astFields[v.Pos()]
}

// embeddedName is the part of an embedded type that names its field.
func embeddedName(t ast.Expr) ast.Expr {
	for {
		switch e := t.(type) {
		case *ast.StarExpr:
			t = e.X
		case *ast.ParenExpr:
			t = e.X
		case *ast.IndexExpr:
			t = e.X
		case *ast.IndexListExpr:
			t = e.X
		case *ast.SelectorExpr:
			return e.Sel
		default:
			return t
		}
	}
}

// jsonTag splits the tag that encoding/json reads.
func jsonTag(tag string) (name string, options []string) {
	parts := strings.Split(reflect.StructTag(tag).Get("json"), ",")
	return parts[0], parts[1:]
}

// ironflowTag reads the tag that tells a decimal from another string, whether the field is personal, what it was called, and what it is in rows
// without it, as in `ironflow:"decimal,was=price,default=0.50"`. The default stands last, because it may have commas.
func (r *reader) ironflowTag(f *goField, tag string) {
	text, ok := reflect.StructTag(tag).Lookup(tool)
	if !ok {
		return
	}
	text, byDefault, hasDefault := strings.Cut(","+text, ",default=")
	if hasDefault {
		f.byDefault = spec.Name{Text: byDefault, Pos: r.at(f.pos)}
	}
	for option := range strings.SplitSeq(text, ",") {
		was, isWas := strings.CutPrefix(option, "was=")
		switch {
		case option == "":
		case option == "decimal":
			f.decimal = true
		case option == "personal":
			f.personal = true
		case option == spec.NotPersonalOption:
			f.notPersonal = true
		case isWas && was != "":
			f.was = spec.Name{Text: was, Pos: r.at(f.pos)}
		default:
			r.report(f.pos, diagnostic.FieldTag, "%s has %q in its tag ironflow; it takes decimal, personal, personal=false, was=name and, as the last, default=value", f.what(), option)
		}
	}
}

// decimal makes a decimal of the strings in a type.
func (r *reader) decimal(f *goField, ref *spec.TypeRef) {
	ref = ref.Innermost()
	switch {
	case ref.Kind == spec.Scalar && ref.Name == "string":
		ref.Name = "decimal"
	case ref.Kind != 0:
		r.report(f.pos, diagnostic.FieldTag, "%s has the tag ironflow:\"decimal\" and holds no string; remove the tag", f.what())
	}
}
