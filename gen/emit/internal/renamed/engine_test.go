package renamed

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

func TestMain(m *testing.M) {
	code := pgserver.Main(m)
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// TestOldHistory stores what the workflow had stored before its names changed, and reads and continues that: events, states, an effect that
// waits in the outbox, and the outcome of an input that is sent again.
func TestOldHistory(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		st, err := sqlite.OpenMemory(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { st.Close() })
		testOldHistory(t, st)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		pool, err := pgxpool.New(t.Context(), pgserver.Database(t))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		if err := postgres.Migrate(t.Context(), pool); err != nil {
			t.Fatal(err)
		}
		st, err := postgres.New(t.Context(), pool)
		if err != nil {
			t.Fatal(err)
		}
		testOldHistory(t, st)
	})
}

func testOldHistory(t *testing.T, st runtime.Store) {
	ctx := t.Context()
	storeOld(t, st)
	engine, err := runtime.NewEngine(st, runtime.Config{}, NewWorkflow(Decider{}, Evolver{}))
	if err != nil {
		t.Fatal(err)
	}
	client := NewClient(engine)
	look := Look{Shade: ShadeGold, Text: []string{"a"}, Lasts: time.Hour}
	view, err := client.State(ctx, "valid")
	if err != nil {
		t.Fatal(err)
	}
	if s := view.State; s.Status != StatusUsable || s.Owner != "Ada" || fmt.Sprint(s.Look) != fmt.Sprint(look) || s.Serial == "" {
		t.Errorf("the state is %+v", s)
	}
	wantHistory(t, client, "blocked", "Granted", "Locked")
	again := Request{BadgeID: "valid", Owner: "Ada", Look: look}
	if out, err := client.Request(ctx, again, runtime.WithInputID("order-valid")); err != nil || out.Version != 1 {
		t.Errorf("the input that is sent again has the outcome %+v, %v", out, err)
	}
	viaHTTP(t, client)

	running, stop := context.WithCancel(ctx)
	done := make(chan error)
	go func() { done <- engine.Run(running) }()
	defer func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	if out, err := client.Lock(ctx, Lock{BadgeID: "valid"}); err != nil || !out.Accepted() {
		t.Fatalf("%+v, %v", out, err)
	}
	for _, id := range []string{"blocked", "valid"} {
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			view, err := client.State(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			if view.State.Status == StatusDestroyed {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: the effect is not delivered; the state is %+v", id, view)
			}
		}
	}
	wantHistory(t, client, "blocked", "Granted", "Locked", "Destroyed")
	wantHistory(t, client, "valid", "Granted", "Checked", "Locked", "Destroyed")
}

// storeOld stores two cards, one of which is blocked, as the workflow card stored them.
func storeOld(t *testing.T, to runtime.Store) {
	t.Helper()
	now := store.StoredTime(time.Now())
	for _, id := range []string{"blocked", "valid"} {
		const fields = `"holder":"Ada","design":{"color":"gold","lines":["a"],"valid_for":"1h0m0s"}`
		ordered := `{"number":"no. 050607",` + fields + `}`
		digest := sha256.Sum256([]byte(`{"type":"Order","card_id":"` + id + `",` + fields + `}`))
		change := store.Change{
			Instance: store.InstanceKey{Workflow: "card", ID: id}, Now: now, Due: now, Status: "valid",
			Events: []store.NewEvent{{Type: "Ordered", SchemaVersion: 1, Payload: []byte(ordered), Cause: []byte(`{"input":"Order"}`)}},
			Inputs: store.InputRecords{Outcomes: []store.InputOutcome{{
				Input: store.InputKey{Instance: store.InstanceKey{Workflow: "card", ID: id}, ID: "order-" + id}, RecordedAt: now,
				Outcome: fmt.Appendf(nil, `{"input":"Order","digest":"%x","outcome":"accepted","version":1,`+
					`"events":[{"type":"Ordered","payload":%s,"schema_version":1}]}`, digest[:16], ordered),
			}}},
		}
		if id == "blocked" {
			change.Status = "blocked"
			change.Events = append(change.Events, store.NewEvent{Type: "Blocked", SchemaVersion: 1, Payload: []byte(`{}`), Cause: []byte(
				`{"input":"Block","effects":["GoToShredder"],"effects_version":2}`)})
			change.Effects = []store.NewEffect{{Kind: "GoToShredder", Payload: []byte(`{"card_id":"blocked"}`)}}
		}
		if err := to.Append(t.Context(), store.Batch{Commit: store.CommitID(len(id)), Changes: []store.Change{change}}); err != nil {
			t.Fatal(err)
		}
	}
}

// viaHTTP sends an input whose stored name has to be escaped in a path.
func viaHTTP(t *testing.T, client *Client) {
	t.Helper()
	server := httptest.NewServer(NewHTTPHandler(client))
	defer server.Close()
	remote := NewHTTPClient(server.URL, server.Client())
	out, err := remote.Check(t.Context(), Check{BadgeID: "valid"})
	if err != nil || !out.Accepted() || len(out.Events) != 1 || out.Events[0] != (Checked{}) {
		t.Fatalf("%+v, %v", out, err)
	}
	out, err = remote.Check(t.Context(), Check{BadgeID: "blocked"})
	if err != nil || !out.Rejected() || out.Rejection != (Anonymous{}) {
		t.Fatalf("%+v, %v", out, err)
	}
}

func wantHistory(t *testing.T, client *Client, id string, want ...string) {
	t.Helper()
	recorded, err := client.History(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range recorded {
		got = append(got, strings.TrimPrefix(fmt.Sprintf("%T", r.Event), "renamed."))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s has the events %v, want %v", id, got, want)
	}
}
