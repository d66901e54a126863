package randomspec

import (
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// nameStates decides how many states there are. The last of them are terminal.
func (g *generator) nameStates() {
	if g.chance(25) {
		return
	}
	live := g.between(1, 4)
	if g.chance(85) {
		g.terminals = 1
		if len(g.events) > 1 && g.chance(30) {
			g.terminals = 2
		}
	}
	for i := range live + g.terminals {
		g.states = append(g.states, g.snake("st_", i, spec.StatusName))
	}
}

// declareStates makes a chain of states with the terminal ones at its end, or a ring. An event has the same target in a state,
// whatever the input. The first state accepts every input, and all that there is stands in its first transition, so that
// nothing is left unused.
func (g *generator) declareStates() {
	g.line(0, "states:")
	live := len(g.states) - g.terminals
	all := slices.Clone(g.inputs)
	if g.fired != "" {
		all = append(all, g.died, g.ended, g.refused, g.fired)
	}
	waits := g.chance(15)
	for s, name := range g.states {
		g.line(1, "%s:", name)
		g.doc(2)
		if waits && s < live {
			g.line(2, "waits: client")
			if g.chance(50) {
				g.line(2, "deadline: 3d12h")
			}
		}
		if s >= live {
			g.line(2, "terminal: true")
			continue
		}
		targets := make([]int, len(g.events))
		for ev := range targets {
			targets[ev] = g.r.IntN(len(g.states))
		}
		targets[0] = (s + 1) % len(g.states)
		if s == 0 && g.terminals == 2 {
			targets[1] = len(g.states) - 1
		}
		g.line(2, "accepts:")
		for i, input := range all {
			timed := slices.ContainsFunc(g.timers, func(t timer) bool { return t.input == input && slices.Contains(t.while, s) })
			switch {
			case s == 0 || i == 0:
			case g.refusal != "" && g.chance(20):
				g.line(3, "%s: {reject: %s}", input, g.refusal)
				continue
			case !timed && g.chance(20):
				continue
			}
			g.transition(input, targets, s == 0 && i == 0, i == 0)
		}
	}
	if g.chance(20) {
		retired := "retired: true"
		if waits {
			retired += ", waits: client"
		}
		g.line(1, "%s: {%s, accepts: {%s: {%s: %s}}}", g.snake("st_", len(g.states), spec.StatusName), retired, g.inputs[0], g.events[0], g.states[0])
	}
}

// transition accepts an input.
func (g *generator) transition(input string, targets []int, everything, first bool) {
	g.line(3, "%s:", input)
	g.doc(4)
	must := g.r.IntN(len(g.events))
	if first {
		must = 0
	}
	for ev, to := range targets {
		if everything || ev == must || g.chance(30) {
			g.line(4, "%s: %s", g.events[ev], g.states[to])
		}
	}
	effects := g.effects
	var timers []string
	for _, t := range g.timers {
		timers = append(timers, t.name)
	}
	if !everything {
		effects, timers = g.some(effects, 0), g.some(timers, 0)
	}
	for _, list := range []struct {
		key   string
		names []string
	}{{"effects", effects}, {"timers", timers}} {
		switch {
		case len(list.names) == 1 && g.chance(50):
			g.line(4, "%s: %s", list.key, list.names[0])
		case len(list.names) > 0:
			g.line(4, "%s: [%s]", list.key, strings.Join(list.names, ", "))
		}
	}
}
