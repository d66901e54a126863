package bound

import (
	"context"
	"errors"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Store is a store whose calls all end. The engine puts it around the store that it was given, and calls nothing else. It has
// the methods of every ability: one that the store lacks fails with *Unsupported, or finds nothing.
//
// It embeds no interface: a method that is added to the contract does not compile before it is bounded here.
type Store struct {
	target
	cell Cell // nil for most
}

// wholeStore has every ability.
type wholeStore interface {
	store.Store
	store.InputLog
	store.Schedules
	store.Snapshots
	store.Inspection
	store.Causes
	store.Search
	store.DeadLetters
	store.Pauses
	store.SubjectKeys
	store.Programs
	store.AuditLog
	store.Forgetting
	store.Cells
	store.Limits
	store.Feed
	store.Transfer
	store.Projections
	store.SnapshotHolders
	store.Replicas
	store.Notifier
	store.Timekeeper
	store.DueTimes
}

var (
	_ wholeStore        = (*Store)(nil)
	_ store.Queue       = boundedQueue{}
	_ store.UnitOfWork  = (*boundedUnit)(nil)
	_ store.Transaction = boundedTransaction{}
)

// New bounds each call to a store by a timeout.
func New(on store.Store, timeout time.Duration) *Store {
	_, prompt := on.(store.InProcess)
	return &Store{target: target{Limit: Limit{timeout, prompt}, on: on}}
}

// Prompt reports whether calls return when their contexts end, as those of a store.InProcess do.
func (s *Store) Prompt() bool { return s.prompt }

// Within returns a transaction of the caller whose calls are bounded as those of the store.
func (s *Store) Within(tx store.Transaction) store.Transaction {
	return boundedTransaction{target{s.Limit, tx, s.seal}}
}

// Queue returns the queue of a name.
func (s *Store) Queue(name store.QueueName) store.Queue { return s.queue(name) }

func (s *Store) queue(name store.QueueName) boundedQueue {
	on := s.on.(store.Store).Timers
	if name == store.EffectQueue {
		on = s.on.(store.Store).Effects
	}
	return boundedQueue{target{s.Limit, on(), s.seal}, name}
}

// ReadOnly reports whether the store was opened for reading only.
func (s *Store) ReadOnly() bool {
	reading, can := s.on.(store.ReadOnlyStore)
	return can && reading.ReadOnly()
}

// Operated reports whether the store takes the changes of operators.
func (s *Store) Operated() bool {
	_, operated := s.on.(store.OperatedStore)
	return operated || !s.ReadOnly()
}

// CellStores returns the stores of the cells that the store stands for; none if it is one store.
func (s *Store) CellStores() []store.CellStore {
	if many, is := s.on.(store.ManyCells); is {
		return many.CellStores()
	}
	return nil
}

// Notifier returns the store as a Notifier, or nil when it is none.
func (s *Store) Notifier() store.Notifier {
	if !Has[store.Notifier](s) {
		return nil
	}
	return s
}

func (s *Store) Read(ctx context.Context, requests []store.ReadRequest) ([]store.Instance, error) {
	if err := store.ValidateRequests(requests); err != nil {
		return nil, err
	}
	found, err := s.seal.instances(ctx, nil)(ask1(ctx, s.target, "Read", store.Store.Read, requests))
	return placed(ctx, s.cell, found, err)
}

func (s *Store) Append(ctx context.Context, batch store.Batch) error {
	if err := store.ValidateChanges(batch.Changes); err != nil {
		return err
	}
	if s.cell != nil {
		if err := s.cell.Storing(ctx, batch.Changes); err != nil {
			return err
		}
	}
	sealed, err := s.seal.changes(ctx, nil, batch.Changes)
	if err != nil {
		return err
	}
	batch.Changes = sealed.changes
	err = tell1(ctx, s.target, "Append", store.Store.Append, batch)
	sealed.stored(err)
	if err == nil && s.cell != nil {
		s.cell.Stored(batch.Changes)
	}
	return unsure(err)
}

func (s *Store) Committed(ctx context.Context, instance store.InstanceKey, version int64, commit store.CommitID) (bool, error) {
	return ask3(ctx, s.target, "Committed", store.Store.Committed, instance, version, commit)
}

func (s *Store) Begin(ctx context.Context, requests []store.ReadRequest) (store.UnitOfWork, error) {
	return beginBounded(ctx, s.target, nil, s.cell, requests, s.on.(store.Store).Begin)
}

func (s *Store) Effects() store.Queue { return s.queue(store.EffectQueue) }
func (s *Store) Timers() store.Queue  { return s.queue(store.TimerQueue) }

func (s *Store) NextDue(ctx context.Context, queue store.QueueName, kinds []store.Kind) (time.Time, error) {
	return ask2(ctx, s.target, "NextDue", store.DueTimes.NextDue, queue, kinds)
}

func (s *Store) InputOutcomes(ctx context.Context, inputs []store.InputKey) ([][]byte, error) {
	return s.seal.outcomes(ctx, nil, inputs)(ask1(ctx, s.target, "InputOutcomes", store.InputLog.InputOutcomes, inputs))
}

func (s *Store) RecordInputs(ctx context.Context, inputs store.InputRecords) error {
	sealed, err := s.seal.records(ctx, nil, inputs)
	if err != nil {
		return err
	}
	err = tell1(ctx, s.target, "RecordInputs", store.InputLog.RecordInputs, sealed.records)
	sealed.stored(err)
	return err
}

func (s *Store) Observations(ctx context.Context, query store.ObservationQuery) ([]store.Observation, error) {
	return s.seal.observations(ctx)(ask1(ctx, s.target, "Observations", store.InputLog.Observations, query))
}

func (s *Store) PutSchedules(ctx context.Context, schedules []store.StoredSchedule) error {
	return tell1(ctx, s.target, "PutSchedules", store.Schedules.PutSchedules, schedules)
}

func (s *Store) ChangeSchedule(ctx context.Context, change store.ScheduleChange) (found bool, err error) {
	return ask1(ctx, s.target, "ChangeSchedule", store.Schedules.ChangeSchedule, change)
}

func (s *Store) SaveSnapshots(ctx context.Context, snapshots []store.Snapshot) error {
	snapshots, err := s.seal.snapshots(ctx, snapshots)
	if err != nil {
		return err
	}
	return tell1(ctx, s.target, "SaveSnapshots", store.Snapshots.SaveSnapshots, snapshots)
}

func (s *Store) History(ctx context.Context, instance store.InstanceKey, after int64, limit int) ([]store.StoredEvent, error) {
	return s.seal.events(ctx)(ask3(ctx, s.target, "History", store.Inspection.History, instance, after, limit))
}

func (s *Store) ListInstances(ctx context.Context, list store.InstanceList) ([]store.InstanceSummary, error) {
	return ask1(ctx, s.target, "ListInstances", store.Inspection.ListInstances, list)
}

func (s *Store) CountInstances(ctx context.Context, filter store.InstanceFilter) (store.InstanceCounts, error) {
	return ask1(ctx, s.target, "CountInstances", store.Inspection.CountInstances, filter)
}

func (s *Store) Summary(ctx context.Context, instance store.InstanceKey) (store.InstanceSummary, error) {
	return ask1(ctx, s.target, "Summary", store.Inspection.Summary, instance)
}

func (s *Store) Summaries(ctx context.Context, instances []store.InstanceKey) ([]store.InstanceSummary, error) {
	return ask1(ctx, s.target, "Summaries", store.Inspection.Summaries, instances)
}

func (s *Store) Undelivered(ctx context.Context, effects []store.Lease) ([]store.Lease, error) {
	if err := store.ValidateLeases(store.EffectQueue, effects); err != nil {
		return nil, err
	}
	return ask1(ctx, s.target, "Undelivered", store.Inspection.Undelivered, effects)
}

func (s *Store) IdleInstances(ctx context.Context, instances []store.InstanceKey) ([]store.InstanceKey, error) {
	return ask1(ctx, s.target, "IdleInstances", store.Inspection.IdleInstances, instances)
}

func (s *Store) EventTypes(ctx context.Context, sample int) ([]store.EventType, error) {
	return ask1(ctx, s.target, "EventTypes", store.Inspection.EventTypes, sample)
}

func (s *Store) Backlog(ctx context.Context, queue store.QueueName, now time.Time, limit int) ([]store.Backlog, error) {
	return ask3(ctx, s.target, "Backlog", store.Inspection.Backlog, queue, now, limit)
}

func (s *Store) LeaseHolders(ctx context.Context, queue store.QueueName, now time.Time, limit int) ([]store.LeaseHolder, error) {
	return ask3(ctx, s.target, "LeaseHolders", store.Inspection.LeaseHolders, queue, now, limit)
}

func (s *Store) Waiting(ctx context.Context, queue store.QueueName, instance store.InstanceKey, limit int) ([]store.WaitingDelivery, error) {
	return ask3(ctx, s.target, "Waiting", store.Inspection.Waiting, queue, instance, limit)
}

func (s *Store) FindInstances(ctx context.Context, query store.FindQuery) ([]store.InstanceSummary, error) {
	return ask1(ctx, s.target, "FindInstances", store.Search.FindInstances, query)
}

func (s *Store) PutSearchValues(ctx context.Context, values []store.InstanceSearch) error {
	return tell1(ctx, s.target, "PutSearchValues", store.Search.PutSearchValues, values)
}

func (s *Store) EventCauses(ctx context.Context, query store.CauseQuery) ([]store.EventCause, error) {
	return ask1(ctx, s.target, "EventCauses", store.Causes.EventCauses, query)
}

func (s *Store) EndedDeliveries(ctx context.Context, instance store.InstanceKey, from int64, limit int) ([]store.EndedDelivery, error) {
	return ask3(ctx, s.target, "EndedDeliveries", store.Causes.EndedDeliveries, instance, from, limit)
}

func (s *Store) ListDead(ctx context.Context, list store.DeadLetterList) ([]store.DeadLetter, error) {
	return s.seal.dead(ctx)(ask1(ctx, s.target, "ListDead", store.DeadLetters.ListDead, list))
}

func (s *Store) CountDead(ctx context.Context, filter store.DeadLetterFilter) ([]store.DeadLetterCount, error) {
	return ask1(ctx, s.target, "CountDead", store.DeadLetters.CountDead, filter)
}

func (s *Store) Revive(ctx context.Context, queue store.QueueName, letters []store.Lease, at time.Time) ([]store.Lease, error) {
	if err := store.ValidateLeases(queue, letters); err != nil {
		return nil, err
	}
	return ask3(ctx, s.target, "Revive", store.DeadLetters.Revive, queue, letters, at)
}

func (s *Store) Discard(ctx context.Context, queue store.QueueName, letters []store.Lease, discard store.Discard) ([]store.Lease, error) {
	if err := store.ValidateLeases(queue, letters); err != nil {
		return nil, err
	}
	return ask3(ctx, s.target, "Discard", store.DeadLetters.Discard, queue, letters, discard)
}

func (s *Store) ListDiscarded(ctx context.Context, list store.DiscardedList) ([]store.DiscardedLetter, error) {
	return s.seal.discarded(ctx)(orNone(ask1(ctx, s.target, "ListDiscarded", store.DeadLetters.ListDiscarded, list)))
}

func (s *Store) PauseWorkflow(ctx context.Context, pause store.Pause) error {
	return tell1(ctx, s.target, "PauseWorkflow", store.Pauses.PauseWorkflow, pause)
}

func (s *Store) ResumeWorkflow(ctx context.Context, workflow string) error {
	return tell1(ctx, s.target, "ResumeWorkflow", store.Pauses.ResumeWorkflow, workflow)
}

func (s *Store) PausedWorkflows(ctx context.Context) ([]store.Pause, error) {
	return orNone(ask(ctx, s.target, "PausedWorkflows", store.Pauses.PausedWorkflows))
}

func (s *Store) SubjectKeys(ctx context.Context, subjects []string) ([]store.SubjectKey, error) {
	return ask1(ctx, s.target, "SubjectKeys", store.SubjectKeys.SubjectKeys, subjects)
}

func (s *Store) AddSubjectKeys(ctx context.Context, keys []store.SubjectKey) error {
	return tell1(ctx, s.target, "AddSubjectKeys", store.SubjectKeys.AddSubjectKeys, keys)
}

func (s *Store) ForgetSubject(ctx context.Context, subject store.ForgottenSubject) (had bool, err error) {
	had, err = ask1(ctx, s.target, "ForgetSubject", store.SubjectKeys.ForgetSubject, subject)
	s.forgotten(ctx, err)
	return had, err
}

func (s *Store) RecordProgram(ctx context.Context, program store.Program, manifest []byte) error {
	return tell(ctx, s.target, "RecordProgram", func(on store.Programs, ctx context.Context) error {
		return on.RecordProgram(ctx, program, manifest)
	})
}

func (s *Store) Programs(ctx context.Context) ([]store.Program, error) {
	return orNone(ask(ctx, s.target, "Programs", store.Programs.Programs))
}

func (s *Store) Manifest(ctx context.Context, digest string) ([]byte, error) {
	return orNone(ask1(ctx, s.target, "Manifest", store.Programs.Manifest, digest))
}

func (s *Store) ForgetPrograms(ctx context.Context, before time.Time) error {
	return tell1(ctx, s.target, "ForgetPrograms", store.Programs.ForgetPrograms, before)
}

func (s *Store) RecordAudit(ctx context.Context, record store.AuditRecord) error {
	return tell1(ctx, s.target, "RecordAudit", store.AuditLog.RecordAudit, record)
}

func (s *Store) AuditRecords(ctx context.Context, list store.AuditList) ([]store.AuditRecord, error) {
	return ask1(ctx, s.target, "AuditRecords", store.AuditLog.AuditRecords, list)
}

func (s *Store) FinishedInstances(ctx context.Context, list store.FinishedList) ([]store.InstanceSummary, error) {
	return ask1(ctx, s.target, "FinishedInstances", store.Forgetting.FinishedInstances, list)
}

func (s *Store) DeleteInstances(ctx context.Context, instances []store.InstanceVersion, read store.FeedPosition) ([]store.InstanceKey, error) {
	return ask2(ctx, s.target, "DeleteInstances", store.Forgetting.DeleteInstances, instances, read)
}

func (s *Store) DeleteRecords(ctx context.Context, kind store.RecordKind, before time.Time, limit int) (int64, error) {
	return ask3(ctx, s.target, "DeleteRecords", store.Forgetting.DeleteRecords, kind, before, limit)
}

func (s *Store) TakeChore(ctx context.Context, name string, now, until time.Time) (token int64, taken bool, err error) {
	type chore struct {
		token int64
		taken bool
	}
	c, err := ask(ctx, s.target, "TakeChore", func(on store.Forgetting, ctx context.Context) (c chore, err error) {
		c.token, c.taken, err = on.TakeChore(ctx, name, now, until)
		return c, err
	})
	return c.token, c.taken, err
}

func (s *Store) MoveChore(ctx context.Context, name string, token int64, due time.Time) (lost bool, err error) {
	return ask3(ctx, s.target, "MoveChore", store.Forgetting.MoveChore, name, token, due)
}

func (s *Store) ClaimLimited(ctx context.Context, claim store.LimitedClaim) (store.LimitedClaimed, error) {
	claimed, err := ask1(ctx, s.target, "ClaimLimited", store.Limits.ClaimLimited, claim)
	claimed.Deliveries, err = s.queue(store.EffectQueue).opened(ctx, claimed.Deliveries, err)
	return claimed, err
}

// Unpark does nothing on a store that parks nothing.
func (s *Store) Unpark(ctx context.Context, kinds []store.Kind) error {
	_, err := orNone(struct{}{}, tell1(ctx, s.target, "Unpark", store.Limits.Unpark, kinds))
	return err
}

func (s *Store) EventsSince(ctx context.Context, after store.FeedPosition, limit int, filters ...store.EventFilter) (store.FeedPage, error) {
	page, err := ask(ctx, s.target, "EventsSince", func(on store.Feed, ctx context.Context) (store.FeedPage, error) {
		return on.EventsSince(ctx, after, limit, filters...)
	})
	if err == nil {
		page.Events, err = s.seal.events(ctx)(page.Events, nil)
	}
	return page, err
}

func (s *Store) FeedHorizon(ctx context.Context) (store.FeedHorizon, error) {
	return ask(ctx, s.target, "FeedHorizon", store.Feed.FeedHorizon)
}

func (s *Store) FeedBlockers(ctx context.Context) ([]store.FeedBlocker, error) {
	return ask(ctx, s.target, "FeedBlockers", store.Feed.FeedBlockers)
}

func (s *Store) FirstEventAfter(ctx context.Context, after store.FeedPosition) (time.Time, error) {
	return ask1(ctx, s.target, "FirstEventAfter", store.Feed.FirstEventAfter, after)
}

func (s *Store) Projections(ctx context.Context, names ...string) ([]store.ProjectionState, error) {
	return orNone(ask(ctx, s.target, "Projections", func(on store.Projections, ctx context.Context) ([]store.ProjectionState, error) {
		return on.Projections(ctx, names...)
	}))
}

func (s *Store) UpdateProjection(ctx context.Context, name string, update store.ProjectionUpdate) error {
	update, end := Abandonable(update)
	defer end()
	return tell(ctx, s.target, "UpdateProjection", func(on store.Projections, ctx context.Context) error {
		return on.UpdateProjection(ctx, name, update)
	})
}

func (s *Store) ReadStored(ctx context.Context, instances []store.InstanceKey) ([]store.StoredInstance, error) {
	return s.seal.storedInstances(ctx)(ask1(ctx, s.target, "ReadStored", store.Transfer.ReadStored, instances))
}

func (s *Store) ReadPayloads(ctx context.Context, instances []store.InstanceKey) ([]store.InstancePayloads, error) {
	return s.seal.payloads(ctx)(ask1(ctx, s.target, "ReadPayloads", store.Transfer.ReadPayloads, instances))
}

func (s *Store) WriteStored(ctx context.Context, instances []store.StoredInstance) error {
	return tell1(ctx, s.target, "WriteStored", store.Transfer.WriteStored, instances)
}

func (s *Store) SnapshotHolders(ctx context.Context) ([]store.SnapshotHolder, error) {
	return orNone(ask(ctx, s.target, "SnapshotHolders", store.SnapshotHolders.SnapshotHolders))
}

func (s *Store) ReplicaStatus(ctx context.Context) (*store.ReplicaStatus, error) {
	return orNone(ask(ctx, s.target, "ReplicaStatus", store.Replicas.ReplicaStatus))
}

func (s *Store) Notify(ctx context.Context, what store.News) error {
	return tell1(ctx, s.target, "Notify", store.Notifier.Notify, what)
}

// Listen lasts until ctx ends.
func (s *Store) Listen(ctx context.Context, wake func(store.News)) error {
	on, err := as[store.Notifier](s.target, "")
	if err != nil {
		return err
	}
	return on.Listen(ctx, wake)
}

func (s *Store) Time(ctx context.Context) (time.Time, error) {
	return ask(ctx, s.target, "Time", store.Timekeeper.Time)
}

// boundedQueue is a Queue whose calls all end.
type boundedQueue struct {
	target
	name store.QueueName
}

func (q boundedQueue) Claim(ctx context.Context, claim store.Claim) ([]store.Delivery, error) {
	claimed, err := ask1(ctx, q.target, "Claim", store.Queue.Claim, claim)
	return q.opened(ctx, claimed, err)
}

// opened decrypts what was claimed. If it cannot, as while a key management service is down, it gives the leases back: no attempt has begun. A delivery
// with a key that is damaged stays encrypted, and holds up no other: see OpenDelivery.
func (q boundedQueue) opened(ctx context.Context, claimed []store.Delivery, err error) ([]store.Delivery, error) {
	open, failed := q.seal.deliveries(ctx)(claimed, err)
	if err != nil || failed == nil {
		return open, failed
	}
	releases := make([]store.Settlement, len(claimed))
	for i, d := range claimed {
		releases[i] = store.Settlement{Lease: d.Lease, Verdict: store.Release, At: d.RunAt, BlockedSince: d.BlockedSince}
	}
	_, err = q.Settle(context.WithoutCancel(ctx), releases)
	return nil, errors.Join(failed, err)
}

func (q boundedQueue) LookBack(ctx context.Context, before map[store.Kind]time.Time) (oldest map[store.Kind]time.Time, err error) {
	return ask1(ctx, q.target, "LookBack", store.Queue.LookBack, before)
}

func (q boundedQueue) RetryBlocked(ctx context.Context, kinds []store.Kind, now time.Time, limit int) (retried int, err error) {
	return ask3(ctx, q.target, "RetryBlocked", store.Queue.RetryBlocked, kinds, now, limit)
}

func (q boundedQueue) Extend(ctx context.Context, leases []store.Lease, until time.Time) (lost []store.Lease, err error) {
	if err := store.ValidateLeases(q.name, leases); err != nil {
		return nil, err
	}
	return ask2(ctx, q.target, "Extend", store.Queue.Extend, leases, until)
}

func (q boundedQueue) Settle(ctx context.Context, settlements []store.Settlement) (lost []store.Lease, err error) {
	if err := store.ValidateSettlements(q.name, settlements); err != nil {
		return nil, err
	}
	return ask1(ctx, q.target, "Settle", store.Queue.Settle, settlements)
}

func (q boundedQueue) Realign(ctx context.Context, now time.Time, claimedAfter time.Time) (realigned int64, err error) {
	return ask2(ctx, q.target, "Realign", store.Queue.Realign, now, claimedAfter)
}
