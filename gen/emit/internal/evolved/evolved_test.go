package evolved

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestOldVersions stores events as programs of before did, and reads and continues their instances.
func TestOldVersions(t *testing.T) {
	ctx := t.Context()
	st, err := sqlite.OpenMemory(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	now := time.Now().UTC().Truncate(time.Microsecond)
	histories := map[string][]store.NewEvent{
		"one": {{Type: "Opened", SchemaVersion: 1, Payload: []byte(`{"price":"12.50","by":"ann"}`)}, {Type: "Noted", SchemaVersion: 1, Payload: []byte(`{"text":"x"}`)}},
		"two": {{Type: "Opened", SchemaVersion: 2, Payload: []byte(`{"cents":1250,"by":"bob"}`)}},
		"bad": {{Type: "Opened", SchemaVersion: 1, Payload: []byte(`{"price":7,"by":"eve"}`)}},
		"new": {{Type: "Opened", SchemaVersion: 4, Payload: []byte(`{}`)}},
	}
	commit := int64(0)
	for id, events := range histories {
		commit++
		err := st.Append(ctx, store.Batch{Commit: store.CommitID(commit), Changes: []store.Change{{
			Instance: runtime.InstanceKey{Workflow: WorkflowName, ID: id}, Now: now, Due: now, Status: "open", Events: events,
		}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	engine, err := runtime.NewEngine(st, runtime.Config{}, NewWorkflow(Decider{}, Evolver{}))
	if err != nil {
		t.Fatal(err)
	}
	client := NewClient(engine)
	for id, want := range map[string]State{
		"one": {Status: StatusOpen, Cents: 1250, Who: "ann", Notes: 1},
		"two": {Status: StatusOpen, Cents: 1250, Who: "bob"},
	} {
		view, err := client.State(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		got := view.State
		if got.Plan == nil || *got.Plan != PlanFree {
			t.Errorf("%s: the plan is %v, want its default", id, got.Plan)
		}
		got.Plan = nil
		if got != want {
			t.Errorf("%s: got %+v, want %+v", id, got, want)
		}
		if _, err := client.Close(ctx, Close{AccountID: id}); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	for id, want := range map[string]string{
		"bad": "price",
		"new": "it has schema version 4, this program knows 3: a newer program wrote it",
	} {
		if _, err := client.State(ctx, id); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", id, err, want)
		}
	}
	// What this program stores has the version of today.
	if _, err := client.Open(ctx, Open{AccountID: "three", Cents: 5}); err != nil {
		t.Fatal(err)
	}
	rows, err := st.DB().QueryContext(ctx, "SELECT schema_version, payload FROM ironflow_events WHERE type = 'Opened' AND instance = 'three'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if !rows.Next() {
		t.Fatal("nothing is stored")
	}
	var version int
	var payload string
	if err := rows.Scan(&version, &payload); err != nil || version != 3 || !strings.Contains(payload, `"amount_cents":5`) {
		t.Errorf("stored version %d with %s, %v", version, payload, err)
	}
}
