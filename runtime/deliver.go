package runtime

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/unknown"
)

// router takes deliveries to where they lead: to the handlers of effects, and by inputs to instances.
type router struct {
	config    deliveryConfig
	store     *boundedStore
	door      inputDoor
	workflows map[string]*Workflow
}

// ofEffects returns the routes of effects and of ends of children. An effect whose target is not registered has no route: it waits for a
// process that has registered it.
func (r *router) ofEffects() map[Kind]route {
	routes := make(map[Kind]route)
	for _, workflow := range r.workflows {
		for effect, o := range workflow.effectOptions() {
			o.Retry = o.Retry.withDefaults(r.config.EffectRetry)
			o.Timeout = cmp.Or(o.Timeout, r.config.EffectTimeout)
			way := route{retry: o.Retry, priority: o.Priority, limit: o.Limit}
			if o.Dead != nil {
				way.dead = func(ctx context.Context, d Delivery, dead Settlement) (attemptEnd, error) {
					return r.deliverDead(ctx, workflow, d, dead, o.Dead)
				}
			}
			switch target := cmp.Or(o.Starts, o.Sends); {
			case target == nil:
				way.deliver = func(ctx context.Context, d Delivery) (attemptEnd, error) { return r.deliverEffect(ctx, workflow, d, o) }
			case r.workflows[target.Workflow] != nil:
				way.deliver = func(ctx context.Context, d Delivery) (attemptEnd, error) {
					return r.deliverToTarget(ctx, workflow, d, o)
				}
			}
			if way.deliver != nil {
				routes[Kind{Workflow: workflow.name, Name: effect}] = way
			}
			if o.Starts != nil && o.Ended != "" {
				routes[endedKind(o.Starts.Workflow, workflow.name)] = route{
					retry:   r.config.EffectRetry,
					deliver: func(ctx context.Context, d Delivery) (attemptEnd, error) { return r.deliverEnded(ctx, workflow, d) },
				}
			}
		}
	}
	return routes
}

// ofTimers returns the routes of timers and schedules.
func (r *router) ofTimers() map[Kind]route {
	routes := make(map[Kind]route)
	for _, workflow := range r.workflows {
		for _, input := range workflow.inputNames() {
			routes[Kind{Workflow: workflow.name, Name: input}] = route{
				retry:     r.config.TimerRetry,
				deliver:   func(ctx context.Context, d Delivery) (attemptEnd, error) { return r.deliverTimer(ctx, workflow, d) },
				recurring: func(d Delivery) bool { return workflow.recurring(timerName(d.Lease.Key)) != nil },
				dead: func(_ context.Context, d Delivery, dead Settlement) (attemptEnd, error) {
					return r.skipFiring(workflow.recurring(timerName(d.Lease.Key)), d, dead), nil
				},
			}
		}
		for _, s := range workflow.schedules() {
			routes[ScheduleKind(workflow.name, s.Name)] = route{
				retry:     r.config.TimerRetry,
				recurring: func(Delivery) bool { return true },
				deliver: func(ctx context.Context, d Delivery) (attemptEnd, error) {
					return r.deliverScheduled(ctx, workflow, s, d)
				},
				dead: func(_ context.Context, d Delivery, dead Settlement) (attemptEnd, error) {
					return r.skipScheduled(workflow, s, d, dead)
				},
			}
		}
	}
	return routes
}

func (r *router) deliverEffect(ctx context.Context, workflow *Workflow, d Delivery, options EffectOptions) (attemptEnd, error) {
	call := EffectCall{
		Instance:       d.Lease.Instance,
		Effect:         d.Kind.Name,
		IdempotencyKey: idempotencyKey(&d.Lease),
		Attempt:        d.Attempt,
		MaxAttempts:    options.Retry.MaxAttempts,
		RequestedAt:    d.Due,
	}
	if err := r.readable(ctx, workflow, d); err != nil {
		return attemptEnd{}, fmt.Errorf("effect %s: %w", d.Kind.Name, err)
	}
	handlerCtx, cancel := context.WithTimeout(ctx, options.Timeout)
	defer cancel()
	input, err := workflow.handle(handlerCtx, d.Payload, call)
	if err != nil {
		return attemptEnd{}, fmt.Errorf("effect %s: %w", d.Kind.Name, err)
	}
	if input == nil {
		return settledBy(consumed(d)), nil
	}
	end, err := r.deliverOwn(ctx, workflow, d, input, time.Time{})
	if err != nil {
		return attemptEnd{}, fmt.Errorf("result of effect %s: %w", d.Kind.Name, err)
	}
	return end, nil
}

// readable fails if the result of an effect could not be applied, because this program cannot replay its instance. The handler is not
// called then.
func (r *router) readable(ctx context.Context, workflow *Workflow, d Delivery) error {
	ctx, cancel := context.WithTimeout(ctx, r.config.Lease)
	defer cancel()
	return retry(ctx, r.config.Clock, func() error { return r.door.Readable(ctx, workflow, d.Lease.Instance) })
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

func (r *router) deliverTimer(ctx context.Context, workflow *Workflow, d Delivery) (attemptEnd, error) {
	if recurs := workflow.recurring(timerName(d.Lease.Key)); recurs != nil {
		return r.deliverRecurring(ctx, workflow, recurs, d)
	}
	input, err := workflow.decodeInput(d.Kind.Name, d.Payload)
	if err != nil {
		return attemptEnd{}, fmt.Errorf("timer %s: %w", d.Lease.Key, unknown.Mark(err))
	}
	end, err := r.deliverOwn(ctx, workflow, d, input, d.Due)
	if err != nil {
		return attemptEnd{}, fmt.Errorf("timer %s: %w", d.Lease.Key, err)
	}
	return end, nil
}

// deliverOwn executes an input for the delivery's own instance.
func (r *router) deliverOwn(
	ctx context.Context, workflow *Workflow, d Delivery, input any, notBefore time.Time,
) (attemptEnd, error) {
	input, err := workflow.addressed(input, d.Lease.Instance.ID)
	if err != nil {
		return attemptEnd{}, err
	}
	req := request{workflow: workflow, notBefore: notBefore, arrival: &arrival{d, consumed(d)}}
	if req.input, err = workflow.prepare(input); err != nil {
		return attemptEnd{}, err
	}
	return r.deliverInput(ctx, req)
}

// deliverInput executes an input that has an arrival. When the input is not accepted, there is no commit that settles the delivery, and it
// is settled without one.
func (r *router) deliverInput(ctx context.Context, req request) (attemptEnd, error) {
	outcome, err := r.execute(ctx, req)
	switch {
	case err != nil:
		return attemptEnd{}, err
	case outcome.kind == accepted:
		return inCommit(), nil
	}
	return r.refused(req, outcome), nil
}

// refused settles a delivery whose input was not accepted, and stores the reason.
func (r *router) refused(req request, outcome result) attemptEnd {
	s := req.arrival.ends
	if s.Verdict == Done {
		s.At, s.Error = storedTime(r.config.Clock.Now()), outcome.describe()
	}
	return settledBy(s)
}

// execute executes an input that has an arrival.
//
// When the store fails, it is asked again for as long as the lease lasts, so that a handler that succeeded need not run again. This
// cannot apply a result twice: if a commit had succeeded whose answer was lost, the lease would be gone.
func (r *router) execute(ctx context.Context, req request) (outcome result, err error) {
	d := &req.arrival.Delivery
	req.trace = d.Trace
	// The handler has done its work, so a stop of the engine must not throw it away.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.config.Lease)
	defer cancel()
	err = retry(ctx, r.config.Clock, func() error {
		outcome, err = r.door.Execute(ctx, req)
		return err
	})
	if err == nil && outcome.kind != accepted {
		what, name := "timer", d.Lease.Key
		if d.Lease.Queue == EffectQueue {
			what, name = "effect", d.Kind.Name
		}
		r.config.Logger.InfoContext(ctx, "ironflow: the workflow did not accept what was delivered",
			"workflow", req.workflow.name, "instance", req.input.instance, what, name, "input", req.input.name, "outcome", outcome.describe())
	}
	return outcome, err
}
