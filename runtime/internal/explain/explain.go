package explain

import (
	"context"
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

const (
	// maxChain is how many decisions an explanation goes back, maxFollowed how many of other instances it goes forward.
	maxChain    = 100
	maxFollowed = 32

	// maxSearched is how many events, and how many ended deliveries, of one instance are looked at to find what a delivery led to.
	maxSearched = 10_000
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
func (x *Explainer) Decision(ctx context.Context, key store.InstanceKey, version int64) (*telemetry.Explanation, error) {
	decision, err := x.decisionAt(ctx, key, version)
	if err != nil {
		return nil, err
	}
	why := &telemetry.Explanation{At: store.StoredTime(x.Clock.Now()), Chain: []telemetry.ExplainedDecision{*decision}}
	if err := x.lookForward(ctx, why, deliveriesOf(decision)); err != nil {
		return nil, err
	}
	return why, x.lookBack(ctx, why)
}

// Delivery explains an effect or timer, whoever holds its lease.
func (x *Explainer) Delivery(ctx context.Context, delivery store.Lease) (*telemetry.Explanation, error) {
	delivery = delivery.Named()
	why := &telemetry.Explanation{At: store.StoredTime(x.Clock.Now())}
	if delivery.OfSchedule() {
		why.Origin = telemetry.OriginSchedule
		why.Deliveries = []telemetry.ExplainedDelivery{{Lease: delivery, Kind: store.ScheduleKind("", delivery.Key).Name}}
		return why, nil
	}
	decision, err := x.decisionOn(ctx, delivery)
	if err != nil {
		return nil, err
	}
	asked := slices.DeleteFunc(deliveriesOf(decision), func(d telemetry.ExplainedDelivery) bool { return d.Lease != delivery })
	why.Chain = []telemetry.ExplainedDecision{*decision}
	if err := x.lookForward(ctx, why, asked); err != nil {
		return nil, err
	}
	return why, x.lookBack(ctx, why)
}
