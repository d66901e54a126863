package cells_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/cells"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
)

// Each mistake in a list is an error at start that says what to do.
func TestBadLists(t *testing.T) {
	onStores(t, func(t *testing.T, openStore func() Store) {
		s := stores{"a": openStore(), "b": openStore(), "c": openStore(), "d": openStore()}
		open(t, s.router(t, generation(1, "a", "b")), "x")
		one, two := generation(1, "a", "b"), generation(2, "c")
		s.router(t, one, two)
		config := func(change func(*cells.Config), generations ...cells.Generation) cells.Config {
			c := s.config(generations...)
			change(&c)
			return c
		}
		as := func(name string, st Store) func(*cells.Config) {
			return func(c *cells.Config) { c.Cells[name] = st }
		}
		same := func(*cells.Config) {}
		used := openStore()
		alone, err := runtime.NewEngine(used, runtime.Config{}, workflows()...)
		if err != nil {
			t.Fatal(err)
		}
		open(t, alone, "u")
		for _, test := range []struct {
			name   string
			config cells.Config
			want   string
		}{
			{"another order", config(same, two, generation(1, "b", "a")), ""},
			{"an older list", config(same, one), ""},
			{"no generation", config(same), "there is no generation"},
			{"a cell twice", config(same, generation(1, "a", "b", "a"), two), `generation 1 has the cell "a" twice`},
			{"a generation twice", config(same, one, two, generation(2, "d")), "generation 2 is there twice"},
			{"a store missing", config(func(c *cells.Config) { delete(c.Cells, "b") }, one, two), `generation 1 has the cell "b", but Config.Cells has no store for it`},
			{"a store too many", config(as("d", s["d"]), one, two), `which is in no generation`},
			{"a cell missing", config(func(c *cells.Config) { delete(c.Cells, "b") }, generation(1, "a"), two), "a generation cannot be changed"},
			{"two names for one store", config(as("e", s["d"]), one, two, generation(3, "d", "e")), "the store of cell"},
			{"a cell under another name", config(as("a", s["b"]), one, two), `is cell "b" already`},
			{"a generation dropped", config(same, two), "generation 1"},
			{"another separator", config(func(c *cells.Config) { c.Separator = "." }, one, two), "the separator"},
			{"a slash", config(func(c *cells.Config) { c.Separator = "/" }, one, two), "slash"},
			{"a store with instances", config(as("f", used), one, two, generation(4, "f")), "has instances"},
			{"a projection", config(func(c *cells.Config) { c.Engine.Projections = []runtime.AnyProjection{nil} }, one, two), "Projections"},
		} {
			_, err := cells.New(t.Context(), test.config, workflows()...)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("%s: got error %v, want %q", test.name, err, test.want)
			}
		}
		_, err = cells.New(t.Context(), config(same, two), workflows()...)
		if dropped := (*cells.GenerationDropped)(nil); !errors.As(err, &dropped) || dropped.Generation != 1 {
			t.Errorf("got error %v, want *GenerationDropped", err)
		}

		// A store that was used alone becomes the only cell of the oldest generation.
		grown := stores{"old": used, "new": openStore()}
		r := grown.router(t, generation(1, "old"), generation(2, "new"))
		if view, err := ticket.NewClient(r).State(t.Context(), "u"); err != nil || view.Version != 1 {
			t.Errorf("an instance from before: %+v, %v", view, err)
		}
	})
}

// A generation is retired when nothing is left in it. Then its processes do not start any more.
func TestRetire(t *testing.T) {
	onStores(t, func(t *testing.T, openStore func() Store) {
		s := stores{"a": openStore(), "b": openStore(), "c": openStore()}
		one, two := generation(1, "a", "b"), generation(2, "b", "c")
		older := s.router(t, one)
		var there string // an instance that is in its cell of generation 1 only
		for i := 0; there == ""; i++ {
			id := string(rune('m' + i))
			open(t, older, id)
			if at := s.of(t, ticketKey(id)); at[0] == "a" {
				there = id
			}
		}
		newer := s.router(t, one, two)
		open(t, newer, "new")
		err := newer.Retire(t.Context(), 2)
		if err == nil {
			t.Error("the newest generation was retired")
		}
		err = newer.Retire(t.Context(), 1)
		var used *cells.GenerationInUse
		if !errors.As(err, &used) || used.Generation != 1 {
			t.Fatalf("retire a generation with instances: got error %v, want *GenerationInUse", err)
		}
		if _, err := ticket.NewClient(older).Open(t.Context(), ticket.Open{ID: "late", Subject: "late"}); !needsGeneration(err, 2) {
			t.Errorf("a list that was closed creates an instance: got error %v, want *store.Elsewhere", err)
		}
		if _, err := cells.New(t.Context(), s.config(one), workflows()...); err == nil || !strings.Contains(err.Error(), "older than the store") {
			t.Errorf("a router with a list that was closed: got error %v", err)
		}
		if _, err := cells.New(t.Context(), s.config(two), workflows()...); err == nil {
			t.Error("a generation that is in use was dropped")
		}
	})
}
