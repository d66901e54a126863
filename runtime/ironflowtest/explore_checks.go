package ironflowtest

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// How often decisions are asked for again. The order of a map with few entries is the same in three of four calls, so the first decisions on an
// input in a state are asked for many times.
const (
	firstDecisions, firstAsks = 3, 40
	nextDecisions, nextAsks   = 50, 3
	moreDecisions             = 200 // asked for once more
	someDecisions             = 8   // of later decisions, one of so many is asked for once more
)

// asks returns how often to ask again.
func (x *explorer) asks(n *node, s *step) int {
	key := cellKey{n.status, s.label}
	count := x.asked[key] + 1
	x.asked[key] = count
	switch {
	case count <= firstDecisions:
		return firstAsks
	case count <= nextDecisions:
		return nextAsks
	case count <= moreDecisions, count%someDecisions == 0:
		return 1
	}
	return 0
}

// differs says in what two decisions differ; it is empty when they do not.
func differs(rejection, otherRejection any, d, other *workflow.Decided) string {
	if rejection != nil || otherRejection != nil {
		if reflect.DeepEqual(rejection, otherRejection) {
			return ""
		}
		return fmt.Sprintf("%s, then %s", describe(rejection, d), describe(otherRejection, other))
	}
	start, cancel := d.Timers.Result()
	otherStart, otherCancel := other.Timers.Result()
	sameTimer := func(a, b store.NewTimer) bool {
		return a.Key == b.Key && a.Input == b.Input && bytes.Equal(a.Payload, b.Payload) && a.FireAt.Equal(b.FireAt)
	}
	switch {
	case !slices.EqualFunc(d.Stored, other.Stored, func(a, b store.NewEvent) bool { return a.Type == b.Type && bytes.Equal(a.Payload, b.Payload) }):
		return fmt.Sprintf("events %s, then %s", eventTexts(d), eventTexts(other))
	case !slices.EqualFunc(d.Effects, other.Effects, func(a, b store.NewEffect) bool { return a.Kind == b.Kind && bytes.Equal(a.Payload, b.Payload) }):
		return "other effects, or their order"
	case !slices.EqualFunc(start, otherStart, sameTimer), !slices.Equal(cancel, otherCancel), !slices.Equal(d.Cancel, other.Cancel):
		return "other timers or cancellations, or their order"
	case d.Complete != other.Complete, d.Status != other.Status:
		return "another status"
	}
	return ""
}

func describe(rejection any, d *workflow.Decided) string {
	if rejection != nil {
		return fmt.Sprintf("rejected with %+v", rejection)
	}
	return "accepted with " + eventTexts(d)
}

func eventTexts(d *workflow.Decided) string {
	texts := make([]string, len(d.Stored))
	for i, e := range d.Stored {
		texts[i] = e.Type + string(e.Payload)
	}
	return strings.Join(texts, ", ")
}

// checkSlow reports a decision that takes long each time.
func (x *explorer) checkSlow(n *node, state any, s *step) {
	for range 2 {
		began := time.Now()
		again := tried{step: s}
		x.ask(0, n, state, &again)
		if again.err != nil || time.Since(began) <= maxSlow {
			return
		}
	}
	x.report(FoundSlow, s.label, n, *s, fmt.Sprintf("a decision takes more than %v each time; a decider must not wait: start a timer, or leave the work to an effect", maxSlow))
}

// checkInvariants calls the invariants with a new state.
func (x *explorer) checkInvariants(n *node, state any) {
	for i, holds := range x.Invariants {
		var broken error
		err := callUser(fmt.Sprintf("invariant %d", i+1), func() error {
			broken = holds(state)
			return nil
		})
		switch panicked := (*store.PanicError)(nil); {
		case errors.As(err, &panicked):
			x.report(FoundPanic, fmt.Sprint("invariant", i), n.parent, n.step, fmt.Sprintf("invariant %d panics: %s; an invariant gets every state that can be reached, also those without values\n%s", i+1, panicked.Text, panicked.Stack))
		case broken != nil:
			x.report(FoundInvariant, fmt.Sprint(i), n.parent, n.step, broken.Error())
		}
	}
}

// reportDecision reports what the engine would refuse.
func (x *explorer) reportDecision(n *node, s step, err error) {
	if stub, is := errors.AsType[*workflow.Unfinished](err); is {
		x.report(FoundUnfinished, stub.Method, n, s, stub.Error())
		return
	}
	if panicked := (*store.PanicError)(nil); errors.As(err, &panicked) {
		x.report(FoundPanic, panicked.In, n, s, fmt.Sprintf("%s panics: %s\n%s", panicked.In, panicked.Text, userFrames(panicked.Stack)))
		return
	}
	x.report(FoundUndeclared, s.label+err.Error(), n, s, fmt.Sprintf("the engine would refuse what is decided on %s: %v", s.label, err))
}

// userFrames is the part of a stack below the panic.
func userFrames(stack []byte) string {
	text := string(stack)
	if _, below, ok := strings.Cut(text, "panic("); ok {
		if _, below, ok = strings.Cut(below, "\n"); ok {
			_, text, _ = strings.Cut(below, "\n")
		}
	}
	lines := strings.SplitAfterN(text, "\n", 5)
	return strings.TrimRight(strings.Join(lines[:min(4, len(lines))], ""), "\n")
}

// noteResult notes whether an input that an effect leads to was taken.
func (x *explorer) noteResult(n *node, s step, taken bool) {
	if s.how != stepResult {
		return
	}
	key := s.name + "\x00" + s.label
	seen := x.results[key]
	if seen == nil {
		seen = new(resultSeen)
		x.results[key] = seen
	}
	seen.taken = seen.taken || taken
	if !taken && seen.refused == nil {
		seen.refused, seen.by = n, s
	}
}

// lostResults reports inputs that an effect returns and nothing takes.
func (x *explorer) lostResults() {
	for _, seen := range x.results {
		if !seen.taken {
			x.report(FoundLostResult, seen.by.name+seen.by.label, seen.refused, seen.by, fmt.Sprintf(
				"effect %s may return %s, which is refused in every state that was reached; accept it, or take it out of what the effect returns", seen.by.name, seen.by.label))
		}
	}
}

// checkStray reports a timer that fires where the declaration does not accept its input.
func (x *explorer) checkStray(n *node, s step) {
	if s.how != stepTimer || x.machine == nil || x.mayTake(n.status, s.label) || x.refusesByDeclaration(n.status, s.label) {
		return
	}
	x.report(FoundStrayTimer, s.name+n.status, n, s, fmt.Sprintf(
		"timer %s goes on in state %s, which does not accept its input %s; cancel it in the decision that leads there, or declare the states in which it runs with while",
		s.name, n.status, s.label))
}

func (x *explorer) refusesByDeclaration(status, input string) bool {
	for _, state := range x.machine.States {
		if state.Name == status {
			return slices.ContainsFunc(state.Accepts, func(t workflow.Transition) bool { return t.Input == input && t.Reject != "" })
		}
	}
	return false
}

// checkStuck reports a node in which nothing is pending, unless its state waits by declaration.
func (x *explorer) checkStuck(n *node) {
	if n.version == 0 || len(n.timers) > 0 || len(x.workflow.Schedules()) > 0 || slices.ContainsFunc(n.effects, x.moving) {
		return
	}
	takes := slices.ContainsFunc(n.children, func(c *node) bool { return c.step.how == stepClient && c.parent == n || c != n })
	switch {
	case x.machine == nil && !takes:
		x.report(FoundStuck, "", n.parent, n.step, "the instance has not ended, nothing is pending, and no input that was tried is accepted")
	case x.machine == nil:
	case !x.waits(n.status):
		x.report(FoundStuck, n.status, n.parent, n.step, fmt.Sprintf(
			"in state %s nothing is pending: no effect whose result could come, no timer, no child. Start a timer or an effect in the decision that leads here; if clients are to go on from here, declare the state with waits: client", n.status))
	case !takes:
		x.report(FoundStuck, n.status, n.parent, n.step, fmt.Sprintf("state %s waits for clients, and nothing that they can send is accepted", n.status))
	}
}

// checkIdle reports a node in which nothing is pending and whose state does not wait by declaration. Unlike checkStuck, it needs no children.
func (x *explorer) checkIdle(n *node) {
	if x.machine != nil && !n.completed && !x.waits(n.status) {
		x.checkStuck(n)
	}
}

// moving reports whether an effect may still bring an input.
func (x *explorer) moving(e pendingEffect) bool {
	o := x.options[e.name]
	return len(o.Returns) > 0 || o.Ended != ""
}

func (x *explorer) waits(status string) bool {
	return slices.ContainsFunc(x.machine.States, func(s workflow.MachineState) bool { return s.Name == status && s.Waits != "" })
}

// noEnd reports the first node from which no end can be reached. Nodes that were not gone through may lead to one.
func (x *explorer) noEnd() {
	if x.machine != nil && !slices.ContainsFunc(x.machine.States, func(s workflow.MachineState) bool { return s.Terminal }) {
		return
	}
	ends := make(map[*node]bool)
	before := make(map[*node][]*node)
	var queue []*node
	for _, n := range x.nodes {
		if n.completed || !n.expanded {
			ends[n] = true
			queue = append(queue, n)
		}
		for _, c := range n.children {
			before[c] = append(before[c], n)
		}
	}
	if x.machine == nil && !slices.ContainsFunc(x.nodes, func(n *node) bool { return n.completed }) {
		return // it may be meant to go on for ever
	}
	for len(queue) > 0 {
		n := queue[0]
		queue = queue[1:]
		for _, b := range before[n] {
			if !ends[b] {
				ends[b] = true
				queue = append(queue, b)
			}
		}
	}
	for _, n := range x.nodes {
		if !ends[n] && n.version > 0 {
			x.report(FoundNoEnd, "", n.parent, n.step, "from here no terminal state can be reached, whatever happens")
			return
		}
	}
}
