// Package ironflowtest helps to test workflows. Use it in test files: it reports mistakes to a testing.TB.
package ironflowtest

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// marker is the generated function that stubs call, and nothing else does.
const marker = "unfinished"

// Unfinished fails the test if the tested package still has stubs, which "ironflow-gen generate -stubs" adds. It names each stub with its
// file and line. It reads the package's Go files from the working directory, where "go test" runs a test, and skips the test if the files
// are not there. Files that the build leaves out do not count. Generated code calls it.
func Unfinished(t testing.TB) {
	t.Helper()
	stubs, read, err := stubsIn(".")
	switch {
	case err != nil:
		t.Fatalf("looking for stubs: %v", err)
	case read == 0:
		t.Skip("the package's Go files are not in the working directory, so nobody can look for stubs in them")
	}
	for _, s := range stubs {
		t.Errorf("%s:%d: %s is not written yet; write it in place of the stub", s.file, s.line, s.method)
	}
}

// stub is a method that is yet to be written.
type stub struct {
	file   string
	line   int
	method string // with its type, when it has one
}

// stubsIn looks for stubs in the files of a directory that "go build" would compile, and returns how many it has read.
func stubsIn(dir string) (stubs []stub, read int, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, 0, err
	}
	files := token.NewFileSet()
	for _, e := range entries {
		name := e.Name()
		if filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		if match, err := build.Default.MatchFile(dir, name); err != nil || !match {
			continue // what cannot be read is no part of the package that has just been compiled
		}
		f, err := parser.ParseFile(files, filepath.Join(dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, 0, err
		}
		read++
		for _, decl := range f.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Body == nil || !callsMarker(fn.Body) {
				continue
			}
			stubs = append(stubs, stub{name, files.Position(fn.Name.Pos()).Line, methodName(fn)})
		}
	}
	slices.SortFunc(stubs, func(a, b stub) int { return cmp.Or(strings.Compare(a.file, b.file), a.line-b.line) })
	return stubs, read, nil
}

func callsMarker(body *ast.BlockStmt) bool {
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			fn, ok := ast.Unparen(call.Fun).(*ast.Ident)
			found = found || ok && fn.Name == marker
		}
		return !found
	})
	return found
}

// methodName writes a method with its type: "Decider.Pay".
func methodName(fn *ast.FuncDecl) string {
	if fn.Recv == nil || len(fn.Recv.List) != 1 {
		return fn.Name.Name
	}
	receiver := ast.Unparen(fn.Recv.List[0].Type)
	if star, ok := receiver.(*ast.StarExpr); ok {
		receiver = ast.Unparen(star.X)
	}
	switch generic := receiver.(type) {
	case *ast.IndexExpr:
		receiver = generic.X
	case *ast.IndexListExpr:
		receiver = generic.X
	}
	if id, ok := receiver.(*ast.Ident); ok {
		return fmt.Sprintf("%s.%s", id.Name, fn.Name.Name)
	}
	return fn.Name.Name
}
