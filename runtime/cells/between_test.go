package cells_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/examples/travel/booking"
	"github.com/ironflow-gen/ironflow/examples/travel/refund"
	"github.com/ironflow-gen/ironflow/examples/travel/trip"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/cells"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// provider sells everything but hotels in Oslo.
type provider struct{ refunds atomic.Int64 }

func (p *provider) Book(_ context.Context, what, destination, key string) (reference, refusal string, err error) {
	if what == "hotel" && destination == "Oslo" {
		return "", "no hotel", nil
	}
	return key, "", nil
}

func (p *provider) Refund(context.Context, string, string) error {
	p.refunds.Add(1)
	return nil
}

// Children are in other cells than their parents. They start once, and their ends arrive once.
func TestChildrenInOtherCells(t *testing.T) {
	onStores(t, func(t *testing.T, openStore func() Store) {
		s := stores{"a": openStore(), "b": openStore(), "c": openStore()}
		config := s.config(generation(1, "a", "b", "c"))
		config.Separator = "" // so that ids of children have partitions of their own
		p := &provider{}
		r, err := cells.New(t.Context(), config, trip.NewWorkflow(trip.Decider{}, trip.Evolver{}),
			booking.NewWorkflow(booking.Decider{}, booking.Evolver{}, booking.Handler{Provider: p}),
			refund.NewWorkflow(refund.Decider{}, refund.Evolver{}, refund.Handler{Provider: p}))
		if err != nil {
			t.Fatal(err)
		}
		run(t, r)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		client := trip.NewClient(r)
		apart := 0
		for i := range 8 {
			id, to, ends := fmt.Sprint("trip", i), "Rome", trip.StatusBooked
			if i%2 == 1 {
				to, ends = "Oslo", trip.StatusFailed
			}
			if out, err := client.Plan(ctx, trip.Plan{TripID: id, Destination: to}); err != nil || !out.Accepted() {
				t.Fatalf("plan: %v, %v", out, err)
			}
			if _, err := client.Await(ctx, id, runtime.UntilStatus(ends)); err != nil {
				t.Fatalf("%s: %v", id, err)
			}
			history, err := client.History(ctx, id)
			if want := 3 + i%2; err != nil || len(history) != want {
				t.Errorf("%s: %d events, want %d: %v", id, len(history), want, err)
			}
			parent := s.of(t, store.InstanceKey{Workflow: "trip", ID: id})
			for _, name := range []string{"a", "b", "c"} {
				list, err := s[name].ListInstances(ctx, store.InstanceList{InstanceFilter: store.InstanceFilter{Workflow: "booking"}, Limit: 100})
				if err != nil {
					t.Fatal(err)
				}
				for _, child := range list {
					if at := s.of(t, child.Key); !slices.Equal(at, []string{name}) {
						t.Errorf("%s is in %q", child.Key, at)
					}
					if !slices.Contains(parent, name) {
						apart++
					}
				}
			}
		}
		if n := p.refunds.Load(); n != 4 {
			t.Errorf("there were %d refunds, want 4", n)
		}
		if apart == 0 {
			t.Error("no child is in another cell than its parent")
		}
	})
}

// The feed of all cells misses nothing, keeps the order of each instance, and goes on from a position.
func TestFeedOfAllCells(t *testing.T) {
	onStores(t, func(t *testing.T, openStore func() Store) {
		s := stores{"a": openStore(), "b": openStore(), "c": openStore()}
		r := s.router(t, generation(1, "a"), generation(2, "b", "c"))
		client := ticket.NewClient(r)
		const instances, notes = 9, 3
		for i := range instances {
			open(t, r, fmt.Sprint("t", i))
			for range notes {
				if out, err := client.Note(t.Context(), ticket.Note{ID: fmt.Sprint("t", i), Text: "n"}); err != nil || !out.Accepted() {
					t.Fatal(out, err)
				}
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		versions := make(map[store.InstanceKey]int64)
		var position cells.Position
		for seen := 0; seen < instances*(notes+1); {
			for event, err := range r.Subscribe(ctx, position) { // 5 events of each subscription
				if err != nil {
					t.Fatal(err)
				}
				if versions[event.Instance]++; event.Version != versions[event.Instance] {
					t.Fatalf("%s: got version %d, want %d", event.Instance, event.Version, versions[event.Instance])
				}
				position = event.Position
				if seen++; seen%5 == 0 || seen == instances*(notes+1) {
					break
				}
			}
		}
		soon, stop := context.WithTimeout(ctx, 200*time.Millisecond)
		defer stop()
		for event, err := range r.Subscribe(soon, position) {
			if err == nil {
				t.Errorf("one more event: %+v", event)
			}
		}
	})
}
