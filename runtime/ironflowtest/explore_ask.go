package ironflowtest

import (
	"bytes"
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
	aloneAtFirst = 5000

	// manyNodes is how many nodes several goroutines ask about together.
	manyNodes = 256
)

// together returns how many nodes are asked about together.
func (x *explorer) together() int {
	if x.seen.Transitions < aloneAtFirst || len(x.seen.Findings) > 0 || runtime.GOMAXPROCS(0) == 1 {
		return 1
	}
	return manyNodes
}

// opened is a node with everything that can happen in it.
type opened struct {
	node  *node
	state any
	moves []step
	tried []tried
}

// tried is a step with what the decider has answered.
type tried struct {
	step      step
	in        workflow.PreparedInput
	rejection any
	decided   workflow.Decided
	err       error // of the decision
	slow      bool

	next       *node // of an accepted decision
	key        [sha256.Size]byte
	unstorable error // why the state of next cannot be stored
}

var errEnded = errors.New("a decider, evolver or invariant has called runtime.Goexit, as t.FailNow does; it must return")

// expandAll does everything that can happen in some nodes.
func (x *explorer) expandAll(nodes []*node) error {
	all := make([]opened, len(nodes))
	for i, n := range nodes {
		all[i].node = n
		if n.depth < x.Depth && !n.completed && len(x.nodes) < x.MaxStates {
			x.openMoves(&all[i])
		}
	}
	if len(nodes) > 1 {
		if err := x.askAll(all); err != nil {
			return err
		}
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

// openMoves finds what can happen in a node.
func (x *explorer) openMoves(o *opened) {
	n := o.node
	state, err := x.open(n)
	if err == nil {
		var again []byte
		if again, err = x.workflow.EncodeState(state); err == nil && !bytes.Equal(again, n.state) {
			err = fmt.Errorf("stored as %s it comes back as %s", n.state, again)
		}
	}
	if err != nil {
		x.report(FoundUnstorable, "", n.parent, n.step, fmt.Sprintf("the state cannot be stored as JSON and read back, so that a snapshot of it would be another state: %v", err))
		return
	}
	o.state, o.moves = state, x.moves(n, state, x.domain.pool(state))
}

// askAll asks about all moves, by several goroutines. One goroutine asks about all moves of a node.
func (x *explorer) askAll(all []opened) error {
	var next, ended atomic.Int64
	var askers sync.WaitGroup
	count := min(runtime.GOMAXPROCS(0), maxAskers)
	for asker := range count {
		askers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(all); i = int(next.Add(1)) - 1 {
				o := &all[i]
				o.tried = make([]tried, len(o.moves))
				for m, s := range o.moves {
					x.ask(asker, o.node, o.state, s, &o.tried[m])
				}
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

// expand notes what can happen in a node.
func (x *explorer) expand(o *opened) {
	if o.state == nil {
		return
	}
	for i, s := range o.moves {
		if o.tried == nil {
			x.take(o.node, o.state, s)
		} else {
			x.note(o.node, o.state, &o.tried[i])
		}
	}
	x.unchanged(o.node, o.state)
	x.checkStuck(o.node)
}

// take takes a step: the decider is asked, and what it decides becomes another node.
func (x *explorer) take(n *node, state any, s step) {
	var t tried
	x.ask(0, n, state, s, &t)
	x.note(n, state, &t)
}

// ask asks the decider about a step. It changes nothing of the explorer.
func (x *explorer) ask(asker int, n *node, state any, s step, t *tried) {
	t.step = s
	if s.input == nil {
		return
	}
	before := x.current[asker].Swap(&stepAt{n, s})
	began := time.Now()
	if t.in, t.err = x.workflow.Prepare(s.input); t.err == nil {
		t.rejection, t.decided, t.err = x.workflow.Decide(s.now, n.version, state, t.in)
	}
	t.slow = time.Since(began) > maxSlow
	x.steps.Add(1)
	if t.err == nil && t.rejection == nil {
		if t.next, t.unstorable = x.next(n, s, t.decided); t.unstorable == nil {
			t.key = t.next.key(x.timeful)
		}
	}
	x.current[asker].Store(before)
}

// note notes what has become of a step.
func (x *explorer) note(n *node, state any, t *tried) {
	s := t.step
	if s.input == nil {
		x.endEffect(n, s)
		return
	}
	x.current[0].Store(&stepAt{n, s})
	defer x.current[0].Store(nil)
	x.seen.Transitions++
	if t.err != nil {
		x.reportDecision(n, s, t.err)
		return
	}
	if t.slow {
		x.checkSlow(n, state, s)
	}
	x.checkSteady(n, state, t)
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
	if next == t.next {
		x.checkInvariants(next, t.decided.State)
	}
	n.children = append(n.children, next)
}

// noteRejection notes what a rejection leads to: an effect has ended, or a timer has fired.
func (x *explorer) noteRejection(n *node, t *tried) {
	s := t.step
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
