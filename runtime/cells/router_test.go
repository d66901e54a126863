package cells_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/cells"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Instances are spread over the cells of a generation, and found by every router, whatever the order of its list.
func TestOneGeneration(t *testing.T) {
	onStores(t, func(t *testing.T, openStore func() Store) {
		s := stores{"a": openStore(), "b": openStore(), "c": openStore()}
		r := s.router(t, generation(1, "a", "b", "c"))
		in := make(map[string]int)
		for i := range 30 {
			id := fmt.Sprintf("t%d", i)
			open(t, r, id)
			at := s.of(t, ticketKey(id))
			if len(at) != 1 {
				t.Fatalf("%s is in %q, want one cell", id, at)
			}
			in[at[0]]++
		}
		if in["a"] < 3 || in["b"] < 3 || in["c"] < 3 {
			t.Errorf("30 instances are spread as %v", in)
		}
		other := ticket.NewClient(s.router(t, generation(1, "c", "a", "b")))
		for i := range 30 {
			view, err := other.State(t.Context(), fmt.Sprintf("t%d", i))
			if err != nil || view.Version != 1 {
				t.Errorf("t%d by another router: %+v, %v", i, view, err)
			}
			out, err := other.Note(t.Context(), ticket.Note{ID: fmt.Sprintf("t%d", i), Text: "n"})
			if err != nil || !out.Accepted() {
				t.Errorf("note t%d: %v, %v", i, out, err)
			}
		}
		if _, err := other.State(t.Context(), "missing"); !isUnknown(err) {
			t.Errorf("the state of no instance: %v", err)
		}
	})
}

func isUnknown(err error) bool {
	var unknown *runtime.UnknownInstance
	return errors.As(err, &unknown)
}

// A partition is in one cell: ids, unique keys, and ids of children.
func TestPartitions(t *testing.T) {
	t.Parallel()
	onStores := stores{}
	for i := range 8 {
		onStores[fmt.Sprint("cell", i)] = openFile(t)
	}
	r := onStores.router(t, generation(1, "cell0", "cell1", "cell2", "cell3", "cell4", "cell5", "cell6", "cell7"))
	client := ticket.NewClient(r)
	for i := range 20 {
		who := fmt.Sprint("ann", i)
		var at []string
		for _, id := range []string{who + ":1", who + ":2:x", "order/" + who + ":9/1/0", "x/order/" + who + ":9/1/0/2/0"} {
			open(t, r, id)
			at = append(at, onStores.of(t, ticketKey(id))...)
		}
		if len(slices.Compact(at)) != 1 {
			t.Errorf("the instances of %s are in %q", who, at)
		}
	}
	_, err := client.Open(t.Context(), ticket.Open{ID: "bob:1", Subject: "cid:1"})
	var elsewhere *cells.KeyElsewhere
	if !errors.As(err, &elsewhere) || elsewhere.Instance != ticketKey("bob:1") || elsewhere.Separator != ":" {
		t.Errorf("a key of another partition: got error %v, want *KeyElsewhere", err)
	}
	if at := onStores.of(t, ticketKey("bob:1")); len(at) > 0 {
		t.Errorf("the refused instance is in %q", at)
	}
	_, err = client.Open(t.Context(), ticket.Open{ID: "ann1:7", Subject: "ann1:1"})
	var conflict *runtime.UniqueKeyConflict
	if !errors.As(err, &conflict) || conflict.Holder != "ann1:1" {
		t.Errorf("a key that is held: got error %v", err)
	}
}

// A new generation takes new instances. Older ones finish where they are.
func TestGrow(t *testing.T) {
	onStores(t, func(t *testing.T, openStore func() Store) {
		s := stores{"a": openStore(), "b": openStore(), "c": openStore()}
		older := s.router(t, generation(1, "a"))
		open(t, older, "x:1")
		newer := s.router(t, generation(1, "a"), generation(2, "b", "c"))
		client := ticket.NewClient(newer)
		out, err := client.Note(t.Context(), ticket.Note{ID: "x:1", Text: "n"})
		if err != nil || !out.Accepted() {
			t.Fatalf("an input for an older instance: %v, %v", out, err)
		}
		for range 2 {
			if view, err := client.State(t.Context(), "x:1"); err != nil || view.Version != 2 {
				t.Fatalf("the state of an older instance: %+v, %v", view, err)
			}
		}
		if history, err := client.History(t.Context(), "x:1"); err != nil || len(history) != 2 {
			t.Errorf("the history of an older instance: %v, %v", history, err)
		}
		again, err := client.Open(t.Context(), ticket.Open{ID: "x:1", Subject: "x:1"})
		if err != nil || again.Rejection == nil {
			t.Errorf("open an older instance again: %v, %v", again, err)
		}
		if at := s.of(t, ticketKey("x:1")); !slices.Equal(at, []string{"a"}) {
			t.Errorf("the older instance is in %q", at)
		}

		open(t, newer, "y:1")
		if at := s.of(t, ticketKey("y:1")); len(at) != 1 || at[0] == "a" {
			t.Errorf("the new instance is in %q", at)
		}
		_, err = ticket.NewClient(older).Open(t.Context(), ticket.Open{ID: "y:1", Subject: "y:1"})
		if !needsGeneration(err, 2) {
			t.Errorf("an older list creates the same id: got error %v, want *store.Elsewhere", err)
		}
		_, err = ticket.NewClient(older).State(t.Context(), "y:1")
		if !needsGeneration(err, 2) {
			t.Errorf("an older list reads the id: got error %v, want *store.Elsewhere", err)
		}
		open(t, older, "z:1") // which the newer one has not seen
		if view, err := client.State(t.Context(), "z:1"); err != nil || view.Version != 1 {
			t.Errorf("an instance that an older list created meanwhile: %+v, %v", view, err)
		}
	})
}

func needsGeneration(err error, number int64) bool {
	var elsewhere *store.Elsewhere
	return errors.As(err, &elsewhere) && elsewhere.Generation == number
}

// A rejected input leaves no mark.
func TestRejectionLeavesNoMark(t *testing.T) {
	onStores(t, func(t *testing.T, openStore func() Store) {
		s := stores{"a": openStore(), "b": openStore()}
		older, newer := s.router(t, generation(1, "a")), s.router(t, generation(1, "a"), generation(2, "b"))
		out, err := ticket.NewClient(newer).Note(t.Context(), ticket.Note{ID: "x", Text: "n"})
		if err != nil || out.Rejection == nil {
			t.Fatalf("a note without a ticket: %v, %v", out, err)
		}
		open(t, older, "x")
	})
}

// A mark whose process died does not lock the id out. It is taken back by the newest list wherever it is.
func TestMarkWithoutCommit(t *testing.T) {
	onStores(t, func(t *testing.T, openStore func() Store) {
		s := stores{"a": openStore(), "b": openStore()}
		one, two := generation(1, "a"), generation(2, "b")
		s.router(t, one)
		newer := s.router(t, one, two)
		if _, err := s["a"].Mark(t.Context(), 2, []store.InstanceKey{ticketKey("x"), ticketKey("y")}); err != nil {
			t.Fatal(err)
		}
		open(t, newer, "x")
		if at := s.of(t, ticketKey("x")); !slices.Equal(at, []string{"b"}) {
			t.Errorf("x is in %q, want b", at)
		}
		newest := s.router(t, one, two, generation(3, "a"))
		open(t, newest, "y")
		if at := s.of(t, ticketKey("y")); !slices.Equal(at, []string{"a"}) {
			t.Errorf("y is in %q, want a", at)
		}
		_, err := ticket.NewClient(newer).Open(t.Context(), ticket.Open{ID: "z", Subject: "z"})
		if err != nil {
			t.Errorf("generation 2 still takes instances: %v", err)
		}
		if view, err := ticket.NewClient(newest).State(t.Context(), "z"); err != nil || view.Version != 1 {
			t.Errorf("z: %+v, %v", view, err)
		}
	})
}

// A unique key has one holder in all generations, and is free when the holder has completed.
func TestKeysAcrossGenerations(t *testing.T) {
	onStores(t, func(t *testing.T, openStore func() Store) {
		s := stores{"a": openStore(), "b": openStore()}
		older := s.router(t, generation(1, "a"))
		newer := s.router(t, generation(1, "a"), generation(2, "b"))
		ctx := t.Context()
		try := func(r *cells.Router, id, subject string) error {
			out, err := ticket.NewClient(r).Open(ctx, ticket.Open{ID: id, Subject: subject})
			if err == nil && !out.Accepted() {
				err = fmt.Errorf("not accepted: %v", out)
			}
			return err
		}
		held := func(err error, holder string) {
			t.Helper()
			var conflict *runtime.UniqueKeyConflict
			if !errors.As(err, &conflict) || conflict.Holder != holder {
				t.Errorf("got error %v, want that %s holds the key", err, holder)
			}
		}
		solve := func(id string) {
			t.Helper()
			if out, err := ticket.NewClient(newer).Solve(ctx, ticket.Solve{ID: id}); err != nil || !out.Accepted() {
				t.Fatalf("solve %s: %v, %v", id, out, err)
			}
		}
		if err := try(older, "k:1", "k:key"); err != nil {
			t.Fatal(err)
		}
		held(try(newer, "k:2", "k:key"), "k:1") // an older instance has it
		solve("k:1")
		if err := try(newer, "k:2", "k:key"); err != nil { // it is free again
			t.Fatal(err)
		}
		held(try(newer, "k:3", "k:key"), "k:2")
		held(try(older, "k:4", "k:key"), "k:2") // a newer instance has it
		solve("k:2")
		if err := try(newer, "k:3", "k:key"); err != nil { // what k:2 has left in a is freed
			t.Fatal(err)
		}
		// A holder that never came to its commit.
		if _, err := s["a"].KeepKeys(ctx, []store.KeptKey{{Workflow: "ticket", Key: "l:key", Instance: "l:gone"}}); err != nil {
			t.Fatal(err)
		}
		if err := try(newer, "l:1", "l:key"); err != nil {
			t.Fatal(err)
		}
	})
}
