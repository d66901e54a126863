package gospec_test

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/ironflow-gen/ironflow/gen/emit"
	"github.com/ironflow-gen/ironflow/gen/gospec"
)

// several is a module of workflows that use each other's types before anything is generated, one of them through a package
// that does not compile until then.
const several = `
-- a/a.go --
package a

import (
	"example.com/user/b"
	"example.com/user/between"
)

//ironflow:workflow type=a id=ID
type State struct {
	Item b.Item
	Link between.Link
}

//ironflow:input
type Ask struct {
	ID   string
	Item *b.Item
}

//ironflow:event
type Asked struct{ Links []between.Link }
-- between/between.go --
package between

import "example.com/user/b"

type Link struct{ Of b.Item }

func Decide() b.AskDecision { return b.AcceptAsk(b.Asked{}) }
-- b/b.go --
package b

//ironflow:workflow type=b id=ID
type State struct{}

type Item struct{ Name string }

//ironflow:input
type Ask struct{ ID string }

//ironflow:event
type Asked struct{ Item Item }

type Decider struct{}

func (Decider) Ask(state State, in Ask) AskDecision { return AcceptAsk(Asked{}) }
-- c/c.go --
package c

import (
	"context"

	"example.com/user/a"
)

//ironflow:workflow type=c id=ID
type State struct{ Last a.State }

//ironflow:input
type Ask struct{ ID string }

//ironflow:event
type Asked struct{}

func ask(ctx context.Context, client *a.Client) error {
	_, err := client.Ask(ctx, a.Ask{ID: "x"})
	return err
}
`

// TestSeveral loads workflows that import each other, all at once and one alone.
func TestSeveral(t *testing.T) {
	t.Parallel()
	dir := unpack(t, txtar.Parse([]byte(several)))
	var all []gospec.Package
	for _, name := range []string{"a", "b", "c"} {
		all = append(all, readPackage(t, filepath.Join(dir, name)))
	}
	for _, packages := range [][]gospec.Package{all, all[:1], all[1:2], all[2:]} {
		for i, result := range gospec.Load(packages) {
			if result.Err != nil {
				t.Errorf("%s with %d packages: %v", packages[i].Dir, len(packages), result.Err)
			}
		}
	}
	result := gospec.Load(all)[0]
	if got := result.Workflow.Types[0].Go; got.Path != "example.com/user/b" || got.Name != "Item" {
		t.Errorf("the type of another workflow is %+v", got)
	}
}

// TestNoModule loads a package outside of any module.
func TestNoModule(t *testing.T) {
	t.Parallel()
	p := gospec.Package{Dir: t.TempDir(), Files: []gospec.File{{Name: "w.go", Content: []byte("package w\n")}}}
	if err := gospec.Load([]gospec.Package{p})[0].Err; err == nil || !strings.Contains(err.Error(), `run "go mod init"`) {
		t.Errorf("got %v", err)
	}
}

func TestDeclares(t *testing.T) {
	t.Parallel()
	for source, line := range map[string]int{
		"package w\n\n//ironflow:workflow type=x\ntype State struct{}\n":              3,
		"package w\n\ntype (\n\t//ironflow:workflow type=x\n\tState struct{}\n)\n":    4,
		"package w\r\n\r\n//ironflow:workflow\r\ntype State struct{}\r\n":             3,
		"package w\n\n//ironflow:workflow type=x\nfunc {":                             3,
		"package w\n\nvar x = `\n//ironflow:workflow\n`\n":                            0,
		"package w\n\n//ironflow:workflows\n// //ironflow:workflow\n":                 0,
		"package w // see //ironflow:workflow\n\n/*\n//ironflow:workflow\n*/\n":       0,
		"package w\n\nvar x = `\n//ironflow:workflow\n`\n\n//ironflow:workflow y\n\n": 7,
		"": 0,
		"\x00\xff//ironflow:workflow\n\n//ironflow:workflow": 0,
	} {
		if got, _, ok := gospec.Declares([]byte(source)); got != line || ok != (line > 0) {
			t.Errorf("%q: got line %d, want %d", source, got, line)
		}
	}
}

// BenchmarkLoad reads the order example in Go, with its decider and handler, as a run of ironflow-gen does. What the go
// command compiles is in its cache after the first time.
func BenchmarkLoad(b *testing.B) {
	p := order(b)
	for b.Loop() {
		if err := gospec.Load([]gospec.Package{p})[0].Err; err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGenerate generates from it too.
func BenchmarkGenerate(b *testing.B) {
	p := order(b)
	for b.Loop() {
		result := gospec.Load([]gospec.Package{p})[0]
		if result.Err != nil {
			b.Fatal(result.Err)
		}
		if _, err := emit.Files(result.Workflow); err != nil {
			b.Fatal(err)
		}
	}
}

// order is the order example in a directory of this module, where it finds the runtime.
func order(b *testing.B) gospec.Package {
	archive, err := txtar.ParseFile("testdata/order.txtar")
	if err != nil {
		b.Fatal(err)
	}
	p := gospec.Package{Dir: filepath.Join("testdata", "w")}
	for _, f := range archive.Files {
		p.Files = append(p.Files, gospec.File{Name: filepath.Base(f.Name), Content: f.Data})
	}
	return p
}
