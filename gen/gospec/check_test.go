package gospec_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"

	"github.com/ironflow-gen/ironflow/gen/convert"
	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/emit"
	"github.com/ironflow-gen/ironflow/gen/gospec"
	"github.com/ironflow-gen/ironflow/gen/internal/samemodel"
	"github.com/ironflow-gen/ironflow/gen/spec"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

// checkResult checks what has become of a package of one file: each mistake has a place; what is accepted generates code
// that compiles and, where YAML can say it, means the same in YAML.
func checkResult(t *testing.T, result gospec.Result, p gospec.Package, known imports) (accepted bool) {
	t.Helper()
	file, source := p.Files[0].Name, p.Files[0].Content
	if result.Err != nil {
		var list diagnostic.Errors
		if !errors.As(result.Err, &list) {
			t.Fatalf("%v\n%s", result.Err, source)
		}
		for _, d := range list {
			if d.Pos.File != filepath.Join(p.Dir, file) || d.Pos.Line < 1 || d.Pos.Col < 1 || d.Message == "" {
				t.Errorf("%+v has no place or says nothing\n%s", d, source)
			}
		}
		return false
	}
	files, err := emit.Files(result.Workflow)
	if err != nil {
		t.Fatalf("%v\n%s", err, source)
	}
	compile(t, known, p, files)
	yaml, err := convert.YAML(result.Workflow)
	if err != nil {
		return true
	}
	w, err := yamlspec.Parse("w.ironflow.yaml", yaml)
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, yaml, source)
	}
	for _, w := range []*spec.Workflow{w, result.Workflow} {
		samemodel.Reflow(w)
	}
	if diff := samemodel.Diff(result.Workflow, w); diff != "" {
		t.Errorf("YAML differs: %s\n%s\n%s", diff, yaml, source)
	}
	return true
}

// compile checks the types of a package with the code that is generated for it.
func compile(t *testing.T, known imports, p gospec.Package, generated []emit.File) {
	t.Helper()
	set := token.NewFileSet()
	var files []*ast.File
	add := func(name string, content []byte) {
		file, err := parser.ParseFile(set, name, content, parser.SkipObjectResolution)
		if err != nil {
			t.Fatalf("%v\n%s\n%s", err, content, p.Files[0].Content)
		}
		files = append(files, file)
	}
	for _, f := range p.Files {
		add(f.Name, f.Content)
	}
	for _, f := range generated {
		if !strings.HasSuffix(f.Name, "_test.go") {
			add(f.Name, f.Content)
		}
	}
	config := types.Config{Importer: known, Error: func(err error) {
		t.Errorf("generated code does not compile: %v\n%s", err, p.Files[0].Content)
	}}
	config.Check("example.com/w", set, files, nil)
}

// imports are packages by their paths.
type imports map[string]*types.Package

func (i imports) Import(path string) (*types.Package, error) {
	if p := i[path]; p != nil {
		return p, nil
	}
	return nil, errors.New("the test does not know this package")
}

// generatedImports loads what the generated files of this repository import, and others.
func generatedImports(t testing.TB, others ...string) imports {
	t.Helper()
	paths := make(map[string]bool)
	for _, path := range others {
		paths[path] = true
	}
	files, err := filepath.Glob("../emit/internal/*/*_ironflow.go")
	if err != nil || len(files) == 0 {
		t.Fatal("no generated files", err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range file.Imports {
			path, _ := strconv.Unquote(i.Path.Value)
			paths[path] = true
		}
	}
	list, err := packages.Load(&packages.Config{Mode: packages.NeedName | packages.NeedTypes}, slices.Sorted(maps.Keys(paths))...)
	if err != nil {
		t.Fatal(err)
	}
	known := make(imports)
	for _, p := range list {
		known[p.PkgPath] = p.Types
	}
	return known
}
