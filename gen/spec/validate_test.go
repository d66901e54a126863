package spec

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The checks have their cases in gen/yamlspec/testdata, where a declaration is easy to read. Here is what YAML cannot
// write, but another front end may hand over.

// at returns a name on a line of its own.
func at(line int, text string) Name {
	return Name{Text: text, Pos: Pos{File: "w.go", Line: line, Col: 1}}
}

// valid returns a small model without mistakes.
func valid() *Workflow {
	id := func(line int) []*Field {
		return []*Field{{Name: at(line, "id"), Type: TypeRef{Kind: Scalar, Name: "string", Pos: at(line, "").Pos}}}
	}
	return &Workflow{
		File: "w.go", Pos: at(1, "").Pos, Name: at(1, "w"), Package: at(2, "w"), ID: at(3, "id"),
		Inputs: []*Message{{Name: at(10, "Go"), Fields: id(10)}, {Name: at(11, "Stop"), Fields: id(11)}},
		Events: []*Message{{Name: at(20, "Gone")}, {Name: at(21, "Stopped")}},
		States: []*State{
			{Name: at(30, "going"), Accepts: []*Transition{
				{Input: at(31, "Go"), Moves: []EventMove{{at(31, "Gone"), at(31, "going")}}},
				{Input: at(32, "Stop"), Moves: []EventMove{{at(32, "Stopped"), at(32, "stopped")}}},
			}},
			{Name: at(33, "stopped"), Terminal: true},
		},
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(w *Workflow)
		want   []string
	}{
		{"valid", func(w *Workflow) {}, nil},
		{"same input twice", func(w *Workflow) {
			w.Inputs = append(w.Inputs, &Message{Name: at(12, "Go"), Fields: w.Inputs[0].Fields})
		}, []string{`w.go:12:1: input "Go" is already declared at w.go:10:1; delete or rename one of them [IF0304]`}},
		{"same state twice", func(w *Workflow) {
			w.States = append(w.States, &State{Name: at(34, "stopped"), Terminal: true})
		}, []string{`w.go:34:1: state "stopped" is already declared at w.go:33:1; delete or rename one of them [IF0304]`}},
		{"same field twice", func(w *Workflow) {
			w.State = []*Field{
				{Name: at(5, "a"), Type: TypeRef{Kind: Scalar, Name: "int"}}, {Name: at(6, "a"), Type: TypeRef{Kind: Scalar, Name: "int"}},
			}
		}, []string{`w.go:6:1: the state already has a field "a" at w.go:5:1; delete one of them [IF0410]`}},
		{"same unique key twice", func(w *Workflow) {
			w.Unique = []UniqueKey{{at(7, "Go"), at(7, "id")}, {at(8, "Go"), at(8, "id")}}
		}, []string{`w.go:8:1: input "Go" already has a unique key at w.go:7:1; an input has one at most [IF0508]`}},
		{"same input twice in a state", func(w *Workflow) {
			s := w.States[0]
			s.Accepts = append(s.Accepts, &Transition{Input: at(35, "Go"), Moves: s.Accepts[0].Moves})
		}, []string{`w.go:35:1: state "going" already says at w.go:31:1 what "Go" leads to; join the two [IF0801]`}},
		{"unread parts", func(w *Workflow) {
			// Whatever could not be read may be what all the others need, so nothing else is wrong.
			w.Events = append(w.Events, &Message{Name: at(22, "")})
			w.States[0].Accepts[1].Moves[0].Event = at(32, "Unknown")
			w.States[0].Accepts[1].Effects = []Name{at(32, "")}
			w.Effects = []*Effect{{Message: Message{Name: at(40, "Mail")}}}
		}, nil},
		{"unread id", func(w *Workflow) {
			w.ID = at(3, "")
			w.Inputs[0].Fields = nil
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := valid()
			c.change(w)
			var d Diagnostics
			Validate(w, &d)
			var got []string
			for _, diag := range d.Sorted() {
				got = append(got, diag.String())
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

// TestMovesIgnoreOrder declares the same machine in every order of its transitions.
func TestMovesIgnoreOrder(t *testing.T) {
	transition := func(input string, moves ...string) *Transition {
		tr := &Transition{Input: at(1, input)}
		for i := 0; i < len(moves); i += 2 {
			tr.Moves = append(tr.Moves, EventMove{at(1, moves[i]), at(1, moves[i+1])})
		}
		return tr
	}
	build := func(order []int) *Workflow {
		all := []*Transition{
			transition("One", "A", "a", "B", "b"),
			transition("Two", "A", "a", "C", "b"),
			transition("Three", "C", "b", "D", "a"),
			transition("Four", "A", "a", "D", "a", "E", "end"),
		}
		w := &Workflow{States: []*State{
			{Name: at(1, "start")},
			{Name: at(1, "a"), Accepts: []*Transition{transition("One", "B", "a")}},
			{Name: at(1, "b"), Accepts: []*Transition{transition("One", "A", "b", "D", "a", "E", "a")}},
			{Name: at(1, "end"), Terminal: true},
		}}
		for _, event := range []string{"A", "B", "C", "D", "E"} {
			w.Events = append(w.Events, &Message{Name: at(1, event)})
		}
		for _, i := range order {
			w.States[0].Accepts = append(w.States[0].Accepts, all[i])
		}
		return w
	}
	sorted := func(w *Workflow) []string {
		var list []string
		for _, m := range moves(w) {
			list = append(list, fmt.Sprintf("%s %s %s %t", m.From, m.Event, m.To, m.Derived))
		}
		slices.Sort(list)
		return list
	}
	want := sorted(build([]int{0, 1, 2, 3}))
	for _, order := range [][]int{{3, 2, 1, 0}, {1, 3, 0, 2}, {2, 0, 3, 1}} {
		if got := sorted(build(order)); !slices.Equal(got, want) {
			t.Errorf("order %v gives\n%v\nwant\n%v", order, got, want)
		}
	}
	for _, m := range []string{"a B a false", "a C b true", "a D a true"} {
		if !slices.Contains(want, m) {
			t.Errorf("no move %q in %v", m, want)
		}
	}
	for _, prefix := range []string{"end ", "a E "} { // out of a terminal state; disputed between start and b
		if slices.ContainsFunc(want, func(m string) bool { return strings.HasPrefix(m, prefix) }) {
			t.Errorf("a move begins with %q: %v", prefix, want)
		}
	}
}
