package runtime

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
)

// Projection makes something else of events: rows of a table that is easy to query, most often. It reads the feed from its
// beginning, in batches, and writes in the transaction in which its position is stored. So every event is applied exactly
// once to what is in the database, whatever process dies when.
//
// Tx is the store's transaction: pgx.Tx with runtime/postgres, *sql.Tx with runtime/sqlite. Generated packages have a
// NewProjection, which calls a method for each event of the workflow; a Projection made by hand gets events as they are
// stored, of all workflows if it likes. Config.Projections lists those that an engine runs.
type Projection[Tx any] struct {
	// Name is stored with the position. A new name begins at the beginning.
	Name string

	// Filters say which events it gets; all when there are none. Another filter later has no effect on what was passed
	// already; rebuild the projection then.
	Filters []EventFilter

	// Apply takes one event in, ApplyBatch several, in the order of the feed. Exactly one of them is set.
	//
	// They must do all their writing through tx, which is committed together with the position after the last event. An
	// error, or a panic, takes all of the batch back, and it is tried again, see Retry. They must not end tx themselves.
	//
	// As long as tx is open, other readers of the feed wait for it, and on SQLite all writers. Calls to other services
	// belong into an effect.
	Apply      func(ctx context.Context, tx Tx, event StoredEvent) error
	ApplyBatch func(ctx context.Context, tx Tx, events []StoredEvent) error

	// Reset deletes what the projection has written, so that RebuildProjection can begin again. It runs in the transaction
	// that sets the position back. Without it, the projection cannot be rebuilt.
	Reset func(ctx context.Context, tx Tx) error

	// BatchSize is how many events may go into one transaction. Default: 100.
	BatchSize int

	// Retry says how often an event is tried that cannot be applied, and how soon. After that the projection stops at it
	// until somebody resumes it, or skips the event. An error marked with Permanent stops it at once. Default: 10 attempts,
	// pauses from 500 ms to 1 min.
	Retry RetryPolicy

	// Timeout bounds one step: a call of Apply, ApplyBatch or Reset with its transaction. After it the call's context ends, the
	// step fails and is tried again. A step that does not even return then gives the projection to a process that stands by; this
	// process does not try again before it has returned. Default: 1 min.
	Timeout time.Duration

	mistake error // of whoever made it
}

var defaultProjectionRetry = RetryPolicy{MaxAttempts: 10, Base: 500 * time.Millisecond, Max: time.Minute}

// AnyProjection is a Projection of any type of transaction.
type AnyProjection interface {
	// bind checks the projection and joins it with a store of its transactions.
	bind(*boundedStore) (*boundProjection, error)
}

// ProjectionStore is a Store whose transactions a projection can write in.
type ProjectionStore[Tx any] interface {
	Store

	// Project calls apply with a transaction, then update with the stored state of the named projection as it is at the end
	// of it, locked, and commits both together. When one of them fails, nothing is stored and its error is returned,
	// wrapped. A conflict with other transactions is ErrConflict. Whatever apply does, the transaction ends with the call, and with
	// ctx, even if apply does not return.
	Project(ctx context.Context, name string, apply func(ctx context.Context, tx Tx) error, update ProjectionUpdate) error
}

// Projections is the part of a Store that keeps the state of projections.
type Projections interface {
	// Projections returns the states of the named projections that are there, or of all, by name.
	Projections(ctx context.Context, names ...string) ([]ProjectionState, error)

	// UpdateProjection lets update change the stored state of a projection, locked for as long as that takes. One that is not
	// there begins as a running one at position 0. When update fails, nothing changes and its error is returned, wrapped.
	UpdateProjection(ctx context.Context, name string, update ProjectionUpdate) error
}

// ProjectionUpdate changes a state in place. It may be called again when the database asks for it.
type ProjectionUpdate func(*ProjectionState) error

// ProjectionState is what is stored of a projection.
type ProjectionState struct {
	Name     string
	Status   ProjectionStatus
	Position FeedPosition // everything up to it is applied, or passed by
	EventAt  time.Time    // RecordedAt of the last event that was applied; zero for none
	Skipped  int64        // events that were skipped on demand
	Rebuild  bool         // its owner is to reset it before anything else

	// Attempts is how often the next batch has failed, LastError why at last.
	Attempts  int
	LastError string
	StoppedAt FeedPosition // of the event that it stopped at; 0 unless it has stopped

	// Owner is the process that runs it, until LeaseUntil; empty when none does. Whoever takes it over, or changes what it
	// is to do, raises Token, and every step of the owner compares it in the transaction of the step.
	Owner      string
	Token      int64
	LeaseUntil time.Time

	UpdatedAt time.Time // when anything of this changed
}

// ProjectionStatus says whether a projection makes progress.
type ProjectionStatus string

const (
	ProjectionRunning ProjectionStatus = "running"
	ProjectionPaused  ProjectionStatus = "paused"  // by PauseProjection
	ProjectionStopped ProjectionStatus = "stopped" // at an event that it cannot apply
)

// boundProjection is a projection without its type of transaction.
type boundProjection struct {
	name      string
	filters   []EventFilter
	batchSize int
	retry     RetryPolicy

	// steps counts the steps that have not returned, those that were given up among them.
	steps    atomic.Int32
	stepping sync.WaitGroup
	since    atomic.Int64 // when the last step began, in µs since 1970
	bound    limit        // of a step

	// apply and reset make one step, and update the state in its transaction. reset is nil without Reset.
	apply func(ctx context.Context, events []StoredEvent, update ProjectionUpdate) error
	reset func(ctx context.Context, update ProjectionUpdate) error
}

func (p Projection[Tx]) bind(bounded *boundedStore) (*boundProjection, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	store := bounded.store
	on, ok := store.(ProjectionStore[Tx])
	if !ok {
		return nil, fmt.Errorf("projection %q writes in a %v, but the transactions of %T are none; "+
			"use pgx.Tx with runtime/postgres, *sql.Tx with runtime/sqlite", p.Name, reflect.TypeFor[Tx](), store)
	}
	b := &boundProjection{name: p.Name, filters: p.Filters, batchSize: p.BatchSize, retry: p.Retry.withDefaults(defaultProjectionRetry)}
	setDefault(&b.batchSize, 100)
	b.bound.timeout = p.Timeout
	setDefault(&b.bound.timeout, time.Minute)
	step := func(ctx context.Context, apply func(ctx context.Context, tx Tx) error, update ProjectionUpdate) error {
		update, end := abandonable(update)
		defer end()
		err := done(ctx, b.bound, "Project", func(ctx context.Context) error {
			b.since.Store(time.Now().UnixMicro())
			b.steps.Add(1)
			b.stepping.Add(1)
			defer func() {
				b.steps.Add(-1)
				b.stepping.Done()
			}()
			return on.Project(ctx, p.Name, apply, update)
		})
		if silent, is := usererr.OwnAs[*StoreTimeout](err); is {
			silent.Call, silent.Setting = "a step of the projection", "Projection.Timeout"
		}
		return err
	}
	b.apply = func(ctx context.Context, events []StoredEvent, update ProjectionUpdate) error {
		return step(ctx, func(ctx context.Context, tx Tx) error { return p.applyAll(ctx, tx, events) }, update)
	}
	if p.Reset != nil {
		b.reset = func(ctx context.Context, update ProjectionUpdate) error {
			return step(ctx, func(ctx context.Context, tx Tx) (err error) {
				defer usererr.RecoverTo(&err, "the reset of projection ", p.Name)
				return usererr.Wrap(p.Reset(ctx, tx))
			}, update)
		}
	}
	return b, nil
}

func (p *Projection[Tx]) validate() error {
	if err := checkIdentifier("name of a projection", p.Name); err != nil {
		return err
	}
	var err error
	switch {
	case p.mistake != nil:
		err = p.mistake
	case (p.Apply == nil) == (p.ApplyBatch == nil):
		err = errors.New("set one of Apply and ApplyBatch")
	case p.Timeout < 0:
		err = fmt.Errorf("its Timeout is %v, which must not be negative", p.Timeout)
	case p.BatchSize < 0:
		err = fmt.Errorf("its BatchSize is %d, which must not be negative", p.BatchSize)
	case !p.Retry.withDefaults(defaultProjectionRetry).valid():
		err = fmt.Errorf("its Retry is %+v, which needs MaxAttempts and Base of at least 0 and Max of at least Base", p.Retry)
	default:
		err = checkFilters(p.Filters)
	}
	if err != nil {
		return fmt.Errorf("projection %q: %w", p.Name, err)
	}
	return nil
}

func (p *Projection[Tx]) applyAll(ctx context.Context, tx Tx, events []StoredEvent) (err error) {
	defer usererr.RecoverTo(&err, "projection ", p.Name)
	if p.ApplyBatch != nil {
		return usererr.Wrap(p.ApplyBatch(ctx, tx, events))
	}
	for _, event := range events {
		if err := p.Apply(ctx, tx, event); err != nil {
			return usererr.Wrap(err)
		}
	}
	return nil
}

// Resetter is what a projector may have beside its methods for events: Projection.Reset.
type Resetter[Tx any] interface {
	Reset(ctx context.Context, tx Tx) error
}

// TypedProjection makes a projection of the events of one workflow. Generated code calls it. The projector is a Resetter or is not;
// a nil one is reported by NewEngine.
func TypedProjection[Tx any](
	name, workflow string, projector any, apply func(ctx context.Context, tx Tx, event StoredEvent) error,
) Projection[Tx] {
	p := Projection[Tx]{Name: name, Filters: []EventFilter{{Workflow: workflow}}, Apply: apply}
	if isNil(projector) {
		p.mistake = errors.New("its projector is nil; pass a value of your type to NewProjection")
	}
	if r, ok := projector.(Resetter[Tx]); ok {
		p.Reset = r.Reset
	}
	return p
}
