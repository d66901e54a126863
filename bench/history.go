package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/bench/internal/load"
	"github.com/ironflow-gen/ironflow/bench/internal/tally"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

var historyLengths = []int{10, 100, 1_000, 10_000}

// historyInstances is how many instances of each length there are.
const historyInstances = 8

func historyProbes() []probe {
	return []probe{{name: "history", once: true, run: history}}
}

// history measures decisions on instances with more and more events behind them: with the state in memory, from the store
// with its snapshots, and from the store with no snapshot at all.
func history(ctx context.Context, b *bench) (figures, error) {
	t, err := b.newTables(ctx)
	if err != nil {
		return nil, err
	}
	defer t.drop()
	for _, length := range historyLengths {
		if err := t.histories(ctx, length); err != nil {
			return nil, err
		}
	}
	if err := t.Rest(ctx, t.schema); err != nil {
		return nil, err
	}

	found := figures{}
	replaying, err := newClient(t.store, runtime.Config{CacheBytes: 1, SnapshotEvery: 1 << 30})
	if err != nil {
		return nil, err
	}
	if err := t.ageing(ctx, found, "replay", replaying, b.size.histories/10); err != nil {
		return nil, err
	}
	warm, err := newClient(t.store, runtime.Config{})
	if err != nil {
		return nil, err
	}
	if err := t.ageing(ctx, found, "warm", warm, b.size.histories); err != nil {
		return nil, err
	}
	cold, err := newClient(t.store, noCache)
	if err != nil {
		return nil, err
	}
	return found, t.ageing(ctx, found, "cold", cold, b.size.histories)
}

func historyID(length, n int) string { return fmt.Sprintf("history-%d-%d", length, n) }

// histories makes instances with so many events.
func (t *tables) histories(ctx context.Context, length int) error {
	event := store.NewEvent{Type: "Added", SchemaVersion: 1, Payload: []byte(`{"amount":1,"note":"` + note + `"}`)}
	batch := store.Batch{Commit: 1}
	for n := range historyInstances {
		batch.Changes = append(batch.Changes, store.Change{
			Instance: runtime.InstanceKey{Workflow: tally.WorkflowName, ID: historyID(length, n)},
			Now:      time.Now(), Due: time.Now(),
			Events: slices.Repeat([]store.NewEvent{event}, length),
		})
	}
	return t.store.Append(ctx, batch)
}

// ageing measures decisions on instances of all lengths in turn.
func (t *tables) ageing(ctx context.Context, found figures, name string, client *tally.Client, samples int) error {
	took := make(map[int][]time.Duration)
	warmUp := historyInstances + 2
	for n := range samples + warmUp {
		for _, length := range historyLengths {
			id := historyID(length, n%historyInstances)
			began := time.Now()
			if err := load.Add(ctx, client, id, 1); err != nil {
				return err
			}
			if n >= warmUp {
				took[length] = append(took[length], time.Since(began))
			}
		}
	}
	for length, all := range took {
		found[fmt.Sprintf("%s %d", name, length)] = times(all)["p50"]
	}
	return nil
}
