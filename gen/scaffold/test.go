package scaffold

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// testView is what decider_test.go.tmpl shows.
type testView struct {
	Package    string
	HasHandler bool
	Accepted   inputTest
	Refused    *inputTest // nil when a new instance accepts every input
}

// inputTest gives an input to a new instance.
type inputTest struct {
	TestName string
	Sample   string // the input, an expression
}

func testViewOf(w *spec.Workflow) testView {
	v := testView{Package: w.Package.Text, HasHandler: len(w.Handled()) > 0}
	accepted := w.Inputs[0]
	if w.HasStates() {
		accepts := w.States[0].Accepts
		t := accepts[slices.IndexFunc(accepts, func(t *spec.Transition) bool { return len(t.Moves) > 0 })]
		accepted = find(w.Inputs, t.Input.Text)
		refused := slices.IndexFunc(w.Inputs, func(in *spec.Message) bool {
			return !slices.ContainsFunc(accepts, func(t *spec.Transition) bool { return t.Input.Text == in.Name.Text })
		})
		if refused >= 0 {
			test := inputTestOf(w.Inputs[refused], "TestRefuses")
			v.Refused = &test
		}
	}
	v.Accepted = inputTestOf(accepted, "TestAccepts")
	return v
}

func inputTestOf(in *spec.Message, name string) inputTest {
	return inputTest{TestName: name + in.Name.Text, Sample: sampleOf(in)}
}

// names lists what the test declares.
func (v testView) names() []string {
	list := []string{v.Accepted.TestName, helperName, "TestVerify"}
	if v.Refused != nil {
		list = append(list, v.Refused.TestName)
	}
	return list
}

// helperName is the variable of the test that has the kit.
const helperName = "kit"

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
	case "int", "int32", "int64", "uint32", "uint64":
		return "100"
	case "float64":
		return "1.5"
	case "decimal":
		return `"1.50"`
	}
	return ""
}
