package runtime

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Why explains the decision that an event of an instance belongs to: what led to it, back to the input of a client or a schedule,
// across instances, and what became of the effects and timers that it asked for.
//
// It reads at most 100 decisions back and 10,000 events forward, at several moments. An instance without events is
// *UnknownInstance, a version that it has not reached *UnknownVersion.
func (e *Engine) Why(ctx context.Context, instance InstanceKey, version int64) (*Explanation, error) {
	if _, _, err := e.known(instance.Workflow, instance.ID); err != nil {
		return nil, err
	}
	if version < 1 {
		return nil, &UnknownVersion{Instance: instance, Version: version}
	}
	return e.explain.Decision(ctx, instance, version)
}

// WhyDelivery explains an effect or timer that waits, is dead, or is done: what led to the decision that asked for it, and what
// became of it. The token of the lease does not matter, so one of a WaitingDelivery or a DeadLetter will do, and so will one that
// ParseIdempotencyKey returns. One that no decision asked for is *UnknownDelivery.
func (e *Engine) WhyDelivery(ctx context.Context, delivery Lease) (*Explanation, error) {
	if !delivery.OfSchedule() {
		if _, _, err := e.known(delivery.Instance.Workflow, delivery.Instance.ID); err != nil {
			return nil, err
		}
		if err := store.CheckArgument("Lease", delivery.Named()); err != nil {
			return nil, err
		}
	}
	return e.explain.Delivery(ctx, delivery)
}

// ParseIdempotencyKey returns the effect that EffectCall.IdempotencyKey names, for WhyDelivery.
func ParseIdempotencyKey(key string) (Lease, error) {
	parts := strings.Split(key, "/")
	if n := len(parts); n >= 4 { // an instance's id may have slashes, a workflow's name has none
		version, err := strconv.ParseInt(parts[n-2], 10, 64)
		position, err2 := strconv.Atoi(parts[n-1])
		if err == nil && err2 == nil && version > 0 && position >= 0 {
			instance := InstanceKey{Workflow: parts[0], ID: strings.Join(parts[1:n-2], "/")}
			return Lease{Queue: store.EffectQueue, Instance: instance, Version: version, Position: position}, nil
		}
	}
	return Lease{}, fmt.Errorf("ironflow: %q is not the idempotency key of an effect, which is WORKFLOW/INSTANCE/VERSION/POSITION", key)
}
