package runtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/retention"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Retention says how long completed instances and other records are kept; 0 means for ever. While Run runs, the engine deletes
// older ones in the background, in small transactions that take at most half of the time. Of all engines on a store, one at a
// time deletes. Engine.ApplyRetention deletes at once.
type Retention struct {
	// Completed is how long instances of the engine's workflows are kept after they have completed: at least 2 h. CompletedOf
	// overrides it for single workflows, by name; 0 keeps the instances of that workflow for ever.
	//
	// An instance is deleted with its events, snapshot and observations. It is not deleted while it has effects or dead letters, or
	// events that a projection has not read. After the deletion its id is free: a late input begins a new instance with the id. Effects
	// of the new instance may get the idempotency keys of the old ones. So keep instances for longer than any input can be late.
	Completed   time.Duration
	CompletedOf map[string]time.Duration

	// Archive is called with instances before they are deleted: up to BatchSize instances with up to 10,000 events together, or
	// one instance with more events. Calls do not overlap. Instances that it returns in keep are not deleted, and are offered
	// again later. After an error none of them is deleted, and the other instances of the workflow wait for the next pass. An
	// instance can be offered twice: when the process dies before the deletion, or when two processes apply retention. Default:
	// nothing is archived.
	Archive func(ctx context.Context, instances []ArchivedInstance) (keep []InstanceKey, err error)

	Observations  time.Duration // how long observations are kept; see Config.Observe
	InputOutcomes time.Duration // how long outcomes are kept of inputs that have an id; see WithInputID
	Discarded     time.Duration // how long records of discarded dead letters are kept
	Audit         time.Duration // how long records of the audit log are kept, see Engine.Audit

	// ForTests allows Completed and CompletedOf to be shorter than 2 h. Use it only in tests with one process: another process
	// might still have a deleted instance in its cache and decide on it.
	ForTests bool

	BatchSize int           // instances in one transaction; ten times as many for other records. Default: 100.
	Interval  time.Duration // time between two passes. Default: 1 min.
}

// minRetention is the shortest time that a completed instance can be kept. After that time, inputs that were sent to the instance
// have arrived, and leases of its effects and timers have ended, even if clocks differ. A cached state is not used for a later
// instance with the same id, because their commits differ.
const minRetention = 2 * time.Hour

func (r Retention) withDefaults() Retention {
	setDefault(&r.BatchSize, 100)
	setDefault(&r.Interval, time.Minute)
	return r
}

// deletes reports whether the config lets anything be deleted.
func (r Retention) deletes() bool {
	keep := slices.AppendSeq([]time.Duration{r.Completed, r.Observations, r.InputOutcomes, r.Discarded, r.Audit}, maps.Values(r.CompletedOf))
	return slices.Max(keep) > 0
}

func (r Retention) validate() error {
	durations := map[string]time.Duration{
		"Observations": r.Observations, "InputOutcomes": r.InputOutcomes, "Discarded": r.Discarded, "Audit": r.Audit,
		"Interval": r.Interval,
	}
	completed := map[string]time.Duration{"Completed": r.Completed}
	for workflow, d := range r.CompletedOf {
		completed[fmt.Sprintf("CompletedOf[%q]", workflow)] = d
	}
	for name, d := range completed {
		if d < 0 || d != 0 && d < minRetention && !r.ForTests {
			return fmt.Errorf("ironflow: Config.Retention.%s is %v; it must be at least %v, because other processes may still have the instance in their cache. "+
				"In a test with one process, set Config.Retention.ForTests", name, d, minRetention)
		}
	}
	for name, d := range durations {
		if d < 0 {
			return fmt.Errorf("ironflow: Config.Retention.%s is %v; it must not be negative", name, d)
		}
	}
	if r.BatchSize < 0 {
		return fmt.Errorf("ironflow: Config.Retention.BatchSize is %d; it must not be negative", r.BatchSize)
	}
	return nil
}

// sweeper returns the sweeper that deletes records by the config's times.
func (e *Engine) sweeper() *retention.Sweeper {
	keep := e.config.Retention
	instances := make(map[string]time.Duration, len(e.workflows))
	for workflow := range e.workflows {
		instances[workflow] = keep.Completed
		if of, single := keep.CompletedOf[workflow]; single {
			instances[workflow] = of
		}
	}
	return retention.New(e.store, retention.Config{
		Logger: e.config.Logger, Clock: e.config.Clock, Telemetry: e.config.Telemetry,
		Instances: instances,
		Records: map[store.RecordKind]time.Duration{
			store.ObservationRecords: keep.Observations, store.InputOutcomeRecords: keep.InputOutcomes, store.DiscardedRecords: keep.Discarded,
			store.AuditRecords: keep.Audit,
		},
		Archive: keep.Archive, ReadByAll: e.projections.ReadByAll,
		BatchSize: keep.BatchSize, Interval: keep.Interval,
	})
}

// RetentionReport says how many records were deleted.
type RetentionReport struct {
	Instances     int64
	Kept          int64 // instances that Archive returned in keep
	Observations  int64
	InputOutcomes int64
	Discarded     int64
	Audit         int64
}

// ApplyRetention deletes now, in this process, all records that are older than Config.Retention says. If a part fails, it goes on
// with the other parts and returns the error at the end. The audit log gets a record of it when it has deleted something.
func (e *Engine) ApplyRetention(ctx context.Context) (RetentionReport, error) {
	if err := store.CheckArgument("the operator", store.OperatorOf(ctx)); err != nil {
		return RetentionReport{}, err
	}
	began := store.StoredTime(e.config.Clock.Now())
	deletions, err := e.sweeper().Apply(ctx)
	var report RetentionReport
	for _, d := range deletions {
		switch d.Records {
		case store.InstanceRecords:
			report.Instances += d.Deleted
			report.Kept += d.Kept
		case store.ObservationRecords:
			report.Observations += d.Deleted
		case store.InputOutcomeRecords:
			report.InputOutcomes += d.Deleted
		case store.DiscardedRecords:
			report.Discarded += d.Deleted
		case store.AuditRecords:
			report.Audit += d.Deleted
		}
	}
	deleted := report.Instances + report.Observations + report.InputOutcomes + report.Discarded + report.Audit
	if deleted > 0 && bound.Has[store.AuditLog](e.store) {
		record := store.Audited(ctx, store.AuditRecord{
			At: began, EndedAt: store.StoredTime(e.config.Clock.Now()), By: cmp.Or(store.OperatorOf(ctx).By, e.config.Name),
			Operation: store.OpRetention, Count: deleted, Revision: 1,
		})
		err = errors.Join(err, e.store.RecordAudit(ctx, record))
	}
	return report, err
}
