package generate_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// evolverModule is a module whose evolver uses other files and another package. Its declaration is in declared.
var evolverModule = map[string]string{
	"go.mod": "module example.com/user\n\ngo 1.26.0\n",
	"tally/decider.go": `package tally

import (
	"fmt"
	"time"

	"example.com/user/money"
)

type Decider struct{}

// Add accepts.
func (Decider) Add(now time.Time, s State, in Add) AddDecision {
	return AcceptAdd(Added{Amount: in.Amount + surcharge(in)})
}

func surcharge(in Add) int64 { return int64(len(fmt.Sprint(in))) }

type Evolver struct{ base }

var _ EventEvolver = Evolver{}

// base has the methods.
type base struct{}

func (base) Added(s State, e Added) State {
	s.Total = s.plus(weighed(e.Amount, factor))
	return s
}

func (base) Terminal(State) bool { return false }

func weighed(amount, by int64) int64 {
	return money.Round(amount * by)
}
`,
	"tally/state.go": `package tally

func (s State) plus(amount int64) int64 { return s.Total + amount }

var factor int64

func init() { factor = one }

const (
	zero int64 = iota
	one
)
`,
	"money/money.go": `package money

import "example.com/user/money/unit"

func Round(n int64) int64 { return n * unit.Cent }

func Unused() int64 { return 1 }
`,
	"money/unit/unit.go": `package unit

const Cent = 1
`,
}

// declared is the declaration in both forms.
var declared = map[string]string{
	"tally/tally.ironflow.yaml": `ironflow: 1
workflow: tally
package: tally
id: id
state: {total: int64}
inputs: {Add: {fields: {id: string, amount: int64}}}
events: {Added: {fields: {amount: int64}}}
`,
	"tally/tally.go": `package tally

//ironflow:workflow type=tally id=ID
type State struct{ Total int64 }

//ironflow:input
type Add struct {
	ID     string
	Amount int64
}

//ironflow:event
type Added struct{ Amount int64 }
`,
}

// TestEvolver changes the code of a workflow in many ways. What a fold of events can depend on changes the key of snapshots, so that
// they are made again; nothing else does.
func TestEvolver(t *testing.T) {
	t.Parallel()
	for declaration, text := range declared {
		t.Run(strings.TrimPrefix(filepath.Ext(declaration), "."), func(t *testing.T) {
			t.Parallel()
			for _, test := range []struct {
				name, file, old, new string
				same                 bool
			}{
				{"method", "tally/decider.go", "s.Total = s.plus", "s.Total = 2 * s.plus", false},
				{"function", "tally/decider.go", "amount * by", "amount + by", false},
				{"terminal", "tally/decider.go", "return false", "return true", false},
				{"method of the state", "tally/state.go", "s.Total + amount", "s.Total - amount", false},
				{"variable set at the start", "tally/state.go", "factor = one", "factor = one + one", false},
				{"order of constants", "tally/state.go", "zero int64 = iota\n\tone", "one int64 = iota\n\tzero", false},
				{"imported package", "money/money.go", "n * unit.Cent", "n / unit.Cent", false},
				{"what that imports", "money/unit/unit.go", "= 1", "= 100", false},
				{"another package of the name", "tally/decider.go", `"example.com/user/money"`, `money "math"`, false},
				{"embedded type", "tally/decider.go", "Evolver struct{ base }", "Evolver struct{ other }\n\ntype other struct{ base }", false},
				{"alias", "tally/decider.go", "type base struct{}", "type base = bottom\n\ntype bottom struct{}", false},

				{"comment", "tally/decider.go", "// base has the methods.", "// base does it all.", true},
				{"comment inside", "tally/decider.go", "\treturn s\n", "\t// That is all.\n\treturn s // the sum\n", true},
				{"layout", "tally/decider.go", "weighed(e.Amount, factor)", "weighed(\n\t\te.Amount,\n\t\tfactor,\n\t)", true},
				{"lines", "tally/decider.go", "{\n\treturn money.Round(amount * by)\n}", "{ return money.Round(amount * by) }", true},
				{"order", "tally/state.go", "var factor int64\n\nfunc init() { factor = one }", "func init() { factor = one }\n\nvar factor int64", true},
				{"decider", "tally/decider.go", "in.Amount + surcharge(in)", "in.Amount - surcharge(in)", true},
				{"the decider's function", "tally/decider.go", "len(fmt.Sprint(in))", "len(in.ID)", true},
				{"the decider's import", "tally/decider.go", `"fmt"`, "fmt \"log\"", true},
				{"other function of the package", "money/money.go", "return 1", "return 2", true},
			} {
				if filepath.Ext(declaration) == ".go" && !slices.Contains([]string{"method", "method of the state", "comment"}, test.name) {
					continue // these types are read with the go command, which takes long
				}
				t.Run(strings.ReplaceAll(test.name, " ", "_"), func(t *testing.T) {
					t.Parallel()
					dir := t.TempDir()
					for name, content := range evolverModule {
						write(t, dir, filepath.FromSlash(name), content)
					}
					write(t, dir, filepath.FromSlash(declaration), text)
					before := snapshotKey(t, dir)
					code := evolverModule[test.file]
					changed := strings.Replace(code, test.old, test.new, 1)
					if changed == code {
						t.Fatalf("%q is not in %s", test.old, test.file)
					}
					write(t, dir, filepath.FromSlash(test.file), changed)
					if after := snapshotKey(t, dir); (after == before) != test.same {
						t.Errorf("the key was %s and is %s", before, after)
					}
				})
			}
		})
	}
}

// snapshotKey generates and returns the key of snapshots. A second run must find nothing to do: the first saw the code as it left it.
func snapshotKey(t *testing.T, dir string) string {
	t.Helper()
	run(t, filepath.Join(dir, "tally"))
	for _, step := range run(t, filepath.Join(dir, "tally")) {
		if step.Changes() {
			t.Errorf("the second run acts on %s", step.Path)
		}
	}
	content, err := os.ReadFile(filepath.Join(dir, "tally", "workflow_ironflow.go"))
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`Schema: +"[0-9a-f]+"`).FindString(string(content))
}
