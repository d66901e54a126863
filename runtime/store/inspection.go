package store

import (
	"context"
	"time"
)

// Inspection is a Store that shows what is in it. Reading locks nothing and does not delay inputs. History, Inspect, Health, Why and
// the lists of instances need it.
type Inspection interface {
	// History returns up to limit events of an instance after a version, oldest first, as of one moment. It returns fewer when
	// they have PageBytes, so that only an empty answer says that there are no more. An instance that does not exist has none.
	History(ctx context.Context, instance InstanceKey, after int64, limit int) ([]StoredEvent, error)

	// ListInstances returns the instances that a filter accepts, in the order of descending creation times, ids and
	// workflows. The list begins behind list.After.
	ListInstances(ctx context.Context, list InstanceList) ([]InstanceSummary, error)

	// CountInstances counts the instances that a filter accepts.
	CountInstances(ctx context.Context, filter InstanceFilter) (InstanceCounts, error)

	// Summary returns one instance. Its Version is 0 when there is none.
	Summary(ctx context.Context, instance InstanceKey) (InstanceSummary, error)

	// EventTypes returns the types of the sample oldest and the sample newest events, sorted by workflow, type and schema version.
	EventTypes(ctx context.Context, sample int) ([]EventType, error)

	// Backlog counts the deliveries of a queue at a time by kind, sorted by kind. In each state of each kind it counts no further
	// than limit, so that it costs little. Dead letters that instances were told of are not counted.
	Backlog(ctx context.Context, queue QueueName, now time.Time, limit int) ([]Backlog, error)

	// Waiting returns up to limit deliveries of an instance in a queue, dead letters too, by their RunAt.
	Waiting(ctx context.Context, queue QueueName, instance InstanceKey, limit int) ([]WaitingDelivery, error)
}

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
