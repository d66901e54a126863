package commit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/backoff"
	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Executor is the way of all inputs into the store. Inputs wait in lanes, by instance; a lane takes what is waiting,
// decides, and stores all of it in one commit. Nothing lingers: an input that comes alone is decided alone, and what
// queues up during one commit goes into the next. (Group commit, as databases do it for their logs.)
type Executor struct {
	store     *bound.Store
	config    Config
	lanes     []*lane
	seed      maphash.Seed
	room      chan struct{} // one token for each input of a client on its way; callers wait outside when there are too many
	delivered chan struct{} // room for the inputs of deliveries, which clients cannot fill
	stuck     *stuckCalls
	alone     chan struct{} // one token for each instance that is served apart from the batches
	clients   chan struct{} // one token for each of these that a client's input waits for; so some are left for deliveries
	snapshots *snapshotWriter
}

// Config is what the executor is told of the engine's Config, and by the engine.
type Config struct {
	Lanes, BatchSize, MaxWaiting, CacheBytes int
	MaxPayloadBytes                          int
	SnapshotEvery                            int // events
	StoreTimeout, DecideTimeout              time.Duration

	Clock     store.Clock
	Logger    *slog.Logger
	Telemetry telemetry.Telemetry                                    // may be nil
	Observe   func(key store.InstanceKey, input string) bool         // may be nil
	Redact    func(name workflow.PayloadName, payload []byte) []byte // may be nil
	Committed func(store.Change)                                     // called after each commit
}

func New(store *bound.Store, config Config) *Executor {
	x := &Executor{
		store:     store,
		config:    config,
		seed:      maphash.MakeSeed(),
		room:      make(chan struct{}, config.MaxWaiting),
		delivered: make(chan struct{}, config.MaxWaiting),
		alone:     make(chan struct{}, maxAlone),
		clients:   make(chan struct{}, maxAloneClients),
		stuck:     newStuckCalls(config.DecideTimeout, config.Logger),
		snapshots: newSnapshotWriter(store, config.SnapshotEvery, config.Logger),
	}
	for range config.Lanes {
		x.lanes = append(x.lanes, newLane(x, config.CacheBytes/config.Lanes))
	}
	return x
}

// maxAlone is how many instances may be served apart from the batches at the same time. Each of them may wait for a lock
// with a connection in its hand.
const maxAlone = 8

// maxAloneClients is how many of these may be for inputs of clients.
const maxAloneClients = 6

// Submit takes an input through its lane and returns what became of it. It returns at the end of ctx. What was not on its way to the
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

	t := &task{ctx: ctx, key: key, request: req, done: make(chan struct{})}
	x.lane(key).add(t)
	select {
	case <-t.done:
	case <-ctx.Done():
		if t.withdraw() {
			x.lane(key).drop(t)
			return Result{}, ctx.Err()
		}
		if !t.answered() {
			return Result{}, fmt.Errorf("%w: %w", store.ErrOutcomeUnknown, ctx.Err())
		}
	}
	return t.result, t.err
}

// Readable fails unless this program can replay an instance. It looks into the cache of the instance's lane, and reads the instance
// by the lane when it is not there, so that what follows finds it in the cache.
func (x *Executor) Readable(ctx context.Context, workflow *workflow.Workflow, key store.InstanceKey) error {
	if x.lane(key).cache.has(key, x.config.Clock.Now()) {
		return nil
	}
	_, err := x.Submit(ctx, key, Request{Workflow: workflow})
	return err
}

// lane returns the lane of an instance, always the same one: within a process, inputs of one instance never race.
func (x *Executor) lane(key store.InstanceKey) *lane {
	return x.lanes[maphash.Comparable(x.seed, key)%uint64(len(x.lanes))]
}

// task is a request on its way, with the answer when done is closed.
type task struct {
	ctx     context.Context
	key     store.InstanceKey
	request Request
	state   atomic.Int32

	result  Result
	err     error
	records store.InputRecords // to keep of an input that adds nothing
	again   bool               // it is to be decided again
	done    chan struct{}
}

const (
	taskWaiting int32 = iota
	taskTaken
	taskStoring
	taskWithdrawn
)

// newTaken is a task that waits for nobody.
func newTaken(ctx context.Context, key store.InstanceKey, req Request) *task {
	t := &task{ctx: ctx, key: key, request: req}
	t.state.Store(taskTaken)
	return t
}

// take claims the task for a decision; false when its caller has gone.
func (t *task) take() bool { return t.state.CompareAndSwap(taskWaiting, taskTaken) }

// storing claims the task for the store, with what was decided on it; false when its caller has gone.
func (t *task) storing() bool {
	return t.state.CompareAndSwap(taskTaken, taskStoring) || t.state.Load() == taskStoring
}

// wait lets a task wait again of which nothing is stored; false when its caller has gone.
func (t *task) wait() bool {
	return t.state.CompareAndSwap(taskTaken, taskWaiting) || t.state.CompareAndSwap(taskStoring, taskWaiting) ||
		t.state.Load() == taskWaiting
}

// unstored says that nothing of the task is stored, and that it is decided again.
func (t *task) unstored() { t.state.CompareAndSwap(taskStoring, taskTaken) }

// withdraw takes the task back; false when it is on its way to the store, or answered.
func (t *task) withdraw() bool {
	for {
		state := t.state.Load()
		if state == taskStoring || state == taskWithdrawn {
			return false
		}
		if t.state.CompareAndSwap(state, taskWithdrawn) {
			return true
		}
	}
}

func (t *task) answered() bool {
	select {
	case <-t.done:
		return true
	default:
		return false
	}
}

func (t *task) answer(r Result, err error) {
	t.result, t.err = r, err
	close(t.done)
}

func newCommitID() store.CommitID { return store.CommitID(rand.Int64N(1<<62) + 1) }

// single decides on one input under the instance's lock. It is the way of inputs that must not hold up a batch. It runs
// the input again while it loses races against others; each lost race is another's progress.
func (x *Executor) single(t *task) (Result, error) {
	for attempt := 1; ; attempt++ {
		result, err := x.attempt(t)
		if !usererr.OwnIs(err, store.ErrConflict) {
			return result, err
		}
		t.unstored()
		select {
		case <-t.ctx.Done():
			return result, t.ctx.Err()
		case <-time.After(conflictBackoff.Pause(attempt)):
		}
	}
}

var conflictBackoff = backoff.Backoff{Base: time.Millisecond, Max: 50 * time.Millisecond}

// attempt takes one input through one unit of work.
func (x *Executor) attempt(t *task) (Result, error) {
	if t.request.ofClient() {
		select {
		case x.clients <- struct{}{}:
		case <-t.ctx.Done():
			return Result{}, t.ctx.Err()
		}
		defer func() { <-x.clients }()
	}
	select {
	case x.alone <- struct{}{}:
	case <-t.ctx.Done():
		return Result{}, t.ctx.Err()
	}
	defer func() { <-x.alone }()
	// The caller of submit has gone when its context ends; what user code does is watched for a while longer.
	r, change, err := x.decideAlone(t.ctx, context.WithoutCancel(t.ctx), x.store, t)
	if err == nil && len(change.Events) > 0 {
		x.config.Committed(change)
	}
	return r, err
}

// beginner is a Store, or a Transaction of the caller.
type beginner interface {
	Begin(ctx context.Context, requests []store.ReadRequest) (store.UnitOfWork, error)
	InputOutcomes(ctx context.Context, inputs []store.InputKey) ([][]byte, error)
	RecordInputs(ctx context.Context, inputs store.InputRecords) error
}

// decideAlone takes one input through a unit of work of its own. It also returns the change that was stored.
//
// Once it is on its way to the store, it does not end with ctx any more, but with storing.
func (x *Executor) decideAlone(ctx, storing context.Context, in beginner, t *task) (r Result, stored store.Change, err error) {
	if x.config.Telemetry == nil {
		return x.decideUnreported(ctx, storing, in, t)
	}
	begin := time.Now()
	err = usererr.Call(func() (err error) {
		r, stored, err = x.decideUnreported(ctx, storing, in, t)
		return err
	}, func(err error) {
		if !r.repeated && !t.request.onlyReads() {
			x.report(begin, telemetry.CommitReport{
				Inputs: 1, Instances: 1, Events: len(stored.Events), Apart: true, Observations: len(stored.Inputs.Observations), Err: err,
			})
		}
	})
	return r, stored, err
}

// decideUnreported is decideAlone. The change of an input that adds nothing has its records only.
func (x *Executor) decideUnreported(ctx, storing context.Context, in beginner, t *task) (Result, store.Change, error) {
	key, req := t.key, t.request
	if err := x.stuck.refuse(key, false); err != nil {
		return Result{}, store.Change{}, err
	}
	// This is not asked within the unit of work, which has a connection in its hand and would wait for a second. An outcome that
	// comes meanwhile makes the commit a conflict.
	if req.InputID != "" {
		outcomes, err := in.InputOutcomes(ctx, []store.InputKey{req.inputKey()})
		if err != nil {
			return Result{}, store.Change{}, bound.FromStore(err)
		}
		if outcomes[0] != nil {
			var r Result
			err := x.stuck.guard(storing, key, req.purpose(), func() (err error) {
				r, err = repeated(&req, outcomes[0])
				return err
			})
			if err != nil {
				return Result{}, store.Change{}, err
			}
			return r, store.Change{}, nil
		}
	}
	work, err := in.Begin(ctx, []store.ReadRequest{{Instance: key, Schema: req.Workflow.Schema(), UniqueKey: req.Input.UniqueKey}})
	if err != nil {
		return Result{}, store.Change{}, bound.FromStore(err)
	}
	rollback := sync.OnceFunc(func() {
		if err := work.Rollback(ctx); err != nil {
			x.config.Logger.WarnContext(ctx, "ironflow: rollback failed", "workflow", key.Workflow, "instance", key.ID, "error", err)
		}
	})
	defer rollback()
	if err := ctx.Err(); err != nil {
		return Result{}, store.Change{}, err
	}
	d := decidedAlone{instance: work.Instances()[0]}
	if holder := d.instance.KeyHolder; d.instance.Version == 0 && holder != "" && holder != key.ID {
		return Result{}, store.Change{}, &store.UniqueKeyConflict{Instance: key, Key: req.Input.UniqueKey, Holder: holder}
	}
	if err := x.stuck.guard(storing, key, req.purpose(), func() error { return d.decide(x, key, req) }); err != nil {
		return Result{}, store.Change{}, err
	}
	if err := ctx.Err(); err != nil || !t.storing() {
		return Result{}, store.Change{}, cmp.Or(err, context.Canceled)
	}
	if !d.changes {
		rollback() // it may have what RecordInputs waits for
		if d.records.Empty() {
			return d.outcome, store.Change{}, nil
		}
		return d.outcome, store.Change{Inputs: d.records}, bound.FromStore(in.RecordInputs(storing, d.records))
	}
	id, err := x.commit(storing, work, d.change, req.Within == nil)
	if err != nil {
		return Result{}, store.Change{}, bound.FromStore(err)
	}
	c := &d.chain
	c.stored(id)
	if req.Within == nil && !c.touched {
		// What is stored is stored, whatever comes of the snapshot.
		_ = x.stuck.guard(storing, key, req.purpose(), func() error {
			x.snapshots.consider(c)
			return nil
		})
	}
	return d.outcome, d.change, nil
}

// decidedAlone is a decision apart from the batches.
type decidedAlone struct {
	instance store.Instance
	chain    chain
	outcome  Result
	records  store.InputRecords
	change   store.Change
	changes  bool // the instance
}

// decide calls user code and nothing else that could take long.
func (d *decidedAlone) decide(x *Executor, key store.InstanceKey, req Request) error {
	start, err := known(req.Workflow, cached{}, d.instance)
	if err != nil {
		return err
	}
	d.chain = newChain(key, req.Workflow, start, x.config.Clock.Now(), x.config.MaxPayloadBytes)
	c := &d.chain
	if d.outcome, err = c.decide(req); err != nil {
		return err
	}
	if d.records, err = x.config.records(&req, d.outcome, c.change.Due); err != nil {
		return err
	}
	c.change.Inputs = d.records
	d.change, d.changes, err = c.finish()
	return err
}

func (x *Executor) commit(ctx context.Context, work store.UnitOfWork, change store.Change, resolve bool) (store.CommitID, error) {
	id := newCommitID()
	err := work.Commit(ctx, id, []store.Change{change})
	if resolve && usererr.OwnIs(err, store.ErrOutcomeUnknown) {
		err = x.resolve(ctx, id, change, err)
	}
	return id, err
}

// report tells of a transaction that began at a time.
func (x *Executor) report(begin time.Time, report telemetry.CommitReport) {
	if x.config.Telemetry != nil {
		report.Duration = time.Since(begin)
		x.config.Telemetry.Committed(report)
	}
}

// Replay makes the state of an instance, by user code that may not return.
func (x *Executor) Replay(ctx context.Context, w *workflow.Workflow, before any, instance store.Instance) (any, error) {
	var state any
	err := x.stuck.guard(ctx, instance.Key, "", func() (err error) {
		state, err = w.Replay(before, instance)
		return err
	})
	if err != nil {
		return nil, err // the code may still run, and set the state
	}
	return state, nil
}

// StuckCode lists the user code that has not returned in time.
func (x *Executor) StuckCode() []telemetry.StuckCode { return x.stuck.list() }

// resolve finds out what became of a commit whose answer was lost. It returns nil when the changes are stored, ErrConflict
// when they are not, and the given error when the store does not tell, or when it was the wait that ended and not the
// connection: then the commit may still be on its way, and what ran again could be stored twice.
func (x *Executor) resolve(ctx context.Context, id store.CommitID, change store.Change, lost error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), x.config.StoreTimeout)
	defer cancel()
	var stored bool
	err := bound.Retry(ctx, x.config.Clock, func() (err error) {
		stored, err = x.store.Committed(ctx, change.Instance, change.NewVersion(), id)
		if err != nil { // a conflict, too, says nothing about the commit
			err = &bound.StoreError{Err: err}
		}
		return err
	})
	switch {
	case err != nil:
		return fmt.Errorf("%w; asking for it failed: %v", lost, err)
	case stored:
		return nil
	case timedOut(lost):
		return lost
	}
	return store.ErrConflict
}

func timedOut(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}
