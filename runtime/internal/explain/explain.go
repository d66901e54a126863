package explain

import (
	"context"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Explanation says why a decision was made and what became of what it asked for. It is a value of its own: what happens
// later is not in it.
type Explanation struct {
	At time.Time // of the engine's clock; Deliveries are as of then

	// Origin is what the chain begins with. Earlier is the decision before the chain's first when Origin is OriginEarlier or
	// OriginDeleted.
	Origin  Origin
	Earlier *store.DecisionRef

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
	OriginEarlier  Origin = "earlier"  // the chain is longer than 100 decisions; to go on, ask about Explanation.Earlier
)

// ExplainedDecision is a decision within an Explanation.
type ExplainedDecision struct {
	store.DecisionRef
	Now    time.Time // that was given to decide
	Events []store.EventCause
	Cause  *store.Cause // nil for a decision from before causes were stored; Events are then those of its commit

	// Deliveries are the effects and timers that the decision asked for. They are filled in for ExplainedDelivery.Next only.
	Deliveries []ExplainedDelivery
}

// ExplainedDelivery is an effect or timer that a decision asked for. When Waiting, Discarded, Ended and LedTo are nil, and unless
// SearchEnded, it was done and returned no input.
type ExplainedDelivery struct {
	Lease store.Lease // names it; without Token
	Kind  string

	Waiting   *store.WaitingDelivery // it is not done; StateAt says what it waits for, LastError why that takes so long
	Discarded *store.DiscardedLetter // it was given up as a dead letter
	Ended     *store.EndedDelivery   // how it ended otherwise; delivered, LedTo is in another instance
	LedTo     *store.DecisionRef     // the decision on its result, on the input it brought, or on what tells of its death
	Attempt   int                    // that led to it

	// Next is the decision LedTo, and what became of what it asked for, when it is of another instance than was asked about: all that
	// a child did, or that a message led to, up to 32 decisions. Those of the instance itself are explained by asking about LedTo.
	Next *ExplainedDecision

	// SearchEnded says that too many events came after to look at all for LedTo.
	SearchEnded bool
}

const (
	// maxChain is how many decisions an explanation goes back, maxFollowed how many of other instances it goes forward.
	maxChain    = 100
	maxFollowed = 32

	// maxSearched is how many events, and how many ended deliveries, of one instance are looked at to find what a delivery led to.
	maxSearched = 10_000

	// maxWaitingDeliveries is how many deliveries of each queue, and how many discarded ones, are looked at.
	maxWaitingDeliveries = 1000
)

// explainStore is what explanations are read from.
type explainStore interface {
	store.Causes
	Summary(ctx context.Context, instance store.InstanceKey) (store.InstanceSummary, error)
	ListDiscarded(ctx context.Context, list store.DiscardedList) ([]store.DiscardedLetter, error)
	Waiting(ctx context.Context, queue store.QueueName, instance store.InstanceKey, limit int) ([]store.WaitingDelivery, error)
}

// Explainer explains decisions and deliveries.
type Explainer struct {
	Store explainStore
	Clock store.Clock
}

// Decision explains the decision that an event of an instance belongs to.
func (x *Explainer) Decision(ctx context.Context, key store.InstanceKey, version int64) (*Explanation, error) {
	decision, err := x.decisionAt(ctx, key, version)
	if err != nil {
		return nil, err
	}
	why := &Explanation{At: store.StoredTime(x.Clock.Now()), Chain: []ExplainedDecision{*decision}}
	if err := x.lookForward(ctx, why, deliveriesOf(decision)); err != nil {
		return nil, err
	}
	return why, x.lookBack(ctx, why)
}

// Delivery explains an effect or timer, whoever holds its lease.
func (x *Explainer) Delivery(ctx context.Context, delivery store.Lease) (*Explanation, error) {
	delivery = delivery.Named()
	why := &Explanation{At: store.StoredTime(x.Clock.Now())}
	if OfSchedule(delivery) {
		why.Origin = OriginSchedule
		why.Deliveries = []ExplainedDelivery{{Lease: delivery, Kind: store.ScheduleKind("", delivery.Key).Name}}
		return why, nil
	}
	decision, err := x.decisionOn(ctx, delivery)
	if err != nil {
		return nil, err
	}
	asked := slices.DeleteFunc(deliveriesOf(decision), func(d ExplainedDelivery) bool { return d.Lease != delivery })
	if len(asked) == 0 { // of a decision from before it was stored what decisions ask for
		asked = []ExplainedDelivery{{Lease: delivery}}
	}
	why.Chain = []ExplainedDecision{*decision}
	if err := x.lookForward(ctx, why, asked); err != nil {
		return nil, err
	}
	if found := &why.Deliveries[0]; found.Kind == "" {
		if found.Waiting == nil {
			return nil, &store.UnknownDelivery{Delivery: delivery}
		}
		found.Kind = found.Waiting.Kind.Name
	}
	return why, x.lookBack(ctx, why)
}
