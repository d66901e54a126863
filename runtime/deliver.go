package runtime

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"
)

// newEffectWorker makes the worker that calls handlers and brings their results in by the door, and that delivers inputs
// to other workflows. An effect for a workflow that this engine does not have waits for a process that has it.
func newEffectWorker(e *Engine) *worker {
	w := newWorker(EffectQueue, e.store.Effects(), e.config, e.config.EffectHandlers)
	w.limitedQueue = e.store
	for _, workflow := range e.workflows {
		for effect, o := range workflow.effectOptions() {
			o.Retry = o.Retry.withDefaults(e.config.EffectRetry)
			setDefault(&o.Timeout, e.config.EffectTimeout)
			kind := Kind{Workflow: workflow.name, Name: effect}
			r := route{retry: o.Retry, priority: o.Priority, limit: o.Limit}
			if o.Dead != nil {
				r.dead = func(ctx context.Context, d Delivery, dead Settlement) (Settlement, error) {
					return e.deliverDead(ctx, workflow, d, dead, o.Dead)
				}
			}
			switch target := cmp.Or(o.Starts, o.Sends); {
			case target == nil:
				r.deliver = func(ctx context.Context, d Delivery) (Settlement, error) { return e.deliverEffect(ctx, workflow, d, o) }
			case e.workflows[target.Workflow] != nil:
				r.deliver = func(ctx context.Context, d Delivery) (Settlement, error) { return e.deliverToTarget(ctx, d, o) }
			}
			if r.deliver != nil {
				w.routes[kind] = r
			}
			if o.Starts != nil && o.Ended != "" {
				w.routes[endedKind(o.Starts.Workflow, workflow.name)] = route{retry: e.config.EffectRetry, deliver: e.deliverEnded}
			}
		}
	}
	return w
}

// newTimerWorker makes the worker that brings the inputs of due timers and schedules in by the door.
func newTimerWorker(e *Engine) *worker {
	w := newWorker(TimerQueue, e.store.Timers(), e.config, e.config.TimerHandlers)
	for _, workflow := range e.workflows {
		for _, input := range workflow.inputNames() {
			w.routes[Kind{Workflow: workflow.name, Name: input}] = route{
				retry:     e.config.TimerRetry,
				deliver:   e.deliverTimer,
				recurring: func(d Delivery) bool { return workflow.recurring(timerName(d.Lease.Key)) != nil },
				dead: func(_ context.Context, d Delivery, dead Settlement) (Settlement, error) {
					return e.skipFiring(workflow.recurring(timerName(d.Lease.Key)), d, dead), nil
				},
			}
		}
		for _, s := range workflow.schedules() {
			w.routes[ScheduleKind(workflow.name, s.Name)] = route{
				retry:     e.config.TimerRetry,
				recurring: func(Delivery) bool { return true },
				deliver: func(ctx context.Context, d Delivery) (Settlement, error) {
					return e.deliverScheduled(ctx, workflow, s, d)
				},
				dead: func(_ context.Context, d Delivery, dead Settlement) (Settlement, error) {
					return e.skipScheduled(workflow, s, d, dead)
				},
			}
		}
	}
	return w
}

func (e *Engine) deliverEffect(ctx context.Context, workflow *Workflow, d Delivery, options EffectOptions) (Settlement, error) {
	call := EffectCall{
		Instance:       d.Lease.Instance,
		Effect:         d.Kind.Name,
		IdempotencyKey: idempotencyKey(&d.Lease),
		Attempt:        d.Attempt,
		MaxAttempts:    options.Retry.MaxAttempts,
		RequestedAt:    d.Due,
	}
	if err := e.readable(ctx, workflow, d); err != nil {
		return Settlement{}, fmt.Errorf("effect %s: %w", d.Kind.Name, err)
	}
	handlerCtx, cancel := context.WithTimeout(ctx, options.Timeout)
	defer cancel()
	input, err := workflow.handle(handlerCtx, d.Payload, call)
	if err != nil {
		return Settlement{}, fmt.Errorf("effect %s: %w", d.Kind.Name, err)
	}
	if input == nil {
		return Settlement{Lease: d.Lease, Verdict: Done}, nil
	}
	settlement, err := e.deliverOwn(ctx, workflow, d, input, time.Time{})
	if err != nil {
		return Settlement{}, fmt.Errorf("result of effect %s: %w", d.Kind.Name, err)
	}
	return settlement, nil
}

// readable fails unless the result of an effect could be applied to its instance, so that the handler is not called in vain.
func (e *Engine) readable(ctx context.Context, workflow *Workflow, d Delivery) error {
	ctx, cancel := context.WithTimeout(ctx, e.config.Lease)
	defer cancel()
	return retry(ctx, e.config.Clock, func() error { return e.executor.readable(ctx, workflow, d.Lease.Instance) })
}

// idempotencyKey names an effect among all effects of all workflows.
func idempotencyKey(effect *Lease) string {
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

func (e *Engine) deliverTimer(ctx context.Context, d Delivery) (Settlement, error) {
	workflow := e.workflows[d.Kind.Workflow]
	if r := workflow.recurring(timerName(d.Lease.Key)); r != nil {
		return e.deliverRecurring(ctx, workflow, r, d)
	}
	input, err := workflow.decodeInput(d.Kind.Name, d.Payload)
	if err != nil {
		return Settlement{}, fmt.Errorf("timer %s: %w", d.Lease.Key, unknown(err))
	}
	settlement, err := e.deliverOwn(ctx, workflow, d, input, d.Due)
	if err != nil {
		return Settlement{}, fmt.Errorf("timer %s: %w", d.Lease.Key, err)
	}
	return settlement, nil
}

// deliverOwn executes an input that a delivery leads to in its own instance.
func (e *Engine) deliverOwn(
	ctx context.Context, workflow *Workflow, d Delivery, input any, notBefore time.Time,
) (Settlement, error) {
	input, err := workflow.addressed(input, d.Lease.Instance.ID)
	if err != nil {
		return Settlement{}, err
	}
	req := request{workflow: workflow, notBefore: notBefore}
	if req.input, err = workflow.prepare(input); err != nil {
		return Settlement{}, err
	}
	return e.deliverInput(ctx, d, req)
}

// deliverInput executes the input that a delivery leads to, and ends the delivery in the same commit, as the request says or by
// consuming it. An input that is refused, or comes too late, has no commit; then the delivery is to end so by itself.
func (e *Engine) deliverInput(ctx context.Context, d Delivery, req request) (Settlement, error) {
	if req.settle.Verdict == 0 {
		req.settle = Settlement{Lease: d.Lease, Verdict: Done}
	}
	outcome, err := e.tryInput(ctx, d, req)
	if err != nil {
		return Settlement{}, err
	}
	if outcome.kind == accepted {
		return Settlement{}, nil
	}
	return e.refused(req, outcome), nil
}

// refused is how a delivery ends whose input was not accepted.
func (e *Engine) refused(req request, outcome result) Settlement {
	s := req.settle
	if s.Verdict == Done {
		s.At, s.Error = storedTime(e.config.Clock.Now()), outcome.describe()
	}
	return s
}

// tryInput executes the input that a delivery leads to.
//
// A store that fails is asked again here, as long as the lease is held, so that a handler that succeeded need not run
// again. This cannot apply the result twice: had a lost commit succeeded, the lease would be gone.
func (e *Engine) tryInput(ctx context.Context, d Delivery, req request) (outcome result, err error) {
	req.delivery, req.trace = &d, d.Trace
	// The handler's work is done, so a stop of the engine must not throw it away any more.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.config.Lease)
	defer cancel()
	err = retry(ctx, e.config.Clock, func() error {
		outcome, err = e.execute(ctx, req)
		return err
	})
	if err == nil && outcome.kind != accepted {
		brought := d.Lease.Key // by a timer
		if d.Lease.Queue == EffectQueue {
			brought = d.Kind.Name
		}
		e.config.Logger.InfoContext(ctx, "ironflow: the workflow did not accept what was delivered",
			"workflow", req.workflow.name, "instance", req.input.instance, d.Lease.Queue.singular(), brought,
			"input", req.input.name, "outcome", outcome.describe())
	}
	return outcome, err
}
