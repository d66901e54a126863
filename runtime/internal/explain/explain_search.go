package explain

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// lookBack puts before the chain what led to it.
func (x *Explainer) lookBack(ctx context.Context, why *Explanation) error {
	slices.Reverse(why.Chain)
	defer func() { slices.Reverse(why.Chain) }()
	for {
		last := &why.Chain[len(why.Chain)-1]
		switch {
		case last.Cause == nil:
			why.Origin = OriginUnknown
			return nil
		case last.Cause.Delivery == nil:
			why.Origin = OriginClient
			return nil
		}
		by := broughtBy(last)
		if by.Instance.ID == "" || isSchedule(last.Cause.Delivery.Kind) {
			why.Origin = OriginSchedule
			return nil
		}
		before, err := x.decisionOn(ctx, by)
		if isUnknown(err) {
			why.Origin, why.Earlier = OriginDeleted, &store.DecisionRef{Instance: by.Instance, Version: by.Version}
			return nil
		}
		if err != nil {
			return err
		}
		if len(why.Chain) == maxChain {
			why.Origin, why.Earlier = OriginEarlier, &before.DecisionRef
			return nil
		}
		why.Chain = append(why.Chain, *before)
	}
}

// OfSchedule reports whether a delivery is of a schedule, which no decision asked for.
func OfSchedule(delivery store.Lease) bool {
	return delivery.Queue == store.TimerQueue && delivery.Instance.ID == ""
}

func isSchedule(kind string) bool {
	_, is := store.Kind{Name: kind}.Schedule()
	return is
}

// broughtBy names the effect or timer that brought the input of a decision.
func broughtBy(d *ExplainedDecision) store.Lease {
	by := d.Cause.Delivery
	instance := d.Instance
	if by.Workflow != "" {
		instance = store.InstanceKey{Workflow: by.Workflow, ID: by.Instance}
	}
	return store.Lease{Queue: by.Queue, Instance: instance, Version: by.Version, Position: by.Position, Key: by.Key}
}

// deliveriesOf returns the effects and timers that a decision asked for.
func deliveriesOf(d *ExplainedDecision) (asked []ExplainedDelivery) {
	if d.Cause == nil {
		return nil
	}
	for i, kind := range d.Cause.Effects {
		lease := store.Lease{Queue: store.EffectQueue, Instance: d.Instance, Version: d.Cause.EffectsVersion, Position: d.Cause.EffectsPosition + i}
		asked = append(asked, ExplainedDelivery{Lease: lease, Kind: kind})
	}
	for _, key := range d.Cause.Timers {
		lease := store.Lease{Queue: store.TimerQueue, Instance: d.Instance, Version: d.Cause.TimersVersion, Key: key}
		asked = append(asked, ExplainedDelivery{Lease: lease, Kind: workflow.TimerName(key)})
	}
	return asked
}

// decisionAt returns the decision that an event belongs to.
func (x *Explainer) decisionAt(ctx context.Context, key store.InstanceKey, version int64) (*ExplainedDecision, error) {
	var events []store.EventCause // newest first
	err := x.eachCause(ctx, store.CauseQuery{Instance: key, From: version, Backward: true}, func(event store.EventCause) bool {
		if len(events) > 0 && event.Commit != events[0].Commit {
			return false
		}
		events = append(events, event)
		return event.Cause == nil && event.Version <= version
	})
	switch {
	case err != nil:
		return nil, err
	case len(events) == 0 || events[0].Version < version:
		newest := int64(0)
		if len(events) > 0 {
			newest = events[0].Version
		}
		if newest == 0 {
			return nil, &store.UnknownInstance{Instance: key}
		}
		return nil, &store.UnknownVersion{Instance: key, Version: version, Newest: newest}
	}
	slices.Reverse(events)
	err = x.eachCause(ctx, store.CauseQuery{Instance: key, From: version + 1}, func(event store.EventCause) bool {
		more := event.Cause == nil && event.Commit == events[0].Commit
		if more {
			events = append(events, event)
		}
		return more
	})
	if err != nil {
		return nil, err
	}
	d := &ExplainedDecision{Events: events, Now: events[0].RecordedAt}
	d.DecisionRef = store.DecisionRef{Instance: key, Version: events[0].Version}
	if d.Cause, err = decodeCause(key, events[0]); d.Cause != nil {
		d.Input = d.Cause.Input
	}
	return d, err
}

// decodeCause returns the cause of an event, nil for an event without one.
func decodeCause(key store.InstanceKey, c store.EventCause) (*store.Cause, error) {
	if c.Cause == nil {
		return nil, nil
	}
	cause := new(store.Cause)
	if err := json.Unmarshal(c.Cause, cause); err != nil {
		return nil, fmt.Errorf("%s: the cause of event %d: %w", key, c.Version, err)
	}
	return cause, nil
}

// decisionOn returns the decision that asked for a delivery. It is one of the commit that led to the delivery's version. When none of
// that commit says what it asked for, because of its age, it is the last one.
func (x *Explainer) decisionOn(ctx context.Context, delivery store.Lease) (*ExplainedDecision, error) {
	key, version := delivery.Instance, int64(0)
	var newest *store.EventCause
	var failure error
	silent := true // of the commit's decisions about deliveries of this queue
	err := x.eachCause(ctx, store.CauseQuery{Instance: key, From: delivery.Version, Backward: true}, func(event store.EventCause) bool {
		if newest == nil {
			newest = &event
		}
		if newest.Version != delivery.Version || event.Commit != newest.Commit {
			return false
		}
		cause, err := decodeCause(key, event)
		if failure = err; cause == nil {
			return err == nil
		}
		if asksFor(cause, delivery) {
			version = event.Version
			return false
		}
		if delivery.Queue == store.TimerQueue {
			silent = silent && len(cause.Timers) == 0
		} else {
			silent = false
		}
		return true
	})
	switch {
	case err != nil || failure != nil:
		return nil, cmp.Or(err, failure)
	case newest == nil || newest.Version != delivery.Version:
		return x.decisionAt(ctx, key, delivery.Version) // which says what is wrong
	case version == 0 && !silent:
		return nil, &store.UnknownDelivery{Delivery: delivery}
	case version == 0:
		version = delivery.Version
	}
	return x.decisionAt(ctx, key, version)
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

// eachCause goes through events until use returns false.
func (x *Explainer) eachCause(ctx context.Context, query store.CauseQuery, use func(store.EventCause) bool) error {
	query.Limit = causePage
	for {
		events, err := x.Store.EventCauses(ctx, query)
		if err != nil {
			return err
		}
		for _, event := range events {
			if !use(event) {
				return nil
			}
		}
		if len(events) < query.Limit {
			return nil
		}
		if query.From = events[len(events)-1].Version + 1; query.Backward {
			query.From -= 2
		}
		query.Limit = min(2*query.Limit, maxCausePage)
	}
}
