package telemetry

import (
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Health has figures about an engine and its store. Running, Handlers, Busy, Unknown, Stuck, Inputs and Cache are about this engine. The
// other figures are about the store and the same for all engines on it.
type Health struct {
	At      time.Time
	Running bool // Run runs

	Effects, Timers QueueHealth
	Paused          []store.Pause // sorted by workflow

	// Undelivered lists kinds of deliveries that wait, or are dead letters, and that no running program on the store delivers.
	Undelivered []UnknownStored

	// Abandoned lists leases of processes that no longer run, sorted by queue, kind and process.
	Abandoned []AbandonedLeases

	// Unknown lists stored kinds of deliveries and types of events that this engine does not know; another program may know them. For
	// events, it looks at the 5,000 oldest and the 5,000 newest, at most once a minute.
	Unknown []UnknownStored

	// Feed says how far events can be read, and which transactions the feed waits for.
	Feed store.FeedStatus

	// Replica is how far the read replica is behind the database; nil if the store has none.
	Replica *store.ReplicaStatus

	// Cells has Feed and Replica of each cell, sorted by name, if the store is that of a cells.Router. Feed and Replica are then empty. A cell
	// that does not answer is not in it; the error that came with the Health names it.
	Cells []CellHealth

	// SnapshotHolders are the sessions, replication slots and prepared transactions that have kept dead rows in the database for
	// longer than Config.SnapshotHeldAfter, the oldest first.
	SnapshotHolders []store.SnapshotHolder

	// Projections are the projections of the engine and of the store, sorted by name and cell.
	Projections []store.ProjectionInfo

	// Stuck is user code of this engine that has not returned for longer than Config.DecideTimeout or Projection.Timeout.
	Stuck []StuckCode

	Inputs InputHealth
	Cache  CacheHealth
}

// CellHealth has figures about the store of one cell.
type CellHealth struct {
	Cell    string // its name
	Feed    store.FeedStatus
	Replica *store.ReplicaStatus // nil if the store has none
}

// QueueHealth has figures about one queue.
type QueueHealth struct {
	Kinds []KindHealth // sorted; also kinds that no engine knows

	Handlers int // how many may run at the same time in this process; 0 while Run does not run
	Busy     int // how many are running
}

// Total returns the sum of all kinds. Its Kind is empty.
func (q QueueHealth) Total() (total store.Backlog) {
	for _, k := range q.Kinds {
		total.Add(k.Backlog)
	}
	return total
}

// KindHealth has figures about one kind of deliveries. Counting stops at 10,000: that number means 10,000 or more.
// CountDeadLetters counts all dead letters.
type KindHealth struct {
	store.Backlog

	// Known says that this engine delivers the kind. A kind that no process knows waits for ever.
	Known  bool
	Paused bool

	// Limit is the declared limit of an effect; nil for no limit, and for an unknown kind.
	Limit *workflow.EffectLimit
}

// InputHealth says how many inputs an engine is working on.
type InputHealth struct {
	Waiting int // inputs of clients: waiting for a batch, or in one
	Limit   int // Config.MaxWaiting; further calls of Execute block

	Delivered int // inputs of effects and timers, which are not counted in Waiting

	Queued  int // inputs that wait for a batch
	Batches int // batches in progress
	Apart   int // instances that are served one input at a time, apart from the batches
}

// CacheHealth has figures about the cache of states.
type CacheHealth struct {
	Entries      int64
	Bytes, Limit int64
	Hits, Misses int64 // since the engine was made
}

// HitRatio returns the share of decisions whose state was in the cache, from 0 to 1; 0 before the first decision.
func (c CacheHealth) HitRatio() float64 {
	if c.Hits+c.Misses == 0 {
		return 0
	}
	return float64(c.Hits) / float64(c.Hits+c.Misses)
}

// UnknownStored is a kind of delivery, or a type of event, that is stored and that this program does not know. It waits for a
// program that knows it. If there is no such program, a declaration was renamed or removed too early, or a workflow is not passed
// to NewEngine.
type UnknownStored struct {
	What     UnknownWhat
	Workflow string
	Name     string // of the effect, of the timer's input, or of the event type; empty for a workflow

	// Target is the workflow that the effect starts or sends to, if it is unknown because that workflow is not registered here;
	// else empty.
	Target string

	Count  int64     // waiting deliveries and dead letters, up to 10,000 each; or events among those searched
	Oldest time.Time // when the oldest delivery became due, or the oldest event was recorded; zero if nothing is due yet
}

// AbandonedLeases are leases of one kind of deliveries that a process held when it ended. When a lease ends, another process delivers.
type AbandonedLeases struct {
	Queue store.QueueName
	store.LeaseHolder
	SeenAt  time.Time // when the process last told the store that it runs
	Stopped bool      // it stopped by itself, at SeenAt; otherwise it died, or cannot reach the store
}

func (a AbandonedLeases) String() string {
	gone := "was last seen at "
	if a.Stopped {
		gone = "stopped at "
	}
	return fmt.Sprintf("%d of %s are leased by %s, which %s%s; they are delivered again when their leases end, the last one at %s",
		a.Leases, a.Kind, a.Holder, gone, a.SeenAt.Format(time.RFC3339), a.Until.Format(time.RFC3339))
}

// UnknownWhat says what kind of thing a program does not know.
type UnknownWhat string

const (
	UnknownEffect    UnknownWhat = "effect"
	UnknownTimer     UnknownWhat = "timer" // its input
	UnknownSchedule  UnknownWhat = "schedule"
	UnknownChildEnd  UnknownWhat = "end of a child" // for a parent whose workflow is not registered here
	UnknownEventType UnknownWhat = "event type"
	UnknownEvents    UnknownWhat = "workflow" // a workflow that has events and is not registered here
)

func (u UnknownStored) String() string {
	text := fmt.Sprintf("%s %s of workflow %s", u.What, u.Name, u.Workflow)
	switch {
	case u.Target != "":
		text += fmt.Sprintf(", for workflow %s, which is not registered here", u.Target)
	case u.What == UnknownEvents:
		text = "workflow " + u.Workflow
	}
	return text
}
