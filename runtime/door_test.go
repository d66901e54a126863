package runtime_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// The package that programs import stays a door: names that a user calls, passes, matches or receives, and few files.
func TestDoorIsSmall(t *testing.T) {
	t.Parallel()
	const maxNames, maxFiles = 103, 27
	all, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	files := 0
	for _, name := range all {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		files++
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range file.Decls {
			names = append(names, exported(declared)...)
		}
	}
	if len(names) < 50 || len(names) > maxNames {
		t.Errorf("%d exported names, want at most %d: %q", len(names), maxNames, names)
	}
	if files < 10 || files > maxFiles {
		t.Errorf("%d files, want at most %d", files, maxFiles)
	}
}

// exported returns the exported names that a declaration makes in its package.
func exported(declared ast.Decl) (names []string) {
	add := func(name *ast.Ident) {
		if name.IsExported() {
			names = append(names, name.Name)
		}
	}
	switch d := declared.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			add(d.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				add(spec.Name)
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					add(name)
				}
			}
		}
	}
	return names
}
