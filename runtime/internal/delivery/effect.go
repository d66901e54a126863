package delivery

import (
	"cmp"
	"context"
	"fmt"
	"strconv"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// effect delivers the effects of one declaration.
type effect struct {
	*router
	options workflow.EffectOptions
}

// target returns the input of another workflow that the effect leads to; nil for an effect with a handler.
func (e *effect) target() *workflow.Target { return cmp.Or(e.options.Starts, e.options.Sends) }

// handle calls the handler, and brings its result in as an input of the effect's own instance.
func (e *effect) handle(ctx context.Context, d store.Delivery) (attemptEnd, error) {
	call := workflow.EffectCall{
		Instance:       d.Lease.Instance,
		Effect:         d.Kind.Name,
		IdempotencyKey: idempotencyKey(&d.Lease),
		Attempt:        d.Attempt,
		MaxAttempts:    e.options.Retry.MaxAttempts,
		RequestedAt:    d.Due,
	}
	if len(e.options.Returns) > 0 {
		if err := e.readable(ctx, d.Lease.Instance); err != nil {
			return attemptEnd{}, fmt.Errorf("effect %s: %w", d.Kind.Name, err)
		}
	}
	handlerCtx, cancel := context.WithTimeout(ctx, e.options.Timeout)
	defer cancel()
	input, err := e.own.Handle(handlerCtx, d.Payload, call)
	if err != nil {
		return attemptEnd{}, fmt.Errorf("effect %s: %w", d.Kind.Name, err)
	}
	if input == nil {
		return settledBy(consumed(d)), nil
	}
	end, err := e.deliverOwn(ctx, arriving(e.own, d), input)
	if err != nil {
		return attemptEnd{}, fmt.Errorf("result of effect %s: %w", d.Kind.Name, err)
	}
	return end, nil
}

// readable fails if the result of an effect could not be applied, because this program cannot replay its instance. Then the handler is not
// called. An effect without a result is not asked about: reading its instance would cost more than the effect.
func (e *effect) readable(ctx context.Context, instance store.InstanceKey) error {
	ctx, cancel := context.WithTimeout(ctx, e.config.Lease)
	defer cancel()
	return bound.Retry(ctx, e.config.Clock, func() error { return e.door.Readable(ctx, e.own, instance) })
}

// idempotencyKey names an effect among all effects of all workflows.
func idempotencyKey(effect *store.Lease) string {
	key := make([]byte, 0, len(effect.Instance.Workflow)+len(effect.Instance.ID)+24)
	key = append(key, effect.Instance.Workflow...)
	key = append(key, '/')
	key = append(key, effect.Instance.ID...)
	key = append(key, '/')
	key = strconv.AppendInt(key, effect.Version, 10)
	key = append(key, '/')
	key = strconv.AppendInt(key, int64(effect.Position), 10)
	return string(key)
}
