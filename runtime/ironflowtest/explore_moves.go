package ironflowtest

import (
	"fmt"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// moves returns everything that can happen in a node.
func (x *explorer) moves(n *node, state any, p pool) (steps []step) {
	times := n.instants()
	at := func(s step) {
		for _, now := range times {
			s.now = now
			steps = append(steps, s)
		}
	}
	for _, name := range x.clients {
		if x.machine != nil && !x.mayTake(n.status, name) {
			continue
		}
		for _, input := range x.needed(n, name, x.domain.values(name, p)) {
			at(step{how: stepClient, input: input, label: name, effect: -1, timer: -1})
		}
	}
	for _, schedule := range x.workflow.Schedules() {
		if x.machine != nil && !x.mayTake(n.status, schedule.Input) || slices.Contains(x.clients, schedule.Input) {
			continue
		}
		for _, input := range x.needed(n, schedule.Input, x.domain.values(schedule.Input, p)) {
			at(step{how: stepSchedule, name: schedule.Name, input: input, label: schedule.Input, effect: -1, timer: -1})
		}
	}
	for i, e := range n.effects {
		if i > 0 && n.effects[i-1] == e {
			continue
		}
		x.effectMoves(n, i, e, p, at)
	}
	for i, t := range n.timers {
		input, err := x.firedInput(t)
		if err != nil {
			x.report(FoundUndeclared, t.key, n, step{how: stepTimer, name: t.key, label: t.input}, "the input of timer "+t.key+" cannot be read back: "+err.Error())
			continue
		}
		now := n.now
		if t.at.After(now) {
			now = t.at
		}
		steps = append(steps, step{how: stepTimer, name: t.key, input: input, label: t.input, now: now, effect: -1, timer: i})
	}
	return steps
}

// effectMoves are the ways in which a pending effect can end.
func (x *explorer) effectMoves(n *node, i int, e pendingEffect, p pool, at func(step)) {
	o := x.options[e.name]
	for _, name := range o.Returns {
		for _, input := range x.needed(n, name, x.domain.results(name, e.payload, p)) {
			at(step{how: stepResult, name: e.name, input: input, label: name, effect: i, timer: -1, pending: e})
		}
	}
	if o.Ended != "" {
		for _, input := range x.needed(n, o.Ended, x.domain.results(o.Ended, e.payload, p)) {
			at(step{how: stepResult, name: e.name, input: input, label: o.Ended, effect: i, timer: -1, pending: e})
		}
	}
	if o.Optional || len(o.Returns) == 0 && o.Ended == "" {
		at(step{how: stepDone, name: e.name, effect: i, timer: -1, pending: e})
	}
	switch {
	case o.Dead != nil:
		for _, input := range x.domain.dead(o.Dead, e.payload, p) {
			at(step{how: stepDead, name: e.name, input: input, label: o.Dead.Input, effect: i, timer: -1, pending: e})
		}
	case x.DeadLetters:
		at(step{how: stepDead, name: e.name, effect: i, timer: -1, pending: e})
	}
}

// needed reports an input without values, which would otherwise be left out in silence.
func (x *explorer) needed(n *node, name string, values []any) []any {
	if len(values) == 0 {
		x.report(FoundNoInputs, name, n.parent, n.step, fmt.Sprintf("Explore cannot make a value of input %s that can be stored; add one to Exploration.Inputs", name))
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
