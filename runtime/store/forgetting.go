package store

import (
	"context"
	"time"
)

// Forgetting is the ability of a store to delete completed instances and old records.
type Forgetting interface {
	// FinishedInstances returns instances that can be deleted, by ascending creation times and ids.
	FinishedInstances(ctx context.Context, list FinishedList) ([]InstanceSummary, error)

	// DeleteInstances deletes instances with everything that belongs to them, in one transaction; discarded dead letters and
	// outcomes of inputs stay. It returns the instances that cannot be deleted, or are not at their version, and deletes nothing
	// of them.
	DeleteInstances(ctx context.Context, instances []InstanceVersion, read FeedPosition) (kept []InstanceKey, err error)

	// DeleteRecords deletes up to limit records that are older than a time, the oldest first. It returns how many it has deleted.
	DeleteRecords(ctx context.Context, kind RecordKind, before time.Time, limit int) (int64, error)

	// TakeChore claims a chore, which is a task that one process at a time does for all. It succeeds if the chore is new or due,
	// and makes it due again at until. Pass the token to MoveChore.
	TakeChore(ctx context.Context, name string, now, until time.Time) (token int64, taken bool, err error)

	// MoveChore changes when a claimed chore is due again. It reports lost, and changes nothing, when another process has claimed
	// the chore since.
	MoveChore(ctx context.Context, name string, token int64, due time.Time) (lost bool, err error)
}

// FinishedList asks for instances of a workflow that have completed before a time, have no effects, and have no event after a
// position of the feed.
type FinishedList struct {
	Workflow        string
	CompletedBefore time.Time
	Read            FeedPosition
	After           *InstancePlace // the list goes on after it; nil for the beginning
	Limit           int
}

// RecordKind names records that retention deletes.
type RecordKind string

const (
	InstanceRecords     RecordKind = "instances" // with everything that belongs to them; not for DeleteRecords
	ObservationRecords  RecordKind = "observations"
	InputOutcomeRecords RecordKind = "input_outcomes"
	DiscardedRecords    RecordKind = "discarded_letters"
	AuditRecords        RecordKind = "audit_log"
)

// ArchivedInstance is an instance that is about to be deleted.
type ArchivedInstance struct {
	InstanceSummary
	Events []StoredEvent // all of them, oldest first
}
