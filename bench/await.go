package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/bench/internal/load"
	"github.com/ironflow-gen/ironflow/bench/internal/tally"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
)

// awaitProbes measure the time from sending an input to the return of an Await for its event.
func awaitProbes() []probe {
	return []probe{
		{name: "await", run: func(ctx context.Context, b *bench) (figures, error) { return b.await(ctx, false, 0) }},
		{name: "await, other engine", run: func(ctx context.Context, b *bench) (figures, error) { return b.await(ctx, true, 0) }},
		{name: "await, many", run: func(ctx context.Context, b *bench) (figures, error) { return b.await(ctx, false, awaitOthers) }},
		{name: "await, other engine, many", run: func(ctx context.Context, b *bench) (figures, error) { return b.await(ctx, true, awaitOthers) }},
	}
}

// awaitOthers is how many callers wait for other instances meanwhile.
const awaitOthers = 10_000

// await measures a wait for an input that the same engine decides, or one that shares nothing with it but the database.
func (b *bench) await(ctx context.Context, otherEngine bool, others int) (figures, error) {
	t, err := b.newTables(ctx)
	if err != nil {
		return nil, err
	}
	defer t.drop()
	sender, err := newClient(t.store, runtime.Config{})
	if err != nil {
		return nil, err
	}
	waiter := sender
	if otherEngine {
		pool, err := b.Pool(ctx, poolSize)
		if err != nil {
			return nil, err
		}
		defer pool.Close()
		store, err := postgres.New(ctx, pool, postgres.WithSchema(t.schema))
		if err != nil {
			return nil, err
		}
		if waiter, err = newClient(store, runtime.Config{}); err != nil {
			return nil, err
		}
	}
	waiting, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	for n := range others {
		all.Go(func() { _, _ = waiter.Await(waiting, fmt.Sprint("other ", n), runtime.UntilVersion(1)) })
	}
	if others > 0 {
		time.Sleep(time.Second)
	}
	var took []time.Duration
	for n := range b.size.latencies + 10 {
		d, err := awaitOnce(ctx, sender, waiter, load.InstanceID(n))
		if err != nil {
			return nil, err
		}
		took = append(took, d)
	}
	return times(took[10:]), nil // the first ones prepare their statements
}

func awaitOnce(ctx context.Context, sender, waiter *tally.Client, id string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	type end struct {
		at  time.Time
		err error
	}
	ended := make(chan end, 1)
	go func() {
		_, err := waiter.Await(ctx, id, runtime.UntilVersion(1))
		ended <- end{time.Now(), err}
	}()
	time.Sleep(67 * time.Millisecond) // it waits by now, and the last notification is long ago
	began := time.Now()
	if err := load.Add(ctx, sender, id, 1); err != nil {
		return 0, err
	}
	e := <-ended
	return e.at.Sub(began), e.err
}
