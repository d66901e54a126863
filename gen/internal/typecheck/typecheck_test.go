package typecheck_test

import (
	"strings"
	"testing"

	suite "golang.org/x/tools/go/analysis/suite/vet"

	"github.com/ironflow-gen/ironflow/gen/internal/typecheck"
	"github.com/ironflow-gen/ironflow/gen/vet"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

const door = `ironflow: 1
workflow: door
package: door
id: door_id
http: true
types: {Key: {go: example.com/keys/v2.Key}}
inputs: {Open: {fields: {door_id: string, key: Key}}}
events: {Opened: {}}
`

const decider = `package door

import (
	"fmt"
	"time"
)

type Decider struct{}

func (Decider) Open(now time.Time, _ State, _ Open) OpenDecision {
	fmt.Printf("%d", "door")
	_ = time.Now()
	return AcceptOpen(Opened{})
}
`

const written = `package door

import "time"

type Decider struct{}

func (Decider) Open(now time.Time, state State, in Open) OpenDecision { return AcceptOpen(Opened{}) }

type Evolver struct{}

func (Evolver) Opened(state State, e Opened) State { return state }

func (Evolver) Terminal(State) bool { return false }
`

// TestFinds makes sure that what is wrong is found: errors of types, and what the passes of both vets look for.
func TestFinds(t *testing.T) {
	t.Parallel()
	w, err := yamlspec.Parse("door.ironflow.yaml", []byte(strings.Replace(door, "example.com/keys/v2.Key", "net/url.URL", 1)))
	if err != nil {
		t.Fatal(err)
	}
	passes := append(suite.Suite[:len(suite.Suite):len(suite.Suite)], vet.Analyzers()...)
	for name, c := range map[string]struct {
		own  string
		want []string
	}{
		"nothing": {written, nil},
		"a type":  {"package door\n\nvar _ int = Opened{}\n", []string{"x.go:3:13: cannot use Opened{}"}},
		"passes":  {decider, []string{"x.go:11:14: printf: fmt.Printf format %d", "x.go:12:6: clock: clock: the decider Decider.Open calls time.Now"}},
	} {
		files, err := typecheck.Render(w, map[string][]byte{"x.go": []byte(c.own)})
		if err != nil {
			t.Fatal(err)
		}
		err = typecheck.Analyze("example.com/user/door", files, passes)
		if len(c.want) == 0 && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %s", name, err, want)
			}
		}
	}
}

// TestInvents checks a workflow with a type of a package that is not there, and passes over one with a type that a known
// package does not have.
func TestInvents(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"example.com/keys/v2.Key", "example.com/a-b/time.Time", "net/http.Missing"} {
		w, err := yamlspec.Parse("door.ironflow.yaml", []byte(strings.Replace(door, "example.com/keys/v2.Key", path, 1)))
		if err != nil {
			t.Fatal(err)
		}
		if err := typecheck.Workflow(w, nil); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}
