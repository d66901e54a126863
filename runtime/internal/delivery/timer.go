package delivery

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/commit"
	"github.com/ironflow-gen/ironflow/runtime/internal/unknown"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// recurrence says when the timer of a delivery fires again; nil for one that fires once.
func (r *router) recurrence(d store.Delivery) *workflow.Firings {
	return r.own.Recurring(workflow.TimerName(d.Lease.Key))
}

// deliverTimer brings in the input of a timer.
func (r *router) deliverTimer(ctx context.Context, d store.Delivery) (attemptEnd, error) {
	deliver := r.deliverOnce
	if r.recurrence(d) != nil {
		deliver = r.deliverRecurring
	}
	end, err := deliver(ctx, d)
	if err != nil {
		return attemptEnd{}, fmt.Errorf("timer %s: %w", d.Lease.Key, err)
	}
	return end, nil
}

func (r *router) deliverOnce(ctx context.Context, d store.Delivery) (attemptEnd, error) {
	input, err := r.own.DecodeInput(d.Kind.Name, d.Payload)
	if err != nil {
		return attemptEnd{}, unknown.Mark(err)
	}
	req := arriving(r.own, d)
	req.NotBefore = d.Due
	return r.deliverOwn(ctx, req, input)
}

// deliverRecurring delivers a timer that the commit of its input starts again.
func (r *router) deliverRecurring(ctx context.Context, d store.Delivery) (attemptEnd, error) {
	payload, err := r.own.UpcastInput(d.Kind.Name, d.Payload)
	if err != nil {
		return attemptEnd{}, unknown.Mark(err)
	}
	fields := make(map[string]json.RawMessage)
	if err := workflow.ReadJSON(payload, &fields); err != nil {
		return attemptEnd{}, unknown.Mark(err)
	}
	f := r.nextFiring(d, r.recurrence(d))
	return r.deliverFiring(ctx, d, f, consumed(d), d.Kind.Name, d.Lease.Instance.ID, fields)
}

// skipTimer ends a timer whose attempts are used up.
func (r *router) skipTimer(_ context.Context, d store.Delivery, dead store.Settlement) (attemptEnd, error) {
	return r.skipFiring(d, r.recurrence(d), dead), nil
}

// firing is one of the times at which a timer or schedule fires.
type firing struct {
	leftOut bool
	at      time.Time        // nominal; for the input's field scheduled_at
	after   store.Settlement // that makes the delivery due for the next firing, or ends it when there is none
}

// nextFiring says for what a delivery that recurs is due.
func (r *router) nextFiring(d store.Delivery, recurs *workflow.Firings) firing {
	fires, at, next := recurs.Due(d.Due, store.StoredTime(r.config.Clock.Now()))
	f := firing{!fires, at, store.Settlement{Lease: d.Lease, Verdict: store.Again, At: next}}
	if next.IsZero() {
		f.after = consumed(d)
	}
	return f
}

// scheduledAt is the field of an input for the nominal time of its firing.
const scheduledAt = "scheduled_at"

// deliverFiring brings in the input of a firing, unless the firing is left out. ends is how the delivery ends in the input's commit. When the
// input is refused, the next firing follows all the same.
func (r *router) deliverFiring(
	ctx context.Context, d store.Delivery, f firing, ends store.Settlement, input, instance string, fields map[string]json.RawMessage,
) (attemptEnd, error) {
	if f.leftOut {
		return skippedBy(f.after), nil
	}
	encoded, err := json.Marshal(f.at)
	if err != nil {
		return attemptEnd{}, err
	}
	fields[scheduledAt] = encoded
	req := arriving(r.own, d)
	req.NotBefore, req.Arrival.Ends = f.at, ends
	if req.Input, err = inputOf(r.own, input, instance, fields); err != nil {
		return attemptEnd{}, err
	}
	outcome, err := r.execute(ctx, req)
	switch {
	case err != nil:
		return attemptEnd{}, err
	case outcome.Kind == commit.Accepted:
		return accepted(req, outcome), nil
	}
	return settledBy(f.after), nil
}

// skipFiring goes on with the next firing of a timer or schedule after all attempts at one failed: one bad day must not end it. The error is
// stored with the next firing until that is done. What does not recur becomes a dead letter.
func (r *router) skipFiring(d store.Delivery, recurs *workflow.Firings, dead store.Settlement) attemptEnd {
	if recurs == nil {
		return diedBy(dead)
	}
	_, _, next := recurs.Due(d.Due, dead.At)
	if next.IsZero() {
		return diedBy(dead)
	}
	r.config.Logger.Error("ironflow: a firing is skipped after its last attempt", "workflow", d.Kind.Workflow, "instance", d.Lease.Instance.ID,
		"timer", d.Lease.Key, "due", d.Due, "next", next, "error", dead.Error)
	return skippedBy(store.Settlement{Lease: d.Lease, Verdict: store.Again, At: next, Error: dead.Error})
}
