package generate_test

import (
	"path/filepath"
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
			module.Run(t, "test", "./...")
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
	write(t, dir, "gate.go", strings.NewReplacer("Opened", "WasOpened", "By string", "At int64").Replace(gate))
	_, err := generate.New([]string{dir}, generate.Options{})
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
