package contract

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// Of reads the contract of a declaration that spec.Validate found no mistake in.
func Of(w *spec.Workflow) *Set {
	r := reader{w: w, Set: newSet(w.Name.Stored(), w.Pos), types: make(map[*spec.Type]bool)}
	if w.Name.Pos.Line > 0 {
		r.Pos = w.Name.Pos
	}
	for _, m := range w.Inputs {
		r.input(m)
	}
	for _, u := range w.Unique {
		r.add(u.Field.Pos, u.Field.Stored(), "input", u.Input.Stored(), "unique")
	}
	for i, f := range w.SearchFields() {
		r.add(w.Search[i].Pos, "", "search", f.Stored)
	}
	for _, m := range w.Events {
		r.message(m, "event", retired(m))
	}
	for _, e := range w.Effects {
		r.effect(e)
	}
	for _, m := range w.Rejections {
		r.message(m, "rejection", "")
	}
	for _, t := range w.Timers {
		r.timer(t)
	}
	for _, s := range w.Schedules {
		r.add(s.Name.Pos, s.Input.Stored(), "schedule", s.Name.Text)
		r.add(s.Name.Pos, recurrence(s.Recurrence), "schedule", s.Name.Text, "when")
		r.add(s.Instance.Pos, strconv.Quote(s.Instance.Text), "schedule", s.Name.Text, "instance")
	}
	if w.HTTP {
		r.add(w.Pos, "", "http")
	}
	r.machine()
	r.fields(w.State, "state")
	if w.Subject.Text != "" {
		state := w.SubjectField(w.State)
		r.add(w.Subject.Pos, state.Name.Stored(), "subject")
	}
	return r.Set
}

// reader makes the set of one declaration.
type reader struct {
	*Set
	w     *spec.Workflow
	types map[*spec.Type]bool // that are in the set
}

// message adds the version that is declared of an event, effect, input or rejection.
func (r *reader) message(m *spec.Message, kind, value string) {
	path := []string{kind, m.Name.Stored(), strconv.Itoa(m.Version())}
	r.add(m.Name.Pos, value, path...)
	r.fields(m.Fields, path...)
}

func retired(m *spec.Message) string {
	if m.Retired {
		return "retired"
	}
	return ""
}

func (r *reader) fields(fields []*spec.Field, path ...string) {
	for _, f := range fields {
		value := fieldValue{spec.TypeText(&f.Type), f.Was.Text, f.Default.Text}
		r.add(f.Name.Pos, value.String(), join(path, "field", f.Name.Stored())...)
		if f.Personal { // in whatever version
			r.add(f.PersonalPos, "", join(join([]string{"personal"}, path[:min(len(path), 2)]...), f.Name.Stored())...)
		}
		if t := f.Type.Innermost().Decl; t != nil {
			r.declared(t)
		}
	}
}

func join(path []string, more ...string) []string {
	return append(append(make([]string, 0, len(path)+len(more)), path...), more...)
}

// declared adds a type that a field reaches, once.
func (r *reader) declared(t *spec.Type) {
	if r.types[t] {
		return
	}
	r.types[t] = true
	switch t.Kind {
	case spec.Struct:
		r.add(t.Name.Pos, "struct", "type", t.Name.Text)
		r.fields(t.Fields, "type", t.Name.Text)
	case spec.Enum:
		r.add(t.Name.Pos, "enum", "type", t.Name.Text)
		for _, v := range t.Values {
			r.add(v.Name.Pos, "", "type", t.Name.Text, "value", v.Name.Stored())
		}
	case spec.Imported:
		r.add(t.Name.Pos, "go "+goType(&t.Go), "type", t.Name.Text)
	}
}

func goType(t *spec.GoType) string {
	text := t.Name
	if t.Path != "" {
		text = t.Path + "." + text
	}
	if len(t.Args) == 0 {
		return text
	}
	args := make([]string, len(t.Args))
	for i, arg := range t.Args {
		args[i] = goType(arg)
	}
	return text + "[" + strings.Join(args, ",") + "]"
}

func (r *reader) input(m *spec.Message) {
	from := spec.FromClient
	if m.Internal {
		from = spec.FromInternal
	}
	if m.Operator {
		from = spec.FromOperator
	}
	name := m.Name.Stored()
	r.message(m, "input", from)
	r.add(m.ID.Pos, m.ID.Stored(), "input", name, "id")
}

func (r *reader) effect(e *spec.Effect) {
	name := e.Name.Stored()
	r.message(&e.Message, "effect", retired(&e.Message))
	for _, n := range e.Returns {
		r.add(n.Pos, "", "effect", name, "returns", n.Stored())
	}
	if e.Retry != (spec.Retry{}) {
		r.add(e.Name.Pos, retry(e.Retry), "effect", name, "retry")
	}
	if e.Limit != nil && e.Limit.Key.Text != "" {
		r.add(e.Limit.Key.Pos, e.Limit.Key.Stored(), "effect", name, "key")
	}
	for what, d := range map[string]*spec.Delivery{"starts": e.Starts, "sends": e.Sends} {
		if d != nil {
			to := d.Workflow.Text
			if d.ToParent() {
				to = "to " + spec.ToParent
			}
			r.add(d.Pos, fmt.Sprintf("%s %s/%s", what, to, d.Input.Text), "effect", name, "to")
		}
	}
	if e.Ended.Text != "" {
		r.add(e.Ended.Pos, e.Ended.Stored(), "effect", name, "ended")
	}
	if e.Refused.Text != "" {
		r.add(e.Refused.Pos, e.Refused.Stored(), "effect", name, "refused")
	}
	if e.Dead.Text != "" {
		r.add(e.Dead.Pos, e.Dead.Stored(), "effect", name, "dead")
	}
}

// retry writes the bounds that are declared, "-" for those that the engine's configuration has.
func retry(r spec.Retry) string {
	attempts := "-"
	if r.MaxAttempts > 0 {
		attempts = strconv.Itoa(r.MaxAttempts)
	}
	return attempts + " " + durationOr(r.Base, "-") + " " + durationOr(r.Max, "-")
}

func durationOr(d time.Duration, none string) string {
	if d == 0 {
		return none
	}
	return d.String()
}

func recurrence(r spec.Recurrence) string {
	text := strconv.Quote(r.Schedule.Text)
	if r.Zone.Text != "" {
		text += " zone " + r.Zone.Text
	}
	if r.Missed.Text != "" {
		text += " missed " + r.Missed.Text
	}
	return text
}

func (r *reader) timer(t *spec.Timer) {
	name := t.Name.Stored()
	r.add(t.Name.Pos, t.Input.Stored(), "timer", name)
	switch {
	case t.Recurs():
		r.add(t.Name.Pos, recurrence(t.Recurrence), "timer", name, "schedule")
	case t.After > 0:
		r.add(t.AfterPos, t.After.String(), "timer", name, "after")
	}
	for _, s := range t.While {
		r.add(s.Pos, "", "timer", name, "while", s.Stored())
	}
}

// machine adds the states, where events lead, and which inputs are accepted.
func (r *reader) machine() {
	for i, s := range r.w.States {
		value := ""
		switch {
		case i == 0:
			value = "initial"
		case s.Terminal:
			value = "terminal"
		}
		r.add(s.Name.Pos, value, "status", s.Name.Stored())
		for _, t := range s.Accepts {
			if t.Reject.Text == "" {
				r.add(t.Input.Pos, "", "accept", s.Name.Stored(), t.Input.Stored())
			}
		}
	}
	written := make(map[[2]string]spec.Pos)
	for _, s := range r.w.States {
		for _, t := range s.Accepts {
			for _, m := range t.Moves {
				written[[2]string{s.Name.Stored(), m.Event.Stored()}] = m.Event.Pos
			}
		}
	}
	for _, m := range r.w.Moves {
		pos := written[[2]string{m.From, m.Event}]
		r.add(pos, m.To, "move", m.From, m.Event)
	}
}
