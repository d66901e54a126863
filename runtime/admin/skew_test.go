package admin_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/codec"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Programs that run at the same time are compared by what they declare, each with the one that started last.
func TestSkews(t *testing.T) {
	t.Parallel()
	machine := func(accepts ...string) *workflow.Machine {
		m := &workflow.Machine{States: []workflow.MachineState{{Name: "new"}}}
		for _, name := range accepts {
			m.States[0].Accepts = append(m.States[0].Accepts, workflow.Transition{Input: name})
		}
		return m
	}
	form := func(kind string) []workflow.Form {
		return []workflow.Form{{Input: "Pay", ID: "id", Fields: []codec.Field{{Name: "amount", Type: kind}}}}
	}
	older := workflow.WorkflowManifest{Name: "order", Inputs: []string{"Pay"}, Machine: machine("Pay"), Forms: form("int32"), Schema: "a"}
	newer := workflow.WorkflowManifest{Name: "order", Inputs: []string{"Pay", "Refund"}, Machine: machine("Pay", "Refund"), Forms: form("int64"), Schema: "b"}
	evolved := older
	evolved.Schema = "c"
	same := workflow.WorkflowManifest{Name: "cart", Inputs: []string{"Add"}}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	program := func(name string, minute int, running bool, workflows ...workflow.WorkflowManifest) admin.Program {
		m := &workflow.Manifest{Workflows: workflows}
		_, digest := m.Encode()
		return admin.Program{
			Program: store.Program{Process: name, Digest: digest, StartedAt: start.Add(time.Duration(minute) * time.Minute)}, Running: running, Manifest: m,
		}
	}
	skews := admin.Skews([]admin.Program{
		program("old-1", 1, true, older, same), program("old-2", 2, true, older, same), program("new-1", 9, true, newer, same),
		program("gone", 8, false, evolved), program("other", 3, true, same),
	})
	if len(skews) != 1 || skews[0].Workflow != "order" || skews[0].Newer.Process != "new-1" || skews[0].Older.Process != "old-2" {
		t.Fatalf("got %+v", skews)
	}
	want := []admin.Difference{
		{"input Refund: only the newer program has it", admin.SkewWaits, "Effects and timers that bring it wait for the newer program."},
		{"acceptance of Refund in new: only the newer program has it", admin.SkewRefused, "The older program rejects it there."},
		{"state: its fields, or what the evolver makes of events", admin.SkewSafe,
			"Each program folds the events by its own evolver, and does not use the snapshots of the other one."},
	}
	if !slices.Equal(skews[0].Differences, want) {
		t.Errorf("got %+v", skews[0].Differences)
	}
	skews = admin.Skews([]admin.Program{program("a", 1, true, older), program("b", 2, true, evolved)})
	if len(skews) != 1 || len(skews[0].Differences) != 1 || !strings.Contains(skews[0].Differences[0].What, "evolver") {
		t.Errorf("got %+v", skews)
	}
	if skews := admin.Skews([]admin.Program{program("a", 1, true, older), program("b", 2, true, older)}); skews != nil {
		t.Errorf("got %+v", skews)
	}
}

// Each difference says what it means while both programs run.
func TestMeaningsOfDifferences(t *testing.T) {
	t.Parallel()
	message := func(kind, name string, version int, fields ...codec.Field) workflow.Message {
		return workflow.Message{Kind: kind, Name: name, Version: version, Fields: append([]codec.Field{}, fields...)}
	}
	field := func(name, kind string) codec.Field { return codec.Field{Name: name, Type: kind} }
	optional := func(name, kind string) codec.Field { return codec.Field{Name: name, Type: kind, Optional: true} }
	machine := func(target string) *workflow.Machine {
		return &workflow.Machine{States: []workflow.MachineState{{Name: "new"}, {Name: target}}, Moves: []workflow.Move{{From: "new", Event: "Paid", To: target}}}
	}
	forms := []workflow.Form{{Input: "Pay"}, {Input: "Refund"}}
	personal := message("event", "Named", 1, field("name", "string"))
	personal.Personal = []string{"name"}
	base := workflow.WorkflowManifest{Name: "order", Inputs: []string{"Pay"}, Forms: forms, Messages: []workflow.Message{message("event", "Paid", 1)}}
	with := func(change func(w *workflow.WorkflowManifest)) *workflow.WorkflowManifest {
		w := base
		change(&w)
		return &w
	}
	messages := func(list ...workflow.Message) *workflow.WorkflowManifest {
		return with(func(w *workflow.WorkflowManifest) { w.Messages = list })
	}
	other := func(f func(*workflow.WorkflowManifest)) [2]*workflow.WorkflowManifest {
		return [2]*workflow.WorkflowManifest{with(f), &base}
	}
	none := func(*workflow.WorkflowManifest) {}
	for name, test := range map[string]struct {
		newerOlder [2]*workflow.WorkflowManifest
		class      admin.SkewClass
		what       string
		means      string
	}{
		"new event": {[2]*workflow.WorkflowManifest{messages(message("event", "Paid", 1), message("event", "Refunded", 1)), with(none)},
			admin.SkewFails, "event Refunded: only the newer program has it", "The older program cannot read an instance that has one"},
		"old event": {[2]*workflow.WorkflowManifest{messages(message("event", "Paid", 1)), messages(message("event", "Paid", 1), message("event", "Gone", 1))},
			admin.SkewFails, "event Gone: only the older program has it", "The newer program cannot read an instance that has one"},
		"event version": {[2]*workflow.WorkflowManifest{messages(message("event", "Paid", 2, field("amount", "decimal"))), messages(message("event", "Paid", 1))},
			admin.SkewFails, "version 2 of the event Paid: only the newer program has it", "The older program cannot read"},
		"optional field": {[2]*workflow.WorkflowManifest{messages(message("event", "Paid", 1, optional("note", "string"))), with(none)},
			admin.SkewSafe, "event Paid.note: only the newer program has it", "The older program skips it."},
		"zero field": {[2]*workflow.WorkflowManifest{messages(message("event", "Paid", 1, field("note", "string"))), with(none)},
			admin.SkewDiffers, "event Paid.note: only the newer program has it", "The newer program reads it as zero in what the older program has stored."},
		"field of an input": {[2]*workflow.WorkflowManifest{messages(message("input", "Pay", 1, field("cents", "int"))), messages(message("input", "Pay", 1))},
			admin.SkewDiffers, "input Pay.cents: only the newer program has it", "It refuses inputs of clients without it."},
		"enum": {[2]*workflow.WorkflowManifest{
			messages(message("event", "Paid", 1, codec.Field{Name: "by", Type: "enum", Choices: []string{"card", "cash"}})),
			messages(message("event", "Paid", 1, codec.Field{Name: "by", Type: "enum", Choices: []string{"card"}}))},
			admin.SkewFails, "event Paid.by: enum of card, cash in the newer program, enum of card in the older one", "A program cannot read an instance that has a value"},
		"type in an effect": {[2]*workflow.WorkflowManifest{messages(message("effect", "Charge", 1, field("cents", "int64"))), messages(message("effect", "Charge", 1, field("cents", "int32")))},
			admin.SkewWaits, "effect Charge.cents: int64 in the newer program, int32 in the older one", "A program leaves to the other one what it cannot read."},
		"effect": {[2]*workflow.WorkflowManifest{messages(message("event", "Paid", 1), message("effect", "Charge", 1)), with(none)},
			admin.SkewWaits, "effect Charge: only the newer program has it", "it waits for the newer program"},
		"rejection": {[2]*workflow.WorkflowManifest{messages(message("event", "Paid", 1), message("rejection", "Late", 1)), with(none)},
			admin.SkewFails, "rejection Late: only the newer program has it", "the older program cannot answer"},
		"personal": {[2]*workflow.WorkflowManifest{messages(personal), messages(message("event", "Named", 1, field("name", "string")))},
			admin.SkewDiffers, "rule that event Named.name is personal: only the newer program has it", "The older program stores it in plain text"},
		"input of clients": {other(func(w *workflow.WorkflowManifest) { w.Inputs = []string{"Pay", "Refund"} }),
			admin.SkewRefused, "input Refund: only the newer program has it", "The older program refuses it."},
		"internal input": {other(func(w *workflow.WorkflowManifest) { w.Inputs = []string{"Pay", "Expire"} }),
			admin.SkewWaits, "input Expire: only the newer program has it", "wait for the newer program"},
		"operators": {other(func(w *workflow.WorkflowManifest) { w.Operator = []string{"Pay"} }),
			admin.SkewDiffers, "rule that only operators send the input Pay: only the newer program has it", "does not ask whether an operator sends it"},
		"search": {other(func(w *workflow.WorkflowManifest) { w.Search = []string{"email"} }),
			admin.SkewDiffers, "search field email: only the newer program has it", "The older program does not store its value"},
		"schedule": {other(func(w *workflow.WorkflowManifest) {
			w.Schedules = []workflow.ScheduledInput{{Name: "nightly", Input: "Pay"}}
		}),
			admin.SkewWaits, "schedule nightly: only the newer program has it", "It fires only while the newer program runs."},
		"states": {other(func(w *workflow.WorkflowManifest) { w.Machine = machine("paid") }),
			admin.SkewDiffers, "declaration of states: only the newer program has it", "its own rules"},
		"move": {[2]*workflow.WorkflowManifest{
			with(func(w *workflow.WorkflowManifest) { w.Machine = machine("paid") }), with(func(w *workflow.WorkflowManifest) { w.Machine = machine("done") })},
			admin.SkewDiffers, "move from new by Paid: to paid in the newer program, to done in the older one", "in another state"},
		"older release": {[2]*workflow.WorkflowManifest{
			with(func(w *workflow.WorkflowManifest) { w.Effects = []string{"Charge"} }), with(func(w *workflow.WorkflowManifest) { w.Messages = nil })},
			admin.SkewWaits, "effect Charge: only the newer program has it", "it waits for the newer program"},
	} {
		programs := make([]admin.Program, 2)
		for i, w := range test.newerOlder {
			m := &workflow.Manifest{Workflows: []workflow.WorkflowManifest{*w}}
			_, digest := m.Encode()
			programs[i] = admin.Program{Program: store.Program{Digest: digest, StartedAt: time.Unix(int64(10-i), 0)}, Running: true, Manifest: m}
		}
		skews := admin.Skews(programs)
		if len(skews) != 1 || !slices.ContainsFunc(skews[0].Differences, func(d admin.Difference) bool {
			return d.What == test.what && d.Class == test.class && strings.Contains(d.Means, test.means)
		}) {
			t.Errorf("%s: got %+v", name, skews)
		}
		for _, s := range skews {
			for _, d := range s.Differences {
				if strings.Contains(d.Means, "HAS") || strings.Contains(d.Means, "LACKS") || d.Means == "" || !slices.Contains(admin.SkewClasses, d.Class) {
					t.Errorf("%s: %+v", name, d)
				}
			}
		}
	}
}
