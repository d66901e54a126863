package spec

import (
	"fmt"
	"slices"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

// transitions checks what every state says about inputs, and counts what is used.
func (c *checker) transitions() {
	type stateEvent struct{ state, event string }
	targets := make(map[stateEvent]Name)
	for _, s := range c.w.States {
		seen := make(map[string]Pos)
		if c.answers[s.Name.Text] == nil {
			c.answers[s.Name.Text] = make(map[string]bool)
		}
		for _, t := range s.Accepts {
			if first, again := seen[t.Input.Text]; again && t.Input.Text != "" {
				c.d.Report(t.Input.Pos, diagnostic.InputTwice, "state %q already says at %s what %q leads to; join the two", s.Name.Text, first, t.Input.Text).
					Relate(first, "the first mention")
			}
			seen[t.Input.Text] = t.Input.Pos
			c.transition(s, t)
			for _, m := range t.Moves {
				if _, known := c.states.items[m.To.Text]; !known || m.Event.Text == "" {
					continue // reported already, and another target may be meant
				}
				key := stateEvent{s.Name.Text, m.Event.Text}
				switch first, again := targets[key]; {
				case !again:
					targets[key] = m.To
				case first.Text != m.To.Text:
					c.d.Report(m.To.Pos, diagnostic.TwoTargets, "event %q leads from state %q to %q here and to %q at %s; an event has one target in a state, so use one target or two events",
						m.Event.Text, s.Name.Text, m.To.Text, first.Text, first.Pos).Relate(first.Pos, "the other target")
				}
			}
		}
	}
}

// transition checks one entry of what a state accepts.
func (c *checker) transition(s *State, t *Transition) {
	if t.Input.Text == "" {
		c.allVague()
		c.answers[s.Name.Text][""] = true
		return
	}
	refused := t.Reject != Name{}
	leads := len(t.Moves) > 0
	switch {
	case t.Reject.unread():
	case refused && (leads || len(t.Effects) > 0 || len(t.Timers) > 0):
		c.d.Report(t.Reject.Pos, diagnostic.RejectWithMore, `"reject" refuses the input %q, so there can be no events, effects or timers beside it; keep one or the other`, t.Input.Text)
	case !refused && !leads:
		c.d.Report(t.Input.Pos, diagnostic.NoEventHere, `input %q leads to no event here; write %q, or "reject" with a rejection`,
			t.Input.Text, c.w.Form.entry("Event", "next_state"))
	}
	if refused {
		c.refusal(t)
	}
	var meant string
	if refused && !leads {
		_, meant = c.inputs.find(c, t.Input)
	} else {
		meant = c.inputs.use(c, t.Input)
	}
	c.answers[s.Name.Text][meant] = true
	for _, m := range t.Moves {
		if m.Event.unread() && m.To.unread() {
			c.allVague()
			continue
		}
		c.events.use(c, m.Event)
		if event := c.events.items[m.Event.Text]; event != nil && event.Retired {
			c.d.Report(m.Event.Pos, diagnostic.RetiredUsed, "event %q is retired, and the transition emits it; remove it here, or remove \"retired\"", m.Event.Text)
		}
		if state := c.states.items[m.To.Text]; state != nil && state.Retired {
			c.d.Report(m.To.Pos, diagnostic.RetiredUsed, "state %q is retired, and the transition leads to it; remove it here, or remove \"retired\"", m.To.Text)
		}
		if to := c.states.use(c, m.To); to != "" {
			c.next[s.Name.Text] = append(c.next[s.Name.Text], to)
		}
	}
	c.once("effects", t.Effects)
	for _, n := range t.Effects {
		c.effects.use(c, n)
		if effect := c.effects.items[n.Text]; effect != nil && effect.Retired {
			c.d.Report(n.Pos, diagnostic.RetiredUsed, "effect %q is retired, and the transition asks for it; remove it here, or remove \"retired\"", n.Text)
		}
	}
	c.once("timers", t.Timers)
	for _, n := range t.Timers {
		c.timers.use(c, n)
		if timer := c.timers.items[n.Text]; timer != nil && timer.Retired {
			c.d.Report(n.Pos, diagnostic.RetiredUsed, "timer %q is retired, and the transition starts it; remove it here, or remove \"retired\"", n.Text)
		}
	}
}

// refusal checks the rejection of a transition, which the runtime makes without knowing anything to put into it.
func (c *checker) refusal(t *Transition) {
	rejection, meant := c.rejections.find(c, t.Reject)
	if rejection == nil {
		if meant == "" {
			c.inputs.used[t.Input.Text] = true // what was meant may be an event
		}
		return
	}
	if needed := neededFields(rejection); len(needed) > 0 {
		c.d.Report(t.Reject.Pos, diagnostic.RejectionFields, `"reject" is carried out by the runtime, which has nothing to put into %s of %q; make it optional, or reject in the decider`,
			listed(needed, "and"), rejection.Name.Text)
	}
}

// allVague notes that a transition could not be read: it may use anything.
func (c *checker) allVague() {
	c.inputs.vague = true
	c.events.vague = true
	c.effects.vague = true
	c.timers.vague = true
	c.states.vague = true
}

// WaitsClient is what a state declares that waits for clients: nothing else need be pending in it.
const WaitsClient = "client"

// waits checks whom the states wait for. If one of them says so, all do in which nothing happens by itself: an instance may stay there for ever.
func (c *checker) waits() {
	said := slices.ContainsFunc(c.w.States, func(s *State) bool { return s.Waits.Text != "" })
	for i, s := range c.w.States {
		if s.Deadline > 0 && s.Waits == (Name{}) {
			c.d.Report(s.DeadlinePos, diagnostic.BadWait, `state %q has a deadline and does not wait for clients; write %s beside it, or declare a timer with "after" and "while"`,
				s.Name.Text, c.w.Form.waitsWord())
		}
		switch {
		case s.Waits.Text == "" && said && i > 0 && !s.Terminal && c.onlyClients(s):
			c.d.Report(s.Name.Pos, diagnostic.NoWait, `only clients can lead an instance out of state %q, and it does not say that it waits for them, as another state does; write %s, or start a timer in it`,
				s.Name.Text, c.w.Form.waitsWord())
		case s.Waits.Text == "" || s.Waits.unread():
		case s.Waits.Text != WaitsClient:
			c.d.Report(s.Waits.Pos, diagnostic.BadWait, "state %q waits for %q, and a state can wait for %q only; effects, timers and children need no word", s.Name.Text, s.Waits.Text, WaitsClient)
		case s.Terminal:
			c.d.Report(s.Waits.Pos, diagnostic.BadWait, `terminal state %q waits for nobody, as its instances are complete; remove "waits" or "terminal"`, s.Name.Text)
		}
	}
}

// onlyClients reports whether all inputs that a state accepts come from clients, and from nothing that the declaration starts.
func (c *checker) onlyClients(s *State) bool {
	accepts := false
	for _, t := range s.Accepts {
		if t.Reject != (Name{}) {
			continue
		}
		if m := c.inputs.items[t.Input.Text]; m == nil || m.Internal || c.byEngine[t.Input.Text] {
			return false
		}
		accepts = true
	}
	return accepts
}

// stateShape checks that the machine begins somewhere, gets everywhere and never gets stuck.
func (c *checker) stateShape() {
	for _, s := range c.w.States {
		switch {
		case s.Name.Text == "":
		case s.Terminal && len(s.Accepts) > 0:
			c.d.Report(s.Accepts[0].Input.Pos, diagnostic.TerminalAccepts, "terminal state %q accepts nothing, as its instances are complete; remove accepts, or terminal", s.Name.Text)
		case !s.Terminal && len(s.Accepts) == 0:
			c.d.Report(s.Name.Pos, diagnostic.DeadEnd, `state %q accepts no input, so no instance ever leaves it; add %s, or %s`,
				s.Name.Text, c.w.Form.acceptsWord(), c.w.Form.terminalWord())
		case !s.Terminal && onlyRejects(s):
			c.d.Report(s.Name.Pos, diagnostic.DeadEnd, `state %q refuses every input, so no instance ever leaves it; add an input that leads on, or write %s instead of %s`,
				s.Name.Text, c.w.Form.terminalWord(), c.w.Form.acceptsWord())
		}
	}
	if first := c.w.States[0]; first.Terminal {
		c.d.Report(first.Name.Pos, diagnostic.InitialTerminal, "state %q comes first and is therefore the initial one, so it cannot be terminal; put the initial state first", first.Name.Text)
		return // what is not reached from it follows
	}
	if !c.states.vague && !c.states.unread {
		c.unreachable()
	}
}

func onlyRejects(s *State) bool {
	for _, t := range s.Accepts {
		if t.Reject == (Name{}) {
			return false
		}
	}
	return true
}

// unreachable reports states that no sequence of events leads to. Where one such state leads to others, only the first
// of them is reported: the others follow from it.
func (c *checker) unreachable() {
	reached := make(map[string]bool)
	var spread func(state string)
	spread = func(state string) {
		reached[state] = true
		for _, next := range c.next[state] {
			if !reached[next] {
				spread(next)
			}
		}
	}
	initial := c.states.order[0]
	spread(initial)
	for _, s := range c.w.States {
		if s.Retired { // instances are in it already
			spread(s.Name.Text)
		}
	}

	entered := make(map[string]bool) // from another state that is not reached
	for _, state := range c.states.order {
		for _, next := range c.next[state] {
			if !reached[state] && next != state {
				entered[next] = true
			}
		}
	}
	// Those that nothing enters come first. What is left after them are circles, of which any member will do.
	for _, circles := range []bool{false, true} {
		for _, state := range c.states.order {
			if reached[state] || entered[state] && !circles {
				continue
			}
			c.d.Report(c.states.items[state].Name.Pos, diagnostic.Unreachable, "state %q cannot be reached from the initial state %q; lead an event to it, or remove it",
				state, initial)
			spread(state)
		}
	}
}

// unusedByStates reports what is declared but has no place in the machine. A name that is not well formed is left out:
// it is about to change.
func (c *checker) unusedByStates() {
	told := make(map[string]bool)
	refused := func(n Name, what string, args ...any) {
		if m := c.inputs.items[n.Text]; m != nil && !c.inputs.mayUse(n.Text) {
			told[n.Text] = true
			c.d.Report(n.Pos, diagnostic.ResultNotAccepted, "no state accepts input %q, so %s would always be refused; accept it in a state", n.Text, fmt.Sprintf(what, args...))
		}
	}
	for _, e := range c.w.Effects {
		for _, n := range e.Returns {
			refused(n, "this result of effect %q", e.Name.Text)
		}
		refused(e.Dead, "what tells that effect %q is a dead letter", e.Name.Text)
		refused(e.Ended, "what tells of the end of the child of effect %q", e.Name.Text)
		refused(e.Refused, "what tells that the input of effect %q was refused", e.Name.Text)
		if exportedForm.valid(e.Name.Text) && !c.effects.mayUse(e.Name.Text) && !e.Retired {
			c.d.Report(e.Name.Pos, diagnostic.UnusedEffect, `effect %q is used by no transition; add it to the "effects" of one, or remove it`, e.Name.Text)
		}
	}
	for _, s := range c.w.Schedules {
		refused(s.Input, "each firing of schedule %q", s.Name.Text)
		c.firstInput(s)
	}
	for _, t := range c.w.Timers {
		if t.Recurs() {
			refused(t.Input, "each firing of timer %q", t.Name.Text)
		}
	}
	for _, m := range c.w.Inputs {
		if exportedForm.valid(m.Name.Text) && !c.inputs.mayUse(m.Name.Text) && !told[m.Name.Text] && !m.Retired {
			c.d.Report(m.Name.Pos, diagnostic.UnusedInput, "no state accepts input %q; accept it in a state, or remove it", m.Name.Text)
		}
	}
	for _, m := range c.w.Events {
		if exportedForm.valid(m.Name.Text) && !c.events.mayUse(m.Name.Text) && !m.Retired {
			c.d.Report(m.Name.Pos, diagnostic.UnusedEvent, "no transition emits event %q; emit it in one, or remove it", m.Name.Text)
		}
	}
	for _, t := range c.w.Timers {
		if snakeForm.valid(t.Name.Text) && len(t.While) == 0 && !c.timers.mayUse(t.Name.Text) && !t.Retired {
			c.d.Report(t.Name.Pos, diagnostic.UnusedTimer, `timer %q is used by no transition; add it to the "timers" of one, say in which state it runs with "while", or remove it`,
				t.Name.Text)
		}
	}
}

// firstInput checks that a schedule whose firings have an instance each delivers an input with which an instance can begin.
func (c *checker) firstInput(s *Schedule) {
	initial := c.w.States[0]
	if !s.PerFiring() || c.inputs.items[s.Input.Text] == nil || !c.inputs.used[s.Input.Text] || acceptsFirst(c.w, s.Input.Text) {
		return
	}
	c.d.Report(s.Input.Pos, diagnostic.FiringNotFirst, "schedule %q has a new instance for each firing, and the initial state %q does not accept input %q; accept it there, or name one instance without {time}",
		s.Name.Text, initial.Name.Text, s.Input.Text)
}

// acceptsFirst reports whether an instance may begin with an input: there are no states, or the initial one accepts it or
// says something that could not be read.
func acceptsFirst(w *Workflow, input string) bool {
	if !w.HasStates() {
		return true
	}
	for _, t := range w.States[0].Accepts {
		if (t.Input.Text == input || t.Input.Text == "") && t.Reject == (Name{}) {
			return true
		}
	}
	return false
}
