// Package typecheck checks the types of packages that were generated, in the process of a test: hundreds of them take less
// than one run of "go vet".
package typecheck

import (
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/checker"
	"golang.org/x/tools/go/packages"
)

// Package checks the Go files of one package, given by their names, with its tests. It finds what the compiler would find.
// Imports are compiled by the go command when they are first needed, with the module of the working directory. Safe for
// concurrent use, but one package is checked at a time.
func Package(path string, files map[string][]byte) error {
	_, err := load(path, files, nil)
	return err
}

// Analyze does as [Package], and runs passes on a package without mistakes. They see no source but that of the package, and no
// facts about what it imports. What they find is in the error.
func Analyze(path string, files map[string][]byte, passes []*analysis.Analyzer) error {
	p, err := load(path, files, nil)
	if err != nil {
		return err
	}
	graph, err := checker.Analyze(passes, []*packages.Package{p}, nil)
	if err != nil {
		return err
	}
	var errs []error
	for _, action := range graph.Roots {
		if action.Err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", action.Analyzer.Name, action.Err))
		}
		for _, d := range action.Diagnostics {
			errs = append(errs, fmt.Errorf("%s: %s: %s", p.Fset.Position(d.Pos), action.Analyzer.Name, d.Message))
		}
	}
	return errors.Join(errs...)
}

// load parses a package and checks its types. It also knows the packages that are given, by their paths.
func load(path string, files map[string][]byte, invented map[string]*types.Package) (*packages.Package, error) {
	shared.Lock()
	defer shared.Unlock()
	p := &packages.Package{
		ID: path, PkgPath: path, Fset: token.NewFileSet(), TypesSizes: types.SizesFor("gc", runtime.GOARCH),
		TypesInfo: &types.Info{
			Types: make(map[ast.Expr]types.TypeAndValue), Instances: make(map[*ast.Ident]types.Instance),
			Defs: make(map[*ast.Ident]types.Object), Uses: make(map[*ast.Ident]types.Object), Implicits: make(map[ast.Node]types.Object),
			Selections: make(map[*ast.SelectorExpr]*types.Selection), Scopes: make(map[ast.Node]*types.Scope),
			FileVersions: make(map[*ast.File]string),
		},
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if filepath.Ext(name) != ".go" {
			continue
		}
		f, err := parser.ParseFile(p.Fset, name, files[name], parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		p.Name = f.Name.Name
		p.Syntax = append(p.Syntax, f)
	}
	var errs []error
	config := types.Config{
		Importer: fallback{invented, shared.importer()}, Sizes: p.TypesSizes, GoVersion: "go1.26",
		Error: func(err error) { errs = append(errs, err) },
	}
	p.Types, _ = config.Check(path, p.Fset, p.Syntax, p.TypesInfo) // errs has all of them
	return p, errors.Join(errs...)
}

// Warm reads what nearly every generated package imports. Fuzzers call it first, because an input may take only 10 seconds
// there, and the go command takes longer when it has to compile.
func Warm(t testing.TB) {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	for _, path := range first {
		if _, err := shared.importer().Import(path); err != nil {
			t.Fatal(err)
		}
	}
}

// fallback imports the packages that it has, and the others from another importer.
type fallback struct {
	packages map[string]*types.Package
	types.Importer
}

func (f fallback) Import(path string) (*types.Package, error) {
	if p := f.packages[path]; p != nil {
		return p, nil
	}
	return f.Importer.Import(path)
}

// imports has what the checked packages import.
type imports struct {
	sync.Mutex
	export map[string]string // files with export data, by import path
	types.Importer
}

var shared imports

// first is what nearly every generated package imports, directly or not.
var first = []string{
	"github.com/ironflow-gen/ironflow/runtime", "github.com/ironflow-gen/ironflow/runtime/codec",
	"github.com/ironflow-gen/ironflow/runtime/httpapi", "github.com/ironflow-gen/ironflow/runtime/ironflowtest", "testing",
}

func (i *imports) importer() types.Importer {
	if i.Importer == nil {
		i.export = make(map[string]string)
		i.Importer = importer.ForCompiler(token.NewFileSet(), "gc", i.open)
	}
	return i.Importer
}

// open opens the export data of a package.
func (i *imports) open(path string) (io.ReadCloser, error) {
	if len(i.export) == 0 {
		if err := i.list(first...); err != nil {
			return nil, err
		}
	}
	if i.export[path] == "" {
		if err := i.list(path); err != nil {
			return nil, err
		}
	}
	return os.Open(i.export[path])
}

// list compiles packages with all that they import.
func (i *imports) list(paths ...string) error {
	args := append([]string{"list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}"}, paths...)
	var errOut strings.Builder
	cmd := exec.Command("go", args...)
	cmd.Stderr = &errOut
	output, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go list %s: %w\n%s", strings.Join(paths, " "), err, errOut.String())
	}
	for line := range strings.Lines(string(output)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if file != "" && i.export[path] == "" {
			i.export[path] = file
		}
	}
	return nil
}
