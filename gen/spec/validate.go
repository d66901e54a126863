package spec

import "github.com/ironflow-gen/ironflow/gen/diagnostic"

// checker holds what the checks of one declaration share.
type checker struct {
	w *Workflow
	d *Diagnostics

	types      *index[*Type]
	inputs     *index[*Message]
	events     *index[*Message]
	effects    *index[*Effect]
	timers     *index[*Timer]
	rejections *index[*Message]
	states     *index[*State]
	schedules  *index[*Schedule]

	zeros map[*Type]bool // structs, and whether their zero value can be stored; see hasZero

	// Filled in by transitions.
	next     map[string][]string        // the states that each state leads to
	byEngine map[string]bool            // inputs that effects, timers and schedules deliver
	answers  map[string]map[string]bool // the inputs that each state mentions, be it to refuse them
}

// Validate checks a declaration and reports every mistake to d. It also completes the model: TypeRef.Decl, the ID of
// inputs that have none of their own, Go names, the stored names of what is used, the fills of inputs that the engine makes, and Workflow.Moves. Only a model
// without any mistake may be given to an emitter.
//
// A front end calls Validate even when it has reported mistakes itself; see [Name] for what it leaves in the place of
// something that it could not read.
func Validate(w *Workflow, d *Diagnostics) {
	c := &checker{
		w: w, d: d,
		types:      newIndex("type", w.Types, func(t *Type) Name { return t.Name }),
		inputs:     newIndex("input", w.Inputs, messageName),
		events:     newIndex("event", w.Events, messageName),
		effects:    newIndex("effect", w.Effects, func(e *Effect) Name { return e.Name }),
		timers:     newIndex("timer", w.Timers, func(t *Timer) Name { return t.Name }),
		rejections: newIndex("rejection", w.Rejections, messageName),
		states:     newIndex("state", w.States, func(s *State) Name { return s.Name }),
		schedules:  newIndex("schedule", w.Schedules, func(s *Schedule) Name { return s.Name }),
		zeros:      make(map[*Type]bool),
		next:       make(map[string][]string),
		answers:    make(map[string]map[string]bool),
	}
	w.goNames()
	c.header()
	c.names()
	c.identifiers()
	c.declaredTypes()
	c.messages()
	c.sizes()
	c.instanceIDs()
	c.uniqueKeys()
	c.searchFields()
	c.effectOutcomes()
	c.timerInputs()
	c.workflowSchedules()
	c.senders()
	if w.HasStates() {
		c.transitions()
		c.stateShape()
		c.waits()
		c.timersInStates()
		c.unusedByStates()
	}
	c.personal()
	c.stored()
	c.allowed()
	w.Moves = moves(w)
}

// header checks what the workflow says about itself.
func (c *checker) header() {
	if c.w.Name == (Name{}) {
		c.d.Report(c.w.Pos, diagnostic.NoWorkflowName, `the workflow has no name; add one, like %q`, c.w.Form.entry(c.w.Form.workflowKey(), "order"))
	}
	if c.w.Package == (Name{}) {
		c.d.Report(c.w.Pos, diagnostic.NoPackageName, `the Go package is not named; add it, like "package: order"`)
	}
	if len(c.w.Inputs) == 0 {
		c.d.Report(c.w.Pos, diagnostic.NoInputs, "the workflow declares no inputs; without one nothing can ever happen to it")
	}
	if c.w.External {
		c.external()
		return
	}
	if len(c.w.Events) == 0 {
		c.d.Report(c.w.Pos, diagnostic.NoEvents, "the workflow declares no events; every accepted decision emits at least one")
	}
}

// external refuses what belongs to the service that has the workflow.
func (c *checker) external() {
	for _, part := range []struct {
		name string
		has  bool
	}{
		{"events", len(c.w.Events) > 0}, {"effects", len(c.w.Effects) > 0}, {"timers", len(c.w.Timers) > 0}, {"schedules", len(c.w.Schedules) > 0},
		{"states", c.w.HasStates()}, {"state", len(c.w.State) > 0}, {"unique", len(c.w.Unique) > 0}, {"search", len(c.w.Search) > 0},
		{"subject", c.w.Subject != Name{}}, {"http", c.w.HTTP}, {"allow", len(c.w.Allowed) > 0},
	} {
		if part.has {
			c.d.Report(c.w.ExternalPos, diagnostic.ExternalParts, "the workflow is external, so it is declared by its inputs and rejections, and has %q; remove it, or remove %q",
				part.name, c.w.Form.entry("external", "true"))
		}
	}
}

// names checks the form of every name but those of fields, which belong to their messages.
func (c *checker) names() {
	snakeForm.check(c.d, "workflow", c.w.Name)
	packageForm.check(c.d, "package", c.w.Package)
	for _, t := range c.w.Types {
		exportedForm.check(c.d, "type", t.Name)
		for _, v := range t.Values {
			valueForm.check(c.d, "enum value", v.Name)
		}
	}
	for _, m := range c.w.Inputs {
		exportedForm.check(c.d, "input", m.Name)
	}
	for _, m := range c.w.Events {
		exportedForm.check(c.d, "event", m.Name)
	}
	for _, e := range c.w.Effects {
		exportedForm.check(c.d, "effect", e.Name)
	}
	for _, m := range c.w.Rejections {
		exportedForm.check(c.d, "rejection", m.Name)
	}
	for _, t := range c.w.Timers {
		snakeForm.check(c.d, "timer", t.Name)
	}
	for _, s := range c.w.States {
		snakeForm.check(c.d, "state", s.Name)
	}
	for _, s := range c.w.Schedules {
		snakeForm.check(c.d, "schedule", s.Name)
	}
}

// kindOf says what a name is declared as, or returns "".
func (c *checker) kindOf(text string) string {
	for _, x := range []interface {
		has(string) bool
		kindName() string
	}{c.inputs, c.events, c.effects, c.rejections, c.types, c.timers, c.states, c.schedules} {
		if x.has(text) {
			return x.kindName()
		}
	}
	return ""
}

// once reports names that a list repeats. what is the list, as in "effects".
func (c *checker) once(what string, list []Name) {
	seen := make(map[string]bool, len(list))
	for _, n := range list {
		if n.Text != "" && seen[n.Text] {
			c.d.Report(n.Pos, diagnostic.ListedTwice, "%q is listed twice in %s; delete one", n.Text, what)
		}
		seen[n.Text] = true
	}
}
