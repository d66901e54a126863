package explain

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// lookBack puts before the chain what led to it.
func (x *Explainer) lookBack(ctx context.Context, why *telemetry.Explanation) error {
	slices.Reverse(why.Chain)
	defer func() { slices.Reverse(why.Chain) }()
	for {
		last := &why.Chain[len(why.Chain)-1]
		if last.Cause.Delivery == nil {
			why.Origin = telemetry.OriginClient
			return nil
		}
		by := last.BroughtBy()
		if by.OfSchedule() {
			why.Origin = telemetry.OriginSchedule
			return nil
		}
		before, err := x.decisionOn(ctx, by)
		if isUnknown(err) {
			why.Origin, why.Earlier = telemetry.OriginDeleted, &store.DecisionRef{Instance: by.Instance, Version: by.Version}
			return nil
		}
		if err != nil {
			return err
		}
		if len(why.Chain) == maxChain {
			why.Origin, why.Earlier = telemetry.OriginEarlier, &before.DecisionRef
			return nil
		}
		why.Chain = append(why.Chain, *before)
	}
}

// deliveriesOf returns the effects and timers that a decision asked for.
func deliveriesOf(d *telemetry.ExplainedDecision) (asked []telemetry.ExplainedDelivery) {
	for i, kind := range d.Cause.Effects {
		lease := store.Lease{Queue: store.EffectQueue, Instance: d.Instance, Version: d.Cause.EffectsVersion, Position: d.Cause.EffectsPosition + i}
		asked = append(asked, telemetry.ExplainedDelivery{Lease: lease, Kind: kind})
	}
	for _, key := range d.Cause.Timers {
		lease := store.Lease{Queue: store.TimerQueue, Instance: d.Instance, Version: d.Cause.TimersVersion, Key: key}
		asked = append(asked, telemetry.ExplainedDelivery{Lease: lease, Kind: workflow.TimerName(key)})
	}
	return asked
}

// decisionAt returns the decision that an event belongs to. Its first event has the cause.
func (x *Explainer) decisionAt(ctx context.Context, key store.InstanceKey, version int64) (*telemetry.ExplainedDecision, error) {
	var events []store.EventCause // newest first
	for event, err := range x.causes(ctx, store.CauseQuery{Instance: key, From: version, Backward: true}) {
		if err != nil {
			return nil, err
		}
		if event.Version < version && len(events) == 0 {
			return nil, &store.UnknownVersion{Instance: key, Version: version, Newest: event.Version}
		}
		if events = append(events, event); event.Cause != nil {
			break
		}
	}
	if len(events) == 0 {
		return nil, &store.UnknownInstance{Instance: key}
	}
	slices.Reverse(events)
	for event, err := range x.causes(ctx, store.CauseQuery{Instance: key, From: version + 1}) {
		if err != nil {
			return nil, err
		}
		if event.Cause != nil {
			break
		}
		events = append(events, event)
	}
	return asDecision(key, events...)
}

// asDecision returns the decision that begins with the first of the events.
func asDecision(key store.InstanceKey, events ...store.EventCause) (*telemetry.ExplainedDecision, error) {
	first := events[0]
	d := &telemetry.ExplainedDecision{DecisionRef: store.DecisionRef{Instance: key, Version: first.Version}, Now: first.RecordedAt, Events: events}
	if err := json.Unmarshal(first.Cause, &d.Cause); err != nil {
		return nil, fmt.Errorf("%s: the cause of event %d: %w", key, first.Version, err)
	}
	d.Input = d.Cause.Input
	return d, nil
}

// decisionOn returns the decision that asked for a delivery. It is one of the commit that led to the delivery's version.
func (x *Explainer) decisionOn(ctx context.Context, delivery store.Lease) (*telemetry.ExplainedDecision, error) {
	key := delivery.Instance
	var newest *store.EventCause
	for event, err := range x.causes(ctx, store.CauseQuery{Instance: key, From: delivery.Version, Backward: true}) {
		if err != nil {
			return nil, err
		}
		if newest == nil {
			newest = &event
		}
		if newest.Version != delivery.Version || event.Commit != newest.Commit {
			break
		}
		if event.Cause == nil {
			continue
		}
		decision, err := asDecision(key, event)
		if err != nil {
			return nil, err
		}
		if asksFor(&decision.Cause, delivery) {
			return x.decisionAt(ctx, key, event.Version)
		}
	}
	if newest == nil || newest.Version != delivery.Version {
		return x.decisionAt(ctx, key, delivery.Version) // which says what is wrong
	}
	return nil, &store.UnknownDelivery{Delivery: delivery}
}

// asksFor reports whether a decision with this cause asked for a delivery of its own instance.
func asksFor(c *store.Cause, delivery store.Lease) bool {
	if delivery.Queue == store.TimerQueue {
		return c.TimersVersion == delivery.Version && slices.Contains(c.Timers, delivery.Key)
	}
	at := delivery.Position - c.EffectsPosition
	return c.EffectsVersion == delivery.Version && at >= 0 && at < len(c.Effects)
}

// causePage is how many events are read at first, maxCausePage how many at once later on.
const (
	causePage    = 64
	maxCausePage = 1000
)

// causes goes through events of an instance until an error.
func (x *Explainer) causes(ctx context.Context, query store.CauseQuery) iter.Seq2[store.EventCause, error] {
	return func(yield func(store.EventCause, error) bool) {
		for query.Limit = causePage; ; query.Limit = min(2*query.Limit, maxCausePage) {
			events, err := x.Store.EventCauses(ctx, query)
			if err != nil {
				yield(store.EventCause{}, err)
				return
			}
			for _, event := range events {
				if !yield(event, nil) {
					return
				}
			}
			if len(events) < query.Limit {
				return
			}
			if query.From = events[len(events)-1].Version + 1; query.Backward {
				query.From -= 2
			}
		}
	}
}
