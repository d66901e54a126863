package admin

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// Why explains the decision that stored an event of an instance. It names the decisions that led to it, across instances, back to
// the input of a client or a schedule. It also says how the effects and timers of the decision ended.
//
// It reads at most 100 decisions back and 10,000 events forward. It reads them one after the other, so they may show different
// moments. If the instance has no events, the error is *UnknownInstance; if it has not reached the version, *UnknownVersion.
func (a *Admin) Why(ctx context.Context, instance store.InstanceKey, version int64) (*telemetry.Explanation, error) {
	if err := checkInstance(instance); err != nil {
		return nil, err
	}
	if version < 1 {
		return nil, &store.UnknownVersion{Instance: instance, Version: version}
	}
	return a.explain.Decision(ctx, instance, version)
}

// WhyDelivery explains an effect or timer that waits, is a dead letter, or is done: which decisions led to it, and how it ended.
// The Token of the lease is ignored, so you can pass the lease of a WaitingDelivery or DeadLetter, or what ParseIdempotencyKey
// returns. If no stored decision requested the delivery, the error is *UnknownDelivery.
func (a *Admin) WhyDelivery(ctx context.Context, delivery store.Lease) (*telemetry.Explanation, error) {
	if !delivery.OfSchedule() {
		if err := checkInstance(delivery.Instance); err != nil {
			return nil, err
		}
		if err := store.CheckArgument("Lease", delivery.Named()); err != nil {
			return nil, err
		}
	}
	return a.explain.Delivery(ctx, delivery)
}

// ParseIdempotencyKey returns the effect that an EffectCall.IdempotencyKey names, to pass to WhyDelivery.
func ParseIdempotencyKey(key string) (store.Lease, error) {
	parts := strings.Split(key, "/")
	if n := len(parts); n >= 4 { // the id of an instance may have slashes, the name of a workflow has none
		version, err := strconv.ParseInt(parts[n-2], 10, 64)
		position, err2 := strconv.Atoi(parts[n-1])
		if err == nil && err2 == nil && version > 0 && position >= 0 {
			instance := store.InstanceKey{Workflow: parts[0], ID: strings.Join(parts[1:n-2], "/")}
			return store.Lease{Queue: store.EffectQueue, Instance: instance, Version: version, Position: position}, nil
		}
	}
	return store.Lease{}, fmt.Errorf("ironflow: %q is not the idempotency key of an effect; such a key has the form WORKFLOW/INSTANCE/VERSION/POSITION", key)
}

// Timeline returns decisions of an instance, oldest first, with what became of their effects and timers: up to limit decisions, from the
// one that an event with this version belongs to. A limit of 0 means 100, and 1,000 is the most. It reads the parts one after the other,
// so they may show different moments. The errors are those of Why.
func (a *Admin) Timeline(ctx context.Context, instance store.InstanceKey, from int64, limit int) ([]telemetry.ExplainedDecision, error) {
	if err := checkInstance(instance); err != nil {
		return nil, err
	}
	if from < 1 {
		return nil, &store.UnknownVersion{Instance: instance, Version: from}
	}
	return a.explain.Timeline(ctx, instance, from, pageSize(limit))
}
