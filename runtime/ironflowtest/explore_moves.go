package ironflowtest

import (
	"fmt"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// lister lists what can happen in a node. It changes nothing of the explorer.
type lister struct {
	*explorer
	node     *node
	pool     pool
	times    []time.Time // at which an input may come
	steps    []step
	problems []problem
}

// problem is a finding that is not reported yet.
type problem struct {
	kind  FindingKind
	about string
	node  *node
	step  step
	text  string
}

func (x *explorer) reportAll(problems []problem) {
	for _, p := range problems {
		x.report(p.kind, p.about, p.node, p.step, p.text)
	}
}

// moves returns everything that can happen in a node.
func (x *explorer) moves(n *node, state any) ([]step, []problem) {
	l := &lister{explorer: x, node: n, pool: x.domain.pool(state), times: n.instants()}
	for _, name := range x.clients {
		if x.machine != nil && !x.mayTake(n.status, name) {
			continue
		}
		for _, input := range l.needed(name, x.domain.values(name, l.pool)) {
			l.at(step{how: stepClient, input: input, label: name, effect: -1, timer: -1})
		}
	}
	for _, schedule := range x.workflow.Schedules() {
		if x.machine != nil && !x.mayTake(n.status, schedule.Input) || slices.Contains(x.clients, schedule.Input) {
			continue
		}
		for _, input := range l.needed(schedule.Input, x.domain.values(schedule.Input, l.pool)) {
			l.at(step{how: stepSchedule, name: schedule.Name, input: input, label: schedule.Input, effect: -1, timer: -1})
		}
	}
	for i, e := range n.effects {
		if i > 0 && n.effects[i-1] == e {
			continue
		}
		l.effect(i, e)
	}
	for i, t := range n.timers {
		input, err := x.firedInput(t)
		if err != nil {
			l.problems = append(l.problems, problem{FoundUndeclared, t.key, n, step{how: stepTimer, name: t.key, label: t.input},
				"the input of timer " + t.key + " cannot be read back: " + err.Error()})
			continue
		}
		now := n.now
		if t.at.After(now) {
			now = t.at
		}
		l.steps = append(l.steps, step{how: stepTimer, name: t.key, input: input, label: t.input, now: now, effect: -1, timer: i})
	}
	return l.steps, l.problems
}

// at adds a step at each of the times.
func (l *lister) at(s step) {
	for _, now := range l.times {
		s.now = now
		l.steps = append(l.steps, s)
	}
}

// effect lists the ways in which a pending effect can end.
func (l *lister) effect(i int, e pendingEffect) {
	o := l.options[e.name]
	for _, name := range o.Returns {
		for _, input := range l.needed(name, l.domain.results(name, e.payload, l.pool)) {
			l.at(step{how: stepResult, name: e.name, input: input, label: name, effect: i, timer: -1, pending: e})
		}
	}
	if o.Ended != "" {
		for _, input := range l.needed(o.Ended, l.domain.results(o.Ended, e.payload, l.pool)) {
			l.at(step{how: stepResult, name: e.name, input: input, label: o.Ended, effect: i, timer: -1, pending: e})
		}
	}
	if o.Refused != nil {
		for _, input := range l.needed(o.Refused.Input, l.domain.refused(o.Refused, o.Sends.External, e.payload, l.pool)) {
			l.at(step{how: stepResult, name: e.name, input: input, label: o.Refused.Input, effect: i, timer: -1, pending: e})
		}
	}
	if o.Optional || len(o.Returns) == 0 && o.Ended == "" {
		l.at(step{how: stepDone, name: e.name, effect: i, timer: -1, pending: e})
	}
	switch {
	case o.Dead != nil:
		for _, input := range l.domain.dead(o.Dead, e.payload, l.pool) {
			l.at(step{how: stepDead, name: e.name, input: input, label: o.Dead.Input, effect: i, timer: -1, pending: e})
		}
	case l.DeadLetters:
		l.at(step{how: stepDead, name: e.name, effect: i, timer: -1, pending: e})
	}
}

// needed notes an input without values, which would otherwise be left out in silence.
func (l *lister) needed(name string, values []any) []any {
	if len(values) == 0 {
		l.problems = append(l.problems, problem{FoundNoInputs, name, l.node.parent, l.node.step,
			fmt.Sprintf("Explore cannot make a value of input %s that can be stored; add one to Exploration.Inputs", name)})
	}
	return values
}

// mayTake reports whether the declaration lets a state accept an input.
func (x *explorer) mayTake(status, input string) bool {
	return slices.ContainsFunc(x.machine.Accepts(status), func(t workflow.Transition) bool { return t.Input == input })
}

// instants are the times at which an input may come: now, and when each timer is due but has not fired yet.
func (n *node) instants() []time.Time {
	times := []time.Time{n.now}
	for _, t := range n.timers {
		if t.at.After(n.now) && !slices.ContainsFunc(times, t.at.Equal) && len(times) < 3 {
			times = append(times, t.at)
		}
	}
	return times
}
