package ironflowtest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Exploration configures [Explore]. The zero value is a good start: each zero field means its default.
type Exploration struct {
	// Inputs are samples: values of the workflow's inputs, whose ids may be empty. Explore sends an input that has samples with these
	// values only, even if otherwise only the engine delivers that input. For an input without samples, it makes values from the types of
	// the fields: 0, 1 and -1, short texts, lists with no element and with one, and values that occur in the state, with their
	// neighbours. The result of an effect gets the values of the effect's fields of the same name. Default: no samples.
	Inputs []any

	// Invariants must hold in every state; see [Invariant]. Default: none.
	Invariants []func(state any) error

	// Depth limits the number of steps of a story. Default: 8.
	Depth int

	// MaxStates limits the number of different situations; the exploration ends when it is reached. Default: 50,000.
	MaxStates int

	// Now is the time of the first step. Default: 2026-01-01 12:00 UTC.
	Now time.Time

	// DeadLetters also explores that an effect becomes a dead letter if its declaration names no input for this. Default: such an effect
	// waits for an operator.
	DeadLetters bool

	// Timeout is how long a decider, evolver or invariant may take. Default: 5 s.
	Timeout time.Duration
}

func (e Exploration) withDefaults() Exploration {
	if e.Depth <= 0 {
		e.Depth = 8
	}
	if e.MaxStates <= 0 {
		e.MaxStates = 50_000
	}
	if e.Now.IsZero() {
		e.Now = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	}
	if e.Timeout <= 0 {
		e.Timeout = 5 * time.Second
	}
	return e
}

// Invariant returns a rule for [Exploration].Invariants. If a state breaks the rule, holds returns an error that says what is wrong. It
// must not change the state.
func Invariant[S any](holds func(S) error) func(state any) error {
	return func(state any) error {
		s, ok := state.(S)
		if !ok {
			return fmt.Errorf("the invariant is about %T, the state is a %T; pass ironflowtest.Invariant a function of the workflow's own State", *new(S), state)
		}
		return holds(s)
	}
}

// FindingKind is a kind of mistake that [Explore] finds.
type FindingKind string

// The kinds of findings.
const (
	FoundPanic       FindingKind = "panic"                // of a decider, an evolver or an invariant
	FoundUndeclared  FindingKind = "refused decision"     // the engine would refuse the decision
	FoundInvariant   FindingKind = "broken invariant"     //
	FoundUnsteady    FindingKind = "unsteady decision"    // called again with the same arguments, the decider or evolver returns something else
	FoundMutation    FindingKind = "changed state"        // an evolver or an invariant changes the state that it was given
	FoundUnstorable  FindingKind = "state without JSON"   // the state cannot be stored, or differs after it was read back
	FoundLostResult  FindingKind = "result that is lost"  // no reached state accepts an input that an effect returns
	FoundStrayTimer  FindingKind = "timer that strays"    // it fires in a state that does not accept its input
	FoundStuck       FindingKind = "stuck"                // nothing is pending, and no wait is declared
	FoundNoEnd       FindingKind = "no end"               // no terminal state can be reached from here
	FoundSlow        FindingKind = "slow"                 // a decision takes more than 200 ms each time, probably because it waits for something
	FoundGoroutine   FindingKind = "goroutine left"       // user code has started goroutines that still run
	FoundUnfinished  FindingKind = "unfinished method"    // a stub was called, which is not written yet
	FoundNoInputs    FindingKind = "input without values" // Explore could not make a value of the input that can be stored
	maxSlow                      = 200 * time.Millisecond
	explorationClock             = 100 * time.Millisecond
)

// Finding is a mistake in a workflow, with the shortest story that leads to it.
type Finding struct {
	Kind FindingKind
	Text string // what is wrong, and what to do

	// Story has a line for each step from the start: the input or event of the step, and the decision.
	Story []string

	// Diagram is the workflow as a Mermaid state diagram, with the states of the story marked; empty without states.
	Diagram string

	key   string // of findings about the same
	steps []step // of the story
}

// String returns the finding as a test reports it.
func (f Finding) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", f.Kind, f.Text)
	for i, line := range f.Story {
		fmt.Fprintf(&b, "  %d. %s\n", i+1, line)
	}
	if f.Diagram != "" {
		b.WriteString("\n")
		b.WriteString(f.Diagram)
	}
	return b.String()
}

// Explored is the result of Explore.
type Explored struct {
	States      int  // different situations; a situation is a state with its pending effects and timers
	Transitions int  // inputs that were given to the decider
	Complete    bool // every reachable situation was seen: neither Depth nor MaxStates ended the exploration
	Findings    []Finding
}

// Explore checks the decider and evolver of a workflow: it gives them every input in every situation that can be reached, breadth first.
// It reports each mistake as an error of the test, with the shortest story that leads to the mistake. [FindingKind] lists the mistakes
// that it finds.
//
// A situation is a state with its pending effects and timers. In each situation, Explore sends the inputs of clients, ends each pending
// effect with each result that it declares, and lets each timer fire, on time or after timers that were due later. It does so before and
// after the times at which timers are due. So results also arrive in any order, late, or twice. Explore calls no handlers, so it needs no
// steps for crashes; [Simulate] calls handlers.
//
// A decider that does not return fails the test after Timeout, so every test ends.
func Explore(t testing.TB, w *workflow.Workflow, e Exploration) Explored {
	t.Helper()
	seen, err := explore(w, e)
	if err != nil {
		t.Fatalf("ironflowtest.Explore: %v", err)
	}
	for _, f := range seen.Findings {
		t.Errorf("ironflowtest.Explore: workflow %s: %v", w.Name(), f)
	}
	return seen
}

// explore is Explore without a test.
func explore(w *workflow.Workflow, e Exploration) (Explored, error) {
	x, err := openExplorer(w, e.withDefaults())
	if err != nil {
		return Explored{}, err
	}
	return x.watched()
}

func openExplorer(w *workflow.Workflow, e Exploration) (*explorer, error) {
	if w == nil {
		return nil, fmt.Errorf("the workflow is nil; pass what the generated NewWorkflow returns")
	}
	if w.Err() != nil {
		return nil, w.Err()
	}
	return newExplorer(w, e)
}

// callUser calls user code, whose panic is an error.
func callUser(what string, f func() error) (err error) {
	defer usererr.RecoverTo(&err, what, "")
	return f()
}
