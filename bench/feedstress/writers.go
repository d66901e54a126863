package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// tally is what the writers did.
type tally struct {
	commits, several, slow, aborted, conflicts int
	longest                                    time.Duration
}

func (t *tally) add(other tally) {
	t.commits += other.commits
	t.several += other.several
	t.slow += other.slow
	t.aborted += other.aborted
	t.conflicts += other.conflicts
	t.longest = max(t.longest, other.longest)
}

// Events are of two types, so that there is something to filter.
const (
	oddEvent  = "Odd"
	evenEvent = "Even"
)

const workflow = "stream"

// writer writes until enough is written.
type writer struct {
	backend backend
	size    size
	random  *rand.Rand
	written *atomic.Int64
	tally
}

// writeAll runs the writers, and returns what they did.
func writeAll(ctx context.Context, b backend, size size, written *atomic.Int64) (tally, error) {
	var group sync.WaitGroup
	writers, errs := make([]writer, size.writers), make([]error, size.writers)
	for i := range writers {
		writers[i] = writer{backend: b, size: size, random: rand.New(rand.NewPCG(size.seed, uint64(i))), written: written}
		group.Go(func() { errs[i] = writers[i].run(ctx) })
	}
	group.Wait()
	var all tally
	for _, w := range writers {
		all.add(w.tally)
	}
	return all, errors.Join(errs...)
}

func (w *writer) run(ctx context.Context) error {
	for w.written.Load() < int64(w.size.events) {
		err := w.write(ctx)
		switch {
		case errors.Is(err, store.ErrConflict):
			w.conflicts++
			time.Sleep(w.upTo(5 * time.Millisecond))
		case err != nil:
			return err
		}
	}
	return nil
}

// write makes one commit, or an attempt at one.
func (w *writer) write(ctx context.Context) error {
	switch dice := w.random.IntN(100); {
	case dice < 50:
		return w.append(ctx, w.instances(1))
	case dice < 70:
		return w.append(ctx, w.instances(2+w.random.IntN(5)))
	case dice < 85:
		return w.unit(ctx, w.instances(1+w.random.IntN(3)))
	default:
		return w.keepOpen(ctx, w.instances(1+w.random.IntN(2)), dice < 95)
	}
}

// instances chooses some, in an order of no account.
func (w *writer) instances(n int) []store.ReadRequest {
	var chosen []store.ReadRequest
	for _, i := range w.random.Perm(w.size.streams)[:min(n, w.size.streams)] {
		chosen = append(chosen, store.ReadRequest{
			Instance: runtime.InstanceKey{Workflow: workflow, ID: fmt.Sprint("s", i)},
			After:    1 << 60, // the events are of no interest
		})
	}
	return chosen
}

// changes adds some events to each instance.
func (w *writer) changes(instances []store.Instance) (changes []store.Change, events int) {
	for _, i := range instances {
		change := store.Change{Instance: i.Key, Version: i.Version, Now: time.Now().UTC().Truncate(time.Microsecond)}
		for n := range 1 + w.random.IntN(8) {
			event := store.NewEvent{Type: evenEvent, SchemaVersion: 1, Payload: []byte(`{}`)}
			if (i.Version+int64(n)+1)%2 == 1 {
				event.Type = oddEvent
			}
			change.Events = append(change.Events, event)
			events++
		}
		changes = append(changes, change)
	}
	return changes, events
}

// upTo chooses a time.
func (w *writer) upTo(d time.Duration) time.Duration {
	return time.Duration(w.random.Int64N(int64(d) + 1))
}

func commitID() store.CommitID { return store.CommitID(rand.Int64() + 1) }

// committed counts a commit.
func (w *writer) committed(instances, events int) {
	w.commits++
	if instances > 1 {
		w.several++
	}
	w.written.Add(int64(events))
}

// append is the way of a batch: read, and find out while storing whether it was still true.
func (w *writer) append(ctx context.Context, requests []store.ReadRequest) error {
	found, err := w.backend.store().Read(ctx, requests)
	if err != nil {
		return err
	}
	changes, events := w.changes(found)
	if err := w.backend.store().Append(ctx, store.Batch{Commit: commitID(), Changes: changes}); err != nil {
		return err
	}
	w.committed(len(changes), events)
	return nil
}

// unit works under locks.
func (w *writer) unit(ctx context.Context, requests []store.ReadRequest) error {
	unit, err := w.backend.store().Begin(ctx, requests)
	if err != nil {
		return err
	}
	changes, events := w.changes(unit.Instances())
	if err := unit.Commit(ctx, commitID(), changes); err != nil {
		return err
	}
	w.committed(len(changes), events)
	return nil
}

// keepOpen lets time pass between the numbering of events and their commit, or rollback.
func (w *writer) keepOpen(ctx context.Context, requests []store.ReadRequest, commit bool) error {
	pause := w.upTo(20 * time.Millisecond)
	if w.random.IntN(200) == 0 {
		pause = w.size.long/2 + w.upTo(w.size.long/2)
	}
	began := time.Now()
	var instances, events int
	err := w.backend.keepOpen(ctx, requests, func(found []store.Instance) (changes []store.Change) {
		changes, events = w.changes(found)
		instances = len(changes)
		return changes
	}, pause, commit)
	if err != nil {
		return err
	}
	w.longest = max(w.longest, time.Since(began))
	if !commit {
		w.aborted++
		return nil
	}
	w.slow++
	w.committed(instances, events)
	return nil
}
