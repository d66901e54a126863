package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"

	"github.com/ironflow-gen/ironflow/bench/internal/load"
	"github.com/ironflow-gen/ironflow/bench/internal/tally"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
)

// creationProbes measure inputs that each create an instance, with and without a unique key that only they want.
func creationProbes() []probe {
	var probes []probe
	for _, callers := range []int{64, 256} {
		probes = append(probes,
			probe{name: creationsAt(callers), run: func(ctx context.Context, b *bench) (figures, error) {
				return b.createInPostgres(ctx, callers, create)
			}},
			probe{name: keyedAt(callers), run: func(ctx context.Context, b *bench) (figures, error) {
				return b.createInPostgres(ctx, callers, createWithKey)
			}},
		)
	}
	return append(probes,
		probe{name: "creations, sqlite", run: func(ctx context.Context, b *bench) (figures, error) {
			return b.createInSQLite(ctx, create)
		}},
		probe{name: "creations with keys, sqlite", run: func(ctx context.Context, b *bench) (figures, error) {
			return b.createInSQLite(ctx, createWithKey)
		}},
	)
}

func creationsAt(callers int) string { return fmt.Sprintf("creations, callers: %d", callers) }
func keyedAt(callers int) string     { return fmt.Sprintf("creations with keys, callers: %d", callers) }

func create(ctx context.Context, client *tally.Client, id string, _ int) error {
	out, err := client.Add(ctx, tally.Add{TallyID: id, Amount: 1, Note: note})
	if err == nil && !out.Accepted() {
		err = fmt.Errorf("%s: %s", id, out)
	}
	return err
}

func createWithKey(ctx context.Context, client *tally.Client, id string, _ int) error {
	out, err := client.Claim(ctx, tally.Claim{TallyID: id, Name: "name of " + id, Note: note})
	if err == nil && !out.Accepted() {
		err = fmt.Errorf("%s: %s", id, out)
	}
	return err
}

func (b *bench) createInPostgres(ctx context.Context, callers int, input input) (figures, error) {
	t, err := b.newTables(ctx)
	if err != nil {
		return nil, err
	}
	defer t.drop()
	if err := t.Rest(ctx, t.schema); err != nil {
		return nil, err
	}
	return b.createIn(ctx, t.store, callers, input)
}

func (b *bench) createInSQLite(ctx context.Context, input input) (figures, error) {
	b.schemas++
	store, err := sqlite.Open(ctx, filepath.Join(b.dir, fmt.Sprintf("bench_%d.db", b.schemas)))
	if err != nil {
		return nil, err
	}
	defer store.Close()
	return b.createIn(ctx, store, 64, input)
}

func (b *bench) createIn(ctx context.Context, store runtime.Store, callers int, input input) (figures, error) {
	client, err := newClient(store, runtime.Config{})
	if err != nil {
		return nil, err
	}
	result, err := load.Load{
		Callers: callers, WarmUp: b.size.warmUp, Window: b.size.window, Server: b.ProcessorTime,
		Call: func(ctx context.Context, random *rand.Rand, n int) error {
			return input(ctx, client, fmt.Sprintf("tally-%d-%d", n, random.Uint64()), n)
		},
	}.Run(ctx)
	return loadFigures(result), err
}
