package runtime

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/retention"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Retention says how long completed instances and other records are kept; 0 means for ever. While Run runs, the engine deletes
// older ones in the background, in small transactions and during at most half of the time. Of all engines on a store, one at a time
// does so. Engine.ApplyRetention deletes them when it is called.
type Retention struct {
	// Completed is how long the instances of the engine's workflows are kept after they have completed: at least 2 h.
	// CompletedOf overrides it for single workflows, by name; 0 keeps the workflow's instances for ever.
	//
	// An instance is deleted with its events, snapshot and observations. It stays as long as it has effects or dead letters, or
	// events that a projection has not read. After it is deleted, its id is free: a late input begins a new instance, whose
	// effects may have the idempotency keys of the old one's. So keep instances for longer than any input may be late.
	Completed   time.Duration
	CompletedOf map[string]time.Duration

	// Archive gets instances before they are deleted, in one call at a time with up to BatchSize instances and 10,000 events; a single
	// instance may have more events. Instances that it returns in keep stay, and are offered again later. After an error
	// all of them stay, and the workflow's other instances wait for the next pass. An archived instance may be offered again: when
	// the process dies before the deletion, or when two processes apply retention. Default: nothing is archived.
	Archive func(ctx context.Context, instances []ArchivedInstance) (keep []InstanceKey, err error)

	Observations  time.Duration // how long observations are kept, see Config.Observe
	InputOutcomes time.Duration // how long outcomes of inputs that came with an id are kept
	Discarded     time.Duration // how long records of discarded dead letters are kept

	// ForTests lets Completed and CompletedOf be shorter than 2 h. It is for tests with one process: another process may have an
	// instance that was deleted so early in its cache, and decide on that.
	ForTests bool

	BatchSize int           // instances, or ten times as many records, in one transaction. Default: 100.
	Interval  time.Duration // between two passes. Default: 1 min.
}

// minRetention is the shortest time that a completed instance can be kept. Within it, inputs that were sent to the instance have
// arrived, and leases of its effects and timers have ended, even where clocks differ. A cached state is not taken for that of a later
// instance of the same id: the commits differ.
const minRetention = 2 * time.Hour

func (r Retention) withDefaults() Retention {
	setDefault(&r.BatchSize, 100)
	setDefault(&r.Interval, time.Minute)
	return r
}

// deletes reports whether anything is ever deleted.
func (r Retention) deletes() bool {
	keep := slices.AppendSeq([]time.Duration{r.Completed, r.Observations, r.InputOutcomes, r.Discarded}, maps.Values(r.CompletedOf))
	return slices.Max(keep) > 0
}

func (r Retention) validate() error {
	durations := map[string]time.Duration{
		"Observations": r.Observations, "InputOutcomes": r.InputOutcomes, "Discarded": r.Discarded,
		"Interval": r.Interval,
	}
	completed := map[string]time.Duration{"Completed": r.Completed}
	for workflow, d := range r.CompletedOf {
		completed[fmt.Sprintf("CompletedOf[%q]", workflow)] = d
	}
	for name, d := range completed {
		if d < 0 || d != 0 && d < minRetention && !r.ForTests {
			return fmt.Errorf("ironflow: Config.Retention.%s is %v, it must be at least %v: other processes may still remember the instance. "+
				"A test with one process sets Config.Retention.ForTests", name, d, minRetention)
		}
	}
	for name, d := range durations {
		if d < 0 {
			return fmt.Errorf("ironflow: Config.Retention.%s is %v, it must not be negative", name, d)
		}
	}
	if r.BatchSize < 0 {
		return fmt.Errorf("ironflow: Config.Retention.BatchSize is %d, it must not be negative", r.BatchSize)
	}
	return nil
}

// sweeper returns what deletes the records that the config does not keep.
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
		},
		Archive: keep.Archive, ReadByAll: e.projections.ReadByAll,
		BatchSize: keep.BatchSize, Interval: keep.Interval,
	})
}

// RetentionReport says how much was deleted.
type RetentionReport struct {
	Instances     int64
	Kept          int64 // instances that Archive wanted to keep
	Observations  int64
	InputOutcomes int64
	Discarded     int64
}

// ApplyRetention deletes all that Config.Retention does not want to keep, now and in this process. It goes on with the rest
// when a part of it fails.
func (e *Engine) ApplyRetention(ctx context.Context) (RetentionReport, error) {
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
		}
	}
	return report, err
}
