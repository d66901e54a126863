// Package verify reads everything that is stored with the code of a program, and says what the program cannot read or would leave waiting. It
// writes nothing.
package verify

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Config is what a verifier needs of an engine.
type Config struct {
	Store     *bound.Store
	Workflows map[string]*workflow.Workflow

	// Delivers reports whether the program delivers a kind of a queue.
	Delivers func(queue store.QueueName, kind store.Kind) bool

	FoldTimeout   time.Duration // after it, an evolver counts as stuck
	SnapshotEvery int64         // events; instances with fewer have no snapshot
	Parallel      int           // goroutines
	Retry         func(ctx context.Context, call func() error) error

	Filter   store.InstanceFilter
	After    *store.InstancePlace
	Progress func(telemetry.Verification)
}

// One batch has at most so many instances and events, and pageEvents is how many events of a large instance are read at once.
const (
	batchInstances = 200
	batchEvents    = 2000
	pageEvents     = 1000
)

// batch is a part of the instances, in the order of the list.
type batch struct {
	number    int
	instances []store.InstanceSummary
	found     telemetry.Verification
	err       error
}

// Run verifies all instances that the filter accepts, in batches, several at a time. When it fails, what it returns ends with the last batch
// before which all batches are done.
func Run(ctx context.Context, c Config) (telemetry.Verification, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	all := telemetry.Verification{Next: c.After}
	todo, done := make(chan *batch), make(chan *batch)
	var workers sync.WaitGroup
	for range c.Parallel {
		workers.Go(func() {
			for b := range todo {
				b.err = c.verify(ctx, b)
				done <- b
			}
		})
	}
	listed := make(chan error, 1)
	go func() {
		err := c.list(ctx, todo)
		close(todo)
		workers.Wait()
		listed <- err
		close(done)
	}()
	waiting, next := make(map[int]*batch), 0
	var failed error
	for b := range done {
		waiting[b.number] = b
		for b := waiting[next]; b != nil && failed == nil; b = waiting[next] {
			delete(waiting, next)
			next++
			if failed = b.err; failed != nil {
				cancel()
				break
			}
			all.Merge(&b.found)
			last := b.instances[len(b.instances)-1]
			all.Next = &store.InstancePlace{CreatedAt: last.CreatedAt, ID: last.Key.ID, Workflow: last.Key.Workflow}
			if failed = c.progress(all); failed != nil {
				cancel()
			}
		}
	}
	err := <-listed
	if failed != nil && (err == nil || errors.Is(err, context.Canceled)) {
		err = failed
	}
	if err != nil {
		return all, err
	}
	all.Complete, all.Next = true, nil
	return all, nil
}

func (c *Config) progress(all telemetry.Verification) (err error) {
	if c.Progress == nil {
		return nil
	}
	defer usererr.RecoverTo(&err, "VerifyOptions.Progress", "")
	c.Progress(all)
	return nil
}

// list sends all instances in batches.
func (c *Config) list(ctx context.Context, todo chan<- *batch) error {
	number, after := 0, c.After
	for {
		var page []store.InstanceSummary
		err := c.Retry(ctx, func() (err error) {
			page, err = c.Store.ListInstances(ctx, store.InstanceList{InstanceFilter: c.Filter, After: after, Limit: 5 * batchInstances})
			return err
		})
		if err != nil || len(page) == 0 {
			return err
		}
		last := page[len(page)-1]
		after = &store.InstancePlace{CreatedAt: last.CreatedAt, ID: last.Key.ID, Workflow: last.Key.Workflow}
		for len(page) > 0 {
			n, events := 0, int64(0)
			for n < min(len(page), batchInstances) && (n == 0 || events+page[n].Version <= batchEvents) {
				events += page[n].Version
				n++
			}
			select {
			case todo <- &batch{number: number, instances: page[:n:n]}:
			case <-ctx.Done():
				return ctx.Err()
			}
			number++
			page = page[n:]
		}
	}
}

// verify verifies a batch.
func (c *Config) verify(ctx context.Context, b *batch) error {
	var known []store.InstanceSummary
	for _, i := range b.instances {
		if c.Workflows[i.Key.Workflow] == nil {
			b.found.Add(telemetry.Problem{
				Kind: telemetry.UnknownInstances, Workflow: i.Key.Workflow, Count: 1, Examples: []store.InstanceKey{i.Key}, Code: workflowGone,
			})
			continue
		}
		known = append(known, i)
	}
	if len(known) == 1 && known[0].Version > batchEvents {
		return c.verifyLarge(ctx, &b.found, known[0])
	}
	var keys []store.InstanceKey
	for _, i := range known {
		keys = append(keys, i.Key)
	}
	if len(keys) == 0 {
		return nil
	}
	var stored []store.InstancePayloads
	err := c.Retry(ctx, func() (err error) {
		stored, err = c.Store.ReadPayloads(ctx, keys)
		return err
	})
	if err != nil {
		return err
	}
	snapshots, err := c.snapshots(ctx, known)
	if err != nil {
		return err
	}
	for n := range stored {
		r := &stored[n]
		if int64(len(r.Events)) < known[n].Version {
			continue // it was deleted in the meantime, and perhaps began again
		}
		v := instance{c: c, found: &b.found, summary: known[n], workflow: c.Workflows[r.Key.Workflow], snapshot: snapshots[r.Key]}
		v.fold(r.Events[:known[n].Version])
		v.compare()
		v.rest(r)
	}
	return ctx.Err()
}

// verifyLarge verifies an instance whose events do not fit into a batch. Its effects and timers are checked by their kinds only, and its outcomes
// not at all, because they are read with all events.
func (c *Config) verifyLarge(ctx context.Context, found *telemetry.Verification, summary store.InstanceSummary) error {
	snapshots, err := c.snapshots(ctx, []store.InstanceSummary{summary})
	if err != nil {
		return err
	}
	v := instance{c: c, found: found, summary: summary, workflow: c.Workflows[summary.Key.Workflow], snapshot: snapshots[summary.Key]}
	for !v.failed && v.version < summary.Version {
		var page []store.StoredEvent
		err := c.Retry(ctx, func() (err error) {
			page, err = c.Store.History(ctx, summary.Key, v.version, int(min(pageEvents, summary.Version-v.version)))
			return err
		})
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return nil // it was deleted in the meantime
		}
		v.fold(page)
	}
	v.compare()
	for _, queue := range []store.QueueName{store.EffectQueue, store.TimerQueue} {
		waiting, err := c.Store.Waiting(ctx, queue, summary.Key, store.MaxWaiting)
		if err != nil {
			return err
		}
		for _, d := range waiting {
			v.kind(queue, d.Kind)
		}
	}
	return ctx.Err()
}

// snapshots returns the snapshots that the program would use.
func (c *Config) snapshots(ctx context.Context, instances []store.InstanceSummary) (map[store.InstanceKey]*store.Snapshot, error) {
	var requests []store.ReadRequest
	for _, i := range instances {
		schema := c.Workflows[i.Key.Workflow].Schema()
		if i.Version >= c.SnapshotEvery && schema != "" && bound.Has[store.Snapshots](c.Store) {
			// Looked for among the last events only: without a snapshot, all events after After are read.
			requests = append(requests, store.ReadRequest{
				Instance: i.Key, Schema: schema, Completed: true, After: max(0, i.Version-2*c.SnapshotEvery),
			})
		}
	}
	found := make(map[store.InstanceKey]*store.Snapshot)
	for page := range slices.Chunk(requests, 16) {
		var read []store.Instance
		err := c.Retry(ctx, func() (err error) {
			read, err = c.Store.Read(ctx, page)
			return err
		})
		if err != nil {
			return nil, err
		}
		for i := range read {
			if read[i].Snapshot != nil {
				found[read[i].Key] = read[i].Snapshot
			}
		}
	}
	return found, nil
}
