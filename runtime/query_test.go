package runtime_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
)

func TestStateAtEachVersion(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		config := b.config(c)
		config.SnapshotEvery = 2 // none of them may be in the way
		client := ticket.NewClient(b.engine(config, tickets(ticket.Decider{}, ticket.Handler{})))
		ctx := b.Context()
		out, err := client.Open(ctx, ticket.Open{ID: "a", Subject: "printer"})
		must(b, out, err)
		var want []runtime.View[ticket.State]
		remember := func(version int64, completed bool) {
			view, err := client.State(ctx, "a")
			if err != nil || view.Version != version || view.Completed != completed {
				b.Fatalf("got %+v, %v", view, err)
			}
			want = append(want, view)
			c.advance(time.Minute)
		}
		remember(1, false)
		for i := range 3 {
			out, err := client.Note(ctx, ticket.Note{ID: "a", Text: fmt.Sprint(i)})
			must(b, out, err)
			remember(int64(i+2), false)
		}
		solved, err := client.Solve(ctx, ticket.Solve{ID: "a"})
		must(b, solved, err)
		remember(5, true)

		for _, view := range want {
			got, err := client.StateAt(ctx, "a", view.Version)
			if err != nil || !reflect.DeepEqual(got, view) {
				b.Errorf("got %+v, %v, want %+v", got, err, view)
			}
			if at := stamp(got.LastEventAt); at != stamp(epoch.Add(time.Duration(view.Version-1)*time.Minute)) {
				b.Errorf("version %d is of %s", view.Version, at)
			}
		}
		for _, version := range []int64{-1, 0, 6, 100} {
			_, err := client.StateAt(ctx, "a", version)
			var unknown *runtime.UnknownVersion
			if !errors.As(err, &unknown) || unknown.Version != version || version > 0 && unknown.Newest != 5 {
				b.Errorf("version %d: got error %v", version, err)
			}
			wantError(b, err, "ticket/a", fmt.Sprint(version))
		}
		_, err = client.StateAt(ctx, "b", 1)
		if unknown := new(runtime.UnknownInstance); !errors.As(err, &unknown) || unknown.Instance.ID != "b" {
			b.Errorf("got error %v", err)
		}
	})
}

// A long history is read in pages. The workflow without states says itself when it has ended.
func TestStateAtInALongHistory(t *testing.T) {
	onStores(t, func(b *bed) {
		const n = 2500
		client := ledger.NewClient(b.engine(b.config(newClock()), ledgers(ledger.Decider{
			OnAdd: func(time.Time, ledger.State, ledger.Add) ledger.AddDecision {
				return ledger.AcceptAdd(ledger.Added{Amount: 1}, slices.Repeat([]ledger.AddEvent{ledger.Added{Amount: 1}}, n-1)...)
			},
		}, ledger.Handler{})))
		out, err := client.Add(b.Context(), ledger.Add{Account: "a"})
		must(b, out, err)
		closed, err := client.Close(b.Context(), ledger.Close{Account: "a"})
		must(b, closed, err)
		for _, version := range []int64{1, 999, 1000, 1001, 2000, n} {
			view, err := client.StateAt(b.Context(), "a", version)
			if err != nil || view.State.Total != version || view.Version != version || view.Completed {
				b.Errorf("version %d: got %+v, %v", version, view, err)
			}
		}
		if view, err := client.StateAt(b.Context(), "a", n+1); err != nil || !view.Completed || !view.State.Closed {
			b.Errorf("got %+v, %v", view, err)
		}
	})
}

func TestHistory(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		engine := b.engine(b.config(c), tickets(ticket.Decider{}, ticket.Handler{}))
		client := ticket.NewClient(engine)
		ctx := b.Context()
		out, err := client.Open(ctx, ticket.Open{ID: "a", Subject: "printer"})
		must(b, out, err)
		c.advance(time.Hour)
		solved, err := client.Solve(ctx, ticket.Solve{ID: "a"})
		must(b, solved, err)

		history, err := client.History(ctx, "a")
		if err != nil {
			b.Fatal(err)
		}
		var got []string
		for _, r := range history {
			got = append(got, fmt.Sprintf("%d %s %s %T", r.Version, r.Type, stamp(r.RecordedAt), r.Event))
		}
		want := []string{
			"1 Opened " + stamp(epoch) + " ticket.Opened",
			"2 Solved " + stamp(epoch.Add(time.Hour)) + " ticket.Solved",
		}
		if !slices.Equal(got, want) {
			b.Errorf("got %q, want %q", got, want)
		}

		key := runtime.InstanceKey{Workflow: "ticket", ID: "a"}
		for _, test := range []struct {
			after int64
			limit int
			want  []int64
		}{{0, 0, []int64{1, 2}}, {0, 1, []int64{1}}, {1, 5, []int64{2}}, {2, 5, nil}} {
			events, err := engine.History(ctx, key, test.after, test.limit)
			var versions []int64
			for _, event := range events {
				versions = append(versions, event.Version)
				if event.Instance != key || event.Type != history[event.Version-1].Type || len(event.Payload) == 0 {
					b.Errorf("got %+v", event)
				}
			}
			if err != nil || !slices.Equal(versions, test.want) {
				b.Errorf("after %d up to %d: got %v, %v", test.after, test.limit, versions, err)
			}
		}

		for _, key := range []runtime.InstanceKey{{Workflow: "ticket", ID: "b"}, {Workflow: "ticket", ID: ""}, {Workflow: "order", ID: "a"}} {
			_, err := engine.History(ctx, key, 0, 0)
			if _, ok := errors.AsType[*runtime.UnknownInstance](err); ok != (key.ID == "b") || err == nil {
				b.Errorf("%s: got error %v", key, err)
			}
			if _, ok := errors.AsType[*runtime.UnknownWorkflow](err); ok != (key.Workflow == "order") {
				b.Errorf("%s: got error %v", key, err)
			}
		}
	})
}

// The states after the events of a page are those that the events before led to.
func TestStatesDynamic(t *testing.T) {
	onStores(t, func(b *bed) {
		engine := b.engine(b.config(newClock()), tickets(ticket.Decider{}, ticket.Handler{}))
		client, ctx := ticket.NewClient(engine), b.Context()
		out, err := client.Open(ctx, ticket.Open{ID: "a", Subject: "printer"})
		must(b, out, err)
		for i := range 3 {
			out, err := client.Note(ctx, ticket.Note{ID: "a", Text: fmt.Sprint(i)})
			must(b, out, err)
		}
		key := runtime.InstanceKey{Workflow: "ticket", ID: "a"}
		for from := range int64(7) {
			version := max(from, 1)
			for state, err := range engine.StatesDynamic(ctx, key, from) {
				if err != nil {
					b.Fatal(err)
				}
				want, err := engine.StateAtDynamic(ctx, "ticket", "a", version)
				if err != nil || string(state) != string(want.State) {
					b.Errorf("from %d, version %d: got %s, want %s, %v", from, version, state, want.State, err)
				}
				version++
			}
			if version != max(5, from) {
				b.Errorf("from %d: the states end before version %d", from, version)
			}
		}
		for range engine.StatesDynamic(ctx, key, 1) {
			break // is allowed
		}
		for _, err := range engine.StatesDynamic(ctx, runtime.InstanceKey{Workflow: "cart", ID: "a"}, 1) {
			if !errors.Is(err, errors.ErrUnsupported) {
				b.Errorf("got %v", err)
			}
		}
		for state, err := range engine.StatesDynamic(ctx, runtime.InstanceKey{Workflow: "ticket", ID: "none"}, 1) {
			b.Errorf("got %s, %v", state, err)
		}
	})
}
