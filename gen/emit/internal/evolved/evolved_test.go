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
		"new": "it has schema version 4, but this program knows only up to 3: a newer program wrote it",
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

// TestWhatBreaks shows what the rules of breaking changes are about: rows that a program stored whose declaration had more than this one, or
// something else. Each case is a class of docs/reference/diagnostics.md.
func TestWhatBreaks(t *testing.T) {
	ctx := t.Context()
	st, err := sqlite.OpenMemory(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	now := time.Now().UTC().Truncate(time.Microsecond)
	opened := store.NewEvent{Type: "Opened", SchemaVersion: 3, Payload: []byte(`{"amount_cents":30000,"who":"ann","plan":"free"}`)}
	event := func(name, payload string) store.NewEvent {
		return store.NewEvent{Type: name, SchemaVersion: 1, Payload: []byte(payload)}
	}
	commit := int64(0)
	put := func(key runtime.InstanceKey, c store.Change) {
		t.Helper()
		commit++
		c.Instance, c.Now, c.Due, c.Status = key, now, now, "open"
		if err := st.Append(ctx, store.Batch{Commit: store.CommitID(commit), Changes: []store.Change{c}}); err != nil {
			t.Fatal(err)
		}
	}
	of := func(id string) runtime.InstanceKey { return runtime.InstanceKey{Workflow: WorkflowName, ID: id} }
	put(of("renamed field"), store.Change{Events: []store.NewEvent{{Type: "Opened", SchemaVersion: 3, Payload: []byte(`{"cents":30000,"who":"ann","plan":"free"}`)}}})
	put(of("removed event"), store.Change{Events: []store.NewEvent{opened, event("Renamed", `{}`)}})
	put(of("removed value"), store.Change{Events: []store.NewEvent{{Type: "Opened", SchemaVersion: 3, Payload: []byte(`{"plan":"gold"}`)}}})
	put(of("removed move"), store.Change{Events: []store.NewEvent{event("Closed", `{}`)}})
	put(runtime.InstanceKey{Workflow: "evolving", ID: "renamed workflow"}, store.Change{Events: []store.NewEvent{opened}})
	put(of("in flight"), store.Change{
		Events:  []store.NewEvent{opened},
		Effects: []store.NewEffect{{Kind: "Charge", Payload: []byte(`{}`)}},
		Timers:  []store.NewTimer{{Key: "renewal", Input: "Renew", Payload: []byte(`{"type":"Renew"}`), FireAt: now}},
	})
	engine, err := runtime.NewEngine(st, runtime.Config{}, NewWorkflow(Decider{}, Evolver{}))
	if err != nil {
		t.Fatal(err)
	}
	client := NewClient(engine)

	// Stored events [IF3103]: nothing fails, and the money is gone.
	view, err := client.State(ctx, "renamed field")
	if err != nil || view.State.Cents != 0 {
		t.Errorf("a renamed field: %+v, %v", view.State, err)
	}
	// Stored events [IF3101, IF3106] and replay [IF3402]: the instance cannot be read.
	for id, want := range map[string]string{"removed event": "Renamed", "removed value": "plan", "removed move": "Closed"} {
		if _, err := client.State(ctx, id); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error about %s", id, err, want)
		}
		if _, err := client.Close(ctx, Close{AccountID: id}); err == nil {
			t.Errorf("%s: an input is accepted", id)
		}
	}
	// Identity [IF3201]: the instance is not there, and the input that should begin it again is accepted.
	if _, err := client.Open(ctx, Open{AccountID: "renamed workflow", Cents: 1}); err != nil {
		t.Errorf("the instance of a renamed workflow: %v", err)
	}
	// In flight [IF3301, IF3303]: an engine with these workflows claims neither, and they wait for ever.
	reports, err := engine.Inspect(ctx, of("in flight"))
	if err != nil || len(reports.Effects) != 1 || len(reports.Timers) != 1 {
		t.Errorf("in flight: %+v, %v", reports, err)
	}
	claimed, err := st.Effects().Claim(ctx, store.Claim{Kinds: []store.Kind{{Workflow: WorkflowName, Name: "ChargeCard"}}, Now: now, Until: now.Add(time.Minute), Limit: 10})
	if err != nil || len(claimed) != 0 {
		t.Errorf("the effect under its new name: %v, %v", claimed, err)
	}
}
