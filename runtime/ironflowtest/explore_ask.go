package ironflowtest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// This file asks the decider. What it answers is noted in the order of the nodes, so that an exploration is the same each time.

const (
	// maxAskers is how many goroutines ask at most.
	maxAskers = 8

	// aloneAtFirst is how many decisions one goroutine asks for, before there are several: most mistakes are found by then, and a decider that
	// writes into memory of its own is not called at the same time.
	aloneAtFirst = 500

	// manyNodes is how many nodes several goroutines ask about together.
	manyNodes = 256
)

// batch returns how many nodes are asked about together.
func (x *explorer) batch() int {
	if x.seen.Transitions < aloneAtFirst || len(x.seen.Findings) > 0 || runtime.GOMAXPROCS(0) == 1 {
		return 1
	}
	return manyNodes
}

// opened is a node with everything that can happen in it.
type opened struct {
	node       *node
	state      any // nil when nothing is tried
	moves      []step
	problems   []problem
	tried      []tried
	unstorable error // why the state of the node cannot be stored
	changed    bool  // somebody has written into the state
}

// tried is a step with what the decider has answered.
type tried struct {
	step      *step
	in        workflow.PreparedInput
	again     int // how often the decider is asked again
	rejection any
	decided   workflow.Decided
	err       error // of a decision
	slow      bool
	unsteady  string // in what another answer to the same question differs

	next       *node // of an accepted decision
	key        [sha256.Size]byte
	unstorable error // why the state of next cannot be stored
}

var errEnded = errors.New("a decider, evolver or invariant has called runtime.Goexit, as t.FailNow does; it must return")

// expandAll does everything that can happen in some nodes.
func (x *explorer) expandAll(nodes []*node) error {
	all := make([]opened, len(nodes))
	var wanted []*opened
	for i, n := range nodes {
		all[i].node = n
		if n.depth < x.Depth && !n.completed && len(x.nodes) < x.MaxStates {
			wanted = append(wanted, &all[i])
		}
	}
	if err := together(wanted, func(_ int, o *opened) { x.openMoves(o) }); err != nil {
		return err
	}
	for _, o := range wanted {
		x.plan(o)
	}
	if err := together(wanted, x.askMoves); err != nil {
		return err
	}
	for i := range all {
		n := all[i].node
		if n.depth == x.Depth || len(x.nodes) >= x.MaxStates {
			x.seen.Complete = x.seen.Complete && n.completed
			continue
		}
		n.expanded = true
		x.expand(&all[i])
	}
	return nil
}

// together does something with each of several nodes, by several goroutines.
func together(all []*opened, do func(asker int, o *opened)) error {
	if len(all) < 2 {
		for _, o := range all {
			do(0, o)
		}
		return nil
	}
	var next, ended atomic.Int64
	var askers sync.WaitGroup
	count := min(runtime.GOMAXPROCS(0), maxAskers)
	for asker := range count {
		askers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(all); i = int(next.Add(1)) - 1 {
				do(asker, all[i])
			}
			ended.Add(1)
		})
	}
	askers.Wait()
	if int(ended.Load()) < count {
		return errEnded
	}
	return nil
}

// openMoves finds what can happen in a node.
func (x *explorer) openMoves(o *opened) {
	state, err := x.open(o.node)
	if err == nil {
		if again, same := x.same(o.node, state); !same {
			err = fmt.Errorf("stored as %s it comes back as %s", o.node.state, again)
		}
	}
	if err != nil {
		o.unstorable = err
		return
	}
	o.state = state
	o.moves, o.problems = x.moves(o.node, state)
}

// plan says how often the decider is asked about each move.
func (x *explorer) plan(o *opened) {
	o.tried = make([]tried, len(o.moves))
	for i := range o.moves {
		t := &o.tried[i]
		if t.step = &o.moves[i]; t.step.input != nil {
			t.again = x.asks(o.node, t.step)
		}
	}
}

// askMoves asks about all moves of a node.
func (x *explorer) askMoves(asker int, o *opened) {
	if o.state == nil {
		return
	}
	for i := range o.tried {
		x.ask(asker, o.node, o.state, &o.tried[i])
	}
	_, same := x.same(o.node, o.state)
	o.changed = !same
}

// expand notes what can happen in a node.
func (x *explorer) expand(o *opened) {
	n := o.node
	if o.unstorable != nil {
		x.report(FoundUnstorable, "", n.parent, n.step, fmt.Sprintf("the state cannot be stored as JSON and read back, so that a snapshot of it would be another state: %v", o.unstorable))
	}
	x.reportAll(o.problems)
	if o.state == nil {
		return
	}
	invariants := x.invariants
	for i := range o.tried {
		x.note(n, o.state, &o.tried[i])
	}
	if o.changed || x.invariants > invariants {
		x.unchanged(n, o.state)
	}
	x.checkStuck(n)
}

// take takes a step: the decider is asked, and what it decides becomes another node.
func (x *explorer) take(n *node, state any, s step) {
	t := tried{step: &s}
	if s.input != nil {
		t.again = x.asks(n, &s)
	}
	x.ask(0, n, state, &t)
	x.note(n, state, &t)
}

// ask asks the decider about a step, and asks again. It changes nothing of the explorer.
func (x *explorer) ask(asker int, n *node, state any, t *tried) {
	s := t.step
	if s.input == nil {
		return
	}
	before := x.current[asker].Swap(&stepAt{n, s})
	defer x.current[asker].Store(before)
	began := time.Now()
	if t.in, t.err = x.workflow.Prepare(s.input); t.err == nil {
		t.rejection, t.decided, t.err = x.workflow.Decide(s.now, n.version, state, t.in)
	}
	t.slow = time.Since(began) > maxSlow
	x.steps.Add(1)
	if t.err == nil && t.rejection == nil {
		if t.next, t.unstorable = x.next(n, *s, t.decided); t.unstorable == nil {
			t.key = t.next.key(x.timeful)
		}
	}
	for again := t.again; again > 0 && t.err == nil && t.unsteady == ""; again-- {
		rejection, decided, err := x.workflow.Decide(s.now, n.version, state, t.in)
		x.steps.Add(1)
		if t.err = err; err == nil {
			t.unsteady = differs(t.rejection, rejection, &t.decided, &decided)
		}
	}
}

// note notes what has become of a step.
func (x *explorer) note(n *node, state any, t *tried) {
	s := *t.step
	if s.input == nil {
		x.endEffect(n, s)
		return
	}
	x.seen.Transitions++
	if t.err != nil {
		x.reportDecision(n, s, t.err)
		return
	}
	if t.slow {
		x.checkSlow(n, state, t.step)
	}
	if t.unsteady != "" {
		x.report(FoundUnsteady, s.label, n, s, "asked again about the same, the decider or evolver answers something else: "+t.unsteady+
			". It may look at its arguments only: not at the clock, at random numbers, at variables that change, or at the order of a map")
	}
	x.noteResult(n, s, t.rejection == nil)
	if t.rejection != nil {
		x.noteRejection(n, t)
		return
	}
	if t.unstorable != nil {
		x.report(FoundUnstorable, s.label, n, s, fmt.Sprintf("the state after %s cannot be stored as JSON: %v", s.label, t.unstorable))
		return
	}
	if x.cells != nil {
		x.noteOutcome(n.status, s.label, strings.TrimSuffix(t.next.step.events+" → "+t.next.status, " → "))
	}
	next := x.addAs(t.key, t.next)
	if next == t.next && len(x.Invariants) > 0 {
		x.invariants++
		x.current[0].Store(&stepAt{n, t.step})
		x.checkInvariants(next, t.decided.State)
		x.current[0].Store(nil)
	}
	n.children = append(n.children, next)
}

// noteRejection notes what a rejection leads to: an effect has ended, or a timer has fired.
func (x *explorer) noteRejection(n *node, t *tried) {
	s := *t.step
	if x.cells != nil {
		x.noteOutcome(n.status, s.label, "rejected with "+reflect.TypeOf(t.rejection).Name())
	}
	x.checkStray(n, s)
	switch s.how {
	case stepResult, stepDead:
		s.events = "is refused"
		x.endEffect(n, s)
	case stepTimer:
		next := n.follow(s)
		next.timers = x.withoutTimer(next.timers, s)
		n.children = append(n.children, x.add(next))
	}
}
