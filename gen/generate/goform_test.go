package generate_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/ironflow-gen/ironflow/gen/generate"
	"github.com/ironflow-gen/ironflow/gen/internal/usermodule"
)

// TestGoForm generates packages whose Go types are the declaration, into a module outside of this one, and runs the tests
// of their skeletons and those that stand in the archives. Nothing is generated at first, so that the packages do not
// compile; what is there the second time must make no difference.
func TestGoForm(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a module")
	}
	t.Parallel()
	for _, path := range []string{
		"testdata/features.txtar", "../gospec/testdata/types.txtar", "../gospec/testdata/engine.txtar", "../gospec/testdata/order.txtar",
	} {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			module := usermodule.New(t, "../..")
			for _, f := range archive.Files {
				if filepath.Base(f.Name) == "decider.go" {
					continue // which is as its test needs it, and not complete
				}
				module.Write(t, f.Name, f.Data)
			}
			run(t, module.Dir+"/...")
			for _, step := range run(t, module.Dir+"/...") {
				if step.Changes() {
					t.Errorf("the second run acts on %s", step.Path)
				}
			}
			module.Run(t, "vet", "./...")
			module.Run(t, "test", "-run", "TestRefuses", "./...") // what the declaration alone decides
		})
	}
}

// TestGoFormStale changes Go types whose generated code does not fit any more, and is in the way of compiling.
func TestGoFormStale(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "go.mod", "module example.com/user\n\ngo 1.26.0\n")
	const gate = `package user

//ironflow:workflow type=gate id=GateID
type State struct{ Status Status }

//ironflow:input
type Open struct{ GateID string }

//ironflow:event
type Opened struct{ By string }

type Status string

const (
	//ironflow:accepts Open Opened=open
	Closed Status = "closed"
	//ironflow:terminal
	IsOpen Status = "open"
)
`
	write(t, dir, "gate.go", gate)
	const decider = `package user

import "time"

type Decider struct{}

func (Decider) Open(now time.Time, state State, in Open) OpenDecision {
	return AcceptOpen(Opened{By: "me"})
}
`
	write(t, dir, "decider.go", decider)
	run(t, dir)
	files, err := generate.Declarations([]string{dir})
	if want := []string{filepath.Join(dir, "decider.go"), filepath.Join(dir, "gate.go")}; err != nil || !slices.Equal(files, want) {
		t.Errorf("the declaration is in %q, want %q: %v", files, want, err)
	}
	unlock(t, dir)
	write(t, dir, "gate.go", strings.NewReplacer("Opened", "WasOpened", "By string", "At int64").Replace(gate))
	_, err = generate.New([]string{dir}, generate.Options{})
	if err == nil || !strings.Contains(err.Error(), "decider.go:8:20: undefined: Opened") {
		t.Errorf("got %v", err)
	}
	write(t, dir, "decider.go", strings.Replace(decider, "Opened{By: \"me\"}", "WasOpened{At: 3}", 1))
	run(t, dir)
	for name, content := range read(t, dir) {
		if strings.HasSuffix(name, "_ironflow.go") && strings.Contains(content, " Opened") {
			t.Errorf("%s still has the old event", name)
		}
	}
}

// TestGoFormStubs grows Go types and takes the stubs. Until they are written nothing else may stop: their function is
// generated, and so not there for the types to be read with.
func TestGoFormStubs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "go.mod", "module example.com/user\n\ngo 1.26.0\n")
	const gate = `package user

//ironflow:workflow type=gate id=GateID
type State struct{}

//ironflow:input
type Open struct{ GateID string }

//ironflow:event
type Opened struct{}
`
	write(t, dir, "gate.go", gate)
	run(t, dir)
	grown := gate + "\n//ironflow:input\ntype Close struct{ GateID string }\n\n//ironflow:event\ntype Closed struct{}\n"
	write(t, dir, "gate.go", grown)
	runStubs(t, dir)
	if decider := read(t, dir)["decider.go"]; strings.Count(decider, "panic(unfinished(") != 4 {
		t.Fatalf("the stubs of Close and Closed are not there, behind those of Open and Terminal:\n%s", decider)
	}
	for _, step := range run(t, dir) {
		if step.Changes() {
			t.Errorf("the next run acts on %s", step.Path)
		}
	}

	// What generated code does not mend is still said.
	for source, want := range map[string]string{
		"func waits() int { AcceptOpen(Opened{}) }\n\nfunc alone() int {}\n": "more.go:5:19: missing return",
		"func unfinished() {}\n": "more.go:3:6: unfinished is declared here, and a declaration of this name is generated for every workflow",
	} {
		write(t, dir, "more.go", "package user\n\n"+source)
		_, err := generate.New([]string{dir}, generate.Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
