package explain

import (
	"context"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// Timeline returns up to limit decisions of an instance, oldest first, with what became of their deliveries. They begin with the decision
// that an event belongs to, or with the first one that comes later.
func (x *Explainer) Timeline(ctx context.Context, key store.InstanceKey, from int64, limit int) ([]telemetry.ExplainedDecision, error) {
	var decisions []telemetry.ExplainedDecision
	first, err := x.decisionAt(ctx, key, from)
	if err != nil {
		return nil, err
	}
	events := []store.EventCause{} // of the next decision
	take := func() error {
		if len(events) == 0 {
			return nil
		}
		d, err := asDecision(key, events...)
		if err != nil {
			return err
		}
		decisions, events = append(decisions, *d), nil
		return nil
	}
	for event, err := range x.causes(ctx, store.CauseQuery{Instance: key, From: first.Version}) {
		if err != nil {
			return nil, err
		}
		if event.Cause != nil {
			if err := take(); err != nil {
				return nil, err
			}
			if len(decisions) == limit {
				break
			}
		}
		events = append(events, event)
	}
	if len(decisions) < limit {
		if err := take(); err != nil {
			return nil, err
		}
	}
	f := forward{Explainer: x, asked: key, trails: make(map[store.InstanceKey]*trail), left: maxFollowed}
	for i := range decisions {
		d := &decisions[i]
		d.Deliveries = deliveriesOf(d)
		if err := f.explain(ctx, d.DecisionRef, d.Deliveries); err != nil {
			return nil, err
		}
	}
	return decisions, nil
}
