package runtime

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
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
)

// executor is the way of all inputs into the store. Inputs wait in lanes, by instance; a lane takes what is waiting,
// decides, and stores all of it in one commit. Nothing lingers: an input that comes alone is decided alone, and what
// queues up during one commit goes into the next. (Group commit, as databases do it for their logs.)
type executor struct {
	store     *boundedStore
	config    commitConfig
	lanes     []*lane
	seed      maphash.Seed
	room      chan struct{} // one token for each input of a client on its way; callers wait outside when there are too many
	delivered chan struct{} // room for the inputs of deliveries, which clients cannot fill
	stuck     *stuckCalls
	alone     chan struct{} // one token for each instance that is served apart from the batches
	clients   chan struct{} // one token for each of these that a client's input waits for; so some are left for deliveries
	snapshots *snapshotWriter
}

// commitConfig is what the executor is told of the engine's Config, and by the engine.
type commitConfig struct {
	Lanes, BatchSize, MaxWaiting, CacheBytes int
	MaxPayloadBytes                          int
	SnapshotEvery                            int // events
	StoreTimeout, DecideTimeout              time.Duration

	Clock     Clock
	Logger    *slog.Logger
	Telemetry Telemetry                                     // may be nil
	Observe   func(key InstanceKey, input string) bool      // may be nil
	Redact    func(name PayloadName, payload []byte) []byte // may be nil
	Committed func(Change)                                  // called after each commit
}

func newExecutor(store *boundedStore, config commitConfig) *executor {
	x := &executor{
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

// submit takes an input through its lane and returns what became of it. It returns at the end of ctx. What was not on its way to the
// store by then never is; of the rest, only the store knows what becomes of it.
func (x *executor) submit(ctx context.Context, key InstanceKey, req request) (result, error) {
	if err := ctx.Err(); err != nil {
		return result{}, err
	}
	room := x.room
	if !req.ofClient() {
		room = x.delivered
	}
	select {
	case room <- struct{}{}:
	case <-ctx.Done():
		return result{}, ctx.Err()
	}
	defer func() { <-room }()

	t := &task{ctx: ctx, key: key, request: req, done: make(chan struct{})}
	x.lane(key).add(t)
	select {
	case <-t.done:
	case <-ctx.Done():
		if t.withdraw() {
			x.lane(key).drop(t)
			return result{}, ctx.Err()
		}
		if !t.answered() {
			return result{}, fmt.Errorf("%w: %w", ErrOutcomeUnknown, ctx.Err())
		}
	}
	return t.result, t.err
}

// readable fails unless this program can replay an instance. It looks into the cache of the instance's lane, and reads the instance
// by the lane when it is not there, so that what follows finds it in the cache.
func (x *executor) readable(ctx context.Context, workflow *Workflow, key InstanceKey) error {
	if x.lane(key).cache.has(key, x.config.Clock.Now()) {
		return nil
	}
	_, err := x.submit(ctx, key, request{workflow: workflow})
	return err
}

// lane returns the lane of an instance, always the same one: within a process, inputs of one instance never race.
func (x *executor) lane(key InstanceKey) *lane {
	return x.lanes[maphash.Comparable(x.seed, key)%uint64(len(x.lanes))]
}

// task is a request on its way, with the answer when done is closed.
type task struct {
	ctx     context.Context
	key     InstanceKey
	request request
	state   atomic.Int32

	result  result
	err     error
	records InputRecords // to keep of an input that adds nothing
	again   bool         // it is to be decided again
	done    chan struct{}
}

const (
	taskWaiting int32 = iota
	taskTaken
	taskStoring
	taskWithdrawn
)

// newTaken is a task that waits for nobody.
func newTaken(ctx context.Context, key InstanceKey, req request) *task {
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

func (t *task) answer(r result, err error) {
	t.result, t.err = r, err
	close(t.done)
}

func newCommitID() CommitID { return CommitID(rand.Int64N(1<<62) + 1) }

// single decides on one input under the instance's lock. It is the way of inputs that must not hold up a batch. It runs
// the input again while it loses races against others; each lost race is another's progress.
func (x *executor) single(t *task) (result, error) {
	for attempt := 1; ; attempt++ {
		result, err := x.attempt(t)
		if !usererr.OwnIs(err, ErrConflict) {
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
func (x *executor) attempt(t *task) (result, error) {
	if t.request.ofClient() {
		select {
		case x.clients <- struct{}{}:
		case <-t.ctx.Done():
			return result{}, t.ctx.Err()
		}
		defer func() { <-x.clients }()
	}
	select {
	case x.alone <- struct{}{}:
	case <-t.ctx.Done():
		return result{}, t.ctx.Err()
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
	Begin(ctx context.Context, requests []ReadRequest) (UnitOfWork, error)
	InputOutcomes(ctx context.Context, inputs []InputKey) ([][]byte, error)
	RecordInputs(ctx context.Context, inputs InputRecords) error
}

// decideAlone takes one input through a unit of work of its own. It also returns the change that was stored.
//
// Once it is on its way to the store, it does not end with ctx any more, but with storing.
func (x *executor) decideAlone(ctx, storing context.Context, in beginner, t *task) (r result, stored Change, err error) {
	if x.config.Telemetry == nil {
		return x.decideUnreported(ctx, storing, in, t)
	}
	begin := time.Now()
	err = usererr.Call(func() (err error) {
		r, stored, err = x.decideUnreported(ctx, storing, in, t)
		return err
	}, func(err error) {
		if !r.repeated && !t.request.onlyReads() {
			x.report(begin, CommitReport{
				Inputs: 1, Instances: 1, Events: len(stored.Events), Apart: true, Observations: len(stored.Inputs.Observations), Err: err,
			})
		}
	})
	return r, stored, err
}

// decideUnreported is decideAlone. The change of an input that adds nothing has its records only.
func (x *executor) decideUnreported(ctx, storing context.Context, in beginner, t *task) (result, Change, error) {
	key, req := t.key, t.request
	if err := x.stuck.refuse(key, false); err != nil {
		return result{}, Change{}, err
	}
	// This is not asked within the unit of work, which has a connection in its hand and would wait for a second. An outcome that
	// comes meanwhile makes the commit a conflict.
	if req.inputID != "" {
		outcomes, err := in.InputOutcomes(ctx, []InputKey{req.inputKey()})
		if err != nil {
			return result{}, Change{}, fromStore(err)
		}
		if outcomes[0] != nil {
			var r result
			err := x.stuck.guard(storing, key, req.purpose(), func() (err error) {
				r, err = repeated(&req, outcomes[0])
				return err
			})
			if err != nil {
				return result{}, Change{}, err
			}
			return r, Change{}, nil
		}
	}
	work, err := in.Begin(ctx, []ReadRequest{{Instance: key, Schema: req.workflow.schema(), UniqueKey: req.input.uniqueKey}})
	if err != nil {
		return result{}, Change{}, fromStore(err)
	}
	rollback := sync.OnceFunc(func() {
		if err := work.Rollback(ctx); err != nil {
			x.config.Logger.WarnContext(ctx, "ironflow: rollback failed", "workflow", key.Workflow, "instance", key.ID, "error", err)
		}
	})
	defer rollback()
	if err := ctx.Err(); err != nil {
		return result{}, Change{}, err
	}
	d := decidedAlone{instance: work.Instances()[0]}
	if holder := d.instance.KeyHolder; d.instance.Version == 0 && holder != "" && holder != key.ID {
		return result{}, Change{}, &UniqueKeyConflict{Instance: key, Key: req.input.uniqueKey, Holder: holder}
	}
	if err := x.stuck.guard(storing, key, req.purpose(), func() error { return d.decide(x, key, req) }); err != nil {
		return result{}, Change{}, err
	}
	if err := ctx.Err(); err != nil || !t.storing() {
		return result{}, Change{}, cmp.Or(err, context.Canceled)
	}
	if !d.changes {
		rollback() // it may have what RecordInputs waits for
		if d.records.empty() {
			return d.outcome, Change{}, nil
		}
		return d.outcome, Change{Inputs: d.records}, fromStore(in.RecordInputs(storing, d.records))
	}
	id, err := x.commit(storing, work, d.change, req.within == nil)
	if err != nil {
		return result{}, Change{}, fromStore(err)
	}
	c := &d.chain
	c.stored(id)
	if req.within == nil && !c.touched {
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
	instance Instance
	chain    chain
	outcome  result
	records  InputRecords
	change   Change
	changes  bool // the instance
}

// decide calls user code and nothing else that could take long.
func (d *decidedAlone) decide(x *executor, key InstanceKey, req request) error {
	start, err := known(req.workflow, cached{}, d.instance)
	if err != nil {
		return err
	}
	d.chain = newChain(key, req.workflow, start, x.config.Clock.Now(), x.config.MaxPayloadBytes)
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

func (x *executor) commit(ctx context.Context, work UnitOfWork, change Change, resolve bool) (CommitID, error) {
	id := newCommitID()
	err := work.Commit(ctx, id, []Change{change})
	if resolve && usererr.OwnIs(err, ErrOutcomeUnknown) {
		err = x.resolve(ctx, id, change, err)
	}
	return id, err
}

// report tells of a transaction that began at a time.
func (x *executor) report(begin time.Time, report CommitReport) {
	if x.config.Telemetry != nil {
		report.Duration = time.Since(begin)
		x.config.Telemetry.Committed(report)
	}
}

// replay makes the state of an instance, by user code that may not return.
func (x *executor) replay(ctx context.Context, w *Workflow, before any, instance Instance) (any, error) {
	var state any
	err := x.stuck.guard(ctx, instance.Key, "", func() (err error) {
		state, err = w.replay(before, instance)
		return err
	})
	if err != nil {
		return nil, err // the code may still run, and set the state
	}
	return state, nil
}

// stuckCode lists the user code that has not returned in time.
func (x *executor) stuckCode() []StuckCode { return x.stuck.list() }

// resolve finds out what became of a commit whose answer was lost. It returns nil when the changes are stored, ErrConflict
// when they are not, and the given error when the store does not tell, or when it was the wait that ended and not the
// connection: then the commit may still be on its way, and what ran again could be stored twice.
func (x *executor) resolve(ctx context.Context, id CommitID, change Change, lost error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), x.config.StoreTimeout)
	defer cancel()
	var stored bool
	err := retry(ctx, x.config.Clock, func() (err error) {
		stored, err = x.store.Committed(ctx, change.Instance, change.NewVersion(), id)
		if err != nil { // a conflict, too, says nothing about the commit
			err = &storeError{err}
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
	return ErrConflict
}

func timedOut(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}
