package yamlspec

import (
	"fmt"

	"gopkg.in/yaml.v3"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// timers reads the timers.
func (r *reader) timers(n *yaml.Node) []*spec.Timer {
	var list []*spec.Timer
	const example = "reminder: {input: Remind, after: 1h}"
	for _, e := range r.section(n, "timers", example) {
		t := &spec.Timer{Name: e.key, Pos: e.key.Pos}
		list = append(list, t)
		if e.key.Text == "" {
			continue
		}
		o := r.object(e.value, fmt.Sprintf("timer %q", e.key.Text), example, "as", "doc", "input", "after", "schedule", "zone", "missed", "while", "retired")
		o.stored(r, &t.Name)
		t.Doc = r.doc(o)
		t.Input = o.name(r, "input")
		t.After = r.duration(o.values["after"], "after of "+o.what)
		t.AfterPos = r.posOf(o.values["after"])
		t.Recurrence = r.recurrence(o)
		t.While = r.names(o.values["while"], "while of "+o.what, true)
		t.Retired, _ = r.boolean(o.values["retired"], "retired of "+o.what)
		if !o.ok {
			// It may deliver any input in any state.
			t.Input, t.While, t.After = r.unread(e.value), []spec.Name{r.unread(e.value)}, arbitraryDuration
		}
	}
	return list
}

// schedules reads the schedules of the workflow as a whole.
func (r *reader) schedules(n *yaml.Node) []*spec.Schedule {
	var list []*spec.Schedule
	const example = `weekly: {input: Report, schedule: "0 9 * * MON", instance: weekly}`
	for _, e := range r.section(n, "schedules", example) {
		s := &spec.Schedule{Name: e.key, Pos: e.key.Pos}
		list = append(list, s)
		if e.key.Text == "" {
			continue
		}
		o := r.object(e.value, fmt.Sprintf("schedule %q", e.key.Text), example, "doc", "input", "schedule", "zone", "missed", "instance")
		s.Doc = r.doc(o)
		s.Input = o.name(r, "input")
		s.Recurrence = r.recurrence(o)
		s.Instance = o.text(r, "instance")
		if !o.ok || o.vague {
			unread := r.unread(e.value)
			s.Input, s.Schedule, s.Instance = orUnread(s.Input, unread), orUnread(s.Schedule, unread), orUnread(s.Instance, unread)
		}
	}
	return list
}

// recurrence reads when a timer or a schedule fires.
func (r *reader) recurrence(o object) spec.Recurrence {
	return spec.Recurrence{Schedule: o.text(r, "schedule"), Zone: o.name(r, "zone"), Missed: o.name(r, "missed")}
}
