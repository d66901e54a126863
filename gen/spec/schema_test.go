package spec

import (
	"slices"
	"testing"
)

// shop returns a model that has everything a state's schema is made of, and something of everything else.
func shop() *Workflow {
	field := func(name string, ref TypeRef) *Field { return &Field{Name: Name{Text: name}, Type: ref} }
	scalar := func(name string) TypeRef { return TypeRef{Kind: Scalar, Name: name} }
	declared := func(name string) TypeRef { return TypeRef{Kind: Declared, Name: name} }
	list := func(elem TypeRef) TypeRef { return TypeRef{Kind: List, Elem: &elem} }
	w := valid()
	w.Types = []*Type{
		{Name: at(4, "Item"), Kind: Struct, Fields: []*Field{
			field("sku", scalar("string")), field("kind", declared("Kind")), field("parts", list(declared("Item"))),
		}},
		{Name: at(5, "Kind"), Kind: Enum, Values: []EnumValue{{Name: at(5, "tea")}, {Name: at(5, "pot")}}},
		{Name: at(6, "Money"), Kind: Imported, Go: GoType{Path: "example.com/money", Name: "Money"}},
		{Name: at(7, "Note"), Kind: Struct, Fields: []*Field{field("text", scalar("string"))}},
	}
	w.State = []*Field{field("items", list(declared("Item"))), field("total", scalar("int64"))}
	w.Events[0].Fields = []*Field{field("price", declared("Money"))}
	w.Inputs[0].Fields = append(w.Inputs[0].Fields, field("note", declared("Note")))
	w.Effects = []*Effect{{Message: Message{Name: at(40, "Ship")}}}
	w.Rejections = []*Message{{Name: at(50, "TooLate")}}
	w.Timers = []*Timer{{Name: at(60, "nag"), Input: at(60, "Stop"), After: 5}}
	w.States[0].Accepts[0].Effects = []Name{at(31, "Ship")}
	w.States[0].Accepts[0].Timers = []Name{at(31, "nag")}
	return w
}

func schemaOf(t *testing.T, w *Workflow) string {
	t.Helper()
	var d Diagnostics
	if Validate(w, &d); !d.Empty() {
		t.Fatal(d.Err())
	}
	return StateSchema(w)
}

func TestStateSchemaIsStable(t *testing.T) {
	const want = "e940b0e18f8edc2c" // stored with snapshots: another one makes them all useless
	w := shop()
	if got := schemaOf(t, w); got != want {
		t.Errorf("the schema is %s, want %s, of\n%s", got, want, stateText(w))
	}
}

func TestStateSchemaChanges(t *testing.T) {
	before := schemaOf(t, shop())
	for name, change := range map[string]func(w *Workflow){
		"a field of the state is renamed":   func(w *Workflow) { w.State[1].Name.Text = "sum" },
		"a field of the state is retyped":   func(w *Workflow) { w.State[1].Type.Name = "int32" },
		"a field of the state is gone":      func(w *Workflow) { w.State = w.State[:1] },
		"a field becomes a list":            func(w *Workflow) { w.State[1].Type = TypeRef{Kind: List, Elem: &TypeRef{Kind: Scalar, Name: "int64"}} },
		"a list becomes a map":              func(w *Workflow) { w.State[0].Type.Kind = Map },
		"a field of a struct is renamed":    func(w *Workflow) { w.Types[0].Fields[0].Name.Text = "code" },
		"a field of a struct is gone":       func(w *Workflow) { w.Types[0].Fields = w.Types[0].Fields[1:] },
		"an enum loses a value":             func(w *Workflow) { w.Types[1].Values = w.Types[1].Values[:1] },
		"an enum's value is renamed":        func(w *Workflow) { w.Types[1].Values[0].Name.Text = "coffee" },
		"an enum becomes a struct":          func(w *Workflow) { w.Types[1].Kind, w.Types[1].Values = Struct, nil },
		"an imported type has another path": func(w *Workflow) { w.Types[2].Go.Path = "example.com/money/v2" },
		"an imported type has another name": func(w *Workflow) { w.Types[2].Go.Name = "Cents" },
		"an event has one more field":       func(w *Workflow) { w.Events[1].Fields = w.State[1:] },
		"an event's field is retyped":       func(w *Workflow) { w.Events[0].Fields[0].Type = TypeRef{Kind: Scalar, Name: "decimal"} },
		"an event is renamed": func(w *Workflow) {
			w.Events[0].Name.Text = "Went"
			w.States[0].Accepts[0].Moves[0].Event.Text = "Went"
		},
		"a state is renamed": func(w *Workflow) {
			w.States[1].Name.Text = "halted"
			w.States[0].Accepts[1].Moves[0].To.Text = "halted"
		},
		"an event leads elsewhere": func(w *Workflow) { w.States[0].Accepts[0].Moves[0].To.Text = "stopped" },
		"another state is the initial one": func(w *Workflow) {
			w.States = append([]*State{{Name: at(29, "idle"), Accepts: w.States[0].Accepts}}, w.States...)
		},
	} {
		w := shop()
		change(w)
		if schemaOf(t, w) == before {
			t.Errorf("%s, but the schema stays", name)
		}
	}
}

func TestStateSchemaStays(t *testing.T) {
	before := schemaOf(t, shop())
	for name, change := range map[string]func(w *Workflow){
		"docs": func(w *Workflow) {
			w.Doc, w.State[0].Doc, w.Types[0].Doc = "a", "b", "c"
			w.Types[1].Values[0].Doc, w.Events[0].Doc, w.States[0].Doc = "d", "e", "f"
		},
		"the names of workflow and package": func(w *Workflow) { w.Name.Text, w.Package.Text = "other", "other" },
		"the order of everything": func(w *Workflow) {
			slices.Reverse(w.State)
			slices.Reverse(w.Types)
			slices.Reverse(w.Types[len(w.Types)-1].Fields)
			slices.Reverse(w.Types[len(w.Types)-2].Values)
			slices.Reverse(w.Inputs)
			slices.Reverse(w.Events)
			slices.Reverse(w.States[0].Accepts)
		},
		"inputs":     func(w *Workflow) { w.Inputs[1].Fields = append(w.Inputs[1].Fields, w.State[1]) },
		"effects":    func(w *Workflow) { w.Effects[0].Fields = w.State },
		"timers":     func(w *Workflow) { w.Timers[0].After = 7 },
		"rejections": func(w *Workflow) { w.Rejections[0].Fields = w.State },
		"what a state accepts with the same moves": func(w *Workflow) {
			again := *w.States[0].Accepts[0]
			again.Input.Text, again.Effects = "Again", nil
			w.Inputs = append(w.Inputs, &Message{Name: at(13, "Again"), Fields: w.Inputs[1].Fields})
			w.States[0].Accepts = append(w.States[0].Accepts, &again)
		},
		"a type that only an input has": func(w *Workflow) { w.Types[3].Fields[0].Name.Text = "body" },
	} {
		w := shop()
		change(w)
		if schemaOf(t, w) != before {
			t.Errorf("%s: the schema is another one, now of\n%s", name, stateText(w))
		}
	}
}
