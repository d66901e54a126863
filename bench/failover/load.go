//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/bench/internal/tally"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
)

// instances is how many instances the callers share. Two callers of two engines share one.
const instances = 48

// load is engines with callers. Each input has an id, and is sent until it is answered.
type load struct {
	engines []*engine
	ending  atomic.Bool
	stop    context.CancelFunc
	calling sync.WaitGroup
	running sync.WaitGroup

	mu         sync.Mutex
	violations []string
	totals     []string
	feed       *feed
}

type engine struct {
	*runtime.Engine
	pool   *pgxpool.Pool
	sent   []int64 // answered inputs of each caller; of one goroutine each
	told   atomic.Int64
	counts atomic.Int64 // answered inputs

	mu      sync.Mutex
	last    time.Time
	longest time.Duration // between two answers since measure
}

// feed is what a subscription has read.
type feed struct {
	next     map[string]int64 // the number of the next input of each caller
	versions map[string]int64
	position int64
	events   int
}

func startLoad(ctx context.Context, url string, engines, callers int) (_ *load, err error) {
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	l := &load{stop: stop, feed: &feed{next: make(map[string]int64), versions: make(map[string]int64)}}
	defer func() {
		if err != nil {
			l.abort()
		}
	}()
	for n := range engines {
		config, err := pgxpool.ParseConfig(url)
		if err != nil {
			return nil, err
		}
		config.MaxConns = 12
		pool, err := pgxpool.NewWithConfig(ctx, config)
		if err != nil {
			return nil, err
		}
		e := &engine{pool: pool, sent: make([]int64, callers)}
		l.engines = append(l.engines, e)
		if n == 0 {
			if err := postgres.Migrate(ctx, pool); err != nil {
				return nil, err
			}
			if _, err := pool.Exec(ctx, "CREATE TABLE applied (sequence bigint)"); err != nil {
				return nil, err
			}
		}
		st, err := postgres.New(ctx, pool)
		if err != nil {
			return nil, err
		}
		e.Engine, err = runtime.NewEngine(st, runtime.Config{
			Name: fmt.Sprint("engine ", n), Logger: slog.New(slog.DiscardHandler), Lease: 3 * time.Second, SnapshotEvery: 20,
			Projections: []runtime.AnyProjection{runtime.Projection[pgx.Tx]{Name: "applied", ApplyBatch: apply}},
		}, tally.NewWorkflow(tally.Decider{}, tally.Evolver{}, tally.Handler{OnTell: func(runtime.EffectCall) { e.told.Add(1) }}))
		if err != nil {
			return nil, err
		}
	}
	for n, e := range l.engines {
		l.running.Go(func() {
			if err := e.Run(running); err != nil {
				l.violation("Run of engine %d ended: %v", n, err)
			}
		})
		for caller := range callers {
			l.calling.Go(func() { l.call(running, e, n, caller) })
		}
	}
	l.running.Go(func() {
		for event, err := range l.engines[0].Subscribe(running, 0) {
			var back *runtime.FeedSetBack
			if err == nil {
				l.read(event)
			} else if errors.As(err, &back) {
				l.violation("subscription: %v", err)
			}
		}
		if running.Err() == nil {
			l.violation("the subscription has ended")
		}
	})
	return l, nil
}

func apply(ctx context.Context, tx pgx.Tx, events []runtime.StoredEvent) error {
	rows := make([][]any, len(events))
	for i, e := range events {
		rows[i] = []any{e.GlobalSequence}
	}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"applied"}, []string{"sequence"}, pgx.CopyFromRows(rows))
	return err
}

// call sends one input after the other, each until it is answered.
func (l *load) call(ctx context.Context, e *engine, number, caller int) {
	client := tally.NewClient(e.Engine)
	for !l.ending.Load() && ctx.Err() == nil {
		tag := fmt.Sprintf("%d.%d.%d", number, caller, e.sent[caller]) // see parseTag
		in := tally.Add{TallyID: fmt.Sprint("t", caller%instances), Amount: 1, Note: tag}
		calling, cancel := context.WithTimeout(ctx, 5*time.Second)
		out, err := client.Add(calling, in, runtime.WithInputID(tag))
		cancel()
		switch {
		case err == nil && out.Accepted():
			e.sent[caller]++
			e.answeredOne()
		case err == nil:
			l.violation("input %s was not accepted: %+v", tag, out)
			return
		}
		time.Sleep(time.Duration(rand.IntN(400)) * time.Millisecond)
	}
}

func (e *engine) answeredOne() {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	if !e.last.IsZero() {
		e.longest = max(e.longest, now.Sub(e.last))
	}
	e.last = now
	e.counts.Add(1)
}

// measure begins a new measurement of the longest time between two answers.
func (l *load) measure() {
	for _, e := range l.engines {
		e.mu.Lock()
		e.longest = 0
		e.mu.Unlock()
	}
}

// silence returns the longest time between two answers of one engine.
func (l *load) silence() (longest time.Duration) {
	for _, e := range l.engines {
		e.mu.Lock()
		longest = max(longest, e.longest)
		e.mu.Unlock()
	}
	return longest
}

// flowing returns when each engine has stored an input that was answered after the call.
func (l *load) flowing(ctx context.Context, patience time.Duration) error {
	before := make([]int64, len(l.engines))
	for i, e := range l.engines {
		before[i] = e.counts.Load()
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		waiting := -1
		for i, e := range l.engines {
			if e.counts.Load() == before[i] {
				waiting = i
			}
		}
		switch {
		case waiting < 0:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case time.Now().After(deadline):
			return fmt.Errorf("no input of engine %d was stored for %v", waiting, patience)
		}
	}
}

func (l *load) answered() (n int64) {
	for _, e := range l.engines {
		n += e.counts.Load()
	}
	return n
}

func (l *load) violation(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.violations = append(l.violations, fmt.Sprintf(format, args...))
}

// read takes an event of the feed in.
func (l *load) read(e runtime.StoredEvent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.feed
	wrong := func(format string, args ...any) {
		l.violations = append(l.violations, fmt.Sprintf("feed: event %d, version %d of %s: ", e.GlobalSequence, e.Version, e.Instance.ID)+fmt.Sprintf(format, args...))
	}
	if e.GlobalSequence <= f.position {
		wrong("comes after event %d", f.position)
	}
	if last := f.versions[e.Instance.ID]; e.Version != last+1 {
		wrong("comes after version %d", last)
	}
	caller, n, err := parseTag(e.Payload)
	switch next := f.next[caller]; {
	case err != nil:
		wrong("%v", err)
	case n < next:
		wrong("input %d of caller %s is stored twice", n, caller)
	case n > next:
		wrong("input %d of caller %s follows on %d", n, caller, next-1)
	}
	f.next[caller], f.versions[e.Instance.ID], f.position = n+1, e.Version, e.GlobalSequence
	f.events++
}

// end lets the callers end, waits until all work is done, and compares what was answered with what is stored and what was read.
func (l *load) end(ctx context.Context) error {
	l.ending.Store(true)
	l.calling.Wait()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for _, e := range l.engines {
		if err := e.AwaitProjection(ctx, "applied"); err != nil {
			return err
		}
	}
	pool := l.engines[0].pool
	var events, tags, applied, distinct, waiting int
	for {
		err := pool.QueryRow(ctx, `
			SELECT (SELECT count(*) FROM ironflow.events), (SELECT count(DISTINCT payload->>'note') FROM ironflow.events),
			       (SELECT count(*) FROM applied), (SELECT count(DISTINCT sequence) FROM applied),
			       (SELECT count(*) FROM ironflow.effects)`).Scan(&events, &tags, &applied, &distinct, &waiting)
		l.mu.Lock()
		read := l.feed.events
		l.mu.Unlock()
		if err != nil {
			return err
		}
		if waiting == 0 && read == events {
			break
		}
		if ctx.Err() != nil || !sleep(ctx, 100*time.Millisecond) {
			break
		}
	}
	l.stop()
	l.running.Wait()
	var told, states, answered int64
	for n, e := range l.engines {
		told += e.told.Load()
		for caller, sent := range e.sent {
			answered += sent
			if next := l.feed.next[fmt.Sprintf("%d.%d", n, caller)]; next < sent {
				l.violation("%d inputs of caller %d.%d were answered, and the feed has %d", sent, n, caller, next)
			}
		}
	}
	for id := range l.feed.versions {
		view, err := tally.NewClient(l.engines[0].Engine).State(ctx, id)
		if err != nil {
			return err
		}
		states += view.State.Sum
	}
	for what, n := range map[string]int{
		"events that the feed lacks": events - l.feed.events, "events of inputs that are stored twice": events - tags,
		"events that the projection lacks": events - distinct, "events that are projected twice": applied - distinct,
		"effects that were not carried out": waiting, "events that the states lack": events - int(states),
	} {
		if n != 0 {
			l.violation("%d %s", n, what)
		}
	}
	l.totals = append(l.totals, fmt.Sprintf("%d inputs answered, %d events stored, %d read from the feed, %d projected, effects carried out %d times",
		answered, events, l.feed.events, applied, told))
	return l.close()
}

func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// close ends the engines.
func (l *load) close() error {
	l.ending.Store(true)
	l.stop()
	l.calling.Wait()
	l.running.Wait()
	for _, e := range l.engines {
		e.pool.Close()
	}
	l.engines = nil
	return nil
}

func (l *load) abort() { _ = l.close() }

// parseTag returns the caller and the number of the input that an event has as its note.
func parseTag(payload []byte) (caller string, n int64, err error) {
	var event tally.Added
	if err := json.Unmarshal(payload, &event); err != nil {
		return "", 0, err
	}
	at := strings.LastIndexByte(event.Note, '.')
	n, err = strconv.ParseInt(event.Note[at+1:], 10, 64)
	return event.Note[:max(at, 0)], n, err
}
