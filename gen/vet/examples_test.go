package vet

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

// support stands around the examples of the rules, in a package with what is generated for examples/order.
const support = `package order

import "context"

type Decider struct {
	InputDecider
	Closed bool
}

type Evolver struct{ EventEvolver }

type Handler struct {
	EffectHandler
	Mailer Mailer
	Client MailClient
}

type Mailer interface {
	SendReceipt(ctx context.Context, key, email string, amountCents int64) error
}

type Mail struct{ To, IdempotencyKey string }

type MailClient interface {
	Send(ctx context.Context, mail Mail) error
}
`

// imported are the packages that examples use.
var imported = map[string]string{
	"context": "context", "fmt": "fmt", "maps": "maps", "os": "os", "rand": "crypto/rand", "slices": "slices",
	"slog": "log/slog", "time": "time", "runtime": runtimePath,
}

// TestExamples checks the examples of the rules: each wrong one has the mistake that it is an example of and no other, and
// the right ones have none. What is found is in testdata/examples.txt.
func TestExamples(t *testing.T) {
	t.Parallel()
	x := newExamples(t)
	for _, r := range diagnostic.Rules() {
		if strings.HasPrefix(string(r.Code), "IF20") {
			x.add(t, "wrong/"+strings.ToLower(string(r.Code)), r.Wrong)
			x.add(t, "right/"+strings.ToLower(string(r.Code)), r.Right)
		}
	}
	initial := make(map[string]bool)
	for _, p := range x.packages {
		initial[p.PkgPath] = true
	}
	findings, err := analyze(Analyzers(), initial, x.packages)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintln(findings.Err())
	const golden = "testdata/examples.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	place := regexp.MustCompile(`^wrong/(if\d+)/.*\[(IF\d+)\]$`)
	seen := make(map[string]bool)
	for line := range strings.Lines(got) {
		m := place.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil || strings.ToUpper(m[1]) != m[2] {
			t.Errorf("found where it should not be: %s", line)
			continue
		}
		seen[m[2]] = true
	}
	for name, code := range codes {
		if !seen[string(code)] {
			t.Errorf("the wrong example of %s, %s, has no mistake", code, name)
		}
	}
	if len(codes) != len(Analyzers()) {
		t.Errorf("%d analyzers have %d codes", len(Analyzers()), len(codes))
	}
}

// examples type-checks examples, each as a package of its own.
type examples struct {
	fset     *token.FileSet
	sizes    types.Sizes
	imports  map[string]*types.Package
	packages []*packages.Package
}

// newExamples loads what examples import.
func newExamples(t *testing.T) *examples {
	t.Helper()
	x := &examples{fset: token.NewFileSet(), imports: make(map[string]*types.Package)}
	loaded, err := packages.Load(&packages.Config{Mode: packages.LoadTypes, Fset: x.fset},
		append(slices.Collect(maps.Values(imported)), "cmp", modelPath, runtimePath+"/codec")...) // these two by generated code
	if err != nil {
		t.Fatal(err)
	}
	packages.Visit(loaded, nil, func(p *packages.Package) {
		if p.Types != nil {
			x.imports[p.PkgPath] = p.Types
		}
		x.sizes = p.TypesSizes
	})
	return x
}

// Import implements [types.Importer].
func (x *examples) Import(path string) (*types.Package, error) {
	if p := x.imports[path]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("%s is not loaded", path)
}

// add makes a package of an example, of what stands around it, and of what is generated for examples/order.
func (x *examples) add(t *testing.T, name, example string) {
	t.Helper()
	var imports strings.Builder
	for short, path := range imported {
		if regexp.MustCompile(`\b` + short + `\.[A-Z]`).MatchString(example) {
			fmt.Fprintf(&imports, "import %q\n", path)
		}
	}
	sources := map[string]any{
		"support.go": support,
		"example.go": "package order\n\n" + imports.String() + "\n" + example + "\n",
	}
	generated, err := filepath.Glob("../../examples/order/order/*_ironflow.go")
	if err != nil || len(generated) == 0 {
		t.Fatal("nothing is generated", err)
	}
	for _, path := range generated {
		sources[filepath.Base(path)] = nil // read it
	}
	p := &packages.Package{
		ID: name, Name: "order", PkgPath: "example.com/" + name, Fset: x.fset, TypesSizes: x.sizes,
		TypesInfo: &types.Info{
			Types: make(map[ast.Expr]types.TypeAndValue), Instances: make(map[*ast.Ident]types.Instance),
			Defs: make(map[*ast.Ident]types.Object), Uses: make(map[*ast.Ident]types.Object),
			Implicits: make(map[ast.Node]types.Object), Selections: make(map[*ast.SelectorExpr]*types.Selection),
			Scopes: make(map[ast.Node]*types.Scope), FileVersions: make(map[*ast.File]string),
		},
	}
	for _, file := range slices.Sorted(maps.Keys(sources)) {
		path := filepath.Join(name, file)
		if sources[file] == nil {
			path = filepath.Join("../../examples/order/order", file)
		}
		syntax, err := parser.ParseFile(x.fset, path, sources[file], parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		p.Syntax = append(p.Syntax, syntax)
	}
	config := types.Config{Importer: x, Sizes: x.sizes}
	if p.Types, err = config.Check(p.PkgPath, x.fset, p.Syntax, p.TypesInfo); err != nil {
		t.Fatal(err)
	}
	x.packages = append(x.packages, p)
}
