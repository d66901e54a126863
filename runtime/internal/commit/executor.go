package commit

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/shadow"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Executor is the way of all inputs into the store. Inputs wait by instance; a batch takes what is waiting,
// decides, and stores all of it in one commit. Nothing lingers: an input that comes alone is decided alone, and what
// queues up during one commit goes into the next. (Group commit, as databases do it for their logs.)
type Executor struct {
	store     *bound.Store
	config    Config
	inputs    *dispatcher
	cache     *stateCache
	room      chan struct{} // one token for each input of a client on its way; callers wait outside when there are too many
	delivered chan struct{} // room for the inputs of deliveries, which clients cannot fill
	stuck     *stuckCalls
	contended contendedKeys
	snapshots *snapshotWriter

	setBack atomic.Int64 // when it was logged last that the database was set back, in nanoseconds since 1970; 0 for never

	apart        chan struct{} // one token for each instance that is served apart from the batches
	apartClients chan struct{} // one token for each of these that a client's input waits for; so some are left for deliveries
}

// Config is what the executor is told of the engine's Config, and by the engine.
type Config struct {
	Batches, BatchSize, MaxWaiting, CacheBytes int
	MaxPayloadBytes                            int
	SnapshotEvery                              int // events
	StoreTimeout, DecideTimeout                time.Duration

	Clock     store.Clock
	Logger    *slog.Logger
	Telemetry telemetry.Telemetry                                    // may be nil
	Observe   func(key store.InstanceKey, input string) bool         // may be nil
	Redact    func(name workflow.PayloadName, payload []byte) []byte // may be nil

	Shadow *shadow.Shadow // nil for none

	// Lease marks effects and timers of changes that are about to be stored as Leased, when this process has handlers for them. Then either
	// Committed or GiveBack is called with the same changes. GiveBack gets what the store said, or nil if it did not come to that.
	Lease    func([]store.Change)
	GiveBack func([]store.Change, error)

	Committed func(store.CommitID, []store.Change) // called after each commit
}

func New(store *bound.Store, config Config) *Executor {
	x := &Executor{
		store:        store,
		config:       config,
		cache:        newStateCache(config.CacheBytes),
		room:         make(chan struct{}, config.MaxWaiting),
		delivered:    make(chan struct{}, config.MaxWaiting),
		apart:        make(chan struct{}, maxAlone),
		apartClients: make(chan struct{}, maxAloneClients),
		stuck:        newStuckCalls(config.DecideTimeout, config.Logger),
		snapshots:    newSnapshotWriter(store, config.SnapshotEvery, config.Logger),
	}
	x.inputs = newDispatcher(x)
	return x
}

// Submit takes an input through a batch and returns what became of it. It returns at the end of ctx. What was not on its way to the
// store by then never is; of the rest, only the store knows what becomes of it.
func (x *Executor) Submit(ctx context.Context, key store.InstanceKey, req Request) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	room := x.room
	if !req.ofClient() {
		room = x.delivered
	}
	select {
	case room <- struct{}{}:
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
	defer func() { <-room }()

	t := newTask(ctx, key, req)
	x.inputs.add(t)
	select {
	case <-t.done:
	case <-ctx.Done():
		if t.withdraw() {
			x.inputs.drop(t)
			return t.outcome(Result{}, ctx.Err())
		}
		if !t.answered() {
			return Result{}, fmt.Errorf("%w: %w", store.ErrOutcomeUnknown, ctx.Err())
		}
	}
	return t.outcome(t.result, t.err)
}

// Readable fails unless this program can replay an instance. It looks into the cache, and reads the instance in a batch when it is
// not there, so that what follows finds it in the cache.
func (x *Executor) Readable(ctx context.Context, workflow *workflow.Workflow, key store.InstanceKey) error {
	if x.cache.has(key, x.config.Clock.Now()) {
		return nil
	}
	_, err := x.Submit(ctx, key, Request{Workflow: workflow})
	return err
}

func newCommitID() store.CommitID { return store.CommitID(rand.Int64N(1<<62) + 1) }

// report tells of a transaction that began at a time.
func (x *Executor) report(begin time.Time, report telemetry.CommitReport) {
	if x.config.Telemetry != nil {
		report.Duration = time.Since(begin)
		x.config.Telemetry.Committed(report)
	}
}

// Replay makes the state of an instance, by user code that may not return.
func (x *Executor) Replay(ctx context.Context, w *workflow.Workflow, before any, instance store.Instance) (any, error) {
	if err := x.stuck.refuse(instance.Key, true); err != nil {
		return nil, err
	}
	var state any
	var failed error
	if _, err := x.stuck.guard(ctx, func(on *watch) {
		on.enterFor(instance.Key, "", nil)
		state, failed = w.Replay(before, instance)
		on.leave()
	}); err != nil {
		return nil, err // the code may still run, and set the state
	}
	return state, failed
}

// StuckCode lists the user code that has not returned in time.
func (x *Executor) StuckCode() []telemetry.StuckCode { return x.stuck.list() }

// stored tells of what a batch has stored, and keeps the states that this led to.
func (x *Executor) stored(b *batch) {
	defer b.committed() // after the cache has the states, which handlers ask for
	for c := range b.stored {
		c.stored(b.commit)
	}
	kept := x.snapshots.consider(b)
	if b.cache == nil {
		return
	}
	for _, g := range b.groups {
		if kept && g.chain != nil && !g.chain.tainted && !g.chain.current.completed { // what has completed may be deleted at any time
			b.cache.put(g.key, g.chain.current)
		} else {
			b.cache.remove(g.key)
		}
	}
}
