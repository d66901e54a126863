package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/bench/internal/load"
	"github.com/ironflow-gen/ironflow/bench/internal/tally"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// deliveryProbes measure what happens after the commit. The engines run with their defaults.
func deliveryProbes() []probe {
	return []probe{
		{name: "effects", run: drainEffects},
		{name: "seed, effects", run: drainSeedEffects},
		{name: "loop", run: wholeLoop},
		{name: "latency", run: latency},
		{name: "timers", run: drainTimers},
	}
}

// drainEffects measures how fast effects that were requested before are handled and settled.
func drainEffects(ctx context.Context, b *bench) (figures, error) {
	t, err := b.newTables(ctx)
	if err != nil {
		return nil, err
	}
	defer t.drop()
	if err := t.fill(ctx, t.instances()+t.effects(b.size.effects)); err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	handled := newCountdown(b.size.effects, stop)
	engine, err := newEngine(t.store, runtime.Config{}, tally.Decider{},
		tally.Handler{OnTell: func(runtime.EffectCall) { handled.tell() }})
	if err != nil {
		return nil, err
	}
	return t.drain(ctx, running, engine, "effects", b.size.effects)
}

// effects fills the outbox.
func (t *tables) effects(n int) string {
	return fmt.Sprintf(`
INSERT INTO SCHEMA.effects (instance, workflow, version, position, kind, payload, run_at, due_at)
SELECT 'tally-' || n %% %[1]d + 1, 'tally', n / %[1]d + 1, 0, 'Tell', '{"amount":1,"note":"`+note+`"}', now(), now()
FROM generate_series(0, %[2]d - 1) n;`, t.size.instances, n)
}

// drain runs an engine until running ends, and everything is settled, and measures how fast the rows of a queue go.
func (t *tables) drain(ctx, running context.Context, engine *runtime.Engine, queue string, n int) (figures, error) {
	began := time.Now()
	if err := engine.Run(running); err != nil {
		return nil, err
	}
	took := time.Since(began)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	left, err := t.count(ctx, queue, "true")
	return figures{"rate": float64(int64(n)-left) / took.Seconds(), "left": float64(left)}, err
}

// seedWorkers are the baseline's: on two cores more of them are no faster.
const seedWorkers = 8

// drainSeedEffects measures the baseline, whose workers claim one and mark one.
func drainSeedEffects(ctx context.Context, b *bench) (figures, error) {
	store, drop, err := b.newBaseline(ctx, b.size.instances, b.size.seedEffects)
	if err != nil {
		return nil, err
	}
	defer drop()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var handled atomic.Int64
	var group sync.WaitGroup
	began := time.Now()
	for range seedWorkers {
		group.Go(func() {
			for {
				more, err := store.DeliverOne(ctx, func() { handled.Add(1) })
				if err != nil {
					cancel(err)
				}
				if err != nil || !more {
					return
				}
			}
		})
	}
	group.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	return perSecond(handled.Load(), began), nil
}

// watcher is the decider of tally, and tells what it decides on.
type watcher struct {
	tally.Decider
	looped, reminded func()
}

func (w watcher) Looped(now time.Time, s tally.State, in tally.Looped) tally.LoopedDecision {
	w.looped()
	return w.Decider.Looped(now, s, in)
}

func (w watcher) Remind(now time.Time, s tally.State, in tally.Remind) tally.RemindDecision {
	w.reminded()
	return w.Decider.Remind(now, s, in)
}

// wholeLoop measures decide, effect, result, decide: 256 callers begin loops while the engine delivers.
func wholeLoop(ctx context.Context, b *bench) (figures, error) {
	t, err := b.newTables(ctx)
	if err != nil {
		return nil, err
	}
	defer t.drop()
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	ended := newCountdown(b.size.loops, func() { stop(nil) })
	engine, err := newEngine(t.store, runtime.Config{}, watcher{looped: ended.tell}, tally.Handler{})
	if err != nil {
		return nil, err
	}
	client := tally.NewClient(engine)
	if err := createAsked(ctx, t); err != nil {
		return nil, err
	}
	const callers = 256
	clientBefore, serverBefore := load.ProcessorTime(), b.ProcessorTime(ctx)
	began := time.Now()
	var group sync.WaitGroup
	for caller := range callers {
		group.Go(func() {
			for n := caller; n < b.size.loops; n += callers {
				out, err := client.Loop(running, tally.Loop{TallyID: load.InstanceID(n % b.size.instances)})
				if err == nil && !out.Accepted() {
					err = fmt.Errorf("%v", out)
				}
				if err != nil {
					stop(err)
					return
				}
			}
		})
	}
	err = engine.Run(running)
	took := time.Since(began)
	group.Wait()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, err
	case context.Cause(running) != context.Canceled:
		return nil, context.Cause(running)
	}
	clientUsed, serverUsed := load.ProcessorTime()-clientBefore, b.ProcessorTime(ctx)-serverBefore
	answered, err := t.count(ctx, "events", "type = 'Answered'")
	each := func(used time.Duration) float64 {
		return float64(used) / float64(time.Microsecond) / float64(max(answered, 1))
	}
	return figures{
		"rate": float64(answered) / took.Seconds(), "client": each(clientUsed), "server": each(serverUsed), "cpu": each(clientUsed + serverUsed),
	}, err
}

// createAsked makes instances with one event, so that a loop is not about creating them.
func createAsked(ctx context.Context, t *tables) error {
	return t.fill(ctx, t.instances())
}

// drainTimers measures timers that are all due, each with a decision that consumes it.
func drainTimers(ctx context.Context, b *bench) (figures, error) {
	t, err := b.newTables(ctx)
	if err != nil {
		return nil, err
	}
	defer t.drop()
	if err := t.fill(ctx, t.instances()+fmt.Sprintf(`
INSERT INTO SCHEMA.timers (instance, workflow, key, version, kind, payload, due_at, run_at)
SELECT 'tally-' || n %% %[1]d + 1, 'tally', 'reminder ' || n / %[1]d, 1, 'Remind',
       format('{"tally_id":"tally-%%s"}', n %% %[1]d + 1)::json, now(), now()
FROM generate_series(0, %[2]d - 1) n;`, b.size.instances, b.size.timers)); err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	fired := newCountdown(b.size.timers, stop)
	engine, err := newEngine(t.store, runtime.Config{}, watcher{reminded: fired.tell}, tally.Handler{})
	if err != nil {
		return nil, err
	}
	return t.drain(ctx, running, engine, "timers", b.size.timers)
}

// committing is a store that says when a commit was acknowledged.
type committing struct {
	*postgres.Store
	at    atomic.Int64 // in nanoseconds since began
	began time.Time
}

func (c *committing) Append(ctx context.Context, batch store.Batch) error {
	err := c.Store.Append(ctx, batch)
	c.at.Store(int64(time.Since(c.began)))
	return err
}

// latency measures the way from a commit to the handler of its effect, while nothing else happens.
func latency(ctx context.Context, b *bench) (figures, error) {
	t, err := b.newTables(ctx)
	if err != nil {
		return nil, err
	}
	defer t.drop()
	store := &committing{Store: t.store, began: time.Now()}
	took := make(chan time.Duration, 1)
	engine, err := newEngine(store, runtime.Config{}, tally.Decider{}, tally.Handler{OnTell: func(runtime.EffectCall) {
		took <- time.Since(store.began) - time.Duration(store.at.Load())
	}})
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(ctx)
	var run sync.WaitGroup
	defer run.Wait()
	defer stop()
	run.Go(func() { engine.Run(running) })

	client := tally.NewClient(engine)
	var all []time.Duration
	for n := range b.size.latencies + 10 {
		// No multiple of the engine's intervals, so that they do not always meet at the same point.
		select {
		case <-time.After(17 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if err := load.Add(ctx, client, load.InstanceID(n), 1); err != nil {
			return nil, err
		}
		select {
		case d := <-took:
			all = append(all, d)
		case <-time.After(10 * time.Second):
			return nil, fmt.Errorf("effect %d is not handled", n)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return times(slices.Clone(all[10:])), nil // the first ones prepare their statements
}
