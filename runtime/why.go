package runtime

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Causes is the part of a Store that says why events were stored.
type Causes interface {
	// EventCauses returns up to limit events of an instance with what is known of their decisions: those from a version on,
	// oldest first, or, backward, those up to the version, newest first. They come from one moment.
	EventCauses(ctx context.Context, query CauseQuery) ([]EventCause, error)

	// EndedDeliveries returns up to limit records of effects and timers that decisions of an instance asked for, from a version on
	// and in its order. They go when the instance is deleted; of a delivery without an instance, which a schedule is, there are
	// none.
	EndedDeliveries(ctx context.Context, instance InstanceKey, from int64, limit int) ([]EndedDelivery, error)
}

// CauseQuery asks for events of an instance.
type CauseQuery struct {
	Instance InstanceKey
	From     int64 // the first version; the last one when Backward
	Backward bool
	Limit    int
}

// EventCause is an event without its payload.
type EventCause struct {
	Version        int64
	GlobalSequence int64
	Type           string
	RecordedAt     time.Time // the now of the decision
	Commit         CommitID
	Cause          []byte // JSON of a Cause; nil for later events of a decision, and for those stored before causes were
}

// Explanation says why a decision was made and what became of what it asked for. It is a value of its own: what happens
// later is not in it.
type Explanation struct {
	At time.Time // of the engine's clock; Deliveries are as of then

	// Origin is what the chain begins with. Earlier is the decision before the chain's first when Origin is OriginEarlier or
	// OriginDeleted.
	Origin  Origin
	Earlier *DecisionRef

	// Chain leads from the origin to the decision that was asked about, which is the last. What brought each but the first was
	// asked for by the one before it. The chain is empty for a delivery of a schedule, which no decision asked for.
	Chain []ExplainedDecision

	// Deliveries are the effects and timers that the last decision asked for; for WhyDelivery the one that was asked about.
	Deliveries []ExplainedDelivery
}

// Origin is what a chain of decisions begins with.
type Origin string

const (
	OriginClient   Origin = "client"   // an input of a client
	OriginSchedule Origin = "schedule" // a declared recurring input
	OriginUnknown  Origin = "unknown"  // the first decision is from before causes were stored
	OriginDeleted  Origin = "deleted"  // the decision before the first is not stored any more
	OriginEarlier  Origin = "earlier"  // the chain is longer than MaxWhyDepth
)

// MaxWhyDepth is how many decisions an Explanation goes back. To go on, ask about Explanation.Earlier.
const MaxWhyDepth = 100

// whySearch is how many events of one instance are looked at to find what a delivery led to.
const whySearch = 10_000

// DecisionRef names a decision by the version of its first event.
type DecisionRef struct {
	Instance InstanceKey
	Version  int64
	Input    string // that was decided on; empty when that is not known
}

func (r DecisionRef) String() string { return fmt.Sprintf("%s version %d", r.Instance, r.Version) }

// ExplainedDecision is a decision within an Explanation.
type ExplainedDecision struct {
	DecisionRef
	Now    time.Time // that was given to decide
	Events []EventCause
	Cause  *Cause // nil for a decision from before causes were stored; Events are then those of its commit
}

// ExplainedDelivery is an effect or timer that a decision asked for. When Waiting, Discarded, Ended and LedTo are nil, and unless
// SearchEnded, it was done and returned no input.
type ExplainedDelivery struct {
	Lease Lease // names it; without Token
	Kind  string

	Waiting   *WaitingDelivery // it is not done; StateAt says what it waits for, LastError why that takes so long
	Discarded *DiscardedLetter // it was given up as a dead letter
	Ended     *EndedDelivery   // how it ended otherwise; delivered, LedTo is in another instance
	LedTo     *DecisionRef     // the decision on its result, on the input it brought, or on what tells of its death
	Attempt   int              // that led to it

	// Next is the decision LedTo, and what became of what it asked for, when it is of another instance than was asked about: all that
	// a child did, or that a message led to, up to 32 decisions. Those of the instance itself are explained by asking about LedTo.
	Next *FollowedDecision

	// SearchEnded says that too many events came after to look at all for LedTo.
	SearchEnded bool
}

// FollowedDecision is a decision that an effect led to in another instance.
type FollowedDecision struct {
	ExplainedDecision
	Deliveries []ExplainedDelivery // that it asked for
}

// UnknownDelivery says that no decision asked for an effect or timer.
type UnknownDelivery struct {
	Delivery Lease
}

func (e *UnknownDelivery) Error() string {
	return fmt.Sprintf("%s: no decision that led to version %d asked for %s", e.Delivery.Instance, e.Delivery.Version, e.Delivery.item())
}

// item names a delivery within its instance and version.
func (l *Lease) item() string {
	if l.Queue == TimerQueue {
		return fmt.Sprintf("timer %q", l.Key)
	}
	return fmt.Sprintf("effect %d", l.Position)
}

// ParseIdempotencyKey returns the effect that EffectCall.IdempotencyKey names, for WhyDelivery.
func ParseIdempotencyKey(key string) (Lease, error) {
	parts := strings.Split(key, "/")
	if n := len(parts); n >= 4 { // an instance's id may have slashes, a workflow's name has none
		version, err := strconv.ParseInt(parts[n-2], 10, 64)
		position, err2 := strconv.Atoi(parts[n-1])
		if err == nil && err2 == nil && version > 0 && position >= 0 {
			instance := InstanceKey{Workflow: parts[0], ID: strings.Join(parts[1:n-2], "/")}
			return Lease{Queue: EffectQueue, Instance: instance, Version: version, Position: position}, nil
		}
	}
	return Lease{}, fmt.Errorf("ironflow: %q is not the idempotency key of an effect, which is WORKFLOW/INSTANCE/VERSION/POSITION", key)
}

// Why explains the decision that an event of an instance belongs to: what led to it, back to the input of a client or a schedule,
// across instances, and what became of the effects and timers that it asked for.
//
// It reads, at most, MaxWhyDepth decisions back and 10,000 events forward, at several moments. An instance without events is
// *UnknownInstance, a version that it has not reached *UnknownVersion.
func (e *Engine) Why(ctx context.Context, instance InstanceKey, version int64) (*Explanation, error) {
	_, key, err := e.known(instance.Workflow, instance.ID)
	if err != nil {
		return nil, err
	}
	if version < 1 {
		return nil, &UnknownVersion{Instance: key, Version: version}
	}
	decision, err := e.decisionAt(ctx, key, version)
	if err != nil {
		return nil, err
	}
	why := &Explanation{At: storedTime(e.config.Clock.Now()), Chain: []ExplainedDecision{*decision}}
	if err := e.lookForward(ctx, why, decision.deliveries()); err != nil {
		return nil, err
	}
	return why, e.lookBack(ctx, why)
}

// WhyDelivery explains an effect or timer that waits, is dead, or is done: what led to the decision that asked for it, and what
// became of it. The token of the lease does not matter, so one of a WaitingDelivery or a DeadLetter will do, and so will one that
// ParseIdempotencyKey returns. One that no decision asked for is *UnknownDelivery.
func (e *Engine) WhyDelivery(ctx context.Context, delivery Lease) (*Explanation, error) {
	delivery = delivery.named()
	why := &Explanation{At: storedTime(e.config.Clock.Now())}
	if delivery.Queue == TimerQueue && delivery.Instance.ID == "" {
		why.Origin = OriginSchedule
		why.Deliveries = []ExplainedDelivery{{Lease: delivery, Kind: ScheduleKind("", delivery.Key).Name}}
		return why, nil
	}
	if _, _, err := e.known(delivery.Instance.Workflow, delivery.Instance.ID); err != nil {
		return nil, err
	}
	if err := checkArgument("Lease", delivery); err != nil {
		return nil, err
	}
	decision, err := e.decisionOn(ctx, delivery)
	if err != nil {
		return nil, err
	}
	asked := slices.DeleteFunc(decision.deliveries(), func(d ExplainedDelivery) bool { return d.Lease != delivery })
	if len(asked) == 0 { // of a decision from before it was stored what decisions ask for
		asked = []ExplainedDelivery{{Lease: delivery}}
	}
	why.Chain = []ExplainedDecision{*decision}
	if err := e.lookForward(ctx, why, asked); err != nil {
		return nil, err
	}
	if found := &why.Deliveries[0]; found.Kind == "" {
		if found.Waiting == nil {
			return nil, &UnknownDelivery{Delivery: delivery}
		}
		found.Kind = found.Waiting.Kind.Name
	}
	return why, e.lookBack(ctx, why)
}
