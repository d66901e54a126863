package runtime

import (
	"context"
	"time"
)

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

// ArchivedInstance is an instance that is about to be deleted.
type ArchivedInstance struct {
	InstanceSummary
	Events []StoredEvent // all of them, oldest first
}
