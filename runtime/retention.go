package runtime

import (
	"context"
	"fmt"
	"time"
)

// Retention says how long what is over is kept. While Run runs, the engine deletes what is older, in the background and in
// small transactions, at most half of the time; of all engines on a store one at a time does it. Zero durations keep for
// ever. Whoever wants to choose the time himself calls Engine.ApplyRetention.
type Retention struct {
	// Completed is how long an instance stays after it has completed, for the workflows of the engine, at least 2 h.
	// CompletedOf says so for single workflows, by name; 0 there keeps the workflow's instances for ever.
	//
	// An instance is deleted with its events, snapshot and observations. It stays as long as it has effects, dead letters
	// among them, or events that a projection has yet to read. After it is deleted, its id is free: an input that comes late
	// begins a new instance, whose effects may have the idempotency keys of the old one's. So keep instances for longer than
	// anything may be late.
	Completed   time.Duration
	CompletedOf map[string]time.Duration

	// Archive gets instances before they are deleted. Those it returns in keep stay, and are offered again later. With an error
	// all of them stay, and the rest of the workflow's instances have to wait until the next time. An instance may be offered again after it was archived, when the process dies in between, or two
	// processes are at it. It is one call at a time with up to BatchSize instances and, unless one alone has more, 10,000
	// events. Default: nothing is archived.
	Archive func(ctx context.Context, instances []ArchivedInstance) (keep []InstanceKey, err error)

	Observations  time.Duration // how long observations are kept, see Config.Observe
	InputOutcomes time.Duration // how long an input that came with an id is known
	Discarded     time.Duration // how long records of discarded dead letters are kept

	// ForTests lets Completed and CompletedOf be shorter than 2 h. It is for tests in which one process works on the store: another
	// process may still remember an instance that was deleted so early, and decide on what it remembers.
	ForTests bool

	BatchSize int           // instances, or ten times as many records, in one transaction. Default: 100.
	Interval  time.Duration // how often to look. Default: 1 min.
}

// minRetention is the shortest time that a completed instance can be kept. Within it, what was sent to the instance has come, and
// what processes had claimed of it is long over, even where clocks are apart. A later instance of the same id is not taken for it by
// what a process remembers: the commits differ.
const minRetention = 2 * time.Hour

func (r Retention) withDefaults() Retention {
	setDefault(&r.BatchSize, 100)
	setDefault(&r.Interval, time.Minute)
	return r
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

// retention returns what does the work that the config asks for.
func (e *Engine) retention() *retention {
	keep := e.config.Retention
	instances := make(map[string]time.Duration, len(e.workflows))
	for workflow := range e.workflows {
		instances[workflow] = keep.Completed
		if of, single := keep.CompletedOf[workflow]; single {
			instances[workflow] = of
		}
	}
	return newRetention(e.store, retentionConfig{
		Logger: e.config.Logger, Clock: e.config.Clock, Telemetry: e.config.Telemetry,
		Instances: instances,
		Records: map[RecordKind]time.Duration{
			ObservationRecords: keep.Observations, InputOutcomeRecords: keep.InputOutcomes, DiscardedRecords: keep.Discarded,
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
	deletions, err := e.retention().Apply(ctx)
	var report RetentionReport
	for _, d := range deletions {
		switch d.Records {
		case InstanceRecords:
			report.Instances += d.Deleted
			report.Kept += d.Kept
		case ObservationRecords:
			report.Observations += d.Deleted
		case InputOutcomeRecords:
			report.InputOutcomes += d.Deleted
		case DiscardedRecords:
			report.Discarded += d.Deleted
		}
	}
	return report, err
}
