package yamlspec

import (
	"fmt"
	"slices"

	"gopkg.in/yaml.v3"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// states reads the state machine.
func (r *reader) states(n *yaml.Node) []*spec.State {
	var list []*spec.State
	const example = "new: {accepts: {Create: {Created: open}}}"
	for _, e := range r.section(n, "states", example) {
		s := &spec.State{Name: e.key, Pos: e.key.Pos}
		list = append(list, s)
		unread := []*spec.Transition{{Input: r.unread(e.value)}}
		if e.key.Text == "" {
			s.Accepts = unread
			continue
		}
		o := r.object(e.value, fmt.Sprintf("state %q", e.key.Text), example, "as", "doc", "terminal", "waits", "deadline", "retired", "accepts")
		o.stored(r, &s.Name)
		s.Doc = r.doc(o)
		var ok bool
		s.Retired, _ = r.boolean(o.values["retired"], "retired of "+o.what)
		s.Terminal, ok = r.boolean(o.values["terminal"], "terminal of "+o.what)
		s.Waits = o.name(r, "waits")
		s.Deadline = r.duration(o.values["deadline"], "deadline of "+o.what)
		s.DeadlinePos = r.posOf(o.values["deadline"])
		for _, input := range r.section(o.values["accepts"], "accepts of "+o.what, "Create: {Created: open}") {
			s.Accepts = append(s.Accepts, r.transition(input, o.what))
		}
		// A state that says nothing of inputs is terminal, or is meant to be.
		if len(s.Accepts) == 0 && !s.Terminal && (!o.ok || !ok || o.vague) {
			s.Accepts = unread
		}
	}
	return list
}

// directives are the keys of a transition that are not events.
var directives = []string{"doc", "effects", "timers", "reject"}

// transition reads one entry of accepts. Names with a capital are events, all others are directives. An event that is
// declared with a small letter, which is a mistake there, is one here all the same.
func (r *reader) transition(e entry, state string) *spec.Transition {
	t := &spec.Transition{Input: e.key, Pos: e.key.Pos}
	if e.key.Text == "" {
		return t
	}
	what := fmt.Sprintf("input %q in %s", e.key.Text, state)
	entries, ok := r.mapping(e.value, what, "{Created: open}, the event and the state that it leads to")
	if !ok {
		t.Moves = []spec.EventMove{{Event: r.unread(e.value), To: r.unread(e.value)}}
		return t
	}
	var rest []entry
	for _, e := range entries {
		key := e.key
		switch {
		case key.Text == "":
			t.Moves = append(t.Moves, spec.EventMove{Event: key, To: key})
			continue
		case slices.Contains(directives, key.Text):
			rest = append(rest, e)
			continue
		case (!isExported(key.Text) || spec.OtherWord(key.Text) != "") && !slices.Contains(r.events, key.Text):
			nearest := r.unknownKey(e, what, slices.Concat(directives, r.events))
			if slices.Contains(directives, nearest) {
				rest = append(rest, entry{spec.Name{Text: nearest, Pos: key.Pos}, e.value})
				continue
			}
			key.Text = nearest // an event, or something that cannot be told
		}
		to := r.name(e.value, fmt.Sprintf("the state that event %q leads to", e.key.Text))
		if key.Text == "" {
			to.Text = ""
		}
		t.Moves = append(t.Moves, spec.EventMove{Event: key, To: to})
	}
	o := r.fill(rest, true, what, directives)
	t.Doc = r.doc(o)
	t.Reject = o.name(r, "reject")
	t.Effects = r.names(o.values["effects"], "effects of "+what, true)
	t.Timers = r.names(o.values["timers"], "timers of "+what, true)
	return t
}

func isExported(name string) bool { return 'A' <= name[0] && name[0] <= 'Z' }
