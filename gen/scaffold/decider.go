package scaffold

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/internal/capture"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// deciderView is what decider.go.tmpl shows.
type deciderView struct {
	Package  string
	Decider  bool // the type is missing
	Evolver  bool
	Inputs   []inputView
	Events   []eventView
	State    string // the type of the state
	Terminal bool   // the evolver says when the workflow ends
}

// inputView is a method of the decider.
type inputView struct {
	Name  string
	State string // the type of the state
	Doc   string // a comment
	Note  string // a comment
}

// answer is the decision for some of the states that accept an input.
type answer struct {
	event   *spec.Message
	effects []*spec.Effect
	states  []string
}

func inputViewOf(w *spec.Workflow, in *spec.Message) inputView {
	return inputView{
		Name: in.Name.Text, State: capture.User(w.StateType), Doc: doc(in.Name.Text, in.Doc),
		Note: comment("TODO: decide. The declaration allows "+alternatives(w, in)+". For example:") + example(exampleDecision(w, in)),
	}
}

// exampleDecision renders a decision on the input: in each state the first event that is allowed there, with all effects.
func exampleDecision(w *spec.Workflow, in *spec.Message) string {
	list := answers(w, in)
	if len(list) == 1 {
		return "return " + list[0].decision(in)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "switch state.%s {\n", w.StatusField)
	for i, a := range list {
		label := "case " + strings.Join(a.states, ", ") + ":"
		if i == len(list)-1 {
			label = "default: // " + strings.Join(a.states, ", ")
		}
		fmt.Fprintf(&b, "%s\nreturn %s\n", label, a.decision(in))
	}
	b.WriteString("}")
	return b.String()
}

// decision renders the answer to in.
func (a answer) decision(in *spec.Message) string {
	text := spec.NamesOfInput(in.Name.Text).Accept + "(" + a.record(in).annotated() + ")"
	var effects []string
	for _, e := range a.effects {
		effects = append(effects, fill(e.Name.Text, e.Fields, "in", in.Fields).annotated())
	}
	if len(effects) > 0 {
		text += ".Effect(" + strings.Join(effects, ", ") + ")"
	}
	return text
}

// record is the event of the answer to in.
func (a answer) record(in *spec.Message) record {
	return fill(a.event.Name.Text, a.event.Fields, "in", in.Fields)
}

// answers returns what the skeleton shows as an example: in each state the first event that the declaration allows there, with all
// effects. States with the same answer share one.
//
// Without states everything is allowed to every input. The answer is then one event alone, that of the same place in the
// declaration, because inputs and events tend to be listed in the same order.
func answers(w *spec.Workflow, in *spec.Message) []answer {
	if !w.HasStates() {
		place := slices.Index(w.Inputs, in)
		if place >= len(w.Events) {
			place = 0
		}
		return []answer{{event: w.Events[place]}}
	}
	var list []answer
	for _, s := range w.States {
		for _, t := range s.Accepts {
			if t.Input.Text != in.Name.Text || len(t.Moves) == 0 {
				continue
			}
			next := answer{event: find(w.Events, t.Moves[0].Event.Text), states: []string{s.GoName}}
			for _, e := range w.Effects {
				if slices.ContainsFunc(t.Effects, func(n spec.Name) bool { return n.Text == e.Name.Text }) {
					next.effects = append(next.effects, e)
				}
			}
			same := slices.IndexFunc(list, func(a answer) bool {
				return a.event == next.event && slices.Equal(a.effects, next.effects)
			})
			if same >= 0 {
				list[same].states = append(list[same].states, next.states...)
			} else {
				list = append(list, next)
			}
		}
	}
	return list
}

// alternatives lists what a decision on the input may contain.
func alternatives(w *spec.Workflow, in *spec.Message) string {
	allowed := allowedFor(w, in)
	var parts []string
	add := func(noun string, names []string) {
		if len(names) > 0 {
			parts = append(parts, counted(noun, names, "and"))
		}
	}
	add("event", names(w.Events, func(m *spec.Message) (string, bool) { return m.Name.Text, allowed[m.Name.Text] }))
	add("effect", names(w.Effects, func(e *spec.Effect) (string, bool) { return e.Name.Text, allowed[e.Name.Text] }))
	add("timer", names(w.Timers, func(t *spec.Timer) (string, bool) {
		return spec.TimerName(t.Name.Text), allowed[t.Name.Text]
	}))
	if rejections := names(w.Rejections, func(m *spec.Message) (string, bool) { return m.Name.Text, true }); len(rejections) > 0 {
		parts = append(parts, "Reject"+in.Name.Text+" with "+diagnostic.Listing(rejections, "or"))
	}
	return diagnostic.Listing(parts, "and")
}

// allowedFor returns the events, effects and timers that some decision on the input may contain. No two of them have the
// same name.
func allowedFor(w *spec.Workflow, in *spec.Message) map[string]bool {
	allowed := make(map[string]bool)
	add := func(list ...spec.Name) {
		for _, n := range list {
			allowed[n.Text] = true
		}
	}
	for _, s := range w.States {
		for _, t := range s.Accepts {
			if t.Input.Text != in.Name.Text {
				continue
			}
			for _, m := range t.Moves {
				add(m.Event)
			}
			add(t.Effects...)
			add(t.Timers...)
		}
	}
	if w.HasStates() {
		return allowed
	}
	for _, m := range w.Events {
		add(m.Name)
	}
	for _, e := range w.Effects {
		add(e.Name)
	}
	for _, t := range w.Timers {
		add(t.Name)
	}
	return allowed
}

// names lists those of some declarations that are wanted.
func names[T any](list []T, name func(T) (text string, wanted bool)) []string {
	var texts []string
	for _, item := range list {
		if text, wanted := name(item); wanted {
			texts = append(texts, text)
		}
	}
	return texts
}

func find(list []*spec.Message, name string) *spec.Message {
	return list[slices.IndexFunc(list, func(m *spec.Message) bool { return m.Name.Text == name })]
}

// eventView is a method of the evolver.
type eventView struct {
	Name   string
	State  string // the type of the state
	Status bool   // the state has a status
	Doc    string // a comment
	Note   string // a comment; empty when there is nothing that an event could change
}

func eventViewOf(w *spec.Workflow, event *spec.Message) eventView {
	v := eventView{Name: event.Name.Text, State: capture.User(w.StateType), Status: w.HasStates(), Doc: doc(event.Name.Text, event.Doc)}
	if len(w.State) == 0 {
		return v
	}
	v.Note = foldNote(event)
	var code strings.Builder
	for _, f := range w.State {
		if value := copied(f, "e", event.Fields); value != "" {
			fmt.Fprintf(&code, "state.%s = %s\n", f.GoName, value)
		}
	}
	if code.Len() > 0 {
		v.Note = strings.TrimSuffix(v.Note, ".\n") + ". For example:\n" + example(code.String()+"return state")
	}
	return v
}

// foldNote says what there is to do for an event.
func foldNote(event *spec.Message) string {
	fields := names(event.Fields, func(f *spec.Field) (string, bool) { return f.GoName, true })
	if len(fields) == 0 {
		return comment("TODO: return the state as it is after the event.")
	}
	return comment("TODO: return the state with " + diagnostic.Listing(fields, "and") + " of the event folded in.")
}
