package explain

import (
	"context"
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// maxConsequences is how many decisions are followed from one.
const maxConsequences = 10_000

// Consequences are what became of a decision and of everything that it led to by effects.
type Consequences struct {
	Pending []store.Lease           // effects that are still to be delivered, without tokens
	Dead    []store.WaitingDelivery // effects that are dead letters
}

// Consequences follows the effects of the decision that an event of an instance belongs to, the decisions on their results, the effects
// of these, and so on, in all instances. Timers are not followed. A dead letter that its instance was told of is no end: the input
// that told it is followed.
func (x *Explainer) Consequences(ctx context.Context, key store.InstanceKey, version int64) (c Consequences, err error) {
	first, err := x.decisionAt(ctx, key, version)
	if err != nil {
		return c, err
	}
	f := forward{Explainer: x, trails: make(map[store.InstanceKey]*trail)}
	seen := map[store.DecisionRef]bool{refOf(first.DecisionRef): true}
	for next := []store.DecisionRef{first.DecisionRef}; len(next) > 0; {
		ref := next[0]
		next = next[1:]
		t, decision, err := f.trailAt(ctx, ref)
		if isUnknown(err) {
			continue // it was deleted
		}
		if err != nil {
			return c, err
		}
		for _, d := range deliveriesOf(decision) {
			if d.Lease.Queue != store.EffectQueue {
				continue
			}
			t.explain(&d, decision.Version)
			switch {
			case d.SearchEnded:
				return c, fmt.Errorf("ironflow: %s: there are too many events and deliveries after it to find out what became of its effects", refOf(ref))
			case d.Waiting != nil && d.Waiting.DiedAt.IsZero():
				c.Pending = append(c.Pending, d.Lease)
			case d.Waiting != nil && d.Waiting.ToldAt.IsZero():
				c.Dead = append(c.Dead, *d.Waiting)
			}
			if d.LedTo == nil || seen[refOf(*d.LedTo)] {
				continue
			}
			if seen[refOf(*d.LedTo)] = true; len(seen) > maxConsequences {
				return c, fmt.Errorf("ironflow: %s led to more than %d decisions", refOf(first.DecisionRef), maxConsequences)
			}
			next = append(next, *d.LedTo)
		}
	}
	return c, nil
}

// refOf returns a reference without the input, which not all references have.
func refOf(r store.DecisionRef) store.DecisionRef {
	r.Input = ""
	return r
}

// trailAt returns a decision, and a trail that has it. The trail says what waited after the decision was stored.
func (f *forward) trailAt(ctx context.Context, ref store.DecisionRef) (*trail, *telemetry.ExplainedDecision, error) {
	t := f.trails[ref.Instance]
	if t == nil || t.from > ref.Version || t.upTo < ref.Version {
		delete(f.trails, ref.Instance)
		before, err := f.Store.Summary(ctx, ref.Instance)
		if err != nil {
			return nil, nil, err
		}
		if t, err = f.trail(ctx, ref.Instance, ref.Version); err != nil {
			return nil, nil, err
		}
		t.upTo = before.Version
	}
	for i := range t.decisions {
		if d := &t.decisions[i]; d.Version == ref.Version {
			return t, d, nil
		}
	}
	return nil, nil, &store.UnknownVersion{Instance: ref.Instance, Version: ref.Version}
}
