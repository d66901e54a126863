package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Backlogs is the part of a Queue that says what is in it.
type Backlogs interface {
	// Backlog returns, sorted, how much of each kind there is at a time. It costs little, however much that is: it counts
	// no further than a limit in each state of each kind. Dead letters whose instances were told of them are not counted.
	Backlog(ctx context.Context, now time.Time, limit int) ([]Backlog, error)

	// Waiting returns up to limit deliveries of an instance, dead ones too, by their RunAt.
	Waiting(ctx context.Context, instance InstanceKey, limit int) ([]WaitingDelivery, error)
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

func (b *Backlog) add(other Backlog) {
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
	case w.RunAt.After(now) && !w.ClaimedAt.IsZero() && w.Attempts > 0: // a timer that replaces a leased one has made none
		return DeliveryLeased
	case !w.BlockedSince.IsZero():
		return DeliveryBlocked
	case !w.RunAt.After(now):
		return DeliveryDue
	default:
		return DeliveryDelayed
	}
}

// backlogLimit is how far Health counts.
const backlogLimit = 10_000

// Health is how an engine and its store are doing. What is in the store is the same for all engines on it; Handlers, Busy,
// Lanes and Cache are of this one.
type Health struct {
	At      time.Time
	Running bool // Run runs

	Effects, Timers QueueHealth
	Paused          []Pause // sorted by workflow

	// Unknown is what is stored and this program does not know: kinds of deliveries, and types among the 5,000 oldest and the 5,000
	// newest events, which are looked at once in a minute.
	Unknown []UnknownStored

	// Feed is how far events can be read, and which transactions hold that up.
	Feed FeedStatus

	// SnapshotHolders are those who have kept dead rows in the database for longer than Config.SnapshotHeldAfter, the oldest first.
	SnapshotHolders []SnapshotHolder

	// Projections are all that are known, by name, with how far behind they are.
	Projections []ProjectionInfo

	// Stuck is user code of this engine that has not returned for longer than Config.DecideTimeout or Projection.Timeout.
	Stuck []StuckCode

	Inputs InputHealth
	Lanes  []LaneHealth
	Cache  CacheHealth
}

// QueueHealth is how one queue is doing.
type QueueHealth struct {
	Kinds []KindHealth // sorted; also those that no engine knows

	Handlers int // that may be at work here at the same time; 0 while Run does not run
	Busy     int // that are
}

// Total adds up the kinds. Its Kind is empty.
func (q QueueHealth) Total() (total Backlog) {
	for _, k := range q.Kinds {
		total.add(k.Backlog)
	}
	return total
}

// KindHealth is how one kind of deliveries is doing. Each count of each kind is exact below 10,000; 10,000 means that many or
// more. CountDeadLetters counts all.
type KindHealth struct {
	Backlog

	// Known says that this engine delivers the kind. What no process knows waits for ever.
	Known  bool
	Paused bool

	// Limit is what the declaration says of how much of an effect happens at a time; nil for no limit, and when the kind is not
	// known.
	Limit *EffectLimit
}

// Health says how the engine and its store are doing. It is cheap enough for a metric that is read every few seconds. When
// a part cannot be found out, it is empty, and the error says why; the rest is there all the same.
func (e *Engine) Health(ctx context.Context) (Health, error) {
	now := storedTime(e.config.Clock.Now())
	h := Health{At: now, Running: e.running.Load()}
	h.Inputs, h.Lanes, h.Cache = e.executor.health()
	h.Stuck = append(e.executor.stuckCode(), e.projections.StuckSteps()...)
	var errs []error
	var err error
	h.Paused, err = e.store.PausedWorkflows(ctx)
	errs = append(errs, err)
	h.Effects, err = e.queueHealth(ctx, EffectQueue, now, h.Paused)
	errs = append(errs, err)
	h.Timers, err = e.queueHealth(ctx, TimerQueue, now, h.Paused)
	errs = append(errs, err)
	h.Unknown, err = e.unknownEvents(ctx)
	h.Unknown = slices.Concat(e.unknownOf(EffectQueue, h.Effects), e.unknownOf(TimerQueue, h.Timers), h.Unknown)
	errs = append(errs, err)
	h.Feed, err = e.FeedStatus(ctx)
	errs = append(errs, err)
	h.SnapshotHolders, err = e.snapshotHolders(ctx)
	errs = append(errs, err)
	h.Projections, err = e.Projections(ctx)
	return h, errors.Join(append(errs, err)...)
}

func (e *Engine) queueHealth(ctx context.Context, name QueueName, now time.Time, paused []Pause) (QueueHealth, error) {
	q := e.queues(name)[0]
	var h QueueHealth
	h.Handlers, h.Busy = e.deliveries.handlers(name)
	backlogs, err := q.Backlog(ctx, now, backlogLimit)
	if err != nil {
		return h, fmt.Errorf("backlog of %s: %w", name, err)
	}
	for _, b := range backlogs {
		limit, known := e.deliveries.limit(name, b.Kind)
		h.Kinds = append(h.Kinds, KindHealth{
			Backlog: b, Known: known, Paused: pauseOf(paused, b.Kind.Workflow) != nil, Limit: limit,
		})
	}
	return h, nil
}

func pauseOf(paused []Pause, workflow string) *Pause {
	i := slices.IndexFunc(paused, func(p Pause) bool { return p.Workflow == workflow })
	if i < 0 {
		return nil
	}
	return &paused[i]
}

// InstanceReport is how one instance is doing.
type InstanceReport struct {
	InstanceSummary
	At time.Time

	// Accepts are the inputs that the state machine takes in the instance's state, with what they may lead to; nil when the
	// instance has completed, or the workflow has no states.
	Accepts []Transition

	Effects, Timers []WaitingDelivery // up to 1,000 each, by RunAt
	Paused          *Pause            // of the workflow; nil when it is not paused

	machine *Machine
}

// Mermaid returns the workflow's state machine as a Mermaid diagram with the instance's state marked; "" without states.
func (r *InstanceReport) Mermaid() string {
	if r.machine == nil {
		return ""
	}
	return r.machine.MermaidAt(r.Status)
}

// DOT returns the workflow's state machine in the language of Graphviz with the instance's state marked; "" without states.
func (r *InstanceReport) DOT() string {
	if r.machine == nil {
		return ""
	}
	return r.machine.DOTAt(r.Status)
}

// waitingLimit is how many deliveries of each queue a report has.
const waitingLimit = 1000

// Inspect says how an instance is doing: where its state machine stands, what it takes, and what it waits for. The parts are
// read one after the other, so that they may be of different moments. An instance without events is *UnknownInstance.
func (e *Engine) Inspect(ctx context.Context, instance InstanceKey) (*InstanceReport, error) {
	w, key, err := e.known(instance.Workflow, instance.ID)
	if err != nil {
		return nil, err
	}
	r := &InstanceReport{At: storedTime(e.config.Clock.Now()), machine: w.declaredMachine()}
	r.InstanceSummary, err = untilAvailable(ctx, &e.config, func() (InstanceSummary, error) { return e.store.Summary(ctx, key) })
	if err != nil {
		return nil, err
	}
	if r.Version == 0 {
		return nil, &UnknownInstance{Instance: key}
	}
	if r.machine != nil && !r.Completed() {
		r.Accepts = r.machine.accepts(r.Status)
	}
	if r.Effects, err = e.store.Effects().Waiting(ctx, key, waitingLimit); err != nil {
		return nil, err
	}
	if r.Timers, err = e.store.Timers().Waiting(ctx, key, waitingLimit); err != nil {
		return nil, err
	}
	paused, err := e.store.PausedWorkflows(ctx)
	if err != nil {
		return nil, err
	}
	r.Paused = pauseOf(paused, key.Workflow)
	return r, nil
}

// accepts returns the inputs that a state takes, without those that it refuses by declaration.
func (m *Machine) accepts(status string) (accepted []Transition) {
	state := m.state(status)
	if state == nil {
		return nil
	}
	for _, t := range state.Accepts {
		if t.Reject == "" {
			accepted = append(accepted, t)
		}
	}
	return accepted
}
