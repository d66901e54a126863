package cells_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime/cells"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// A generation whose instances are deleted can be retired and left out of the list. Its store is then not needed.
func TestRetireUnused(t *testing.T) {
	onStores(t, func(t *testing.T, openStore func() Store) {
		ctx := t.Context()
		s := stores{"a": openStore(), "b": openStore(), "c": openStore()}
		one, two := generation(1, "a"), generation(2, "b", "c")
		open(t, s.router(t, one), "x:1")
		r := s.router(t, one, two)
		open(t, r, "y:1")

		var used *cells.GenerationInUse
		if err := r.Retire(ctx, 1); !errors.As(err, &used) || used.Instance != ticketKey("x:1") || used.Cell != "a" {
			t.Fatalf("retire a generation with an instance: %v", err)
		}
		var dropped *cells.GenerationDropped
		if _, err := cells.New(ctx, s.config(two), workflows()...); !errors.As(err, &dropped) || dropped.Generation != 1 {
			t.Fatalf("a list without a generation that is not retired: %v", err)
		}
		if out, err := ticket.NewClient(r).Solve(ctx, ticket.Solve{ID: "x:1"}); err != nil || !out.Accepted() {
			t.Fatal(out, err)
		}
		horizon, err := s["a"].FeedHorizon(ctx)
		if err != nil {
			t.Fatal(err)
		}
		solved := []store.InstanceVersion{{Instance: ticketKey("x:1"), Version: 2}}
		if kept, err := s["a"].(store.Forgetting).DeleteInstances(ctx, solved, horizon.Settled); err != nil || len(kept) > 0 {
			t.Fatal(kept, err)
		}
		for range 2 { // it may be repeated
			if err := r.Retire(ctx, 1); err != nil {
				t.Fatalf("retire: %v", err)
			}
		}

		rest := s.router(t, two)
		if !slices.Equal(rest.Cells(), []string{"b", "c"}) {
			t.Errorf("cells %q", rest.Cells())
		}
		if view, err := ticket.NewClient(rest).State(ctx, "y:1"); err != nil || view.Version != 1 {
			t.Errorf("an instance of the rest: %+v, %v", view, err)
		}
		if _, err := ticket.NewClient(rest).State(ctx, "x:1"); !isUnknown(err) {
			t.Errorf("an instance that was deleted: %v", err)
		}
		open(t, rest, "x:1") // the id is free, and no mark keeps it
		if at := s.of(t, ticketKey("x:1")); len(at) != 1 || at[0] == "a" {
			t.Errorf("x:1 is in %q", at)
		}
		open(t, s.router(t, two, generation(3, "b")), "z:1") // the list goes on
		if _, err := cells.New(ctx, s.config(one), workflows()...); err == nil {
			t.Error("the list of the retired generation is still taken")
		}
	})
}
