package store

import (
	"context"
	"time"
)

// Inspection is the ability of a store to show its contents. The lists of instances, History, LoadStateAt, Inspect, Health, Why
// and Await need it. Its reads lock nothing and delay no input.
type Inspection interface {
	// History returns up to limit events of an instance after a version, oldest first, as of one moment. A page also ends when
	// its payloads reach PageBytes, so only an empty page is the last. An instance that does not exist has no events.
	History(ctx context.Context, instance InstanceKey, after int64, limit int) ([]StoredEvent, error)

	// ListInstances returns the instances that the filter accepts and that come after list.After. They are sorted by creation
	// time, id and workflow, all descending.
	ListInstances(ctx context.Context, list InstanceList) ([]InstanceSummary, error)

	// CountInstances counts the instances that a filter accepts.
	CountInstances(ctx context.Context, filter InstanceFilter) (InstanceCounts, error)

	// Summary returns one instance. If it does not exist, its Version is 0.
	Summary(ctx context.Context, instance InstanceKey) (InstanceSummary, error)

	// Summaries returns a set of distinct instances, in the order of instances. Each is as it was at one moment. The Version of an
	// instance that does not exist is 0.
	Summaries(ctx context.Context, instances []InstanceKey) ([]InstanceSummary, error)

	// Undelivered returns those of a set of distinct effects that are still to be delivered, in any order and without their tokens.
	// Dead letters are not. The leases name the effects; their tokens and commits do not matter.
	Undelivered(ctx context.Context, effects []Lease) ([]Lease, error)

	// IdleInstances returns those of a set of distinct instances that have neither an effect nor a timer to be delivered, in the
	// order of the set. Dead letters do not count.
	IdleInstances(ctx context.Context, instances []InstanceKey) ([]InstanceKey, error)

	// EventTypes returns the types of the sample oldest and the sample newest events, sorted by workflow, type and schema
	// version.
	EventTypes(ctx context.Context, sample int) ([]EventType, error)

	// Backlog counts the deliveries in a queue at a time, by kind and sorted by kind. For each state of a kind it stops at limit,
	// so that it costs little. It does not count dead letters that instances were told of.
	Backlog(ctx context.Context, queue QueueName, now time.Time, limit int) ([]Backlog, error)

	// LeaseHolders returns who holds leases in a queue at a time, sorted by kind and holder. Of each kind it looks at the limit deliveries
	// that are due next after that time, as Backlog does for its Leased.
	LeaseHolders(ctx context.Context, queue QueueName, now time.Time, limit int) ([]LeaseHolder, error)

	// Waiting returns up to limit deliveries of an instance in a queue, including dead letters, sorted by RunAt.
	Waiting(ctx context.Context, queue QueueName, instance InstanceKey, limit int) ([]WaitingDelivery, error)
}

// MaxWaiting is how many deliveries of an instance the engine asks Waiting for.
const MaxWaiting = 1000

// InstanceSummary describes an instance without its events.
type InstanceSummary struct {
	Key         InstanceKey
	Version     int64     // number of events
	Status      string    // as declared; empty for a workflow without states
	CreatedAt   time.Time // when its first event was recorded
	LastEventAt time.Time
	CompletedAt time.Time // zero while it is active
}

// Completed reports whether the instance has completed: it accepts no input any more.
func (s InstanceSummary) Completed() bool { return !s.CompletedAt.IsZero() }

// Activity says whether an instance is active or has completed.
type Activity string

const (
	AnyActivity   Activity = ""
	OnlyActive    Activity = "active"
	OnlyCompleted Activity = "completed"
)

// InstanceFilter selects instances. A zero field accepts all.
type InstanceFilter struct {
	Workflow string
	Status   string
	Activity Activity

	CreatedFrom, CreatedBefore time.Time // when the first event was recorded
	UpdatedFrom, UpdatedBefore time.Time // when the last event was recorded
}

// Accepts reports whether the filter selects an instance.
func (f InstanceFilter) Accepts(i InstanceSummary) bool {
	within := func(t, from, before time.Time) bool {
		return !t.Before(StoredTime(from)) && (before.IsZero() || t.Before(StoredTime(before)))
	}
	return (f.Workflow == "" || f.Workflow == i.Key.Workflow) && (f.Status == "" || f.Status == i.Status) &&
		(f.Activity == AnyActivity || i.Completed() == (f.Activity == OnlyCompleted)) &&
		within(i.CreatedAt, f.CreatedFrom, f.CreatedBefore) && within(i.LastEventAt, f.UpdatedFrom, f.UpdatedBefore)
}

// Narrowed returns the filter with a condition that follows from it and that an index can use: an instance is not changed before it is
// created.
func (f InstanceFilter) Narrowed() InstanceFilter {
	if !f.UpdatedBefore.IsZero() && (f.CreatedBefore.IsZero() || f.UpdatedBefore.Before(f.CreatedBefore)) {
		f.CreatedBefore = f.UpdatedBefore
	}
	return f
}

// InstancePlace is the place of an instance in a list.
type InstancePlace struct {
	CreatedAt time.Time
	ID        string
	Workflow  string
}

// InstanceList asks a store for a part of the list of instances.
type InstanceList struct {
	InstanceFilter
	After *InstancePlace // nil for the beginning
	Limit int
}

// InstanceCount is the number of instances with a workflow, status and activity.
type InstanceCount struct {
	Workflow  string
	Status    string
	Completed bool
	Count     int64
}

// InstanceCounts are sorted by workflow, activity and status.
type InstanceCounts []InstanceCount

// Total returns the number of all instances.
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

// Backlog has the numbers of deliveries of one kind, by state.
type Backlog struct {
	Kind    Kind
	Due     int64 // can be claimed
	Leased  int64 // are being handled by some process
	Delayed int64 // wait for their time: timers, and deliveries to be tried again
	Dead    int64 // are dead letters that no instance was told of

	OldestDue time.Time // since when the oldest due delivery is due; zero if none is

	// Blocked is how many of the due, leased and delayed deliveries wait for another process, because no process that claimed
	// them could take them. OldestBlocked says since when the oldest of them waits, and BlockedError why; both are zero if there
	// is none.
	Blocked       int64
	OldestBlocked time.Time
	BlockedError  string
}

// Add adds the numbers of another backlog.
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

// LeaseHolder is a process that holds leases of deliveries of one kind.
type LeaseHolder struct {
	Kind      Kind
	Holder    string    // Config.Name of the process
	Leases    int64     // how many it holds
	ClaimedAt time.Time // when it claimed the first of them
	Until     time.Time // when the last of them ends, unless it is renewed
}

// WaitingDelivery is an effect or timer that is not done.
type WaitingDelivery struct {
	Lease     Lease // names it
	Kind      Kind
	Due       time.Time // when the effect was requested, or when the timer was set to fire
	RunAt     time.Time // when it is due; while it is leased, when the lease ends
	Attempts  int       // how many were made, including one in progress
	LastError string
	ClaimedAt time.Time // time of the last claim; zero if it was never claimed
	Holder    string    // Config.Name of the process that has the lease, or had the last one; empty for none
	DiedAt    time.Time // zero unless it is a dead letter
	ToldAt    time.Time // when its instance accepted the input that reports the dead letter; zero if it did not

	// BlockedSince says since when the delivery waits for another process, because no process that claimed it could take it;
	// LastError says why. It is zero if the delivery does not wait for this reason.
	BlockedSince time.Time
}

// DeliveryState says what a delivery waits for.
type DeliveryState string

const (
	DeliveryDue     DeliveryState = "due"     // for a process to claim it
	DeliveryLeased  DeliveryState = "leased"  // for the process that handles it
	DeliveryDelayed DeliveryState = "delayed" // for its time
	DeliveryBlocked DeliveryState = "blocked" // for a process that can take it; none that claimed it could
	DeliveryDead    DeliveryState = "dead"    // for a person to decide about it
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
