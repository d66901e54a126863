package runtime

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
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

// ArchivedInstance is an instance that is about to be deleted.
type ArchivedInstance struct {
	InstanceSummary
	Events []StoredEvent // all of them, oldest first
}

// RetentionReport says how much was deleted.
type RetentionReport struct {
	Instances     int64
	Kept          int64 // instances that Archive wanted to keep
	Observations  int64
	InputOutcomes int64
	Discarded     int64
}

// Forgetting is the part of a Store that deletes what is over.
type Forgetting interface {
	// FinishedInstances returns instances that can be deleted, by ascending creation times and ids.
	FinishedInstances(ctx context.Context, list FinishedList) ([]InstanceSummary, error)

	// DeleteInstances deletes all that there is of instances, all of them in one transaction, but for records of what was
	// discarded and outcomes of inputs. It returns those that cannot be deleted, or are not at their version, of which nothing
	// is deleted.
	DeleteInstances(ctx context.Context, instances []InstanceVersion, read FeedPosition) (kept []InstanceKey, err error)

	// DeleteRecords deletes up to limit records that are older than a time, the oldest first, and returns how many.
	DeleteRecords(ctx context.Context, kind RecordKind, before time.Time, limit int) (int64, error)

	// TakeChore lets one process at a time do what has to be done for all. It succeeds when the chore is due, which it is when
	// it is new, and lets it be due again at until. The token is for MoveChore.
	TakeChore(ctx context.Context, name string, now, until time.Time) (token int64, taken bool, err error)

	// MoveChore sets when a chore is due again. It is lost when somebody else took it since.
	MoveChore(ctx context.Context, name string, token int64, due time.Time) (lost bool, err error)
}

// FinishedList asks for instances of a workflow that completed before a time, that have no effects, whose events are all up to
// a position, and that come behind a place.
type FinishedList struct {
	Workflow        string
	CompletedBefore time.Time
	Read            FeedPosition
	After           *InstancePlace // nil for the beginning
	Limit           int
}

// RecordKind names records that grow old.
type RecordKind string

const (
	InstanceRecords     RecordKind = "instances" // with all that belongs to them; DeleteRecords does not take it
	ObservationRecords  RecordKind = "observations"
	InputOutcomeRecords RecordKind = "input_outcomes"
	DiscardedRecords    RecordKind = "discarded_letters"
)

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

// retentionTask is a part of the work that one process at a time does.
type retentionTask struct {
	chore    string
	records  RecordKind
	workflow string // of instances
	run      func(ctx context.Context, renew func() error, report *RetentionReport) error
}

// retentionTasks are what the config asks for.
func (e *Engine) retentionTasks() (tasks []retentionTask) {
	r := &e.config.Retention
	for _, name := range slices.Sorted(maps.Keys(e.workflows)) {
		keep, ok := r.CompletedOf[name]
		if !ok {
			keep = r.Completed
		}
		if keep > 0 {
			tasks = append(tasks, retentionTask{"retention of workflow " + name, InstanceRecords, name,
				func(ctx context.Context, renew func() error, report *RetentionReport) error {
					return e.deleteFinished(ctx, name, keep, renew, report)
				}})
		}
	}
	for _, records := range []struct {
		kind  RecordKind
		keep  time.Duration
		count func(*RetentionReport) *int64
	}{
		{ObservationRecords, r.Observations, func(r *RetentionReport) *int64 { return &r.Observations }},
		{InputOutcomeRecords, r.InputOutcomes, func(r *RetentionReport) *int64 { return &r.InputOutcomes }},
		{DiscardedRecords, r.Discarded, func(r *RetentionReport) *int64 { return &r.Discarded }},
	} {
		if records.keep > 0 {
			tasks = append(tasks, retentionTask{"retention of " + string(records.kind), records.kind, "",
				func(ctx context.Context, renew func() error, report *RetentionReport) error {
					return e.deleteRecords(ctx, records.kind, records.keep, renew, records.count(report))
				}})
		}
	}
	return tasks
}

// ApplyRetention deletes all that Config.Retention does not want to keep, now and in this process. It goes on with the rest
// when a part of it fails.
func (e *Engine) ApplyRetention(ctx context.Context) (RetentionReport, error) {
	var report RetentionReport
	var errs []error
	for _, task := range e.retentionTasks() {
		part, err := e.apply(ctx, task, ctx.Err)
		report.add(part)
		if err != nil {
			errs = append(errs, fmt.Errorf("ironflow: %s: %w", task.chore, err))
		}
	}
	return report, errors.Join(errs...)
}

// apply does a part of the work, and reports it.
func (e *Engine) apply(ctx context.Context, task retentionTask, renew func() error) (report RetentionReport, err error) {
	begin := time.Now()
	err = task.run(ctx, renew, &report)
	if e.config.Telemetry != nil {
		e.config.Telemetry.Deleted(DeletionReport{
			Records: task.records, Workflow: task.workflow, Deleted: report.Instances + report.records(), Kept: report.Kept,
			Duration: time.Since(begin), Err: err,
		})
	}
	return report, err
}

func (r *RetentionReport) add(other RetentionReport) {
	r.Instances += other.Instances
	r.Kept += other.Kept
	r.Observations += other.Observations
	r.InputOutcomes += other.InputOutcomes
	r.Discarded += other.Discarded
}

// records is how many there were that are no instances.
func (r *RetentionReport) records() int64 { return r.Observations + r.InputOutcomes + r.Discarded }

// choreLease is for how long whoever took a chore has it without a word.
const choreLease = 5 * time.Minute

var errChoreLost = errors.New("another process has taken it over")

// runRetention takes what is due, again and again, until ctx ends.
func (e *Engine) runRetention(ctx context.Context) {
	tasks := e.retentionTasks()
	if len(tasks) == 0 {
		return
	}
	for {
		for _, task := range tasks {
			if err := e.doChore(ctx, task); err != nil && ctx.Err() == nil {
				e.config.Logger.ErrorContext(ctx, "ironflow: "+task.chore+" failed", "error", err)
			}
		}
		sleep(ctx, e.config.Clock, e.config.Retention.Interval)
		if ctx.Err() != nil {
			return
		}
	}
}

// doChore does a part of the work unless another process does, or did within the interval.
func (e *Engine) doChore(ctx context.Context, task retentionTask) error {
	now := func(later time.Duration) time.Time { return storedTime(e.config.Clock.Now().Add(later)) }
	token, taken, err := e.store.TakeChore(ctx, task.chore, now(0), now(choreLease))
	if err != nil || !taken {
		return err
	}
	move := func(ctx context.Context, later time.Duration) error {
		lost, err := e.store.MoveChore(ctx, task.chore, token, now(later))
		if err == nil && lost {
			err = errChoreLost
		}
		return err
	}
	report, err := e.apply(ctx, task, func() error { return move(ctx, choreLease) })
	if report != (RetentionReport{}) {
		e.config.Logger.InfoContext(ctx, "ironflow: "+task.chore, "instances", report.Instances, "kept", report.Kept,
			"records", report.records())
	}
	if errors.Is(err, errChoreLost) {
		return err
	}
	// Also when the engine stops, so that another one need not wait for the lease to end.
	return errors.Join(err, move(context.WithoutCancel(ctx), e.config.Retention.Interval))
}

// rest waits as long as the work took, so that whoever deletes leaves the database to others for half of the time.
func rest(ctx context.Context, took time.Duration) { sleep(ctx, systemClock{}, took) }

func (e *Engine) deleteRecords(
	ctx context.Context, kind RecordKind, keep time.Duration, renew func() error, count *int64,
) error {
	before := storedTime(e.config.Clock.Now().Add(-keep))
	limit := 10 * e.config.Retention.BatchSize
	for {
		began := time.Now()
		n, err := e.store.DeleteRecords(ctx, kind, before, limit)
		*count += n
		if err != nil || n < int64(limit) {
			return err
		}
		rest(ctx, time.Since(began))
		if err := renew(); err != nil {
			return err
		}
	}
}

// deleteFinished goes once through the instances of a workflow that have been completed for long enough.
func (e *Engine) deleteFinished(
	ctx context.Context, workflow string, keep time.Duration, renew func() error, report *RetentionReport,
) error {
	read, err := e.readByAll(ctx)
	if err != nil {
		return err
	}
	size := e.config.Retention.BatchSize
	list := FinishedList{
		Workflow: workflow, CompletedBefore: storedTime(e.config.Clock.Now().Add(-keep)), Read: read, Limit: size,
	}
	for {
		began := time.Now()
		found, err := e.store.FinishedInstances(ctx, list)
		if err != nil || len(found) == 0 {
			return err
		}
		batch := withinEvents(found)
		if err := e.archiveAndDelete(ctx, batch, read, report); err != nil {
			return err
		}
		if len(found) < size && len(batch) == len(found) {
			return nil
		}
		last := batch[len(batch)-1]
		list.After = &InstancePlace{CreatedAt: last.CreatedAt, ID: last.Key.ID, Workflow: workflow}
		rest(ctx, time.Since(began))
		if err := renew(); err != nil {
			return err
		}
	}
}

// archivedEvents is how many events one batch has at most, unless a single instance has more.
const archivedEvents = 10_000

// withinEvents returns the first instances that have no more events together than a batch may have.
func withinEvents(found []InstanceSummary) []InstanceSummary {
	events := int64(0)
	for i := range found {
		if events += found[i].Version; events > archivedEvents && i > 0 {
			return found[:i]
		}
	}
	return found
}

// readByAll returns the position up to which all projections have read: what comes after it must not be deleted.
func (e *Engine) readByAll(ctx context.Context) (FeedPosition, error) {
	states, err := e.projectionStates(ctx)
	read := FeedPosition(math.MaxInt64)
	for _, s := range states {
		read = min(read, s.Position)
	}
	return read, err
}

func (e *Engine) archiveAndDelete(ctx context.Context, batch []InstanceSummary, read FeedPosition, report *RetentionReport) error {
	keep, err := e.archive(ctx, batch, report)
	if err != nil {
		return err
	}
	var doomed []InstanceVersion
	for _, i := range batch {
		if !keep[i.Key] {
			doomed = append(doomed, InstanceVersion{Instance: i.Key, Version: i.Version})
		}
	}
	if len(doomed) == 0 {
		return nil
	}
	spared, err := e.store.DeleteInstances(ctx, doomed, read)
	report.Instances += int64(len(doomed) - len(spared))
	return err
}

// archive gives instances to the archive and returns those to keep.
func (e *Engine) archive(ctx context.Context, batch []InstanceSummary, report *RetentionReport) (map[InstanceKey]bool, error) {
	if e.config.Retention.Archive == nil {
		return nil, nil
	}
	requests := make([]ReadRequest, len(batch))
	for i := range batch {
		requests[i] = ReadRequest{Instance: batch[i].Key, Completed: true}
	}
	instances, err := e.store.Read(ctx, requests)
	if err != nil {
		return nil, err
	}
	keep := make(map[InstanceKey]bool)
	var offered []ArchivedInstance
	for i, instance := range instances {
		if instance.Version != batch[i].Version { // another process has just deleted it
			keep[instance.Key] = true
			continue
		}
		offered = append(offered, ArchivedInstance{InstanceSummary: batch[i], Events: instance.Events})
	}
	if len(offered) == 0 {
		return keep, nil
	}
	refused, err := callArchive(ctx, e.config.Retention.Archive, offered)
	if err != nil {
		report.Kept += int64(len(offered))
		return nil, fmt.Errorf("the archive refused %d instances, the first of them %s: %w", len(offered), offered[0].Key, err)
	}
	for _, key := range refused {
		keep[key] = true
	}
	report.Kept += int64(len(refused))
	return keep, nil
}

func callArchive(
	ctx context.Context, archive func(context.Context, []ArchivedInstance) ([]InstanceKey, error), instances []ArchivedInstance,
) (keep []InstanceKey, err error) {
	keep, err = answered(ctx, limit{choreLease}, "Config.Retention.Archive", func(ctx context.Context) (keep []InstanceKey, err error) {
		defer usererr.RecoverTo(&err, "Config.Retention.", "Archive")
		keep, err = archive(ctx, instances)
		return keep, usererr.Wrap(err)
	}, nil)
	if _, silent := usererr.OwnAs[*StoreTimeout](err); silent {
		err = fmt.Errorf("Config.Retention.Archive has not returned within %v", choreLease)
	}
	return keep, err
}
