package runtime

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/project"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Projection turns events into rows of tables that are easy to query. It reads the feed from the beginning, in batches. A batch
// writes its rows and the new position in one transaction, so each event is applied to the database exactly once, even if
// processes die.
//
// Tx is the store's transaction: pgx.Tx with runtime/postgres, *sql.Tx with runtime/sqlite, *memory.Tx with runtime/memory.
// Generated packages have a NewProjection, which calls a method for each event of the workflow. A Projection that you write
// yourself gets stored events of all workflows, unless it has Filters. Pass projections to an engine in Config.Projections.
type Projection[Tx any] struct {
	// Name is stored with the position. A projection with a new name begins at the beginning of the feed.
	Name string

	// Filters select the events that the projection gets. Default: all events. If you change the filters, rebuild the projection,
	// because it does not read earlier events again.
	Filters []EventFilter

	// Apply gets one event, ApplyBatch several, in the order of the feed. Set exactly one of them.
	//
	// They must write through tx only, and must not commit it or roll it back: the engine commits tx together with the new
	// position. After an error or a panic the batch is rolled back and tried again, see Retry.
	//
	// While tx is open, other readers of the feed wait, and on SQLite all writers do. So call other services in effects, not
	// here.
	Apply      func(ctx context.Context, tx Tx, event StoredEvent) error
	ApplyBatch func(ctx context.Context, tx Tx, events []StoredEvent) error

	// Reset deletes all rows of the projection, for Engine.RebuildProjection. It runs in the transaction that sets the position
	// back to the beginning. A projection without Reset cannot be rebuilt.
	Reset func(ctx context.Context, tx Tx) error

	// BatchSize is how many events may go into one transaction. Default: 100.
	BatchSize int

	// Retry is the retry policy for an event that cannot be applied. After the last attempt the projection stops at the event,
	// until somebody resumes the projection or skips the event. An error marked with Permanent stops it at once. Default: 10
	// attempts, pauses from 500 ms to 1 min.
	Retry RetryPolicy

	// Timeout limits one step: a call of Apply, ApplyBatch or Reset and its transaction. After that the context of the call ends,
	// and the step fails and is tried again. If the call does not return, another process may run the projection; this process
	// does not run it until the call has returned. Default: 1 min.
	Timeout time.Duration

	mistake error // of TypedProjection
}

var defaultProjectionRetry = RetryPolicy{MaxAttempts: 10, Base: 500 * time.Millisecond, Max: time.Minute}

// AnyProjection is a Projection for any type of transaction, or a relay.Relay.
type AnyProjection interface {
	// On checks the projection and binds it to a store. NewEngine calls it.
	On(Store) (project.Spec, error)
}

// On implements AnyProjection. It fails if the transactions of the store have another type.
func (p Projection[Tx]) On(st Store) (project.Spec, error) {
	if err := p.validate(); err != nil {
		return project.Spec{}, err
	}
	writer, ok := st.(store.ProjectionStore[Tx])
	if !ok {
		return project.Spec{}, fmt.Errorf("projection %q needs a transaction of type %v, but those of %T have another type; "+
			"use pgx.Tx with runtime/postgres, *sql.Tx with runtime/sqlite, *memory.Tx with runtime/memory", p.Name, reflect.TypeFor[Tx](), st)
	}
	spec := project.Spec{
		Name: p.Name, Filters: p.Filters,
		BatchSize: p.BatchSize, Retry: p.Retry.WithDefaults(defaultProjectionRetry), Timeout: p.Timeout,
		Apply: func(ctx context.Context, events []StoredEvent, update store.ProjectionUpdate) error {
			return writer.Project(ctx, p.Name, func(ctx context.Context, tx Tx) error { return p.applyAll(ctx, tx, events) }, update)
		},
	}
	setDefault(&spec.BatchSize, 100)
	setDefault(&spec.Timeout, time.Minute)
	if p.Reset != nil {
		spec.Reset = func(ctx context.Context, update store.ProjectionUpdate) error {
			return writer.Project(ctx, p.Name, p.reset, update)
		}
	}
	return spec, nil
}

func (p *Projection[Tx]) validate() error {
	if err := store.CheckIdentifier("name of a projection", p.Name); err != nil {
		return err
	}
	var err error
	switch {
	case p.mistake != nil:
		err = p.mistake
	case (p.Apply == nil) == (p.ApplyBatch == nil):
		err = errors.New("set exactly one of Apply and ApplyBatch")
	case p.Timeout < 0:
		err = fmt.Errorf("its Timeout is %v; it must not be negative", p.Timeout)
	case p.BatchSize < 0:
		err = fmt.Errorf("its BatchSize is %d; it must not be negative", p.BatchSize)
	case !validRetry(p.Retry.WithDefaults(defaultProjectionRetry)):
		err = fmt.Errorf("its Retry is %+v; it needs MaxAttempts and Base of at least 0 and Max of at least Base", p.Retry)
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

// checkFilters refuses a filter without a workflow. Such a filter looks as if it accepted all workflows, but would accept no
// event.
func checkFilters(filters []EventFilter) error {
	for _, f := range filters {
		if f.Workflow == "" {
			return errors.New("an EventFilter has no Workflow; leave the filter out to get the events of all")
		}
	}
	return nil
}

// TypedProjection returns a projection of the events of one workflow. Generated code calls it. If the projector has a method
// Reset(ctx, tx) error, it becomes Projection.Reset. NewEngine reports a nil projector.
func TypedProjection[Tx any](
	name, workflow string, projector any, apply func(ctx context.Context, tx Tx, event StoredEvent) error,
) Projection[Tx] {
	p := Projection[Tx]{Name: name, Filters: []EventFilter{{Workflow: workflow}}, Apply: apply}
	p.resetBy(projector)
	return p
}

func (p *Projection[Tx]) resetBy(projector any) {
	if workflow.IsNil(projector) {
		p.mistake = errors.New("its projector is nil; pass a value of your type to NewProjection")
		return
	}
	if r, ok := projector.(interface {
		Reset(ctx context.Context, tx Tx) error
	}); ok {
		p.Reset = r.Reset
	}
}

// projectionSpecs binds the projections of a config to the store.
func projectionSpecs(store Store, projections []AnyProjection) (specs []project.Spec, err error) {
	for _, projection := range projections {
		if workflow.IsNil(projection) {
			return nil, errors.New("a projection is nil")
		}
		spec, err := projection.On(store)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(specs, func(other project.Spec) bool { return other.Name == spec.Name }) {
			return nil, &RegisteredTwice{What: "projection", Name: spec.Name}
		}
		specs = append(specs, spec)
	}
	return specs, nil
}
