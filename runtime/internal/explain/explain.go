package explain

import (
	"context"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Explanation says why a decision was made, and what became of the effects and timers that it asked for. It does not change with what
// happens later.
type Explanation struct {
	At time.Time // of the engine's clock; Deliveries are as of then

	// Origin is what the chain begins with. Earlier is the decision before the chain's first when Origin is OriginEarlier or
	// OriginDeleted.
	Origin  Origin
	Earlier *store.DecisionRef

	// Chain leads from the origin to the decision in question, which is the last. Each decision asked for the effect or timer that
	// brought the input of the next. The chain is empty for a delivery of a schedule, which no decision asked for.
	Chain []ExplainedDecision

	// Deliveries are the effects and timers that the last decision asked for. Of WhyDelivery it is the one in question.
	Deliveries []ExplainedDelivery
}

// Origin is what a chain of decisions begins with.
type Origin string

const (
	OriginClient   Origin = "client"   // an input of a client
	OriginSchedule Origin = "schedule" // a declared recurring input
	OriginDeleted  Origin = "deleted"  // the decision before the first is deleted
	OriginEarlier  Origin = "earlier"  // the chain is longer than 100 decisions; to go on, ask about Explanation.Earlier
)

// ExplainedDecision is a decision within an Explanation.
type ExplainedDecision struct {
	store.DecisionRef
	Now    time.Time // given to decide
	Events []store.EventCause
	Cause  store.Cause

	// Deliveries are the effects and timers that the decision asked for. They are set for ExplainedDelivery.Next only.
	Deliveries []ExplainedDelivery
}

// ExplainedDelivery is an effect or timer that a decision asked for. It is done and brought no input when Waiting, Discarded, Ended and
// LedTo are nil and SearchEnded is false.
type ExplainedDelivery struct {
	Lease store.Lease // without Token
	Kind  string

	Waiting   *store.WaitingDelivery // set while it is not done: StateAt says what it waits for, LastError why
	Discarded *store.DiscardedLetter // set when it was discarded as a dead letter
	Ended     *store.EndedDelivery   // set when it ended in another way, or brought an input to another instance
	LedTo     *store.DecisionRef     // the decision on its result, on the input it brought, or on the input that tells of its death
	Attempt   int                    // the one that led to LedTo

	// Next is the decision LedTo with its deliveries, when that is of another instance than the one in question: what a child did, or
	// what a message led to, up to 32 decisions. For decisions of the instance itself, ask about LedTo.
	Next *ExplainedDecision

	// SearchEnded says that LedTo was not found among the first 10,000 later events.
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
	if delivery.OfSchedule() {
		why.Origin = OriginSchedule
		why.Deliveries = []ExplainedDelivery{{Lease: delivery, Kind: store.ScheduleKind("", delivery.Key).Name}}
		return why, nil
	}
	decision, err := x.decisionOn(ctx, delivery)
	if err != nil {
		return nil, err
	}
	asked := slices.DeleteFunc(deliveriesOf(decision), func(d ExplainedDelivery) bool { return d.Lease != delivery })
	why.Chain = []ExplainedDecision{*decision}
	if err := x.lookForward(ctx, why, asked); err != nil {
		return nil, err
	}
	return why, x.lookBack(ctx, why)
}
