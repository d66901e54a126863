package scaffold

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/internal/capture"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// testView is what decider_test.go.tmpl shows.
type testView struct {
	Package    string
	State      string // the type of the state
	Status     string // the field of the state that holds the status
	HasHandler bool
	Deciders   []deciderTest
	First      engineTest
}

// deciderTest calls a method of the decider.
type deciderTest struct {
	TestName string
	Input    string
	Sample   string // the input, an expression
	Status   string // of the state it is called with; empty without states
	Event    string // that is expected, an expression
}

// engineTest sends the first input through an engine.
type engineTest struct {
	TestName string
	Input    string
	Internal bool // the input is not one for clients
	Sample   string
	ID       string // the input's field
	Status   string // that is expected; empty without states
}

func testViewOf(w *spec.Workflow) testView {
	v := testView{Package: w.Package.Text, State: capture.User(w.StateType), Status: w.StatusField, HasHandler: len(w.Handled()) > 0}
	for _, in := range w.Inputs {
		first := answers(w, in)[0]
		test := deciderTest{
			TestName: "TestDecider" + in.Name.Text,
			Input:    in.Name.Text,
			Sample:   sampleOf(in),
			Event:    first.record(in).literal(),
		}
		if w.HasStates() {
			test.Status = capture.User(first.states[0])
		}
		v.Deciders = append(v.Deciders, test)
	}
	v.First = firstOf(w)
	return v
}

// firstOf tests the first input that a new instance accepts.
func firstOf(w *spec.Workflow) engineTest {
	in, status := w.Inputs[0], ""
	if w.HasStates() {
		accepts := w.States[0].Accepts
		t := accepts[slices.IndexFunc(accepts, func(t *spec.Transition) bool { return len(t.Moves) > 0 })]
		to := slices.IndexFunc(w.States, func(s *spec.State) bool { return s.Name.Text == t.Moves[0].To.Text })
		in, status = find(w.Inputs, t.Input.Text), capture.User(w.States[to].GoName)
	}
	return engineTest{
		TestName: "TestEngine" + in.Name.Text,
		Input:    in.Name.Text,
		Internal: in.Internal,
		Sample:   sampleOf(in),
		ID:       in.Field(in.ID.Text).GoName,
		Status:   status,
	}
}

// unmade returns a field of an event that has to be set and that the skeleton cannot set, nil when there is none.
func unmade(w *spec.Workflow) (event *spec.Message, f *spec.Field) {
	for _, event := range w.Events {
		for _, f := range event.Fields {
			if isEmbedded(f) && zero(&f.Type) != "" {
				return event, f
			}
		}
	}
	return nil, nil
}

// names lists the functions of the test.
func (v testView) names() []string {
	list := []string{v.First.TestName}
	for _, d := range v.Deciders {
		list = append(list, d.TestName)
	}
	return list
}

// sampleOf renders an input, to be called in, with a value in each field for which one is easily made up.
func sampleOf(in *spec.Message) string {
	r := record{typeName: in.Name.Text}
	var embedded strings.Builder
	for _, f := range in.Fields {
		value := sample(f.Name.Text, &f.Type, true)
		switch {
		case !isEmbedded(f):
			r.fields = append(r.fields, assignment{Name: f.GoName, Value: value})
		case value != "":
			fmt.Fprintf(&embedded, "\nin.%s = %s", f.GoName, value)
		}
	}
	return r.literal() + embedded.String()
}

// sample makes up a value, "" for the zero value. Lists have one element, but only in the fields of the input itself: a
// struct may hold a list of its own kind.
func sample(field string, ref *spec.TypeRef, outer bool) string {
	switch ref.Kind {
	case spec.Scalar:
		return sampleScalar(field, ref.Name)
	case spec.Declared:
		return sampleDeclared(ref)
	case spec.List:
		if outer {
			return sampleList(field, ref.Elem)
		}
	}
	return ""
}

func sampleList(field string, elem *spec.TypeRef) string {
	value := sample(field, elem, false)
	if value == "" {
		return ""
	}
	name := typeName(elem)
	switch {
	case name == "":
		return ""
	case elem.Kind == spec.Declared && elem.Decl.Kind == spec.Struct:
		value = strings.TrimPrefix(value, name)
	}
	return "[]" + name + "{" + value + "}"
}

// sampleDeclared makes up a value of an enum or a struct.
func sampleDeclared(ref *spec.TypeRef) string {
	switch ref.Decl.Kind {
	case spec.Enum:
		return firstValue(ref.Decl)
	case spec.Struct:
		r := record{typeName: typeName(ref)}
		if r.typeName == "" {
			return ""
		}
		for _, f := range ref.Decl.Fields {
			if !isEmbedded(f) {
				r.fields = append(r.fields, assignment{Name: f.GoName, Value: sample(f.Name.Text, &f.Type, false)})
			}
		}
		return r.plain()
	}
	return ""
}

func sampleScalar(field, scalar string) string {
	switch scalar {
	case "string":
		if stem := strings.TrimSuffix(field, "_id"); stem != field {
			return strconv.Quote(strings.ReplaceAll(stem, "_", "-") + "-1")
		}
		return strconv.Quote(strings.ReplaceAll(field, "_", " "))
	case "bool":
		return "true"
	case "int", "int32", "int64":
		return "100"
	case "float64":
		return "1.5"
	case "decimal":
		return `"1.50"`
	}
	return ""
}
