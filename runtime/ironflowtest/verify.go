package ironflowtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Verification configures [Verify]. The zero value is a good start: each zero field means its default.
type Verification struct {
	// Exploration is the exploration before the random sequences. Its samples and invariants hold for the sequences, too. Verify explores 4
	// steps by default.
	Exploration

	// Sequences is how many random sequences are tried. Default: 100.
	Sequences int

	// Length is how many steps a sequence has at most. Default: 20.
	Length int

	// Seed selects the random sequences: the same seed gives the same sequences. Default: 1.
	Seed uint64
}

func (v Verification) withDefaults() Verification {
	if v.Depth <= 0 {
		v.Depth = 4
	}
	v.Exploration = v.Exploration.withDefaults()
	if v.Sequences <= 0 {
		v.Sequences = 100
	}
	if v.Length <= 0 {
		v.Length = 20
	}
	if v.Seed == 0 {
		v.Seed = 1
	}
	return v
}

// Verified is the result of Verify.
type Verified struct {
	Explored
	Sequences int    // random sequences that were tried
	Table     []Cell // each input in each state, in the order of the declaration; one state "" without states
}

// Cell says what an input leads to in a state.
type Cell struct {
	State, Input string

	// Outcomes are the outcomes that were seen, sorted, such as "Paid → paid" and "rejected with Underpaid". They are empty if the decider was
	// never called for the input in this state.
	Outcomes []string

	// Refused is the rejection of an input that the declaration does not accept in this state; empty if it accepts the input.
	Refused string

	// Missing are the declared events of the input that no decision contained.
	Missing []string
}

func (c Cell) String() string {
	text := strings.Join(c.Outcomes, "; ")
	switch {
	case c.Refused != "":
		text = c.Refused
	case len(c.Outcomes) == 0:
		text = "not reached"
	case len(c.Missing) > 0:
		text += "; not seen: " + strings.Join(c.Missing, ", ")
	}
	return fmt.Sprintf("%-24s %-24s %s", c.State, c.Input, text)
}

// Verify checks the decider and evolver of a workflow in three ways. It explores all situations that are a few steps away, as [Explore] does.
// Then it goes through random sequences of steps: inputs with random values, results of effects, and timers. It reports the same mistakes as
// Explore, and leaves out the steps of a sequence that a mistake does not need. At last it logs a table of what each input leads to in each
// state, which "go test -v" shows.
//
// Verify draws its random values itself, so that the generated tests of a module need no other module.
func Verify(t testing.TB, w *workflow.Workflow, v Verification) Verified {
	t.Helper()
	verified, err := verify(w, v)
	if err != nil {
		t.Fatalf("ironflowtest.Verify: %v", err)
	}
	for _, f := range verified.Findings {
		t.Errorf("ironflowtest.Verify: workflow %s: %v", w.Name(), f)
	}
	t.Logf("%s", verified.table(w.Name()))
	return verified
}

func (v *Verified) table(name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "workflow %s: %d situations, %d decisions, %d random sequences\n", name, v.States, v.Transitions, v.Sequences)
	b.WriteString(fmt.Sprintf("%-24s %-24s %s\n", "state", "input", "leads to"))
	for _, c := range v.Table {
		b.WriteString(c.String() + "\n")
	}
	return b.String()
}

// verify is Verify without a test.
func verify(w *workflow.Workflow, v Verification) (Verified, error) {
	v = v.withDefaults()
	x, err := openExplorer(w, v.Exploration)
	if err != nil {
		return Verified{}, err
	}
	x.cells = make(map[cellKey]map[string]bool)
	x.then = func() {
		for i := range v.Sequences {
			x.walk(rand.New(rand.NewPCG(v.Seed, uint64(i))), v.Length)
		}
	}
	explored, err := x.watched()
	if err != nil {
		return Verified{}, err
	}
	return Verified{Explored: explored, Sequences: v.Sequences, Table: x.table()}, nil
}

// walk takes random steps from the start.
func (x *explorer) walk(random *rand.Rand, steps int) {
	x.domain.random = random
	defer func() { x.domain.random = nil }()
	n, found := x.nodes[0], len(x.seen.Findings)
	for range steps {
		if n.completed {
			break
		}
		state, err := x.open(n)
		if err != nil {
			break // reported by the exploration or by the step before
		}
		moves, problems := x.moves(n, state)
		x.reportAll(problems)
		if len(moves) == 0 {
			break
		}
		next := x.follow(n, state, choose(moves, random))
		if len(x.seen.Findings) > found {
			break
		}
		n = next
	}
	for i := found; i < len(x.seen.Findings); i++ {
		x.seen.Findings[i] = x.shortened(x.seen.Findings[i])
	}
}

// choose draws a step. Each input is as likely as any other, however many values it has here.
func choose(moves []step, random *rand.Rand) step {
	var labels []string
	for _, s := range moves {
		if !slices.Contains(labels, s.label) {
			labels = append(labels, s.label)
		}
	}
	label := labels[random.IntN(len(labels))]
	moves = slices.DeleteFunc(moves, func(s step) bool { return s.label != label })
	return moves[random.IntN(len(moves))]
}

// follow takes a step and returns the node that it leads to: n itself after a rejection, or when it leads nowhere.
func (x *explorer) follow(n *node, state any, s step) *node {
	before := len(n.children)
	x.take(n, state, s)
	x.unchanged(n, state)
	if len(n.children) == before {
		return n
	}
	next := n.children[len(n.children)-1]
	x.checkIdle(next)
	return next
}

// shortened leaves out steps of a finding's story for as long as the finding stays.
func (x *explorer) shortened(f Finding) Finding {
	for again := true; again; {
		again = false
		for i := len(f.steps) - 2; i >= 0; i-- {
			if shorter, same := x.replay(slices.Delete(slices.Clone(f.steps), i, i+1), f.key); same {
				f, again = shorter, true
			}
		}
	}
	return f
}

// replay takes steps from the start, and returns the finding with a key.
func (x *explorer) replay(steps []step, key string) (Finding, bool) {
	y := x.again()
	n := y.nodes[0]
	for _, s := range steps {
		if n.completed || !y.place(n, &s) {
			break
		}
		state, err := y.open(n)
		if err != nil {
			break
		}
		n = y.follow(n, state, s)
	}
	for _, f := range y.seen.Findings {
		if f.key == key {
			return f, true
		}
	}
	return Finding{}, false
}

// place makes a step possible in a node: it finds the pending effect or timer of the step. It returns false when there is none, or when the
// state does not accept the input.
func (x *explorer) place(n *node, s *step) bool {
	if s.now.Before(n.now) {
		s.now = n.now
	}
	switch s.how {
	case stepClient, stepSchedule:
		return x.machine == nil || x.mayTake(n.status, s.label)
	case stepTimer:
		s.timer = slices.IndexFunc(n.timers, func(t pendingTimer) bool { return t.key == s.name && !t.at.After(s.now) })
		return s.timer >= 0
	}
	s.effect = slices.IndexFunc(n.effects, func(e pendingEffect) bool { return e == s.pending })
	return s.effect >= 0
}

type cellKey struct{ state, input string }

// noteOutcome notes what an input has led to, for the table.
func (x *explorer) noteOutcome(state, input, outcome string) {
	if x.cells == nil {
		return
	}
	key := cellKey{state, input}
	if x.cells[key] == nil {
		x.cells[key] = make(map[string]bool)
	}
	x.cells[key][outcome] = true
}

// table returns what was noted, with the states and inputs of the declaration.
func (x *explorer) table() (cells []Cell) {
	states := []workflow.MachineState{{}}
	if x.machine != nil {
		states = x.machine.States
	}
	for _, state := range states {
		for _, input := range x.workflow.InputNames() {
			c := Cell{State: state.Name, Input: input}
			for outcome := range x.cells[cellKey{state.Name, input}] {
				c.Outcomes = append(c.Outcomes, outcome)
			}
			slices.Sort(c.Outcomes)
			if x.machine != nil {
				x.declared(&c, state)
			}
			cells = append(cells, c)
		}
	}
	return cells
}

// declared fills in what the declaration says of an input in a state.
func (x *explorer) declared(c *Cell, state workflow.MachineState) {
	if state.Terminal {
		c.Refused = "already completed"
		return
	}
	i := slices.IndexFunc(state.Accepts, func(t workflow.Transition) bool { return t.Input == c.Input })
	switch {
	case i < 0:
		c.Refused = "not accepted"
	case state.Accepts[i].Reject != "":
		c.Refused = "rejected with " + state.Accepts[i].Reject
	default:
		for _, e := range state.Accepts[i].Events {
			if !slices.ContainsFunc(c.Outcomes, func(o string) bool { return slices.Contains(strings.FieldsFunc(o, notOfName), e.Event) }) {
				c.Missing = append(c.Missing, e.Event)
			}
		}
	}
}

func notOfName(r rune) bool { return r == ' ' || r == ',' }
