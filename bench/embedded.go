package main

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/bench/internal/load"
	ironflow "github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
)

// embeddedProbes measure the same decisions in SQLite, with what is acknowledged on disk.
func embeddedProbes() []probe {
	return []probe{
		{name: "sqlite", run: func(ctx context.Context, b *bench) (figures, error) {
			return b.decideSQLite(ctx, ironflow.Config{})
		}},
		{name: "sqlite, one by one", run: func(ctx context.Context, b *bench) (figures, error) {
			return b.decideSQLite(ctx, ironflow.Config{BatchSize: 1, Batches: 1})
		}},
	}
}

func (b *bench) decideSQLite(ctx context.Context, config ironflow.Config) (figures, error) {
	b.schemas++
	store, err := sqlite.Open(ctx, filepath.Join(b.dir, fmt.Sprintf("bench_%d.db", b.schemas)))
	if err != nil {
		return nil, err
	}
	defer store.Close()
	// A client with the defaults fills the file, whatever is measured then.
	filling, err := newClient(store, ironflow.Config{})
	if err != nil {
		return nil, err
	}
	if err := load.CreateAll(ctx, filling, b.size.instances); err != nil {
		return nil, err
	}
	client, err := newClient(store, config)
	if err != nil {
		return nil, err
	}
	// A rejection leaves the state in the cache.
	err = load.Each(ctx, b.size.instances, func(ctx context.Context, id string) error { return refuse(ctx, client, id, 0) })
	if err != nil {
		return nil, err
	}
	result, err := b.load(ctx, client, 64, load.Add)
	return loadFigures(result), err
}

func memoryProbes() []probe {
	return []probe{{name: "memory", once: true, run: memory}}
}

// memory measures this process under the load of 256 callers, the callers with what they note included. It runs before
// all other probes, because a Go process hardly gives back what it had.
func memory(ctx context.Context, b *bench) (figures, error) {
	ctx, stop := context.WithCancel(ctx)
	var most runtime.MemStats
	var watching sync.WaitGroup
	watching.Go(func() {
		for ctx.Err() == nil {
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			most.HeapInuse, most.Sys = max(most.HeapInuse, now.HeapInuse), max(most.Sys, now.Sys)
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	_, err := b.decide(ctx, 256, ironflow.Config{}, load.Add)
	stop()
	watching.Wait()
	return figures{"heap": float64(most.HeapInuse) / 1e6, "sys": float64(most.Sys) / 1e6}, err
}
