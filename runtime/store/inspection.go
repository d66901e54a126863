package store

import (
	"context"
	"time"
)

// Inspection is the ability of a store to show what is in it. The lists of instances, History, states of the past, Inspect, Health
// and Why need it. Its reads lock nothing and delay no input.
type Inspection interface {
	// History returns up to limit events of an instance after a version, oldest first, as of one moment. A page ends by
	// PageBytes, too, so that only an empty page is the last. An instance that does not exist has no events.
	History(ctx context.Context, instance InstanceKey, after int64, limit int) ([]StoredEvent, error)

	// ListInstances returns the instances that the filter accepts, in the order of descending creation times, ids and
	// workflows, from list.After on.
	ListInstances(ctx context.Context, list InstanceList) ([]InstanceSummary, error)

	// CountInstances counts the instances that a filter accepts.
	CountInstances(ctx context.Context, filter InstanceFilter) (InstanceCounts, error)

	// Summary returns one instance. Its Version is 0 when it does not exist.
	Summary(ctx context.Context, instance InstanceKey) (InstanceSummary, error)

	// EventTypes returns the types of the oldest and of the newest events, as many of each as sample says, sorted by workflow, type and
	// schema version.
	EventTypes(ctx context.Context, sample int) ([]EventType, error)

	// Backlog counts the deliveries in a queue at a time by kind, sorted by kind. It counts each state of each kind up to a
	// limit, so that it costs little. Dead letters that instances were told of are not counted.
	Backlog(ctx context.Context, queue QueueName, now time.Time, limit int) ([]Backlog, error)

	// Waiting returns up to limit deliveries of an instance in a queue, with dead letters, sorted by RunAt.
	Waiting(ctx context.Context, queue QueueName, instance InstanceKey, limit int) ([]WaitingDelivery, error)
}

// MaxWaiting is how many deliveries of an instance the engine asks Waiting for.
const MaxWaiting = 1000

// InstanceSummary is what is known of an instance without its events.
type InstanceSummary struct {
	Key         InstanceKey
	Version     int64     // number of events
	Status      string    // as declared; empty for a workflow without states
	CreatedAt   time.Time // when its first event was recorded
	LastEventAt time.Time
	CompletedAt time.Time // zero while it is active
}

// Completed reports that the instance refuses every input.
func (s InstanceSummary) Completed() bool { return !s.CompletedAt.IsZero() }

// Activity tells instances that take inputs from those that have completed.
type Activity string

const (
	AnyActivity   Activity = ""
	OnlyActive    Activity = "active"
	OnlyCompleted Activity = "completed"
)

// InstanceFilter says which instances are wanted. Zero fields let all through.
type InstanceFilter struct {
	Workflow string
	Status   string
	Activity Activity

	CreatedFrom, CreatedBefore time.Time // when the first event was recorded
	UpdatedFrom, UpdatedBefore time.Time // when the last event was recorded
}

// InstancePlace is the place of an instance in a list.
type InstancePlace struct {
	CreatedAt time.Time
	ID        string
	Workflow  string
}

// InstanceList asks a store for a part of the list.
type InstanceList struct {
	InstanceFilter
	After *InstancePlace // nil for the beginning
	Limit int
}

// InstanceCount is a number of instances that have a workflow, status and activity in common.
type InstanceCount struct {
	Workflow  string
	Status    string
	Completed bool
	Count     int64
}

// InstanceCounts are sorted by workflow, activity and status.
type InstanceCounts []InstanceCount

// Total is the number of all of them.
func (c InstanceCounts) Total() (total int64) {
	for _, count := range c {
		total += count.Count
	}
	return total
}

// EventType is a type of stored events.
type EventType struct {
	Workflow      string
	Type          string
	SchemaVersion int
	Count         int64
	Oldest        time.Time // when the oldest of them was recorded
}

// Backlog is how much there is of one kind of deliveries.
type Backlog struct {
	Kind    Kind
	Due     int64 // could be claimed
	Leased  int64 // are being worked on, somewhere
	Delayed int64 // wait for their time: timers, and what is to be tried again
	Dead    int64 // are dead letters that no instance was told of

	OldestDue time.Time // since when the oldest that is due has been; zero when none is

	// Blocked is how many of those that are due, leased or delayed wait for another process, because none that claimed them could
	// take them. OldestBlocked is since when the oldest of them waits, and BlockedError why; zero when there is none.
	Blocked       int64
	OldestBlocked time.Time
	BlockedError  string
}

// Add counts another backlog in.
func (b *Backlog) Add(other Backlog) {
	b.Due, b.Leased, b.Delayed, b.Dead = b.Due+other.Due, b.Leased+other.Leased, b.Delayed+other.Delayed, b.Dead+other.Dead
	b.Blocked += other.Blocked
	if b.OldestBlocked.IsZero() || !other.OldestBlocked.IsZero() && other.OldestBlocked.Before(b.OldestBlocked) {
		b.OldestBlocked, b.BlockedError = other.OldestBlocked, other.BlockedError
	}
	if b.OldestDue.IsZero() || !other.OldestDue.IsZero() && other.OldestDue.Before(b.OldestDue) {
		b.OldestDue = other.OldestDue
	}
}

// WaitingDelivery is an effect or timer that is not done.
type WaitingDelivery struct {
	Lease     Lease // names it
	Kind      Kind
	Due       time.Time // when the effect was requested, or when the timer was set to fire
	RunAt     time.Time // when it is due; while it is leased, when the lease ends
	Attempts  int       // that were made, or are being made
	LastError string
	ClaimedAt time.Time // by whoever works on it, or did when his lease ended; zero for none
	Holder    string    // Config.Name of the process that has the lease, or had it when it ended; empty for none
	DiedAt    time.Time // zero unless it is a dead letter
	ToldAt    time.Time // when its instance accepted the input that tells of the dead letter; zero for not

	// BlockedSince is since when it waits for another process, because none that claimed it could take it; LastError says why.
	// It is zero for what does not wait so.
	BlockedSince time.Time
}

// DeliveryState says what a delivery waits for.
type DeliveryState string

const (
	DeliveryDue     DeliveryState = "due"     // for somebody to claim it
	DeliveryLeased  DeliveryState = "leased"  // for whoever works on it
	DeliveryDelayed DeliveryState = "delayed" // for its time
	DeliveryBlocked DeliveryState = "blocked" // for a process that can take it; none that claimed it could
	DeliveryDead    DeliveryState = "dead"    // for somebody to decide about it
)

// StateAt says what the delivery waits for at a time.
func (w WaitingDelivery) StateAt(now time.Time) DeliveryState {
	switch {
	case !w.DiedAt.IsZero():
		return DeliveryDead
	case w.RunAt.After(now) && !w.ClaimedAt.IsZero():
		return DeliveryLeased
	case !w.BlockedSince.IsZero():
		return DeliveryBlocked
	case !w.RunAt.After(now):
		return DeliveryDue
	default:
		return DeliveryDelayed
	}
}
