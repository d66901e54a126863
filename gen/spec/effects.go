package spec

import (
	"slices"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

// effectOutcomes checks what the declaration says about how effects are carried out, and what becomes of them.
func (c *checker) effectOutcomes() {
	for _, e := range c.w.Effects {
		c.once("returns", e.ReturnsList())
		for _, n := range e.Returns {
			if n.Text != ReturnsOptional {
				c.inputs.find(c, n)
			}
		}
		if e.Optional != (Name{}) && len(e.Returns) == 0 {
			c.d.Report(e.Optional.Pos, diagnostic.EmptyReturns, `returns of effect %q is "optional" alone; list the inputs that the handler may answer with beside it, or remove it if the handler never answers`,
				e.Name.Text)
		}
		if r := e.Retry; r.Max > 0 && r.Base > r.Max {
			c.d.Report(r.MaxPos, diagnostic.RetryRange, "retry of effect %q begins at %s, which is above its max of %s; raise max or lower base",
				e.Name.Text, r.Base, r.Max)
		}
		c.effectOrder(e)
		c.delivered(e)
		if dead, _ := c.inputs.find(c, e.Dead); dead != nil {
			e.DeadFill = c.fillDead(e, dead)
		}
	}
}

// timerInputs checks what each timer delivers, and when.
func (c *checker) timerInputs() {
	for _, t := range c.w.Timers {
		owner := "timer " + quote(t.Name.Text)
		input := c.deliveredInput(owner, t.Input, t.Name.Pos)
		c.recurrence(owner, &t.Recurrence)
		if t.Recurs() && t.After > 0 {
			c.d.Report(t.AfterPos, diagnostic.AfterAndSchedule, `%s has both "after" and "schedule"; keep "after" if it fires once, "schedule" if it fires again and again`, owner)
		}
		if len(t.While) > 0 {
			c.armedByStates(t, input)
		}
		switch {
		case !t.Recurs() || input == nil:
		case len(t.While) > 0:
			c.scheduledInput(owner, input)
		default: // a decision makes the rest of the input when it starts the timer
			c.firingTime(owner, input)
		}
	}
}

// armedByStates checks a timer that the runtime starts and cancels as states come and go. The runtime has nothing to
// fill its input with but the instance's id.
func (c *checker) armedByStates(t *Timer, input *Message) {
	if t.After == 0 && !t.Recurs() {
		c.d.Report(t.Name.Pos, diagnostic.WhileNoDelay, `timer %q has "while" but no "after"; say how long after entering the state it fires, like %q`, t.Name.Text, c.w.Form.entry("after", "30m"))
	}
	if !c.w.HasStates() {
		if t.While[0].unread() {
			return
		}
		c.d.Report(t.While[0].Pos, diagnostic.WhileNoStates, `timer %q has "while", but the workflow declares no states; remove it and start the timer from decisions`, t.Name.Text)
		return
	}
	c.once("while", t.While)
	for _, n := range t.While {
		if s, _ := c.states.find(c, n); s != nil && s.Terminal {
			c.d.Report(n.Pos, diagnostic.TimerInTerminal, "state %q is terminal and completion clears all timers, so timer %q would never fire in it; remove the state here",
				n.Text, t.Name.Text)
		}
	}
	if input == nil || t.Recurs() {
		return
	}
	if needed := neededFields(input); len(needed) > 0 && input.ID.Text != "" {
		c.d.Report(t.Input.Pos, diagnostic.TimerInputFields, `timer %q has "while", so the runtime makes its input %q and knows only %q; make %s optional, or remove "while" and start the timer from decisions`,
			t.Name.Text, input.Name.Text, input.ID.Text, listed(needed, "and"))
	}
}

// timersInStates checks that the states in which a timer runs are entered, and know its input. A timer starts on entry from
// outside of its states. An instance enters its first state with its first event, so being the initial one is no entry.
func (c *checker) timersInStates() {
	entered := make(map[string]bool)
	for _, next := range c.next {
		for _, state := range next {
			entered[state] = true
		}
	}
	initial := c.w.States[0].Name.Text
	for _, t := range c.w.Timers {
		for i, n := range t.While {
			s := c.states.items[n.Text]
			if s == nil || s.Terminal || slices.ContainsFunc(t.While[:i], func(before Name) bool { return before.Text == n.Text }) {
				continue // reported already
			}
			if n.Text == initial && !entered[initial] && !t.Retired && !c.states.vague && !c.states.unread {
				c.d.Report(n.Pos, diagnostic.TimerNeverStarts, "no event leads to the initial state %q, so no instance ever enters it and timer %q never starts; remove the state here, or start the timer from decisions",
					n.Text, t.Name.Text)
				continue
			}
			// A mention that could not be read, or means nothing that is declared, may be that of the timer's input.
			answers := c.answers[n.Text]
			if c.inputs.items[t.Input.Text] != nil && !answers[t.Input.Text] && !answers[""] {
				c.d.Report(n.Pos, diagnostic.TimerNotHeard, `state %q says nothing of input %q, so timer %q would fire in vain; accept the input there, or refuse it with %q`,
					n.Text, t.Input.Text, t.Name.Text, c.w.Form.rejectEntry(t.Input.Text))
			}
		}
	}
}

// neededFields are those without which a message says nothing: all but the instance's id and the optional ones.
func neededFields(m *Message) []string {
	var needed []string
	for _, f := range m.Fields {
		if f.Name.Text != "" && f.Name.Text != m.ID.Text && f.Type.Kind != Optional && f.Type.Kind != 0 {
			needed = append(needed, f.Name.Text)
		}
	}
	return needed
}
