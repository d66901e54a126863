package cells_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// plain is a client of an engine that knows nothing of cells.
func plain(t *testing.T, st Store) *ticket.Client {
	t.Helper()
	engine, err := runtime.NewEngine(st, runtime.Config{Logger: quiet()}, workflows()...)
	if err != nil {
		t.Fatal(err)
	}
	return ticket.NewClient(engine)
}

func wantElsewhere(t *testing.T, client *ticket.Client, id string, generation int64) {
	t.Helper()
	out, err := client.Open(t.Context(), ticket.Open{ID: id, Subject: id})
	var elsewhere *store.Elsewhere
	if !errors.As(err, &elsewhere) || elsewhere.Generation != generation {
		t.Errorf("open %s: %v, %v; want *Elsewhere of generation %d", id, out, err, generation)
	}
}

// Processes that use a store alone go on beside routers, until CloseOlder. Then they create nothing any more.
func TestPlainEnginesBesideRouters(t *testing.T) {
	onStores(t, func(t *testing.T, openStore func() Store) {
		s := stores{"a": openStore(), "b": openStore()}
		old := plain(t, s["a"])
		mustOpen := func(id string) {
			t.Helper()
			if out, err := old.Open(t.Context(), ticket.Open{ID: id, Subject: id}); err != nil || !out.Accepted() {
				t.Fatalf("open %s: %v, %v", id, out, err)
			}
		}
		mustOpen("before")
		r := s.router(t, generation(1, "a"), generation(2, "b"))
		mustOpen("beside")
		open(t, r, "new")
		wantElsewhere(t, old, "new", 2)
		for _, id := range []string{"before", "beside"} {
			if out, err := ticket.NewClient(r).Open(t.Context(), ticket.Open{ID: id, Subject: id}); err != nil || out.Accepted() {
				t.Errorf("open %s again: %v, %v", id, out, err)
			}
		}
		if err := r.CloseOlder(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantElsewhere(t, old, "new", 2) // whose mark has gone
		wantElsewhere(t, old, "later", 2)
		if out, err := old.Note(t.Context(), ticket.Note{ID: "before", Text: "still"}); err != nil || !out.Accepted() {
			t.Errorf("an input for an instance that is here: %v, %v", out, err)
		}
		for _, id := range []string{"before", "beside", "new", "later"} {
			if at := s.of(t, ticketKey(id)); len(at) > 1 {
				t.Errorf("%s is in %q", id, at)
			}
		}
	})
}

// A store that is one of several from the beginning takes no instance of an engine that is not the router's.
func TestPlainEngineOnACell(t *testing.T) {
	onStores(t, func(t *testing.T, openStore func() Store) {
		s := stores{"a": openStore(), "b": openStore(), "c": openStore()}
		r := s.router(t, generation(1, "a", "b"), generation(3, "c"))
		wantElsewhere(t, plain(t, s["a"]), "x", 1)
		wantElsewhere(t, plain(t, s["c"]), "x", 3)
		open(t, r, "x")
		if at := s.of(t, ticketKey("x")); len(at) != 1 || at[0] != "c" {
			t.Errorf("x is in %q", at)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if out, err := ticket.NewClient(r.Engine("c")).Note(ctx, ticket.Note{ID: "x", Text: "n"}); err != nil || !out.Accepted() {
			t.Errorf("an input by the engine of the cell: %v, %v", out, err)
		}
	})
}
