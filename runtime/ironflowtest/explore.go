package ironflowtest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Exploration says what [Explore] looks at. The zero value is a good start; each zero field means its default.
type Exploration struct {
	// Inputs are samples: values of the workflow's inputs, whose ids may be empty. An input that has samples is sent with these only, also
	// if it is one that only the engine delivers otherwise. Of an input without samples, values are made of the types of its fields: 0, 1
	// and -1, short texts, empty lists and lists of one, and values that occur in the state, with their neighbours. A result of an effect
	// takes over the fields of the effect that have the same name. Default: no samples.
	Inputs []any

	// Invariants must hold in every state; see [Invariant]. Default: none.
	Invariants []func(state any) error

	// Depth is how many steps a story has at most. Default: 8.
	Depth int

	// MaxStates ends the exploration: it is how many different situations are looked at. Default: 50,000.
	MaxStates int

	// Now is the time of the first step. Default: 2026-01-01 12:00 UTC.
	Now time.Time

	// DeadLetters lets an effect become a dead letter although its declaration names no input that tells of it. By default such an effect
	// waits for its operator.
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

// Invariant returns a rule about states for [Exploration]: an error says what is wrong with a state. It must not change the state.
func Invariant[S any](holds func(S) error) func(state any) error {
	return func(state any) error {
		s, ok := state.(S)
		if !ok {
			return fmt.Errorf("the invariant is about %T, the state is a %T; pass ironflowtest.Invariant a function of the workflow's own State", *new(S), state)
		}
		return holds(s)
	}
}

// FindingKind is what [Explore] can find.
type FindingKind string

// The kinds of findings.
const (
	FoundPanic       FindingKind = "panic"                // of a decider, an evolver or an invariant
	FoundUndeclared  FindingKind = "refused decision"     // the engine would refuse what the decider decides
	FoundInvariant   FindingKind = "broken invariant"     //
	FoundUnsteady    FindingKind = "unsteady decision"    // asked again, the decider answers something else
	FoundMutation    FindingKind = "changed state"        // an evolver or an invariant writes into the state that it is given
	FoundUnstorable  FindingKind = "state without JSON"   // the state cannot be stored, or comes back as another one
	FoundLostResult  FindingKind = "result that is lost"  // no state that was reached takes an input that an effect returns
	FoundStrayTimer  FindingKind = "timer that strays"    // it fires where its input is not accepted
	FoundStuck       FindingKind = "stuck"                // nothing is pending, and no wait is declared
	FoundNoEnd       FindingKind = "no end"               // no terminal state can be reached from here
	FoundSlow        FindingKind = "slow"                 // a decision takes more than 200 ms each time: it waits for something
	FoundGoroutine   FindingKind = "goroutine left"       // user code has started goroutines
	FoundNoInputs    FindingKind = "input without values" // none of the values that were made can be stored
	maxSlow                      = 200 * time.Millisecond
	explorationClock             = 100 * time.Millisecond
)

// Finding is a mistake in a workflow, with the shortest story that leads to it.
type Finding struct {
	Kind FindingKind
	Text string // what is wrong, and what to do

	// Story has a line for each step from the start: what was sent or has happened, and what was decided.
	Story []string

	// Diagram is the workflow as a Mermaid state diagram, with the states of the story marked; empty without states.
	Diagram string
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

// Explored is what an exploration has seen.
type Explored struct {
	States      int  // different situations: a state with the effects and timers that are pending
	Transitions int  // inputs that the decider was asked about
	Complete    bool // there is nothing beyond: neither Depth nor MaxStates has ended the exploration
	Findings    []Finding
}

// Explore asks a workflow's own decider and evolver about every input in every situation that can be reached, breadth first, and reports each
// mistake that it finds as an error of the test, with the shortest story that leads to it. See [FindingKind] for what it looks for.
//
// A situation is a state with the effects and timers that are pending. From each, Explore sends the inputs of clients, ends each pending
// effect with each result that it declares, lets each timer fire, on time and after later ones, and does so before and after the times at
// which timers are due. The result that comes last, comes twice or comes late is among these stories, so that crashes need no steps of
// their own: handlers are not called. [Simulate] calls them.
//
// A test that calls it ends in bounded time: a decider that does not return fails the test after Timeout.
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
	if w == nil || w.Err() != nil {
		if w == nil {
			return Explored{}, fmt.Errorf("the workflow is nil; pass what the generated NewWorkflow returns")
		}
		return Explored{}, w.Err()
	}
	x, err := newExplorer(w, e.withDefaults())
	if err != nil {
		return Explored{}, err
	}
	return x.watched()
}

// callUser calls user code, whose panic is an error.
func callUser(what string, f func() error) (err error) {
	defer usererr.RecoverTo(&err, what, "")
	return f()
}
