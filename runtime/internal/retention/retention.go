package retention

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// Sweeper deletes what is old.
type Sweeper struct {
	store  Store
	config Config
}

// Store is what a sweeper needs of a store.
type Store interface {
	store.Forgetting
	Read(ctx context.Context, requests []store.ReadRequest) ([]store.Instance, error)
}

// Config says how long instances and records are kept; 0 means for ever.
type Config struct {
	Logger    *slog.Logger
	Clock     store.Clock
	Telemetry telemetry.Telemetry // nil for none

	Instances map[string]time.Duration           // after they have completed, by workflow
	Records   map[store.RecordKind]time.Duration // other than InstanceRecords

	// Archive gets instances before they are deleted, and returns those to keep; nil archives nothing.
	Archive func(ctx context.Context, instances []store.ArchivedInstance) (keep []store.InstanceKey, err error)

	// ReadByAll returns the position up to which all projections have read: what comes after it is not deleted.
	ReadByAll func(ctx context.Context) (store.FeedPosition, error)

	BatchSize int // instances, or ten times as many records, in one transaction
	Interval  time.Duration
}

// New returns a sweeper that does nothing by itself.
func New(st Store, config Config) *Sweeper { return &Sweeper{st, config} }

// task is what one process at a time does.
type task struct {
	chore    string // its stored name
	records  store.RecordKind
	workflow string // of instances
	keep     time.Duration
}

func (s *Sweeper) tasks() (tasks []task) {
	for _, workflow := range slices.Sorted(maps.Keys(s.config.Instances)) {
		if keep := s.config.Instances[workflow]; keep > 0 {
			tasks = append(tasks, task{"retention of workflow " + workflow, store.InstanceRecords, workflow, keep})
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(s.config.Records)) {
		if keep := s.config.Records[kind]; keep > 0 {
			tasks = append(tasks, task{"retention of " + string(kind), kind, "", keep})
		}
	}
	return tasks
}

// Apply does all tasks at once in this process, and reports each. When one fails, it goes on with the others.
func (s *Sweeper) Apply(ctx context.Context) (reports []telemetry.DeletionReport, err error) {
	var errs []error
	for _, t := range s.tasks() {
		report := s.delete(ctx, t, ctx.Err)
		reports = append(reports, report)
		if report.Err != nil {
			errs = append(errs, fmt.Errorf("ironflow: %s: %w", t.chore, report.Err))
		}
	}
	return reports, errors.Join(errs...)
}

// Run does the tasks that are due and that no other process does, again and again, until ctx ends.
func (s *Sweeper) Run(ctx context.Context) {
	tasks := s.tasks()
	if len(tasks) == 0 {
		return
	}
	for {
		for _, t := range tasks {
			if err := s.claimAndDelete(ctx, t); err != nil && ctx.Err() == nil {
				s.config.Logger.ErrorContext(ctx, "ironflow: "+t.chore+" failed", "error", err)
			}
		}
		if !bound.Sleep(ctx, s.config.Clock, s.config.Interval) {
			return
		}
	}
}

// choreLease is how long a claimed task belongs to this process without being renewed.
const choreLease = 5 * time.Minute

var errChoreLost = errors.New("another process has claimed the chore")

// claimAndDelete does a task unless another process does it, or did it within the interval.
func (s *Sweeper) claimAndDelete(ctx context.Context, t task) error {
	token, taken, err := s.store.TakeChore(ctx, t.chore, s.in(0), s.in(choreLease))
	if err != nil || !taken {
		return err
	}
	move := func(ctx context.Context, d time.Duration) error {
		lost, err := s.store.MoveChore(ctx, t.chore, token, s.in(d))
		if err == nil && lost {
			err = errChoreLost
		}
		return err
	}
	report := s.delete(ctx, t, func() error { return move(ctx, choreLease) })
	if report.Deleted > 0 || report.Kept > 0 {
		s.config.Logger.InfoContext(ctx, "ironflow: "+t.chore, "deleted", report.Deleted, "kept", report.Kept)
	}
	if errors.Is(report.Err, errChoreLost) {
		return report.Err
	}
	// Also when the engine stops, so that another one need not wait for the lease to end.
	return errors.Join(report.Err, move(context.WithoutCancel(ctx), s.config.Interval))
}

// in returns the time after d, or before it when d is negative, as it is stored.
func (s *Sweeper) in(d time.Duration) time.Time {
	return store.StoredTime(s.config.Clock.Now().Add(d))
}

// delete does a task and reports it. It calls renew after each batch, and ends with its error.
func (s *Sweeper) delete(ctx context.Context, t task, renew func() error) telemetry.DeletionReport {
	began := time.Now()
	report := telemetry.DeletionReport{Records: t.records, Workflow: t.workflow}
	if t.records == store.InstanceRecords {
		report.Err = s.deleteInstances(ctx, t, renew, &report)
	} else {
		report.Err = s.deleteRecords(ctx, t, renew, &report)
	}
	report.Duration = time.Since(began)
	if s.config.Telemetry != nil {
		s.config.Telemetry.Deleted(report)
	}
	return report
}

// rest waits as long as the last batch took, so that the database is left to others for half of the time.
func rest(ctx context.Context, took time.Duration) { bound.Sleep(ctx, store.SystemClock{}, took) }

func (s *Sweeper) deleteRecords(ctx context.Context, t task, renew func() error, report *telemetry.DeletionReport) error {
	before, limit := s.in(-t.keep), 10*s.config.BatchSize
	for {
		began := time.Now()
		n, err := s.store.DeleteRecords(ctx, t.records, before, limit)
		report.Deleted += n
		if err != nil || n < int64(limit) {
			return err
		}
		rest(ctx, time.Since(began))
		if err := renew(); err != nil {
			return err
		}
	}
}

// deleteInstances goes once through the instances of a workflow that have been completed for long enough.
func (s *Sweeper) deleteInstances(ctx context.Context, t task, renew func() error, report *telemetry.DeletionReport) error {
	read, err := s.config.ReadByAll(ctx)
	if err != nil {
		return err
	}
	size := s.config.BatchSize
	list := store.FinishedList{Workflow: t.workflow, CompletedBefore: s.in(-t.keep), Read: read, Limit: size}
	for {
		began := time.Now()
		found, err := s.store.FinishedInstances(ctx, list)
		if err != nil || len(found) == 0 {
			return err
		}
		batch := withinEvents(found)
		if err := s.archiveAndDelete(ctx, batch, read, report); err != nil {
			return err
		}
		if len(found) < size && len(batch) == len(found) {
			return nil
		}
		last := batch[len(batch)-1]
		list.After = &store.InstancePlace{CreatedAt: last.CreatedAt, ID: last.Key.ID, Workflow: t.workflow}
		rest(ctx, time.Since(began))
		if err := renew(); err != nil {
			return err
		}
	}
}

// archivedEvents is how many events the instances of a batch have together, unless a single instance has more.
const archivedEvents = 10_000

// withinEvents returns the first instances that have no more events together than a batch may have.
func withinEvents(found []store.InstanceSummary) []store.InstanceSummary {
	events := int64(0)
	for i := range found {
		if events += found[i].Version; events > archivedEvents && i > 0 {
			return found[:i]
		}
	}
	return found
}

func (s *Sweeper) archiveAndDelete(ctx context.Context, batch []store.InstanceSummary, read store.FeedPosition, report *telemetry.DeletionReport) error {
	keep, err := s.archive(ctx, batch, report)
	if err != nil {
		return err
	}
	var doomed []store.InstanceVersion
	for _, i := range batch {
		if !keep[i.Key] {
			doomed = append(doomed, store.InstanceVersion{Instance: i.Key, Version: i.Version})
		}
	}
	if len(doomed) == 0 {
		return nil
	}
	spared, err := s.store.DeleteInstances(ctx, doomed, read)
	report.Deleted += int64(len(doomed) - len(spared))
	return err
}

// archive passes instances to the archive and returns those to keep.
func (s *Sweeper) archive(ctx context.Context, batch []store.InstanceSummary, report *telemetry.DeletionReport) (map[store.InstanceKey]bool, error) {
	if s.config.Archive == nil {
		return nil, nil
	}
	requests := make([]store.ReadRequest, len(batch))
	for i := range batch {
		requests[i] = store.ReadRequest{Instance: batch[i].Key, Completed: true}
	}
	instances, err := s.store.Read(ctx, requests)
	if err != nil {
		return nil, err
	}
	keep := make(map[store.InstanceKey]bool)
	var offered []store.ArchivedInstance
	for i, instance := range instances {
		if instance.Version != batch[i].Version { // another process has just deleted it
			keep[instance.Key] = true
			continue
		}
		offered = append(offered, store.ArchivedInstance{InstanceSummary: batch[i], Events: instance.Events})
	}
	if len(offered) == 0 {
		return keep, nil
	}
	refused, err := s.callArchive(ctx, offered)
	if err != nil {
		report.Kept += int64(len(offered))
		return nil, fmt.Errorf("Config.Retention.Archive failed for %d instances, the first of them %s: %w", len(offered), offered[0].Key, err)
	}
	for _, key := range refused {
		keep[key] = true
	}
	report.Kept += int64(len(refused))
	return keep, nil
}

func (s *Sweeper) callArchive(ctx context.Context, instances []store.ArchivedInstance) (keep []store.InstanceKey, err error) {
	keep, err = bound.Answered(ctx, bound.Limit{Timeout: choreLease}, "Config.Retention.Archive", func(ctx context.Context) (keep []store.InstanceKey, err error) {
		defer usererr.RecoverTo(&err, "Config.Retention.", "Archive")
		keep, err = s.config.Archive(ctx, instances)
		return keep, usererr.Wrap(err)
	}, nil)
	if _, silent := usererr.OwnAs[*store.StoreTimeout](err); silent {
		err = fmt.Errorf("Config.Retention.Archive has not returned within %v", choreLease)
	}
	return keep, err
}
