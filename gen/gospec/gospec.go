// Package gospec reads workflow declarations written as annotated Go types.
//
// [Load] turns a package in which a struct says //ironflow:workflow into a [spec.Workflow], the same as gen/yamlspec makes of
// a file, and reports every mistake in it at once, each with its position. The types of the package are the user's: what is
// generated from the model uses them, so the model has their Go names. What a declaration means is checked by
// [spec.Validate]; this package only checks how it is written.
//
// The package need not compile, as it cannot before the rest of it is generated. So it is parsed and checked here, from the
// files that are not generated, and the go command is only asked for the compiled types of what they import. Errors in the
// user's code that generated code will not mend are mistakes like others.
package gospec

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"

	"golang.org/x/tools/go/types/typeutil"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// Package is the Go code of one directory.
type Package struct {
	Dir   string // as given by the user; positions begin with it
	Path  string // the import path; found out from go.mod when it is empty
	Files []File // without tests and without what ironflow-gen has generated
}

// File is a Go file.
type File struct {
	Name    string // without directory
	Content []byte
}

// Result is what Load makes of a package. When there are mistakes, Err is a [diagnostic.Errors] with all of them and there is
// no workflow.
type Result struct {
	Workflow *spec.Workflow
	Err      error
}

// Load reads packages, each of which should declare a workflow. It runs the go command once for each module; the
// results are in the order of the packages.
func Load(packages []Package) []Result {
	loaded := load(packages)
	results := make([]Result, len(packages))
	for i, p := range loaded {
		if results[i].Err = p.failure; p.failure != nil {
			continue
		}
		w := read(p)
		if results[i].Err = p.d.Err(); results[i].Err == nil {
			results[i].Workflow = w
		}
	}
	return results
}

// Declares reports whether a Go file has a directive that makes its package a declaration, and where. The file may be
// anything.
func Declares(content []byte) (line, col int, ok bool) { return findDirective(content, "workflow") }

// HasDirectives reports whether a Go file has any directive of a declaration, and where the first is. The file may be anything.
func HasDirectives(content []byte) (line, col int, ok bool) { return findDirective(content, names...) }

// findDirective finds the first directive of one of some names.
func findDirective(content []byte, names ...string) (line, col int, ok bool) {
	if !mayHave(content, names) {
		return 0, 0, false
	}
	// It may also be a part of a text.
	set := token.NewFileSet()
	file, _ := parser.ParseFile(set, "", content, parser.ParseComments|parser.SkipObjectResolution)
	if file == nil {
		return 0, 0, false
	}
	for _, group := range file.Comments {
		for _, c := range group.List {
			if d, ok := ast.ParseDirective(c.Slash, c.Text); ok && d.Tool == tool && slices.Contains(names, d.Name) {
				at := set.PositionFor(c.Slash, false)
				return at.Line, at.Column, true
			}
		}
	}
	return 0, 0, false
}

// mayHave reports whether a line of a file begins like a directive of one of some names.
func mayHave(content []byte, names []string) bool {
	mark := []byte("//" + tool + ":")
	for rest := content; ; {
		at := bytes.Index(rest, mark)
		if at < 0 {
			return false
		}
		line := rest[bytes.LastIndexByte(rest[:at], '\n')+1 : at]
		rest = rest[at+len(mark):]
		if len(bytes.TrimSpace(line)) == 0 && slices.ContainsFunc(names, func(name string) bool { return bytes.HasPrefix(rest, []byte(name)) }) {
			return true
		}
	}
}

// reader makes the model of one package.
type reader struct {
	*source
	w *spec.Workflow

	types     []*declared // of the package, in the order of their positions, as all of these
	constants []*declared
	free      []free
	vague     bool // a directive could not be understood, so anything may be declared

	status    *types.TypeName       // the type of the states; nil without states
	declared  typeutil.Map          // types to the *spec.Type that was made of them
	aliases   map[string]*spec.Type // by the names of aliases
	taken     map[string]bool       // names of types
	depth     int                   // of defined types that are made of others
	invalid   []unknown
	astFields map[token.Pos]*ast.Field
}

// unknown is a use of a type that does not exist, be it that it is yet to be generated.
type unknown struct {
	pos  token.Pos
	what string
}

// at returns the position of a token.
func (s *source) at(pos token.Pos) spec.Pos {
	p := s.fset.PositionFor(pos, false)
	return spec.Pos{File: p.Filename, Line: p.Line, Col: p.Column}
}

func (s *source) report(pos token.Pos, code diagnostic.Code, format string, args ...any) *diagnostic.Diagnostic {
	return s.d.Report(s.at(pos), code, format, args...)
}

// read makes the model of a package and checks it.
func read(s *source) *spec.Workflow {
	if !s.d.Empty() { // it does not parse
		return nil
	}
	if s.hidden(); !s.d.Empty() {
		return nil
	}
	r := &reader{
		source: s, w: &spec.Workflow{Form: spec.Go},
		aliases: make(map[string]*spec.Type), taken: make(map[string]bool),
	}
	r.collect()
	if !r.workflow() {
		r.typeErrors()
		return nil
	}
	r.unused()
	spec.Validate(r.w, &s.d)
	r.collisions()
	r.constrained()
	r.typeErrors()
	return r.w
}

// file is how a file of the package is called in positions.
func (p Package) file(name string) string { return filepath.Join(p.Dir, name) }

func quoted(text string) string { return fmt.Sprintf("%q", text) }
