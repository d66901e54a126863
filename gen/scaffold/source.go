package scaffold

import (
	"bytes"
	"errors"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/internal/buildtags"
	"github.com/ironflow-gen/ironflow/gen/internal/capture"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// Source is a Go file.
type Source struct {
	Path    string // as the user is to see it
	Content []byte
}

// Name is the path without its directory.
func (s Source) Name() string { return filepath.Base(s.Path) }

// at is the place of a byte. The lines that a //line comment makes up are about other files than the one to be changed.
func (s Source) at(offset int) spec.Pos {
	before := s.Content[:min(offset, len(s.Content))]
	if len(before) == len(s.Content) { // the end is shown behind the last line, not below it
		before = bytes.TrimRight(before, "\r\n")
	}
	return spec.Pos{File: s.Path, Line: 1 + bytes.Count(before, []byte("\n")), Col: len(before) - bytes.LastIndexByte(before, '\n')}
}

// Package is the Go package of a workflow: what is generated for it, and the user's own files. It is read as text, without
// types: they are not known while generated code is missing or out of date.
type Package struct {
	w         *spec.Workflow
	own       []Source // all, also those that are no part of the package
	contract  contract
	generated map[string]string // names that generated files declare at package level, with the file
	sources   []Source          // that are generated

	set     *token.FileSet
	files   []*file
	names   map[string][]*ast.Ident         // functions, types, variables and constants
	types   map[string][]typeDecl           // the types among them
	methods map[string]map[string][]*method // of the types, by their names
}

// file is one of the user's that belongs to the package.
type file struct {
	Source
	syntax  *ast.File
	test    bool
	build   string // the constraint that it is built under, from its text and its name; "" when there is none
	imports map[string]string
}

type typeDecl struct {
	*ast.TypeSpec
	file *file
}

// method is one of the user's.
type method struct {
	*ast.FuncDecl
	file *file
}

// Read reads the package of a valid workflow: the user's files, and what is generated beside them.
func Read(w *spec.Workflow, generated, own []Source) (*Package, error) {
	p, err := ReadOwn(w, own)
	if err != nil {
		return nil, err
	}
	return p, p.AddGenerated(generated)
}

// ReadOwn reads the user's files in the package of a valid workflow. One that does not parse is an error, a
// [diagnostic.Errors]: nobody can tell what it declares, so nothing can be said of the package. So is one that declares a name
// of Go itself which generated code uses. Files that are in no build, or say of no package that they belong to it, are passed
// over.
func ReadOwn(w *spec.Workflow, own []Source) (*Package, error) {
	p := &Package{
		w: w, own: own, generated: make(map[string]string), set: token.NewFileSet(),
		names: make(map[string][]*ast.Ident), types: make(map[string][]typeDecl), methods: make(map[string]map[string][]*method),
	}
	var broken diagnostic.List
	for _, s := range own {
		if IsPassedOver(s) {
			continue
		}
		syntax, err := parser.ParseFile(p.set, s.Path, s.Content, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			reportBroken(&broken, s, err)
			continue
		}
		if syntax.Name.Name == w.Package.Text {
			p.add(&file{Source: s, syntax: syntax, test: strings.HasSuffix(s.Name(), "_test.go"), build: buildtags.Of(s.Name(), s.Content)})
		}
	}
	for _, name := range capture.Predeclared {
		for _, id := range p.names[name] {
			broken.Report(p.pos(id), diagnostic.HiddenName, "%s is declared here, which hides the %s of Go from generated code in this package; rename it", name, name)
		}
	}
	return p, broken.Err()
}

// AddGenerated reads what is generated for the package.
func (p *Package) AddGenerated(generated []Source) error {
	p.sources = generated
	for _, s := range generated {
		p.addGenerated(s)
	}
	var err error
	p.contract, err = readContract(generated)
	return err
}

// Declares reports whether one of the user's files declares a name at package level.
func (p *Package) Declares(name string) bool { return len(p.names[name]) > 0 }

// IsPassedOver reports whether a file is no part of any package: the go command does not look at it, a constraint leaves it
// out of every build, or there is nothing in it but comments.
func IsPassedOver(s Source) bool {
	return strings.HasPrefix(s.Name(), "_") || strings.HasPrefix(s.Name(), ".") || buildtags.IsIgnored(s.Content) || IsBlank(s.Content)
}

// IsBlank reports whether a file has nothing in it but comments.
func IsBlank(content []byte) bool {
	var s scanner.Scanner
	s.Init(token.NewFileSet().AddFile("", -1, len(content)), content, nil, 0)
	_, tok, _ := s.Scan()
	return tok == token.EOF
}

// maxSyntaxErrors is how many syntax errors of a file are told: those that follow are mostly caused by the first.
const maxSyntaxErrors = 3

func reportBroken(list *diagnostic.List, s Source, err error) {
	const consequence = "mend it first: until then nothing is generated, because nobody can tell what the file declares"
	var all scanner.ErrorList
	if !errors.As(err, &all) {
		list.Report(spec.Pos{File: s.Path, Line: 1, Col: 1}, diagnostic.BrokenFile, "%v; %s", err, consequence)
		return
	}
	for i, e := range all {
		if i == maxSyntaxErrors {
			break
		}
		pos := s.at(e.Pos.Offset)
		if isConflictMarker(s.Content, pos.Line) {
			list.Report(pos, diagnostic.BrokenFile, "a merge has left a conflict here; %s", consequence)
			break
		}
		list.Report(pos, diagnostic.BrokenFile, "this does not parse: %s; %s", e.Msg, consequence)
	}
}

func isConflictMarker(content []byte, line int) bool {
	lines := bytes.SplitN(content, []byte("\n"), line+1)
	return line <= len(lines) && bytes.HasPrefix(lines[line-1], []byte("<<<<<<<"))
}

// add notes what a file declares.
func (p *Package) add(f *file) {
	p.files = append(p.files, f)
	f.imports = make(map[string]string)
	for _, spec := range f.syntax.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the parser has seen to it
		}
		switch name := importName(spec, path); name {
		case "_", ".":
		default:
			f.imports[name] = path
		}
	}
	for _, decl := range f.syntax.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			p.addFunc(decl, f)
		case *ast.GenDecl:
			for _, s := range decl.Specs {
				p.addSpec(s, f)
			}
		}
	}
}

func (p *Package) addFunc(decl *ast.FuncDecl, f *file) {
	if decl.Recv == nil {
		p.addName(decl.Name)
		return
	}
	if len(decl.Recv.List) != 1 {
		return
	}
	name, _ := baseType(decl.Recv.List[0].Type)
	if p.methods[name] == nil {
		p.methods[name] = make(map[string][]*method)
	}
	p.methods[name][decl.Name.Name] = append(p.methods[name][decl.Name.Name], &method{decl, f})
}

func (p *Package) addSpec(s ast.Spec, f *file) {
	switch s := s.(type) {
	case *ast.TypeSpec:
		p.addName(s.Name)
		p.types[s.Name.Name] = append(p.types[s.Name.Name], typeDecl{s, f})
	case *ast.ValueSpec:
		for _, name := range s.Names {
			p.addName(name)
		}
	}
}

func (p *Package) addName(id *ast.Ident) {
	if id.Name != "_" && id.Name != "init" {
		p.names[id.Name] = append(p.names[id.Name], id)
	}
}

// fileOf names the file, without directory, in which the user declares a name.
func (p *Package) fileOf(name string) (file string, ok bool) {
	ids := p.names[name]
	if len(ids) == 0 {
		return "", false
	}
	return filepath.Base(p.pos(ids[0]).File), true
}

// importerOf names the file, without directory, that sees an imported package under a name.
func (p *Package) importerOf(name string) (file string, ok bool) {
	for _, f := range p.files {
		for _, s := range f.syntax.Imports {
			if path, _ := strconv.Unquote(s.Path.Value); importName(s, path) == name { // the parser has seen to it
				return filepath.Base(p.pos(s).File), true
			}
		}
	}
	return "", false
}

// pos is the place of something in the user's files.
func (p *Package) pos(n ast.Node) spec.Pos {
	at := p.set.PositionFor(n.Pos(), false) // a //line comment is about the code, not about the file that is to be changed
	return spec.Pos{File: at.Filename, Line: at.Line, Col: at.Column}
}

// importName returns the name under which a file sees a package.
func importName(spec *ast.ImportSpec, path string) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	return defaultName(path)
}

// defaultName guesses the name of a package from its path: the last part that is no major version.
func defaultName(path string) string {
	parts := strings.Split(path, "/")
	last := parts[len(parts)-1]
	if len(parts) > 1 && len(last) > 1 && last[0] == 'v' && strings.Trim(last[1:], "0123456789") == "" {
		return parts[len(parts)-2]
	}
	return last
}

// baseType returns the name of a type or of what it points to, "" for one that has no name in this package.
func baseType(expr ast.Expr) (name string, pointer bool) {
	expr = ast.Unparen(expr)
	if star, ok := expr.(*ast.StarExpr); ok {
		name, _ = baseType(star.X)
		return name, true
	}
	if id, ok := withoutArguments(expr).(*ast.Ident); ok {
		return id.Name, false
	}
	return "", false
}

// withoutArguments returns the generic type of an instantiated one.
func withoutArguments(expr ast.Expr) ast.Expr {
	switch t := ast.Unparen(expr).(type) {
	case *ast.IndexExpr:
		return t.X
	case *ast.IndexListExpr:
		return t.X
	default:
		return t
	}
}
