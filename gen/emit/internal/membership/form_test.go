package membership

import (
	"slices"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime/codec"
)

// A form has the inputs that people send, with the fields of every type.
func TestForms(t *testing.T) {
	t.Parallel()
	forms := NewWorkflow(Decider{}, Evolver{}, Handler{}).Forms()
	var names []string
	fields := make(map[string]codec.Field)
	for _, f := range forms {
		names = append(names, f.Input)
		if f.ID != "member_id" || f.Operator {
			t.Errorf("got %+v", f)
		}
		for _, field := range f.Fields {
			fields[f.Input+" "+field.Name] = field
		}
	}
	if !slices.Equal(names, []string{"Join", "Leave", "Fill"}) {
		t.Errorf("the forms are %q", names)
	}
	for name, want := range map[string]codec.Field{
		"Join plan":       {Type: "optional<enum>", Choices: []string{"plain", "gold"}, Optional: true},
		"Join email":      {Type: "string"},
		"Fill color":      {Type: "enum", Choices: []string{"red", "dark-green", "EUR"}},
		"Fill serial":     {Type: "uint64"},
		"Fill raw":        {Type: "json", Optional: true},
		"Fill link":       {Type: "json"},
		"Fill maybe_list": {Type: "optional<list<int>>", Optional: true},
		"Fill nested":     {Type: "list<map<optional<list<red|dark-green|EUR>>>>"},
		"Fill pauses":     {Type: "map<duration>"},
	} {
		got := fields[name]
		got.Name = ""
		if got.Type != want.Type || got.Optional != want.Optional || !slices.Equal(got.Choices, want.Choices) {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}

// A program describes what it stores: each event, effect, input and rejection.
func TestMessages(t *testing.T) {
	t.Parallel()
	kinds := make(map[string]int)
	for _, m := range NewWorkflow(Decider{}, Evolver{}, Handler{}).Messages() {
		kinds[m.Kind]++
		var fields []string
		for _, f := range m.Fields {
			fields = append(fields, f.Name+": "+f.Type)
		}
		if want := []string{"amount_cents: int64", "plan: optional<enum>", "reason: string"}; m.Name == "Unpaid" && (m.Kind != "event" || m.Version != 1 || !slices.Equal(fields, want)) {
			t.Errorf("got %+v", m)
		}
		if m.Fields == nil {
			t.Errorf("%s %s is not described", m.Kind, m.Name)
		}
	}
	if kinds["event"] < 10 || kinds["effect"] < 4 || kinds["input"] < 10 || kinds["rejection"] < 1 || len(kinds) != 4 {
		t.Errorf("got %v", kinds)
	}
}
