package runtime

import (
	"context"
	"fmt"
)

// newEffectWorker makes the worker that calls handlers and brings their results in by the door.
func newEffectWorker(e *Engine) *worker {
	w := newWorker(e.store.Effects(), e.config, e.config.EffectHandlers)
	options := make(map[Kind]EffectOptions)
	for _, workflow := range e.workflows {
		for effect, o := range workflow.effectOptions() {
			o.Retry = o.Retry.withDefaults(e.config.EffectRetry)
			setDefault(&o.Timeout, e.config.EffectTimeout)
			kind := Kind{Workflow: workflow.name, Name: effect}
			options[kind] = o
			w.kinds = append(w.kinds, kind)
		}
	}
	w.policy = func(kind Kind) RetryPolicy { return options[kind].Retry }
	w.deliver = func(ctx context.Context, d Delivery) (bool, error) {
		return e.deliverEffect(ctx, d, options[d.Kind])
	}
	return w
}

// newTimerWorker makes the worker that brings the inputs of due timers in by the door.
func newTimerWorker(e *Engine) *worker {
	w := newWorker(e.store.Timers(), e.config, e.config.TimerHandlers)
	for _, workflow := range e.workflows {
		for _, input := range workflow.inputNames() {
			w.kinds = append(w.kinds, Kind{Workflow: workflow.name, Name: input})
		}
	}
	w.policy = func(Kind) RetryPolicy { return e.config.TimerRetry }
	w.deliver = e.deliverTimer
	return w
}

func (e *Engine) deliverEffect(ctx context.Context, d Delivery, options EffectOptions) (consumed bool, err error) {
	workflow := e.workflows[d.Kind.Workflow]
	call := EffectCall{
		Instance:       d.Lease.Instance,
		Effect:         d.Kind.Name,
		IdempotencyKey: fmt.Sprintf("%s/%d/%d", d.Lease.Instance, d.Lease.Version, d.Lease.Position),
		Attempt:        d.Attempt,
		MaxAttempts:    options.Retry.MaxAttempts,
		RequestedAt:    d.Due,
	}
	handlerCtx, cancel := context.WithTimeout(ctx, options.Timeout)
	defer cancel()
	input, err := workflow.handle(handlerCtx, d.Payload, call)
	if err != nil {
		return false, fmt.Errorf("effect %s: %w", d.Kind.Name, err)
	}
	if input == nil {
		return false, nil
	}
	consumed, err = e.deliverInput(ctx, workflow, d, request{input: preparedInput{value: input}})
	if err != nil {
		return false, fmt.Errorf("result of effect %s: %w", d.Kind.Name, err)
	}
	return consumed, nil
}

func (e *Engine) deliverTimer(ctx context.Context, d Delivery) (consumed bool, err error) {
	workflow := e.workflows[d.Kind.Workflow]
	input, err := workflow.decodeInput(d.Kind.Name, d.Payload, false)
	if err != nil {
		return false, fmt.Errorf("timer %s: %w", d.Lease.Key, err)
	}
	consumed, err = e.deliverInput(ctx, workflow, d, request{input: preparedInput{value: input}, notBefore: d.Due})
	if err != nil {
		return false, fmt.Errorf("timer %s: %w", d.Lease.Key, err)
	}
	return consumed, nil
}

// deliverInput executes the input that a delivery leads to, and consumes the delivery in the same commit. An input that
// is refused, or comes too late, consumes nothing; then the delivery is done all the same.
//
// A store that fails is asked again here, as long as the lease is held, so that a handler that succeeded need not run
// again. This cannot apply the result twice: had a lost commit succeeded, the lease would be gone.
func (e *Engine) deliverInput(ctx context.Context, workflow *Workflow, d Delivery, req request) (consumed bool, err error) {
	input, err := workflow.addressed(req.input.value, d.Lease.Instance.ID)
	if err != nil {
		return false, err
	}
	req.workflow, req.consume = workflow, &d.Lease
	if req.input, err = workflow.prepare(input); err != nil {
		return false, err
	}
	// The handler's work is done, so a stop of the engine must not throw it away any more.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.config.Lease)
	defer cancel()
	var outcome result
	err = retry(ctx, e.config.Clock, func() error {
		outcome, err = e.execute(ctx, req)
		return err
	})
	if err != nil {
		return false, err
	}
	if outcome.kind != accepted {
		e.config.Logger.InfoContext(ctx, "ironflow: the workflow did not accept what was delivered",
			"workflow", workflow.name, "instance", d.Lease.Instance.ID, d.Lease.Queue.singular(), d.Kind.Name,
			"input", req.input.name, "outcome", outcome.describe())
	}
	return outcome.kind == accepted, nil
}
