package bound

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Store is a Store whose calls all end. The engine puts it around the store that it was given, and calls nothing else.
//
// It embeds no Store: a method that is added to the contract does not compile before it is bounded here.
type Store struct {
	Limit
	store store.Store
}

var (
	_ store.Store       = (*Store)(nil)
	_ store.Queue       = boundedQueue{}
	_ store.UnitOfWork  = (*Unit)(nil)
	_ store.Transaction = Transaction{}
)

func New(store store.Store, timeout time.Duration) *Store {
	return &Store{Limit{timeout}, store}
}

// Within bounds the calls to a transaction of the caller.
func (s *Store) Within(tx store.Transaction) store.Transaction { return Transaction{s.Limit, tx} }

// Notifier returns the store as a Notifier, or nil when it is none.
func (s *Store) Notifier() store.Notifier {
	if n, ok := s.store.(store.Notifier); ok {
		return boundedNotifier{s.Limit, n}
	}
	return nil
}

func (s *Store) HasSnapshotHolders() bool {
	_, has := s.store.(store.SnapshotHolders)
	return has
}

// SnapshotHolders returns none when the store has no notion of them.
func (s *Store) SnapshotHolders(ctx context.Context) ([]store.SnapshotHolder, error) {
	holders, has := s.store.(store.SnapshotHolders)
	if !has {
		return nil, nil
	}
	return Answered(ctx, s.Limit, "SnapshotHolders", holders.SnapshotHolders, nil)
}

// boundedNotifier bounds Notify. Listen lasts by contract until its context ends.
type boundedNotifier struct {
	Limit
	notifier store.Notifier
}

func (n boundedNotifier) Notify(ctx context.Context, what store.News) error {
	return Done(ctx, n.Limit, "Notify", func(ctx context.Context) error { return n.notifier.Notify(ctx, what) })
}

func (n boundedNotifier) Listen(ctx context.Context, wake func(store.News)) error {
	return n.notifier.Listen(ctx, wake)
}

func (s *Store) Read(ctx context.Context, requests []store.ReadRequest) ([]store.Instance, error) {
	return Answered(ctx, s.Limit, "Read", func(ctx context.Context) ([]store.Instance, error) { return s.store.Read(ctx, requests) }, nil)
}

func (s *Store) Append(ctx context.Context, batch store.Batch) error {
	return s.committed(ctx, "Append", func(ctx context.Context) error { return s.store.Append(ctx, batch) })
}

func (s *Store) Committed(ctx context.Context, instance store.InstanceKey, version int64, commit store.CommitID) (bool, error) {
	return Answered(ctx, s.Limit, "Committed", func(ctx context.Context) (bool, error) {
		return s.store.Committed(ctx, instance, version, commit)
	}, nil)
}

func (s *Store) Begin(ctx context.Context, requests []store.ReadRequest) (store.UnitOfWork, error) {
	return beginBounded(ctx, s.Limit, true, requests, s.store.Begin)
}

func beginBounded(
	ctx context.Context, l Limit, alone bool, requests []store.ReadRequest, begin func(context.Context, []store.ReadRequest) (store.UnitOfWork, error),
) (store.UnitOfWork, error) {
	work, err := Answered(ctx, l, "Begin", func(ctx context.Context) (store.UnitOfWork, error) { return begin(ctx, requests) },
		func(late store.UnitOfWork) { _ = late.Rollback(context.WithoutCancel(ctx)) })
	if err != nil {
		return nil, err
	}
	return &Unit{Limit: l, alone: alone, work: work}, nil
}

func (s *Store) InputOutcomes(ctx context.Context, inputs []store.InputKey) ([][]byte, error) {
	return Answered(ctx, s.Limit, "InputOutcomes", func(ctx context.Context) ([][]byte, error) {
		return s.store.InputOutcomes(ctx, inputs)
	}, nil)
}

func (s *Store) RecordInputs(ctx context.Context, inputs store.InputRecords) error {
	return Done(ctx, s.Limit, "RecordInputs", func(ctx context.Context) error { return s.store.RecordInputs(ctx, inputs) })
}

func (s *Store) Observations(ctx context.Context, query store.ObservationQuery) ([]store.Observation, error) {
	return Answered(ctx, s.Limit, "Observations", func(ctx context.Context) ([]store.Observation, error) {
		return s.store.Observations(ctx, query)
	}, nil)
}

func (s *Store) PutSchedules(ctx context.Context, schedules []store.StoredSchedule) error {
	return Done(ctx, s.Limit, "PutSchedules", func(ctx context.Context) error { return s.store.PutSchedules(ctx, schedules) })
}

func (s *Store) History(ctx context.Context, instance store.InstanceKey, after int64, max int) ([]store.StoredEvent, error) {
	return Answered(ctx, s.Limit, "History", func(ctx context.Context) ([]store.StoredEvent, error) {
		return s.store.History(ctx, instance, after, max)
	}, nil)
}

func (s *Store) ListInstances(ctx context.Context, list store.InstanceList) ([]store.InstanceSummary, error) {
	return Answered(ctx, s.Limit, "ListInstances", func(ctx context.Context) ([]store.InstanceSummary, error) {
		return s.store.ListInstances(ctx, list)
	}, nil)
}

func (s *Store) EventTypes(ctx context.Context, sample int) ([]store.EventType, error) {
	return Answered(ctx, s.Limit, "EventTypes", func(ctx context.Context) ([]store.EventType, error) { return s.store.EventTypes(ctx, sample) }, nil)
}

func (s *Store) CountInstances(ctx context.Context, filter store.InstanceFilter) (store.InstanceCounts, error) {
	return Answered(ctx, s.Limit, "CountInstances", func(ctx context.Context) (store.InstanceCounts, error) {
		return s.store.CountInstances(ctx, filter)
	}, nil)
}

func (s *Store) Summary(ctx context.Context, instance store.InstanceKey) (store.InstanceSummary, error) {
	return Answered(ctx, s.Limit, "Summary", func(ctx context.Context) (store.InstanceSummary, error) {
		return s.store.Summary(ctx, instance)
	}, nil)
}

func (s *Store) ListDiscarded(ctx context.Context, list store.DiscardedList) ([]store.DiscardedLetter, error) {
	return Answered(ctx, s.Limit, "ListDiscarded", func(ctx context.Context) ([]store.DiscardedLetter, error) {
		return s.store.ListDiscarded(ctx, list)
	}, nil)
}

func (s *Store) EventCauses(ctx context.Context, query store.CauseQuery) ([]store.EventCause, error) {
	return Answered(ctx, s.Limit, "EventCauses", func(ctx context.Context) ([]store.EventCause, error) {
		return s.store.EventCauses(ctx, query)
	}, nil)
}

func (s *Store) EndedDeliveries(ctx context.Context, instance store.InstanceKey, from int64, max int) ([]store.EndedDelivery, error) {
	return Answered(ctx, s.Limit, "EndedDeliveries", func(ctx context.Context) ([]store.EndedDelivery, error) {
		return s.store.EndedDeliveries(ctx, instance, from, max)
	}, nil)
}

func (s *Store) PauseWorkflow(ctx context.Context, pause store.Pause) error {
	return Done(ctx, s.Limit, "PauseWorkflow", func(ctx context.Context) error { return s.store.PauseWorkflow(ctx, pause) })
}

func (s *Store) ResumeWorkflow(ctx context.Context, workflow string) error {
	return Done(ctx, s.Limit, "ResumeWorkflow", func(ctx context.Context) error { return s.store.ResumeWorkflow(ctx, workflow) })
}

func (s *Store) PausedWorkflows(ctx context.Context) ([]store.Pause, error) {
	return Answered(ctx, s.Limit, "PausedWorkflows", s.store.PausedWorkflows, nil)
}

func (s *Store) FinishedInstances(ctx context.Context, list store.FinishedList) ([]store.InstanceSummary, error) {
	return Answered(ctx, s.Limit, "FinishedInstances", func(ctx context.Context) ([]store.InstanceSummary, error) {
		return s.store.FinishedInstances(ctx, list)
	}, nil)
}

func (s *Store) DeleteInstances(ctx context.Context, instances []store.InstanceVersion, read store.FeedPosition) ([]store.InstanceKey, error) {
	return Answered(ctx, s.Limit, "DeleteInstances", func(ctx context.Context) ([]store.InstanceKey, error) {
		return s.store.DeleteInstances(ctx, instances, read)
	}, nil)
}

func (s *Store) DeleteRecords(ctx context.Context, kind store.RecordKind, before time.Time, max int) (int64, error) {
	return Answered(ctx, s.Limit, "DeleteRecords", func(ctx context.Context) (int64, error) {
		return s.store.DeleteRecords(ctx, kind, before, max)
	}, nil)
}

func (s *Store) TakeChore(ctx context.Context, name string, now, until time.Time) (token int64, taken bool, err error) {
	return answeredTwo(ctx, s.Limit, "TakeChore", func(ctx context.Context) (int64, bool, error) {
		return s.store.TakeChore(ctx, name, now, until)
	})
}

func (s *Store) MoveChore(ctx context.Context, name string, token int64, due time.Time) (lost bool, err error) {
	return Answered(ctx, s.Limit, "MoveChore", func(ctx context.Context) (bool, error) {
		return s.store.MoveChore(ctx, name, token, due)
	}, nil)
}

func (s *Store) SaveSnapshots(ctx context.Context, snapshots []store.Snapshot) error {
	return Done(ctx, s.Limit, "SaveSnapshots", func(ctx context.Context) error { return s.store.SaveSnapshots(ctx, snapshots) })
}

func (s *Store) Effects() store.Queue { return boundedQueue{s.Limit, s.store.Effects()} }
func (s *Store) Timers() store.Queue  { return boundedQueue{s.Limit, s.store.Timers()} }

func (s *Store) ClaimLimited(ctx context.Context, claim store.LimitedClaim) (store.LimitedClaimed, error) {
	return Answered(ctx, s.Limit, "ClaimLimited", func(ctx context.Context) (store.LimitedClaimed, error) {
		return s.store.ClaimLimited(ctx, claim)
	}, nil)
}

func (s *Store) Unpark(ctx context.Context, kinds []store.Kind) error {
	return Done(ctx, s.Limit, "Unpark", func(ctx context.Context) error { return s.store.Unpark(ctx, kinds) })
}

func (s *Store) EventsSince(ctx context.Context, after store.FeedPosition, max int, filters ...store.EventFilter) (store.FeedPage, error) {
	return Answered(ctx, s.Limit, "EventsSince", func(ctx context.Context) (store.FeedPage, error) {
		return s.store.EventsSince(ctx, after, max, filters...)
	}, nil)
}

func (s *Store) FeedHorizon(ctx context.Context) (store.FeedHorizon, error) {
	return Answered(ctx, s.Limit, "FeedHorizon", s.store.FeedHorizon, nil)
}

func (s *Store) FeedBlockers(ctx context.Context) ([]store.FeedBlocker, error) {
	return Answered(ctx, s.Limit, "FeedBlockers", s.store.FeedBlockers, nil)
}

func (s *Store) FirstEventAfter(ctx context.Context, after store.FeedPosition) (time.Time, error) {
	return Answered(ctx, s.Limit, "FirstEventAfter", func(ctx context.Context) (time.Time, error) {
		return s.store.FirstEventAfter(ctx, after)
	}, nil)
}

func (s *Store) Projections(ctx context.Context, names ...string) ([]store.ProjectionState, error) {
	return Answered(ctx, s.Limit, "Projections", func(ctx context.Context) ([]store.ProjectionState, error) {
		return s.store.Projections(ctx, names...)
	}, nil)
}

func (s *Store) UpdateProjection(ctx context.Context, name string, update store.ProjectionUpdate) error {
	update, end := Abandonable(update)
	defer end()
	return Done(ctx, s.Limit, "UpdateProjection", func(ctx context.Context) error {
		return s.store.UpdateProjection(ctx, name, update)
	})
}

// boundedQueue is a Queue whose calls all end.
type boundedQueue struct {
	Limit
	queue store.Queue
}

func (q boundedQueue) Claim(ctx context.Context, claim store.Claim) ([]store.Delivery, error) {
	return Answered(ctx, q.Limit, "Claim", func(ctx context.Context) ([]store.Delivery, error) { return q.queue.Claim(ctx, claim) }, nil)
}

func (q boundedQueue) LookBack(ctx context.Context, before map[store.Kind]time.Time) (oldest map[store.Kind]time.Time, err error) {
	return Answered(ctx, q.Limit, "LookBack", func(ctx context.Context) (map[store.Kind]time.Time, error) {
		return q.queue.LookBack(ctx, before)
	}, nil)
}

func (q boundedQueue) Extend(ctx context.Context, leases []store.Lease, until time.Time) (lost []store.Lease, err error) {
	return Answered(ctx, q.Limit, "Extend", func(ctx context.Context) ([]store.Lease, error) {
		return q.queue.Extend(ctx, leases, until)
	}, nil)
}

func (q boundedQueue) Settle(ctx context.Context, settlements []store.Settlement) (lost []store.Lease, err error) {
	return Answered(ctx, q.Limit, "Settle", func(ctx context.Context) ([]store.Lease, error) {
		return q.queue.Settle(ctx, settlements)
	}, nil)
}

func (q boundedQueue) Realign(ctx context.Context, now, ahead time.Time) (realigned int64, err error) {
	return Answered(ctx, q.Limit, "Realign", func(ctx context.Context) (int64, error) {
		return q.queue.Realign(ctx, now, ahead)
	}, nil)
}

func (q boundedQueue) ListDead(ctx context.Context, list store.DeadLetterList) ([]store.DeadLetter, error) {
	return Answered(ctx, q.Limit, "ListDead", func(ctx context.Context) ([]store.DeadLetter, error) {
		return q.queue.ListDead(ctx, list)
	}, nil)
}

func (q boundedQueue) CountDead(ctx context.Context, filter store.DeadLetterFilter) ([]store.DeadLetterCount, error) {
	return Answered(ctx, q.Limit, "CountDead", func(ctx context.Context) ([]store.DeadLetterCount, error) {
		return q.queue.CountDead(ctx, filter)
	}, nil)
}

func (q boundedQueue) Revive(ctx context.Context, letters []store.Lease, at time.Time) (gone []store.Lease, err error) {
	return Answered(ctx, q.Limit, "Revive", func(ctx context.Context) ([]store.Lease, error) {
		return q.queue.Revive(ctx, letters, at)
	}, nil)
}

func (q boundedQueue) Discard(ctx context.Context, letters []store.Lease, discard store.Discard) (gone []store.Lease, err error) {
	return Answered(ctx, q.Limit, "Discard", func(ctx context.Context) ([]store.Lease, error) {
		return q.queue.Discard(ctx, letters, discard)
	}, nil)
}

func (q boundedQueue) Backlog(ctx context.Context, now time.Time, max int) ([]store.Backlog, error) {
	return Answered(ctx, q.Limit, "Backlog", func(ctx context.Context) ([]store.Backlog, error) {
		return q.queue.Backlog(ctx, now, max)
	}, nil)
}

func (q boundedQueue) Waiting(ctx context.Context, instance store.InstanceKey, max int) ([]store.WaitingDelivery, error) {
	return Answered(ctx, q.Limit, "Waiting", func(ctx context.Context) ([]store.WaitingDelivery, error) {
		return q.queue.Waiting(ctx, instance, max)
	}, nil)
}

// Unit is a UnitOfWork whose calls all end. One that was given up keeps the unit of work: nobody else may use it.
type Unit struct {
	Limit
	work  store.UnitOfWork
	alone bool        // Commit commits, and does not leave that to the caller's transaction
	busy  atomic.Bool // a call has not returned
}

func (u *Unit) Instances() []store.Instance { return u.work.Instances() }

func (u *Unit) Commit(ctx context.Context, id store.CommitID, changes []store.Change) error {
	commit := func(ctx context.Context) error {
		u.busy.Store(true)
		defer u.busy.Store(false)
		return u.work.Commit(ctx, id, changes)
	}
	if !u.alone {
		return Done(ctx, u.Limit, "Commit", commit)
	}
	return u.committed(ctx, "Commit", commit)
}

// Rollback does not end with ctx, but with the limit. It does nothing while Commit has not returned, which ends the unit of work
// whatever comes of it.
func (u *Unit) Rollback(ctx context.Context) error {
	if u.busy.Load() {
		return nil
	}
	return Done(context.WithoutCancel(ctx), u.Limit, "Rollback", u.work.Rollback)
}

// Transaction is a Transaction of the caller whose calls all end.
type Transaction struct {
	Limit
	tx store.Transaction
}

func (t Transaction) Begin(ctx context.Context, requests []store.ReadRequest) (store.UnitOfWork, error) {
	return beginBounded(ctx, t.Limit, false, requests, t.tx.Begin)
}

func (t Transaction) InputOutcomes(ctx context.Context, inputs []store.InputKey) ([][]byte, error) {
	return Answered(ctx, t.Limit, "InputOutcomes", func(ctx context.Context) ([][]byte, error) {
		return t.tx.InputOutcomes(ctx, inputs)
	}, nil)
}

func (t Transaction) RecordInputs(ctx context.Context, inputs store.InputRecords) error {
	return Done(ctx, t.Limit, "RecordInputs", func(ctx context.Context) error { return t.tx.RecordInputs(ctx, inputs) })
}

func (t Transaction) Notify(ctx context.Context) error {
	return Done(ctx, t.Limit, "Notify", t.tx.Notify)
}
