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
	want := []string{
		"acceptance of Refund in new: only the newer program has it",
		"input Pay: its fields are {amount: int64}, and {amount: int32} in the older program",
		"input Refund: only the newer program has it",
	}
	if !slices.Equal(skews[0].Differences, want) {
		t.Errorf("got %q", skews[0].Differences)
	}
	skews = admin.Skews([]admin.Program{program("a", 1, true, older), program("b", 2, true, evolved)})
	if len(skews) != 1 || len(skews[0].Differences) != 1 || !strings.Contains(skews[0].Differences[0], "the state") && !strings.Contains(skews[0].Differences[0], "evolver") {
		t.Errorf("got %+v", skews)
	}
	if skews := admin.Skews([]admin.Program{program("a", 1, true, older), program("b", 2, true, older)}); skews != nil {
		t.Errorf("got %+v", skews)
	}
}
