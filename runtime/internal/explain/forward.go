package explain

import (
	"context"
	"errors"
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// forward finds out what became of deliveries. It reads the later events of each instance once.
type forward struct {
	*Explainer
	asked  store.InstanceKey // the instance in question, whose next decisions are named and not followed
	trails map[store.InstanceKey]*trail
	left   int // decisions that are still followed
}

// trail is what an instance did from a version on, and what became of its deliveries.
type trail struct {
	from      int64
	upTo      int64                         // the version before the trail was read; 0 when nobody asks
	decisions []telemetry.ExplainedDecision // with their first events only
	ledTo     map[store.Lease]int           // index of the last decision that a delivery led to
	waiting   map[store.Lease]*store.WaitingDelivery
	discarded map[store.Lease]*store.DiscardedLetter
	ended     map[store.Lease]*store.EndedDelivery
	completed bool

	eventsCut bool                     // there are more events than were read
	cut       map[store.QueueName]bool // there are more waiting deliveries, or records, than were read
}

// lookForward finds out what became of deliveries that the last decision of the chain asked for.
func (x *Explainer) lookForward(ctx context.Context, why *telemetry.Explanation, asked []telemetry.ExplainedDelivery) error {
	why.Deliveries = asked
	from := why.Chain[len(why.Chain)-1].DecisionRef
	f := forward{Explainer: x, asked: from.Instance, trails: make(map[store.InstanceKey]*trail), left: maxFollowed}
	return f.explain(ctx, from, asked)
}

// explain fills in what became of deliveries that one decision asked for.
func (f *forward) explain(ctx context.Context, from store.DecisionRef, asked []telemetry.ExplainedDelivery) error {
	if len(asked) == 0 {
		return nil
	}
	t, err := f.trail(ctx, from.Instance, from.Version)
	if err != nil {
		return err
	}
	for i := range asked {
		d := &asked[i]
		t.explain(d, from.Version)
		if err := f.follow(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// explain fills in what the instance itself says about a delivery that the decision of a version asked for.
func (t *trail) explain(d *telemetry.ExplainedDelivery, version int64) {
	d.Waiting, d.Discarded, d.Ended = t.waiting[d.Lease], t.discarded[d.Lease], t.ended[d.Lease]
	if i, ok := t.ledTo[d.Lease]; ok {
		by := &t.decisions[i]
		d.LedTo, d.Attempt = &by.DecisionRef, by.Cause.Delivery.Attempt
		return
	}
	if d.Waiting != nil || d.Discarded != nil {
		return
	}
	if d.Ended == nil && d.Lease.Queue == store.TimerQueue {
		d.Ended = t.timerEnd(d, version)
	}
	if d.Ended != nil && d.Ended.Ending == store.EndedDelivered {
		led := d.Ended.By
		d.LedTo, d.Attempt = &led, d.Ended.Attempts
	}
	d.SearchEnded = d.Ended == nil && (t.eventsCut || t.cut[d.Lease.Queue])
}

// timerEnd returns what ended a timer that is gone and led to nothing: the first later decision that cancelled it or started it
// again, or else the decision that completed the instance.
func (t *trail) timerEnd(d *telemetry.ExplainedDelivery, version int64) *store.EndedDelivery {
	ending := func(by *telemetry.ExplainedDecision, how store.Ending) *store.EndedDelivery {
		return &store.EndedDelivery{Lease: d.Lease, Kind: d.Kind, Ending: how, At: by.Now, By: by.DecisionRef}
	}
	for i := range t.decisions {
		by := &t.decisions[i]
		switch {
		case by.Version <= version:
		case slices.Contains(by.Cause.CancelledTimers, d.Lease.Key):
			return ending(by, store.EndedCancelled)
		case slices.Contains(by.Cause.Timers, d.Lease.Key):
			return ending(by, store.EndedReplaced)
		}
	}
	if n := len(t.decisions); t.completed && !t.eventsCut && n > 0 {
		return ending(&t.decisions[n-1], store.EndedCompleted)
	}
	return nil
}

// follow goes on with what a delivery led to, in instances other than the one that was asked about.
func (f *forward) follow(ctx context.Context, d *telemetry.ExplainedDelivery) error {
	if d.LedTo == nil || d.LedTo.Instance == f.asked && d.Lease.Instance == f.asked {
		return nil
	}
	decision, err := f.decisionAt(ctx, d.LedTo.Instance, d.LedTo.Version)
	if isUnknown(err) {
		return nil // it was deleted
	}
	if err != nil {
		return err
	}
	d.LedTo = &decision.DecisionRef
	if f.left == 0 || d.LedTo.Instance == f.asked {
		return nil
	}
	f.left--
	decision.Deliveries = deliveriesOf(decision)
	d.Next = decision
	return f.explain(ctx, decision.DecisionRef, d.Next.Deliveries)
}

// isUnknown reports whether an error says that something is not stored.
func isUnknown(err error) bool {
	var instance *store.UnknownInstance
	var version *store.UnknownVersion
	var delivery *store.UnknownDelivery
	return errors.As(err, &instance) || errors.As(err, &version) || errors.As(err, &delivery)
}

// trail reads the trail of an instance from a version on, unless it was read before.
func (f *forward) trail(ctx context.Context, key store.InstanceKey, from int64) (*trail, error) {
	if t := f.trails[key]; t != nil && t.from <= from {
		return t, nil
	}
	t := &trail{
		from: from, ledTo: make(map[store.Lease]int), waiting: make(map[store.Lease]*store.WaitingDelivery), discarded: make(map[store.Lease]*store.DiscardedLetter),
		ended: make(map[store.Lease]*store.EndedDelivery), cut: make(map[store.QueueName]bool),
	}
	f.trails[key] = t
	// What waits comes first: what ends meanwhile is found below.
	for _, queue := range []store.QueueName{store.EffectQueue, store.TimerQueue} {
		waiting, err := f.Store.Waiting(ctx, queue, key, store.MaxWaiting)
		if err != nil {
			return nil, err
		}
		for i := range waiting {
			t.waiting[waiting[i].Lease.Named()] = &waiting[i]
		}
		t.cut[queue] = len(waiting) == store.MaxWaiting
	}
	discarded, err := f.Store.ListDiscarded(ctx, store.DiscardedList{Workflow: key.Workflow, Instance: key.ID, Limit: store.MaxWaiting})
	if err != nil {
		return nil, err
	}
	for i := range slices.Backward(discarded) { // the last one counts
		t.discarded[discarded[i].Lease.Named()] = &discarded[i]
	}
	ended, err := f.Store.EndedDeliveries(ctx, key, from, maxSearched)
	if err != nil {
		return nil, err
	}
	for i := range ended {
		t.ended[ended[i].Lease] = &ended[i]
	}
	if len(ended) == maxSearched {
		t.cut[store.EffectQueue], t.cut[store.TimerQueue] = true, true
	}
	summary, err := f.Store.Summary(ctx, key)
	if err != nil {
		return nil, err
	}
	t.completed = summary.Completed()
	return t, f.readDecisions(ctx, key, t)
}

func (f *forward) readDecisions(ctx context.Context, key store.InstanceKey, t *trail) error {
	looked := 0
	for event, err := range f.causes(ctx, store.CauseQuery{Instance: key, From: t.from}) {
		if err != nil {
			return err
		}
		if looked++; looked > maxSearched {
			t.eventsCut = true
			return nil
		}
		if event.Cause == nil {
			continue
		}
		d, err := asDecision(key, event)
		if err != nil {
			return err
		}
		t.decisions = append(t.decisions, *d)
		if d.Cause.Delivery != nil && d.Version > t.from {
			t.ledTo[d.BroughtBy()] = len(t.decisions) - 1 // the last of several, which a dead letter that is retried leads to
		}
	}
	return nil
}
