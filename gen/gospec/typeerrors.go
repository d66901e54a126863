package gospec

import (
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/internal/capture"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// typeErrors reports the errors in the user's code but for those that generated code will mend. While the declaration has
// mistakes, nobody can tell what will be generated, so only errors in declarations count then.
func (r *reader) typeErrors() {
	generated := spec.GeneratedIdentifiers(r.w)
	complete := r.d.Empty()
	isAwaited := func(e types.Error) bool {
		name, undefined := strings.CutPrefix(e.Msg, "undefined: ")
		_, willBe := generated[name]
		return undefined && (willBe || !complete && token.IsExported(name) || r.isElsewhere(e.Pos, name))
	}
	waiting := make(map[*ast.FuncDecl]bool) // functions that use what is not generated yet
	for _, e := range r.errs {
		if isAwaited(e) {
			waiting[r.function(e.Pos)] = true
		}
	}
	reported := false
	for _, e := range r.errs {
		switch {
		case isAwaited(e):
		case e.Msg == "missing return" && waiting[r.function(e.Pos)]: // the checker takes a panic with it for no panic
		case e.Soft && len(r.errs) > 1 && r.isMentioned(e.Pos) && (r.function(e.Pos) == nil || waiting[r.function(e.Pos)]):
			// It may follow from what is not generated yet.
		case !complete && r.function(e.Pos) != nil:
		case strings.Contains(e.Msg, runtimeModule) && strings.HasPrefix(e.Msg, "could not import"):
			// The module gets it together with the generated code.
		default:
			reported = true
			r.report(e.Pos, diagnostic.GoError, "%s", strings.Join(strings.Fields(e.Msg), " "))
		}
	}
	if reported || !complete {
		return
	}
	for _, u := range r.invalid {
		if r.isOfC(u.pos) {
			r.report(u.pos, diagnostic.UnsupportedGoType, "%s has a type of cgo, which generated code cannot import; use a type of Go, like int64", u.what)
			continue
		}
		r.report(u.pos, diagnostic.UnsupportedGoType, "%s has a type that is generated, or made of one; a declaration can only use types that are there before", u.what)
	}
}

// isOfC reports whether the type of the field at a place belongs to cgo, as C.int does.
func (r *reader) isOfC(pos token.Pos) bool {
	ofC := false
	for n := range ast.Preorder(r.fileOf(pos)) {
		field, ok := n.(*ast.Field)
		if !ok || pos < field.Pos() || field.End() <= pos {
			continue
		}
		for inner := range ast.Preorder(field.Type) {
			if s, ok := inner.(*ast.SelectorExpr); ok {
				id, ok := s.X.(*ast.Ident)
				ofC = ofC || ok && id.Name == "C"
			}
		}
	}
	return ofC
}

// isMentioned reports whether the import or the variable at a place is mentioned elsewhere in its file. The checker may not have come
// that far.
func (r *reader) isMentioned(pos token.Pos) bool {
	file := r.fileOf(pos)
	if file == nil {
		return true
	}
	imported := make(map[*ast.Ident]bool)
	name := ""
	for _, i := range file.Imports {
		imported[i.Name] = true
		if pos < i.Pos() || i.End() <= pos {
			continue
		}
		path, _ := strconv.Unquote(i.Path.Value)
		for _, p := range r.pkg.Imports() {
			if p.Path() == path {
				name = p.Name()
			}
		}
		if i.Name != nil {
			name = i.Name.Name
		}
	}
	var ids []*ast.Ident
	for n := range ast.Preorder(file) {
		if id, ok := n.(*ast.Ident); ok && !imported[id] {
			ids = append(ids, id)
			if id.Pos() == pos {
				name = id.Name
			}
		}
	}
	return name == "" || slices.ContainsFunc(ids, func(id *ast.Ident) bool { return id.Name == name && id.Pos() != pos })
}

// isElsewhere reports whether a name, as in order.Client, may be generated for another package that is not complete yet.
func (r *reader) isElsewhere(pos token.Pos, name string) bool {
	qualifier, _, ok := strings.Cut(name, ".")
	file := r.fileOf(pos)
	if !ok || file == nil {
		return false
	}
	for _, i := range file.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		called, unfinished := r.unfinished[path]
		if i.Name != nil {
			called = i.Name.Name
		}
		if unfinished && called == qualifier {
			return true
		}
	}
	return false
}

// runtimeModule begins the path of the packages that generated code imports.
const runtimeModule = "github.com/ironflow-gen/ironflow/"

// function returns the function or method that a place is in, or nil.
func (r *reader) function(pos token.Pos) *ast.FuncDecl {
	file := r.fileOf(pos)
	if file == nil {
		return nil
	}
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Pos() <= pos && pos < f.End() {
			return f
		}
	}
	return nil
}

// hidden reports package-level declarations that hide a name of Go. Other mistakes, and the errors of the compiler, may only
// follow from them.
func (s *source) hidden() {
	if s.pkg == nil {
		return
	}
	for _, name := range capture.Predeclared {
		if obj := s.pkg.Scope().Lookup(name); obj != nil {
			s.report(obj.Pos(), diagnostic.HiddenName, "%s is declared here, which hides the %s of Go from generated code in this package; rename it", name, name)
		}
	}
}

// collisions reports declarations of the user's that have the names of generated ones.
func (r *reader) collisions() {
	generated := spec.GeneratedIdentifiers(r.w)
	for name, of := range generated {
		obj := r.pkg.Scope().Lookup(name)
		if obj == nil || r.isMessage(obj) {
			continue
		}
		if of == "" {
			of = "every workflow"
		}
		r.report(obj.Pos(), diagnostic.IdentifierCollision, "%s is declared here, and a declaration of this name is generated for %s; rename yours", name, of)
	}
	r.dotImports(generated)
}

// dotImports reports imports that bring a name of generated code into a file.
func (r *reader) dotImports(generated map[string]string) {
	for _, file := range r.files {
		for _, i := range file.Imports {
			if i.Name == nil || i.Name.Name != "." {
				continue
			}
			path, _ := strconv.Unquote(i.Path.Value)
			for _, name := range slices.Sorted(maps.Keys(generated)) {
				obj := r.info.Scopes[file].Lookup(name)
				if obj != nil && obj.Pkg() != nil && obj.Pkg().Path() == path {
					r.report(i.Pos(), diagnostic.IdentifierCollision, "this import brings %s into the file, and a declaration of this name is generated; import the package under a name", name)
					break
				}
			}
		}
	}
}

// isMessage reports whether an object is the type of a message, about whose name the model's checks have their say.
func (r *reader) isMessage(obj types.Object) bool {
	d := r.declarationOf(obj)
	return d != nil && slices.ContainsFunc(d.directives, (*directive).isMessage)
}
