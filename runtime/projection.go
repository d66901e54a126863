package runtime

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
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

	mistake error // of TypedProjection
}

var defaultProjectionRetry = RetryPolicy{MaxAttempts: 10, Base: 500 * time.Millisecond, Max: time.Minute}

// AnyProjection is a Projection of any type of transaction.
type AnyProjection interface {
	// on checks the projection and joins it with a store of its transactions.
	on(Store) (projectionSpec, error)
}

// on refuses a store whose transactions are of another type.
func (p Projection[Tx]) on(store Store) (projectionSpec, error) {
	if err := p.validate(); err != nil {
		return projectionSpec{}, err
	}
	writer, ok := store.(ProjectionStore[Tx])
	if !ok {
		return projectionSpec{}, fmt.Errorf("projection %q writes in a %v, but the transactions of %T are none; "+
			"use pgx.Tx with runtime/postgres, *sql.Tx with runtime/sqlite", p.Name, reflect.TypeFor[Tx](), store)
	}
	spec := projectionSpec{
		Name: p.Name, Filters: p.Filters,
		BatchSize: p.BatchSize, Retry: p.Retry.withDefaults(defaultProjectionRetry), Timeout: p.Timeout,
		Apply: func(ctx context.Context, events []StoredEvent, update ProjectionUpdate) error {
			return writer.Project(ctx, p.Name, func(ctx context.Context, tx Tx) error { return p.applyAll(ctx, tx, events) }, update)
		},
	}
	setDefault(&spec.BatchSize, 100)
	setDefault(&spec.Timeout, time.Minute)
	if p.Reset != nil {
		spec.Reset = func(ctx context.Context, update ProjectionUpdate) error {
			return writer.Project(ctx, p.Name, p.reset, update)
		}
	}
	return spec, nil
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

func (p *Projection[Tx]) reset(ctx context.Context, tx Tx) (err error) {
	defer usererr.RecoverTo(&err, "the reset of projection ", p.Name)
	return usererr.Wrap(p.Reset(ctx, tx))
}

// checkFilters refuses filters that could only be mistakes.
func checkFilters(filters []EventFilter) error {
	for _, f := range filters {
		if f.Workflow == "" {
			return errors.New("an EventFilter has no Workflow; leave the filter out to get the events of all")
		}
	}
	return nil
}

// TypedProjection makes a projection of the events of one workflow. Generated code calls it. A method
// Reset(ctx, tx) error of the projector, if there is one, becomes Projection.Reset. A nil projector is reported by NewEngine.
func TypedProjection[Tx any](
	name, workflow string, projector any, apply func(ctx context.Context, tx Tx, event StoredEvent) error,
) Projection[Tx] {
	p := Projection[Tx]{Name: name, Filters: []EventFilter{{Workflow: workflow}}, Apply: apply}
	if isNil(projector) {
		p.mistake = errors.New("its projector is nil; pass a value of your type to NewProjection")
	}
	resetter, ok := projector.(interface {
		Reset(ctx context.Context, tx Tx) error
	})
	if ok {
		p.Reset = resetter.Reset
	}
	return p
}

// projectionSpecs joins the projections of a config with the store.
func projectionSpecs(store Store, projections []AnyProjection) (specs []projectionSpec, err error) {
	for _, projection := range projections {
		if isNil(projection) {
			return nil, errors.New("a projection is nil")
		}
		spec, err := projection.on(store)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(specs, func(other projectionSpec) bool { return other.Name == spec.Name }) {
			return nil, &RegisteredTwice{What: "projection", Name: spec.Name}
		}
		specs = append(specs, spec)
	}
	return specs, nil
}
