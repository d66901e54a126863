package cells_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/cells"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/ironflowtest/postgrestest"
	"github.com/ironflow-gen/ironflow/runtime/memory"
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

// Store is a store with the abilities that the tests look at.
type Store interface {
	runtime.Store
	store.Inspection
	store.Feed
	store.Cells
}

// onStores runs a scenario on every kind of store. open returns a new one.
func onStores(t *testing.T, scenario func(t *testing.T, open func() Store)) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) Store{
		"memory":   func(*testing.T) Store { return memory.New() },
		"file":     openFile,
		"postgres": func(t *testing.T) Store { return postgrestest.Open(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scenario(t, func() Store { return open(t) })
		})
	}
}

func openFile(t *testing.T) Store {
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"), sqlite.SyncNormal())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// stores are those of some cells.
type stores map[string]Store

// of says which of the stores have an instance.
func (s stores) of(t *testing.T, key store.InstanceKey) (names []string) {
	t.Helper()
	for name, st := range s {
		summary, err := st.Summary(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if summary.Version > 0 {
			names = append(names, name)
		}
	}
	return names
}

func generation(number int64, names ...string) cells.Generation {
	return cells.Generation{Number: number, Cells: names}
}

// config is a config of cells that are in the generations.
func (s stores) config(generations ...cells.Generation) cells.Config {
	config := cells.Config{Cells: make(map[string]runtime.Store), Generations: generations, Separator: ":",
		Engine: runtime.Config{Logger: quiet(), PollInterval: 20 * time.Millisecond}}
	for _, g := range generations {
		for _, name := range g.Cells {
			config.Cells[name] = s[name]
		}
	}
	return config
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func workflows() []*runtime.Workflow {
	return []*runtime.Workflow{ticket.NewWorkflow(ticket.Decider{}, ticket.Evolver{}, ticket.Handler{}),
		ledger.NewWorkflow(ledger.Decider{}, ledger.Evolver{}, ledger.Handler{})}
}

func newRouter(t *testing.T, config cells.Config) *cells.Router {
	t.Helper()
	r, err := cells.New(t.Context(), config, workflows()...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (s stores) router(t *testing.T, generations ...cells.Generation) *cells.Router {
	t.Helper()
	return newRouter(t, s.config(generations...))
}

// run runs a router until the test ends.
func run(t *testing.T, r *cells.Router) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
}

func ticketKey(id string) store.InstanceKey { return store.InstanceKey{Workflow: "ticket", ID: id} }

// open opens a ticket. Its subject is its unique key, so it has the partition of the id.
func open(t *testing.T, engines runtime.Engines, id string) {
	t.Helper()
	out, err := ticket.NewClient(engines).Open(t.Context(), ticket.Open{ID: id, Subject: id})
	if err != nil || !out.Accepted() {
		t.Fatalf("open %s: %v, %v", id, out, err)
	}
}
