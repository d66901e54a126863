package runtime_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

func TestTypedOutcomes(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		client := ticket.NewClient(b.engine(b.config(c), tickets(ticket.Decider{}, ticket.Handler{})))
		ctx := b.Context()

		out, err := client.Open(ctx, ticket.Open{ID: "a", Subject: "printer"})
		must(b, out, err)
		if want := []ticket.OpenEvent{ticket.Opened{Subject: "printer"}}; !reflect.DeepEqual(out.Events, want) || out.Version != 1 {
			b.Errorf("got %+v", out)
		}
		b.wantTable("version, completed_at", "instances", "", "1 -")
		b.wantTable("version, type, schema_version, payload, recorded_at", "events", "",
			`1 Opened 1 {"subject":"printer"} `+stamp(epoch))
		b.wantTable("key, instance", "unique_keys", "", "printer a")

		c.advance(time.Second)
		solved, err := client.Solve(ctx, ticket.Solve{ID: "a"})
		must(b, solved, err)
		if solved.Version != 2 {
			b.Errorf("got version %d", solved.Version)
		}
		b.wantTable("version, completed_at", "instances", "", "2 "+stamp(epoch.Add(time.Second)))
		b.wantTable("*", "unique_keys", "")

		b.unchanged(func() {
			again, err := client.Solve(ctx, ticket.Solve{ID: "a"})
			if err != nil || !again.AlreadyCompleted() || again.Accepted() || again.Rejected() || again.Version != 2 {
				b.Errorf("got %+v, error %v", again, err)
			}
		})
	})
}

func TestRejectionLeavesNoTrace(t *testing.T) {
	onStores(t, func(b *bed) {
		client := ticket.NewClient(b.engine(b.config(newClock()), tickets(ticket.Decider{
			OnOpen: func(_ time.Time, _ ticket.State, in ticket.Open) ticket.OpenDecision {
				if in.Subject == "busy" {
					return ticket.RejectOpen(ticket.Busy{Load: 7})
				}
				return ticket.AcceptOpen(ticket.Opened{Subject: in.Subject})
			},
		}, ticket.Handler{})))
		ctx := b.Context()

		b.unchanged(func() {
			out, err := client.Open(ctx, ticket.Open{ID: "a", Subject: "busy"})
			if err != nil || !out.Rejected() || out.Accepted() || out.Rejection != ticket.Rejection(ticket.Busy{Load: 7}) || out.Version != 0 {
				b.Errorf("decider's rejection: got %+v, error %v", out, err)
			}
		})
		b.unchanged(func() {
			out, err := client.Note(ctx, ticket.Note{ID: "a"})
			want := ticket.NotAccepted{Input: "Note", State: ticket.StatusNew}
			if err != nil || !out.Rejected() || out.Rejection != ticket.Rejection(want) {
				b.Errorf("not accepted: got %+v, error %v", out, err)
			}
		})
		// Neither id nor key is taken.
		opened, err := client.Open(ctx, ticket.Open{ID: "a", Subject: "printer"})
		must(b, opened, err)
		b.unchanged(func() {
			out, err := client.Open(ctx, ticket.Open{ID: "a", Subject: "other"})
			if err != nil || !out.Rejected() || out.Rejection != ticket.Rejection(ticket.Duplicate{}) || out.Version != 1 {
				b.Errorf("declared rejection: got %+v, error %v", out, err)
			}
		})
	})
}

func TestWithoutStatesEverythingIsAccepted(t *testing.T) {
	onStores(t, func(b *bed) {
		client := ledger.NewClient(b.engine(b.config(newClock()), ledgers(ledger.Decider{}, ledger.Handler{})))
		ctx := b.Context()
		tick, err := client.Internal().Tick(ctx, ledger.Tick{Account: "a"})
		must(b, tick, err)
		added, err := client.Add(ctx, ledger.Add{Account: "a", Amount: 5})
		must(b, added, err)
		view, err := client.State(ctx, "a")
		if err != nil || view.State != (ledger.State{Total: 5, Ticks: 1}) || view.Version != 2 || view.Completed {
			b.Errorf("got %+v, error %v", view, err)
		}
		closed, err := client.Close(ctx, ledger.Close{Account: "a"})
		must(b, closed, err)
		late, err := client.Add(ctx, ledger.Add{Account: "a"})
		if err != nil || !late.AlreadyCompleted() {
			b.Errorf("got %+v, error %v", late, err)
		}
		view, err = client.State(ctx, "a")
		if err != nil || !view.Completed || view.Version != 3 || !view.State.Closed {
			b.Errorf("got %+v, error %v", view, err)
		}
	})
}

func TestUniqueKeyConflictNamesTheHolder(t *testing.T) {
	onStores(t, func(b *bed) {
		client := ticket.NewClient(b.engine(b.config(newClock()), tickets(ticket.Decider{}, ticket.Handler{})))
		ctx := b.Context()
		first, err := client.Open(ctx, ticket.Open{ID: "a", Subject: "printer"})
		must(b, first, err)
		b.unchanged(func() {
			_, err := client.Open(ctx, ticket.Open{ID: "b", Subject: "printer"})
			wantError(b, err, "ticket/b", "Open", "ticket/a")
			if strings.Contains(err.Error(), "printer") {
				b.Errorf("the error has the key: %v", err)
			}
			var conflict *runtime.UniqueKeyConflict
			if !errors.As(err, &conflict) || conflict.Holder != "a" || conflict.Key != "printer" ||
				conflict.Instance != (runtime.InstanceKey{Workflow: "ticket", ID: "b"}) {
				b.Errorf("got %#v", err)
			}
		})
		solved, err := client.Solve(ctx, ticket.Solve{ID: "a"})
		must(b, solved, err)
		second, err := client.Open(ctx, ticket.Open{ID: "b", Subject: "printer"})
		must(b, second, err)
	})
}

// TestUniqueKeyIsAskedForBeforeTheDecider says that an input which would create an instance fails before the decider sees it, whatever the
// decider would say, and that an existing instance decides first.
func TestUniqueKeyIsAskedForBeforeTheDecider(t *testing.T) {
	onStores(t, func(b *bed) {
		var asked atomic.Int32
		reject := false
		client := ticket.NewClient(b.engine(b.config(newClock()), tickets(ticket.Decider{
			OnOpen: func(_ time.Time, _ ticket.State, in ticket.Open) ticket.OpenDecision {
				asked.Add(1)
				if reject {
					return ticket.RejectOpen(ticket.Busy{})
				}
				return ticket.AcceptOpen(ticket.Opened{Subject: in.Subject})
			},
		}, ticket.Handler{})))
		ctx := b.Context()
		open := func(id, subject string) (ticket.OpenOutcome, error) {
			return client.Open(ctx, ticket.Open{ID: id, Subject: subject})
		}
		out, err := open("a", "printer")
		must(b, out, err)
		var conflict *runtime.UniqueKeyConflict
		for _, reject = range []bool{false, true} {
			if _, err := open("b", "printer"); !errors.As(err, &conflict) || conflict.Holder != "a" {
				b.Errorf("got error %v", err)
			}
			if n := asked.Load(); n != 1 {
				b.Errorf("the decider was asked %d times", n)
			}
		}
		reject = false
		out, err = open("b", "screen")
		must(b, out, err)
		// The state machine refuses this one.
		if out, err := open("b", "printer"); err != nil || !out.Rejected() {
			b.Errorf("got %v, error %v", out, err)
		}
	})
}

func TestStateAndHistory(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		client := ticket.NewClient(b.engine(b.config(c), tickets(ticket.Decider{}, ticket.Handler{})))
		ctx := b.Context()

		var unknown *runtime.UnknownInstance
		if _, err := client.State(ctx, "a"); !errors.As(err, &unknown) || unknown.Instance.ID != "a" {
			b.Errorf("State: got error %v", err)
		}
		if _, err := client.History(ctx, "a"); !errors.As(err, &unknown) {
			b.Errorf("History: got error %v", err)
		}
		_, err := client.State(ctx, "")
		wantError(b, err, "ticket", "id is empty")

		imported, err := client.Import(ctx, ticket.Import{ID: "a", Subject: "printer"})
		must(b, imported, err)
		c.advance(time.Minute)
		noted, err := client.Note(ctx, ticket.Note{ID: "a", Text: "on fire"})
		must(b, noted, err)

		view, err := client.State(ctx, "a")
		want := ticket.State{Status: ticket.StatusOpen, Subject: "printer", Notes: []string{"on fire"}}
		if err != nil || !reflect.DeepEqual(view.State, want) || view.Version != 3 || view.Completed {
			b.Errorf("State: got %+v, error %v", view, err)
		}
		history, err := client.History(ctx, "a")
		if err != nil || len(history) != 3 {
			b.Fatalf("History: got %+v, error %v", history, err)
		}
		now := epoch.Truncate(time.Microsecond)
		for i, want := range []runtime.Recorded[ticket.Event]{
			{Version: 1, RecordedAt: now, Type: "Opened", Event: ticket.Opened{Subject: "printer"}},
			{Version: 2, RecordedAt: now, Type: "Tagged", Event: ticket.Tagged{Tag: "import"}},
			{Version: 3, RecordedAt: now.Add(time.Minute), Type: "Noted", Event: ticket.Noted{Text: "on fire"}},
		} {
			if i > 0 && history[i].GlobalSequence <= history[i-1].GlobalSequence {
				b.Errorf("the global sequence does not grow: %+v", history)
			}
			want.GlobalSequence = history[i].GlobalSequence
			if history[i] != want {
				b.Errorf("got %+v, want %+v", history[i], want)
			}
		}
	})
}

func TestRefusedInputs(t *testing.T) {
	onStores(t, func(b *bed) {
		engine := b.engine(b.config(newClock()), tickets(ticket.Decider{}, ticket.Handler{}))
		client := ticket.NewClient(engine)
		ctx := b.Context()
		b.unchanged(func() {
			for id, says := range map[string]string{
				"":                        "the instance id is empty",
				"a\x00b":                  "NUL",
				"a\xffb":                  "not valid UTF-8",
				string(make([]byte, 513)): "513 bytes",
			} {
				_, err := client.Open(ctx, ticket.Open{ID: id, Subject: "printer"})
				wantError(b, err, "workflow ticket", "Open", says)
			}
			_, err := client.Open(ctx, ticket.Open{ID: "a"})
			wantError(b, err, "ticket/a", "Open", "the unique key is empty")

			_, err = runtime.Execute[ticket.Event, ticket.Rejection](ctx, engine, "ticket", &ticket.Open{ID: "a", Subject: "s"})
			wantError(b, err, "*ticket.Open is not one of its inputs", "not a pointer")
			_, err = runtime.Execute[ticket.Event, ticket.Rejection](ctx, engine, "ticket", ledger.Add{Account: "a"})
			wantError(b, err, "workflow ticket", "ledger.Add is not one of its inputs")
			_, err = runtime.Execute[ticket.Event, ticket.Rejection](ctx, engine, "ticket", nil)
			wantError(b, err, "workflow ticket", "is not one of its inputs")

			var unknown *runtime.UnknownWorkflow
			_, err = ledger.NewClient(engine).Add(ctx, ledger.Add{Account: "a"})
			if !errors.As(err, &unknown) || unknown.Workflow != "ledger" || !reflect.DeepEqual(unknown.Registered, []string{"ticket"}) {
				b.Errorf("got error %v", err)
			}
			if _, err = ledger.NewClient(engine).State(ctx, "a"); !errors.As(err, &unknown) {
				b.Errorf("got error %v", err)
			}
		})
	})
}

// A context that ends before the decision is made takes the input back; one that ends later does not.
func TestContextEnds(t *testing.T) {
	onStores(t, func(b *bed) {
		cancelInDecider := make(chan context.CancelFunc, 1)
		workflow := tickets(ticket.Decider{
			OnOpen: func(_ time.Time, _ ticket.State, in ticket.Open) ticket.OpenDecision {
				(<-cancelInDecider)()
				return ticket.AcceptOpen(ticket.Opened{Subject: in.Subject})
			},
		}, ticket.Handler{})
		store := &faulty{Store: b.store}
		client := ticket.NewClient(b.engineOn(store, b.config(newClock()), workflow))

		b.unchanged(func() {
			ctx, cancel := context.WithCancel(b.Context())
			cancel()
			if _, err := client.Open(ctx, ticket.Open{ID: "a", Subject: "s"}); !errors.Is(err, context.Canceled) {
				b.Errorf("cancelled before: got error %v", err)
			}
		})
		b.unchanged(func() {
			ctx, cancel := context.WithCancel(b.Context())
			cancelInDecider <- cancel
			if _, err := client.Open(ctx, ticket.Open{ID: "a", Subject: "s"}); !errors.Is(err, context.Canceled) {
				b.Errorf("cancelled while deciding: got error %v", err)
			}
		})
		ctx, cancel := context.WithCancel(b.Context())
		cancelInDecider <- func() {}
		store.setCommit(func(ctx context.Context, commit func(context.Context) error) error {
			cancel()
			if ctx.Err() != nil {
				b.Error("the commit sees the caller's context end")
			}
			return commit(ctx)
		})
		_, err := client.Open(ctx, ticket.Open{ID: "a", Subject: "s"}, runtime.WithInputID("first"))
		if err != nil && (!errors.Is(err, context.Canceled) || !errors.Is(err, runtime.ErrOutcomeUnknown)) {
			b.Errorf("cancelled while it is stored: got error %v", err)
		}
		store.setCommit(nil)
		out, err := client.Open(b.Context(), ticket.Open{ID: "a", Subject: "s"}, runtime.WithInputID("first")) // the truth by its id
		must(b, out, err)
		b.wantTable("instance, version", "instances", "", "a 1")
	})
}

// Who gives up while losing races learns that it was the context which ended, not about races.
func TestContextEndsWhileLosingRaces(t *testing.T) {
	onStores(t, func(b *bed) {
		ctx, cancel := context.WithCancel(b.Context())
		defer cancel()
		st := &faulty{Store: b.store}
		races := 0
		st.setCommit(func(context.Context, func(context.Context) error) error {
			if races++; races == 3 {
				cancel()
			}
			return store.ErrConflict
		})
		client := ticket.NewClient(b.engineOn(st, b.config(newClock()), tickets(ticket.Decider{}, ticket.Handler{})))
		_, err := client.Open(ctx, ticket.Open{ID: "a", Subject: "s"})
		if !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrConflict) {
			b.Errorf("got error %v", err)
		}
		if races != 3 {
			b.Errorf("got %d attempts, want 3", races)
		}
	})
}
