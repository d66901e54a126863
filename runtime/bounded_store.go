package runtime

import (
	"context"
	"sync/atomic"
	"time"
)

// boundedStore is a Store whose calls all end. The engine puts it around the store that it was given, and calls nothing else.
//
// It embeds no Store: a method that is added to the contract does not compile before it is bounded here.
type boundedStore struct {
	limit
	store Store
}

var (
	_ Store       = (*boundedStore)(nil)
	_ Queue       = boundedQueue{}
	_ UnitOfWork  = (*boundedUnit)(nil)
	_ Transaction = boundedTransaction{}
)

func bounded(store Store, timeout time.Duration) *boundedStore {
	return &boundedStore{limit{timeout}, store}
}

// within bounds the calls to a transaction of the caller.
func (s *boundedStore) within(tx Transaction) Transaction { return boundedTransaction{s.limit, tx} }

// notifier returns the store as a Notifier, or nil when it is none.
func (s *boundedStore) notifier() Notifier {
	if n, ok := s.store.(Notifier); ok {
		return boundedNotifier{s.limit, n}
	}
	return nil
}

func (s *boundedStore) hasSnapshotHolders() bool {
	_, has := s.store.(SnapshotHolders)
	return has
}

// snapshotHolders returns none when the store has no notion of them.
func (s *boundedStore) snapshotHolders(ctx context.Context) ([]SnapshotHolder, error) {
	holders, has := s.store.(SnapshotHolders)
	if !has {
		return nil, nil
	}
	return answered(ctx, s.limit, "SnapshotHolders", holders.SnapshotHolders, nil)
}

// boundedNotifier bounds Notify. Listen lasts by contract until its context ends.
type boundedNotifier struct {
	limit
	notifier Notifier
}

func (n boundedNotifier) Notify(ctx context.Context, what News) error {
	return done(ctx, n.limit, "Notify", func(ctx context.Context) error { return n.notifier.Notify(ctx, what) })
}

func (n boundedNotifier) Listen(ctx context.Context, wake func(News)) error {
	return n.notifier.Listen(ctx, wake)
}

func (s *boundedStore) Read(ctx context.Context, requests []ReadRequest) ([]Instance, error) {
	return answered(ctx, s.limit, "Read", func(ctx context.Context) ([]Instance, error) { return s.store.Read(ctx, requests) }, nil)
}

func (s *boundedStore) Append(ctx context.Context, batch Batch) error {
	return s.committed(ctx, "Append", func(ctx context.Context) error { return s.store.Append(ctx, batch) })
}

func (s *boundedStore) Committed(ctx context.Context, instance InstanceKey, version int64, commit CommitID) (bool, error) {
	return answered(ctx, s.limit, "Committed", func(ctx context.Context) (bool, error) {
		return s.store.Committed(ctx, instance, version, commit)
	}, nil)
}

func (s *boundedStore) Begin(ctx context.Context, requests []ReadRequest) (UnitOfWork, error) {
	return beginBounded(ctx, s.limit, true, requests, s.store.Begin)
}

func beginBounded(
	ctx context.Context, l limit, alone bool, requests []ReadRequest, begin func(context.Context, []ReadRequest) (UnitOfWork, error),
) (UnitOfWork, error) {
	work, err := answered(ctx, l, "Begin", func(ctx context.Context) (UnitOfWork, error) { return begin(ctx, requests) },
		func(late UnitOfWork) { _ = late.Rollback(context.WithoutCancel(ctx)) })
	if err != nil {
		return nil, err
	}
	return &boundedUnit{limit: l, alone: alone, work: work}, nil
}

func (s *boundedStore) InputOutcomes(ctx context.Context, inputs []InputKey) ([][]byte, error) {
	return answered(ctx, s.limit, "InputOutcomes", func(ctx context.Context) ([][]byte, error) {
		return s.store.InputOutcomes(ctx, inputs)
	}, nil)
}

func (s *boundedStore) RecordInputs(ctx context.Context, inputs InputRecords) error {
	return done(ctx, s.limit, "RecordInputs", func(ctx context.Context) error { return s.store.RecordInputs(ctx, inputs) })
}

func (s *boundedStore) Observations(ctx context.Context, query ObservationQuery) ([]Observation, error) {
	return answered(ctx, s.limit, "Observations", func(ctx context.Context) ([]Observation, error) {
		return s.store.Observations(ctx, query)
	}, nil)
}

func (s *boundedStore) PutSchedules(ctx context.Context, schedules []StoredSchedule) error {
	return done(ctx, s.limit, "PutSchedules", func(ctx context.Context) error { return s.store.PutSchedules(ctx, schedules) })
}

func (s *boundedStore) History(ctx context.Context, instance InstanceKey, after int64, max int) ([]StoredEvent, error) {
	return answered(ctx, s.limit, "History", func(ctx context.Context) ([]StoredEvent, error) {
		return s.store.History(ctx, instance, after, max)
	}, nil)
}

func (s *boundedStore) ListInstances(ctx context.Context, list InstanceList) ([]InstanceSummary, error) {
	return answered(ctx, s.limit, "ListInstances", func(ctx context.Context) ([]InstanceSummary, error) {
		return s.store.ListInstances(ctx, list)
	}, nil)
}

func (s *boundedStore) EventTypes(ctx context.Context, sample int) ([]EventType, error) {
	return answered(ctx, s.limit, "EventTypes", func(ctx context.Context) ([]EventType, error) { return s.store.EventTypes(ctx, sample) }, nil)
}

func (s *boundedStore) CountInstances(ctx context.Context, filter InstanceFilter) (InstanceCounts, error) {
	return answered(ctx, s.limit, "CountInstances", func(ctx context.Context) (InstanceCounts, error) {
		return s.store.CountInstances(ctx, filter)
	}, nil)
}

func (s *boundedStore) Summary(ctx context.Context, instance InstanceKey) (InstanceSummary, error) {
	return answered(ctx, s.limit, "Summary", func(ctx context.Context) (InstanceSummary, error) {
		return s.store.Summary(ctx, instance)
	}, nil)
}

func (s *boundedStore) ListDiscarded(ctx context.Context, list DiscardedList) ([]DiscardedLetter, error) {
	return answered(ctx, s.limit, "ListDiscarded", func(ctx context.Context) ([]DiscardedLetter, error) {
		return s.store.ListDiscarded(ctx, list)
	}, nil)
}

func (s *boundedStore) EventCauses(ctx context.Context, query CauseQuery) ([]EventCause, error) {
	return answered(ctx, s.limit, "EventCauses", func(ctx context.Context) ([]EventCause, error) {
		return s.store.EventCauses(ctx, query)
	}, nil)
}

func (s *boundedStore) EndedDeliveries(ctx context.Context, instance InstanceKey, from int64, max int) ([]EndedDelivery, error) {
	return answered(ctx, s.limit, "EndedDeliveries", func(ctx context.Context) ([]EndedDelivery, error) {
		return s.store.EndedDeliveries(ctx, instance, from, max)
	}, nil)
}

func (s *boundedStore) PauseWorkflow(ctx context.Context, pause Pause) error {
	return done(ctx, s.limit, "PauseWorkflow", func(ctx context.Context) error { return s.store.PauseWorkflow(ctx, pause) })
}

func (s *boundedStore) ResumeWorkflow(ctx context.Context, workflow string) error {
	return done(ctx, s.limit, "ResumeWorkflow", func(ctx context.Context) error { return s.store.ResumeWorkflow(ctx, workflow) })
}

func (s *boundedStore) PausedWorkflows(ctx context.Context) ([]Pause, error) {
	return answered(ctx, s.limit, "PausedWorkflows", s.store.PausedWorkflows, nil)
}

func (s *boundedStore) FinishedInstances(ctx context.Context, list FinishedList) ([]InstanceSummary, error) {
	return answered(ctx, s.limit, "FinishedInstances", func(ctx context.Context) ([]InstanceSummary, error) {
		return s.store.FinishedInstances(ctx, list)
	}, nil)
}

func (s *boundedStore) DeleteInstances(ctx context.Context, instances []InstanceVersion, read FeedPosition) ([]InstanceKey, error) {
	return answered(ctx, s.limit, "DeleteInstances", func(ctx context.Context) ([]InstanceKey, error) {
		return s.store.DeleteInstances(ctx, instances, read)
	}, nil)
}

func (s *boundedStore) DeleteRecords(ctx context.Context, kind RecordKind, before time.Time, max int) (int64, error) {
	return answered(ctx, s.limit, "DeleteRecords", func(ctx context.Context) (int64, error) {
		return s.store.DeleteRecords(ctx, kind, before, max)
	}, nil)
}

func (s *boundedStore) TakeChore(ctx context.Context, name string, now, until time.Time) (token int64, taken bool, err error) {
	return answeredTwo(ctx, s.limit, "TakeChore", func(ctx context.Context) (int64, bool, error) {
		return s.store.TakeChore(ctx, name, now, until)
	})
}

func (s *boundedStore) MoveChore(ctx context.Context, name string, token int64, due time.Time) (lost bool, err error) {
	return answered(ctx, s.limit, "MoveChore", func(ctx context.Context) (bool, error) {
		return s.store.MoveChore(ctx, name, token, due)
	}, nil)
}

func (s *boundedStore) SaveSnapshots(ctx context.Context, snapshots []Snapshot) error {
	return done(ctx, s.limit, "SaveSnapshots", func(ctx context.Context) error { return s.store.SaveSnapshots(ctx, snapshots) })
}

func (s *boundedStore) Effects() Queue { return boundedQueue{s.limit, s.store.Effects()} }
func (s *boundedStore) Timers() Queue  { return boundedQueue{s.limit, s.store.Timers()} }

func (s *boundedStore) ClaimLimited(ctx context.Context, claim LimitedClaim) (LimitedClaimed, error) {
	return answered(ctx, s.limit, "ClaimLimited", func(ctx context.Context) (LimitedClaimed, error) {
		return s.store.ClaimLimited(ctx, claim)
	}, nil)
}

func (s *boundedStore) Unpark(ctx context.Context, kinds []Kind) error {
	return done(ctx, s.limit, "Unpark", func(ctx context.Context) error { return s.store.Unpark(ctx, kinds) })
}

func (s *boundedStore) EventsSince(ctx context.Context, after FeedPosition, max int, filters ...EventFilter) (FeedPage, error) {
	return answered(ctx, s.limit, "EventsSince", func(ctx context.Context) (FeedPage, error) {
		return s.store.EventsSince(ctx, after, max, filters...)
	}, nil)
}

func (s *boundedStore) FeedHorizon(ctx context.Context) (FeedHorizon, error) {
	return answered(ctx, s.limit, "FeedHorizon", s.store.FeedHorizon, nil)
}

func (s *boundedStore) FeedBlockers(ctx context.Context) ([]FeedBlocker, error) {
	return answered(ctx, s.limit, "FeedBlockers", s.store.FeedBlockers, nil)
}

func (s *boundedStore) FirstEventAfter(ctx context.Context, after FeedPosition) (time.Time, error) {
	return answered(ctx, s.limit, "FirstEventAfter", func(ctx context.Context) (time.Time, error) {
		return s.store.FirstEventAfter(ctx, after)
	}, nil)
}

func (s *boundedStore) Projections(ctx context.Context, names ...string) ([]ProjectionState, error) {
	return answered(ctx, s.limit, "Projections", func(ctx context.Context) ([]ProjectionState, error) {
		return s.store.Projections(ctx, names...)
	}, nil)
}

func (s *boundedStore) UpdateProjection(ctx context.Context, name string, update ProjectionUpdate) error {
	update, end := abandonable(update)
	defer end()
	return done(ctx, s.limit, "UpdateProjection", func(ctx context.Context) error {
		return s.store.UpdateProjection(ctx, name, update)
	})
}

// boundedQueue is a Queue whose calls all end.
type boundedQueue struct {
	limit
	queue Queue
}

func (q boundedQueue) Claim(ctx context.Context, claim Claim) ([]Delivery, error) {
	return answered(ctx, q.limit, "Claim", func(ctx context.Context) ([]Delivery, error) { return q.queue.Claim(ctx, claim) }, nil)
}

func (q boundedQueue) LookBack(ctx context.Context, before map[Kind]time.Time) (oldest map[Kind]time.Time, err error) {
	return answered(ctx, q.limit, "LookBack", func(ctx context.Context) (map[Kind]time.Time, error) {
		return q.queue.LookBack(ctx, before)
	}, nil)
}

func (q boundedQueue) Extend(ctx context.Context, leases []Lease, until time.Time) (lost []Lease, err error) {
	return answered(ctx, q.limit, "Extend", func(ctx context.Context) ([]Lease, error) {
		return q.queue.Extend(ctx, leases, until)
	}, nil)
}

func (q boundedQueue) Settle(ctx context.Context, settlements []Settlement) (lost []Lease, err error) {
	return answered(ctx, q.limit, "Settle", func(ctx context.Context) ([]Lease, error) {
		return q.queue.Settle(ctx, settlements)
	}, nil)
}

func (q boundedQueue) Realign(ctx context.Context, now, ahead time.Time) (realigned int64, err error) {
	return answered(ctx, q.limit, "Realign", func(ctx context.Context) (int64, error) {
		return q.queue.Realign(ctx, now, ahead)
	}, nil)
}

func (q boundedQueue) ListDead(ctx context.Context, list DeadLetterList) ([]DeadLetter, error) {
	return answered(ctx, q.limit, "ListDead", func(ctx context.Context) ([]DeadLetter, error) {
		return q.queue.ListDead(ctx, list)
	}, nil)
}

func (q boundedQueue) CountDead(ctx context.Context, filter DeadLetterFilter) ([]DeadLetterCount, error) {
	return answered(ctx, q.limit, "CountDead", func(ctx context.Context) ([]DeadLetterCount, error) {
		return q.queue.CountDead(ctx, filter)
	}, nil)
}

func (q boundedQueue) Revive(ctx context.Context, letters []Lease, at time.Time) (gone []Lease, err error) {
	return answered(ctx, q.limit, "Revive", func(ctx context.Context) ([]Lease, error) {
		return q.queue.Revive(ctx, letters, at)
	}, nil)
}

func (q boundedQueue) Discard(ctx context.Context, letters []Lease, discard Discard) (gone []Lease, err error) {
	return answered(ctx, q.limit, "Discard", func(ctx context.Context) ([]Lease, error) {
		return q.queue.Discard(ctx, letters, discard)
	}, nil)
}

func (q boundedQueue) Backlog(ctx context.Context, now time.Time, max int) ([]Backlog, error) {
	return answered(ctx, q.limit, "Backlog", func(ctx context.Context) ([]Backlog, error) {
		return q.queue.Backlog(ctx, now, max)
	}, nil)
}

func (q boundedQueue) Waiting(ctx context.Context, instance InstanceKey, max int) ([]WaitingDelivery, error) {
	return answered(ctx, q.limit, "Waiting", func(ctx context.Context) ([]WaitingDelivery, error) {
		return q.queue.Waiting(ctx, instance, max)
	}, nil)
}

// boundedUnit is a UnitOfWork whose calls all end. One that was given up keeps the unit of work: nobody else may use it.
type boundedUnit struct {
	limit
	work  UnitOfWork
	alone bool        // Commit commits, and does not leave that to the caller's transaction
	busy  atomic.Bool // a call has not returned
}

func (u *boundedUnit) Instances() []Instance { return u.work.Instances() }

func (u *boundedUnit) Commit(ctx context.Context, id CommitID, changes []Change) error {
	commit := func(ctx context.Context) error {
		u.busy.Store(true)
		defer u.busy.Store(false)
		return u.work.Commit(ctx, id, changes)
	}
	if !u.alone {
		return done(ctx, u.limit, "Commit", commit)
	}
	return u.committed(ctx, "Commit", commit)
}

// Rollback does not end with ctx, but with the limit. It does nothing while Commit has not returned, which ends the unit of work
// whatever comes of it.
func (u *boundedUnit) Rollback(ctx context.Context) error {
	if u.busy.Load() {
		return nil
	}
	return done(context.WithoutCancel(ctx), u.limit, "Rollback", u.work.Rollback)
}

// boundedTransaction is a Transaction of the caller whose calls all end.
type boundedTransaction struct {
	limit
	tx Transaction
}

func (t boundedTransaction) Begin(ctx context.Context, requests []ReadRequest) (UnitOfWork, error) {
	return beginBounded(ctx, t.limit, false, requests, t.tx.Begin)
}

func (t boundedTransaction) InputOutcomes(ctx context.Context, inputs []InputKey) ([][]byte, error) {
	return answered(ctx, t.limit, "InputOutcomes", func(ctx context.Context) ([][]byte, error) {
		return t.tx.InputOutcomes(ctx, inputs)
	}, nil)
}

func (t boundedTransaction) RecordInputs(ctx context.Context, inputs InputRecords) error {
	return done(ctx, t.limit, "RecordInputs", func(ctx context.Context) error { return t.tx.RecordInputs(ctx, inputs) })
}

func (t boundedTransaction) Notify(ctx context.Context) error {
	return done(ctx, t.limit, "Notify", t.tx.Notify)
}
