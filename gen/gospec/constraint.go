package gospec

import (
	"go/token"
	"path/filepath"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/internal/buildtags"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// A declaration is the same on every machine, and so is the code that is generated from it. What is built only sometimes can be no
// part of either.

// constraint reports a file with directives that has a build constraint, whether it is built on this machine or not.
func (s *source) constraint(f File) {
	build := buildtags.Of(f.Name, f.Content)
	if build == "" {
		return
	}
	if line, col, ok := HasDirectives(f.Content); ok {
		s.d.Report(spec.Pos{File: s.file(f.Name), Line: line, Col: col}, diagnostic.ConstrainedDeclaration,
			"this file is built only with %q, and the code that is generated from its directives is built always; remove the constraint, or move the directives to a file without one", build)
	}
}

// constrained reports the types and constants of the declaration that are in files with a build constraint.
func (r *reader) constrained() {
	seen := make(map[string]bool)
	check := func(name string) {
		obj := r.pkg.Scope().Lookup(name)
		if obj == nil || seen[name] {
			return
		}
		seen[name] = true
		if build := r.buildOf(obj.Pos()); build != "" {
			r.report(obj.Pos(), diagnostic.ConstrainedDeclaration,
				"%s is declared in a file that is built only with %q, and generated code that uses it is built always; move it to a file without a constraint", name, build)
		}
	}
	var checkType func(t *spec.GoType)
	checkType = func(t *spec.GoType) {
		if t.Path == "" {
			check(t.Name)
		}
		for _, arg := range t.Args {
			checkType(arg)
		}
	}
	checkFields := func(fields []*spec.Field) {
		for _, f := range fields {
			for ref := &f.Type; ref != nil; ref = ref.Elem {
				if ref.As != nil {
					checkType(ref.As)
				}
			}
			if build := r.buildOfFile(f.Name.Pos.File); build != "" { // of a struct that is embedded
				r.d.Report(f.Name.Pos, diagnostic.ConstrainedDeclaration,
					"field %q is in a file that is built only with %q, and generated code that uses it is built always; move its struct to a file without a constraint", f.Name.Text, build)
			}
		}
	}
	check(r.w.StateType)
	check(r.w.StatusType)
	checkFields(r.w.State)
	for _, m := range r.w.Messages() {
		check(m.Name.Text)
		checkFields(m.Fields)
	}
	for _, t := range r.w.Types {
		check(t.Name.Text)
		if t.As != nil {
			checkType(t.As)
		}
		for _, v := range t.Values {
			check(v.GoName)
		}
	}
	for _, s := range r.w.States {
		check(s.GoName)
	}
}

func (r *reader) buildOf(pos token.Pos) string { return r.buildOfFile(r.at(pos).File) }

// buildOfFile returns the constraint of a file of the package.
func (r *reader) buildOfFile(path string) string {
	for _, f := range r.Files {
		if r.file(f.Name) == path {
			return buildtags.Of(filepath.Base(path), f.Content)
		}
	}
	return ""
}
