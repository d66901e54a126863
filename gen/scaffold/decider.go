package scaffold

import (
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
	Name    string
	State   string // the type of the state
	Status  string // the field of the state that holds the status
	Doc     string // a comment
	Note    string // a comment
	Answers []answer
}

// answer is the decision for some of the states that accept an input.
type answer struct {
	event   *spec.Message
	effects []*spec.Effect

	states   []string
	Decision string // an expression
	Last     bool
}

// States lists the constants of the states, for a comment.
func (a answer) States() string { return strings.Join(a.states, ", ") }

// Cases lists them in code.
func (a answer) Cases() string {
	var list []string
	for _, s := range a.states {
		list = append(list, capture.User(s))
	}
	return strings.Join(list, ", ")
}

func inputViewOf(w *spec.Workflow, in *spec.Message) inputView {
	name := in.Name.Text
	v := inputView{
		Name: name, State: capture.User(w.StateType), Status: w.StatusField,
		Doc: doc(name, in.Doc), Answers: answers(w, in),
	}
	v.Answers[len(v.Answers)-1].Last = true
	for i := range v.Answers {
		a := &v.Answers[i]
		a.Decision = spec.NamesOfInput(name).Accept + "(" + a.record(in).annotated() + ")"
		var effects []string
		for _, e := range a.effects {
			effects = append(effects, fill(e.Name.Text, e.Fields, "in", in.Fields).annotated())
		}
		if len(effects) > 0 {
			a.Decision += ".Effect(" + strings.Join(effects, ", ") + ")"
		}
	}
	if others := alternatives(w, in, v.Answers); others != "" {
		v.Note = comment("TODO: decide. The declaration also allows " + others + ".")
	}
	return v
}

// record is the event of the answer to in.
func (a answer) record(in *spec.Message) record {
	return fill(a.event.Name.Text, a.event.Fields, "in", in.Fields)
}

// answers returns what the skeleton decides: in each state the first event that the declaration allows there, with all
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

// alternatives lists what a decision on the input may contain beside what is in the answers, if there are any.
func alternatives(w *spec.Workflow, in *spec.Message, answers []answer) string {
	allowed := allowedFor(w, in)
	for _, a := range answers {
		delete(allowed, a.event.Name.Text)
		for _, e := range a.effects {
			delete(allowed, e.Name.Text)
		}
	}

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
	Doc    string // a comment
	Copies []assignment
	Note   string // a comment
}

func eventViewOf(w *spec.Workflow, event *spec.Message) eventView {
	v := eventView{Name: event.Name.Text, State: capture.User(w.StateType), Doc: doc(event.Name.Text, event.Doc)}
	kept := make(map[string]bool)
	for _, f := range w.State {
		if value := copied(f, "e", event.Fields); value != "" {
			v.Copies = append(v.Copies, assignment{Name: f.GoName, Value: value})
			kept[f.Name.Text] = true
		}
	}
	lost := names(event.Fields, func(f *spec.Field) (string, bool) {
		return f.GoName, !kept[f.Name.Text]
	})
	if len(lost) > 0 {
		v.Note = comment("TODO: fold " + diagnostic.Listing(lost, "and") + " into the state, if decisions need to know.")
	}
	return v
}
