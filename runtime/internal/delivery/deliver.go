package delivery

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/commit"
	"github.com/ironflow-gen/ironflow/runtime/internal/unknown"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// router takes deliveries to where they lead: to the handlers of effects, and by inputs to instances.
type router struct {
	config    Config
	store     *bound.Store
	door      Door
	workflows map[string]*workflow.Workflow
}

// ofEffects returns the routes of effects and of ends of children. An effect whose target is not registered has no route: it waits for a
// process that has registered it.
func (r *router) ofEffects() map[store.Kind]route {
	routes := make(map[store.Kind]route)
	for _, workflow := range r.workflows {
		for effect, o := range workflow.EffectOptions() {
			o.Retry = o.Retry.WithDefaults(r.config.EffectRetry)
			o.Timeout = cmp.Or(o.Timeout, r.config.EffectTimeout)
			way := route{retry: o.Retry, priority: o.Priority, limit: o.Limit}
			if o.Dead != nil {
				way.dead = func(ctx context.Context, d store.Delivery, dead store.Settlement) (attemptEnd, error) {
					return r.deliverDead(ctx, workflow, d, dead, o.Dead)
				}
			}
			switch target := cmp.Or(o.Starts, o.Sends); {
			case target == nil:
				way.deliver = func(ctx context.Context, d store.Delivery) (attemptEnd, error) {
					return r.deliverEffect(ctx, workflow, d, o)
				}
			case r.workflows[target.Workflow] != nil:
				way.deliver = func(ctx context.Context, d store.Delivery) (attemptEnd, error) {
					return r.deliverToTarget(ctx, workflow, d, o)
				}
			}
			if way.deliver != nil {
				routes[store.Kind{Workflow: workflow.Name(), Name: effect}] = way
			}
			if o.Starts != nil && o.Ended != "" {
				routes[commit.EndedKind(o.Starts.Workflow, workflow.Name())] = route{
					retry: r.config.EffectRetry,
					deliver: func(ctx context.Context, d store.Delivery) (attemptEnd, error) {
						return r.deliverEnded(ctx, workflow, d)
					},
				}
			}
		}
	}
	return routes
}

// ofTimers returns the routes of timers and schedules.
func (r *router) ofTimers() map[store.Kind]route {
	routes := make(map[store.Kind]route)
	for _, wf := range r.workflows {
		for _, input := range wf.InputNames() {
			routes[store.Kind{Workflow: wf.Name(), Name: input}] = route{
				retry:     r.config.TimerRetry,
				deliver:   func(ctx context.Context, d store.Delivery) (attemptEnd, error) { return r.deliverTimer(ctx, wf, d) },
				recurring: func(d store.Delivery) bool { return wf.Recurring(workflow.TimerName(d.Lease.Key)) != nil },
				dead: func(_ context.Context, d store.Delivery, dead store.Settlement) (attemptEnd, error) {
					return r.skipFiring(wf.Recurring(workflow.TimerName(d.Lease.Key)), d, dead), nil
				},
			}
		}
		for _, s := range wf.Schedules() {
			routes[store.ScheduleKind(wf.Name(), s.Name)] = route{
				retry:     r.config.TimerRetry,
				recurring: func(store.Delivery) bool { return true },
				deliver: func(ctx context.Context, d store.Delivery) (attemptEnd, error) {
					return r.deliverScheduled(ctx, wf, s, d)
				},
				dead: func(_ context.Context, d store.Delivery, dead store.Settlement) (attemptEnd, error) {
					return r.skipScheduled(wf, s, d, dead)
				},
			}
		}
	}
	return routes
}

func (r *router) deliverEffect(ctx context.Context, wf *workflow.Workflow, d store.Delivery, options workflow.EffectOptions) (attemptEnd, error) {
	call := workflow.EffectCall{
		Instance:       d.Lease.Instance,
		Effect:         d.Kind.Name,
		IdempotencyKey: idempotencyKey(&d.Lease),
		Attempt:        d.Attempt,
		MaxAttempts:    options.Retry.MaxAttempts,
		RequestedAt:    d.Due,
	}
	if err := r.readable(ctx, wf, d); err != nil {
		return attemptEnd{}, fmt.Errorf("effect %s: %w", d.Kind.Name, err)
	}
	handlerCtx, cancel := context.WithTimeout(ctx, options.Timeout)
	defer cancel()
	input, err := wf.Handle(handlerCtx, d.Payload, call)
	if err != nil {
		return attemptEnd{}, fmt.Errorf("effect %s: %w", d.Kind.Name, err)
	}
	if input == nil {
		return settledBy(consumed(d)), nil
	}
	end, err := r.deliverOwn(ctx, wf, d, input, time.Time{})
	if err != nil {
		return attemptEnd{}, fmt.Errorf("result of effect %s: %w", d.Kind.Name, err)
	}
	return end, nil
}

// readable fails if the result of an effect could not be applied, because this program cannot replay its instance. The handler is not
// called then.
func (r *router) readable(ctx context.Context, workflow *workflow.Workflow, d store.Delivery) error {
	ctx, cancel := context.WithTimeout(ctx, r.config.Lease)
	defer cancel()
	return bound.Retry(ctx, r.config.Clock, func() error { return r.door.Readable(ctx, workflow, d.Lease.Instance) })
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

func (r *router) deliverTimer(ctx context.Context, wf *workflow.Workflow, d store.Delivery) (attemptEnd, error) {
	if recurs := wf.Recurring(workflow.TimerName(d.Lease.Key)); recurs != nil {
		return r.deliverRecurring(ctx, wf, recurs, d)
	}
	input, err := wf.DecodeInput(d.Kind.Name, d.Payload)
	if err != nil {
		return attemptEnd{}, fmt.Errorf("timer %s: %w", d.Lease.Key, unknown.Mark(err))
	}
	end, err := r.deliverOwn(ctx, wf, d, input, d.Due)
	if err != nil {
		return attemptEnd{}, fmt.Errorf("timer %s: %w", d.Lease.Key, err)
	}
	return end, nil
}

// deliverOwn executes an input for the delivery's own instance.
func (r *router) deliverOwn(
	ctx context.Context, workflow *workflow.Workflow, d store.Delivery, input any, notBefore time.Time,
) (attemptEnd, error) {
	input, err := workflow.Addressed(input, d.Lease.Instance.ID)
	if err != nil {
		return attemptEnd{}, err
	}
	req := commit.Request{Workflow: workflow, NotBefore: notBefore, Arrival: &commit.Arrival{Delivery: d, Ends: consumed(d)}}
	if req.Input, err = workflow.Prepare(input); err != nil {
		return attemptEnd{}, err
	}
	return r.deliverInput(ctx, req)
}

// deliverInput executes an input that has an arrival. When the input is not accepted, there is no commit that settles the delivery, and it
// is settled without one.
func (r *router) deliverInput(ctx context.Context, req commit.Request) (attemptEnd, error) {
	outcome, err := r.execute(ctx, req)
	switch {
	case err != nil:
		return attemptEnd{}, err
	case outcome.Kind == workflow.Accepted:
		return inCommit(), nil
	}
	return r.refused(req, outcome), nil
}

// refused settles a delivery whose input was not accepted, and stores the reason.
func (r *router) refused(req commit.Request, outcome commit.Result) attemptEnd {
	s := req.Arrival.Ends
	if s.Verdict == store.Done {
		s.At, s.Error = store.StoredTime(r.config.Clock.Now()), outcome.Describe()
	}
	return settledBy(s)
}

// execute executes an input that has an arrival.
//
// When the store fails, it is asked again for as long as the lease lasts, so that a handler that succeeded need not run again. This
// cannot apply a result twice: if a commit had succeeded whose answer was lost, the lease would be gone.
func (r *router) execute(ctx context.Context, req commit.Request) (outcome commit.Result, err error) {
	d := &req.Arrival.Delivery
	req.Trace = d.Trace
	// The handler has done its work, so a stop of the engine must not throw it away.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.config.Lease)
	defer cancel()
	err = bound.Retry(ctx, r.config.Clock, func() error {
		outcome, err = r.door.Execute(ctx, req)
		return err
	})
	if err == nil && outcome.Kind != workflow.Accepted {
		what, name := "timer", d.Lease.Key
		if d.Lease.Queue == store.EffectQueue {
			what, name = "effect", d.Kind.Name
		}
		r.config.Logger.InfoContext(ctx, "ironflow: the workflow did not accept what was delivered",
			"workflow", req.Workflow.Name(), "instance", req.Input.Instance, what, name, "input", req.Input.Name, "outcome", outcome.Describe())
	}
	return outcome, err
}
