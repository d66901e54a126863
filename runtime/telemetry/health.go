package telemetry

import (
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Health is how an engine and its store are doing. Figures of the store are the same for all engines on it. Running, Handlers, Busy,
// Stuck, Inputs and Cache are of one engine.
type Health struct {
	At      time.Time
	Running bool // Run runs

	Effects, Timers QueueHealth
	Paused          []store.Pause // sorted by workflow

	// Unknown is what is stored and not known to this program: kinds of deliveries, and types of events. Once in a minute, the types
	// of the 5,000 oldest and the 5,000 newest events are looked at.
	Unknown []UnknownStored

	// Feed is how far events can be read, and which transactions it waits for.
	Feed store.FeedStatus

	// SnapshotHolders are sessions and others that have kept dead rows in the database for longer than Config.SnapshotHeldAfter, the
	// oldest first.
	SnapshotHolders []store.SnapshotHolder

	// Projections are those of the engine and of the store, by name, with how far behind they are.
	Projections []store.ProjectionInfo

	// Stuck is user code of this engine that has not returned for longer than Config.DecideTimeout or Projection.Timeout.
	Stuck []StuckCode

	Inputs InputHealth
	Cache  CacheHealth
}

// QueueHealth is how one queue is doing.
type QueueHealth struct {
	Kinds []KindHealth // sorted; also kinds that no engine knows

	Handlers int // that may work at the same time in this process; 0 while Run does not run
	Busy     int // that work
}

// Total adds up the kinds. Its Kind is empty.
func (q QueueHealth) Total() (total store.Backlog) {
	for _, k := range q.Kinds {
		total.Add(k.Backlog)
	}
	return total
}

// KindHealth is how one kind of deliveries is doing. Each count of each kind is exact below 10,000; 10,000 means that many or
// more. CountDeadLetters counts all.
type KindHealth struct {
	store.Backlog

	// Known says that this engine delivers the kind. A kind that no process knows waits for ever.
	Known  bool
	Paused bool

	// Limit is the declared limit of an effect; nil for no limit, and for a kind that is not known.
	Limit *workflow.EffectLimit
}

// InputHealth is how many inputs are on their way through an engine.
type InputHealth struct {
	Waiting int // inputs of clients: waiting for a batch, or in one
	Limit   int // Config.MaxWaiting; further callers wait outside

	Delivered int // inputs of effects and timers on their way, which are not in Waiting

	Queued  int // inputs that wait for a batch
	Batches int // under way
	Apart   int // instances that are served one input at a time, apart from the batches
}

// CacheHealth is how the cache of states is doing.
type CacheHealth struct {
	Entries      int64
	Bytes, Limit int64
	Hits, Misses int64 // since the engine was made
}

// HitRatio is the share of decisions whose state was in the cache, from 0 to 1; 0 before the first decision.
func (c CacheHealth) HitRatio() float64 {
	if c.Hits+c.Misses == 0 {
		return 0
	}
	return float64(c.Hits) / float64(c.Hits+c.Misses)
}

// UnknownStored is something in the store that this program does not know and another program has to take care of. If no program
// knows it, a declaration was renamed or removed too early, or a workflow is not passed to NewEngine.
type UnknownStored struct {
	What     UnknownWhat
	Workflow string
	Name     string // of the effect, of the timer's input, or of the event type; empty for a workflow

	// Target is the workflow that the effect starts or sends to, and that is not registered here; empty for other reasons.
	Target string

	Count  int64     // waiting and dead deliveries, up to 10,000 in each state; or events, of those that were looked at
	Oldest time.Time // since when the oldest delivery is due, or when the oldest event was recorded; zero when nothing is due yet
}

// UnknownWhat says what a program does not know.
type UnknownWhat string

const (
	UnknownEffect    UnknownWhat = "effect"
	UnknownTimer     UnknownWhat = "timer" // its input
	UnknownSchedule  UnknownWhat = "schedule"
	UnknownChildEnd  UnknownWhat = "end of a child" // for a parent whose workflow is not registered here
	UnknownEventType UnknownWhat = "event type"
	UnknownEvents    UnknownWhat = "workflow" // that has events, and is not registered here
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
