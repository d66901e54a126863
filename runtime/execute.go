package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/codec"
)

// Execute decides on an input and stores what follows from it. Generated clients call it, with the types the declaration
// gives to E and R.
//
// When it returns without an error, the outcome is final and, when accepted, durable. With an error nothing was stored,
// unless the error says that the store's answer was lost. A context that ends before the decision is made takes the input
// back; after it, the call waits for the store's answer.
//
// Errors are *UnknownWorkflow, *UniqueKeyConflict, *PanicError from user code, or name what is wrong with the input or
// the decision; errors of the store are wrapped.
func Execute[E, R any](ctx context.Context, engine *Engine, workflow string, input any) (Outcome[E, R], error) {
	w, err := engine.workflow(workflow)
	if err != nil {
		return Outcome[E, R]{}, err
	}
	prepared, err := w.prepare(input)
	if err != nil {
		return Outcome[E, R]{}, err
	}
	result, err := engine.execute(ctx, request{workflow: w, input: prepared})
	if err != nil {
		return Outcome[E, R]{}, err
	}
	return typedOutcome[E, R](result)
}

func typedOutcome[E, R any](result result) (Outcome[E, R], error) {
	out := Outcome[E, R]{kind: result.kind, Version: result.version}
	for _, event := range result.events {
		typed, ok := event.(E)
		if !ok {
			return out, fmt.Errorf("event %T is stored, but is not of the type this client expects", event)
		}
		out.Events = append(out.Events, typed)
	}
	if result.kind == rejected {
		typed, ok := result.rejection.(R)
		if !ok {
			return out, fmt.Errorf("rejection %T is not of the type this client expects", result.rejection)
		}
		out.Rejection = typed
	}
	return out, nil
}

// ExecuteDynamic is Execute for an input given as JSON: a flat object whose member "type" names the input. Unlike in
// stored inputs, a missing field is an error. Errors about the JSON are *codec.Error and *codec.UnknownTypeError, wrapped.
func (e *Engine) ExecuteDynamic(ctx context.Context, workflow string, input []byte) (DynamicOutcome, error) {
	w, err := e.workflow(workflow)
	if err != nil {
		return DynamicOutcome{}, err
	}
	name, err := codec.PeekType(input)
	if err != nil {
		return DynamicOutcome{}, fmt.Errorf("workflow %s: input: %w", workflow, err)
	}
	decoded, err := w.decodeInput(name, input, true)
	if err != nil {
		return DynamicOutcome{}, err
	}
	prepared, err := w.prepare(decoded)
	if err != nil {
		return DynamicOutcome{}, err
	}
	result, err := e.execute(ctx, request{workflow: w, input: prepared})
	if err != nil {
		return DynamicOutcome{}, err
	}
	return encodedOutcome(w, result)
}

func encodedOutcome(w *Workflow, result result) (DynamicOutcome, error) {
	out := DynamicOutcome{kind: result.kind, Version: result.version}
	for _, event := range result.events {
		encoded, err := w.encodeEvent(event)
		if err != nil {
			return out, err
		}
		out.Events = append(out.Events, encoded)
	}
	if result.kind == rejected {
		var err error
		if out.Rejection, err = w.encodeRejection(result.rejection); err != nil {
			return out, fmt.Errorf("workflow %s: rejection %w", w.name, err)
		}
	}
	return out, nil
}

// request is an input on its way into an instance.
type request struct {
	workflow  *Workflow
	input     preparedInput
	notBefore time.Time // now must not be earlier: the time a timer was to fire
	consume   *Lease    // the effect or timer that caused the input
}

// result is what became of a request.
type result struct {
	kind      outcomeKind
	events    []any
	version   int64
	rejection any
}

// describe says in a log what became of an input that was not accepted.
func (r result) describe() string {
	if r.kind == rejected {
		return fmt.Sprintf("rejected with %T", r.rejection)
	}
	return "the instance had completed"
}

// execute is the door: every input passes here. It runs the input again while it loses races against others; each lost
// race is another's progress.
func (e *Engine) execute(ctx context.Context, req request) (result, error) {
	key := InstanceKey{Workflow: req.workflow.name, ID: req.input.id}
	for {
		result, err := e.attempt(ctx, key, req)
		if err == nil {
			return result, nil
		}
		if errors.Is(err, ErrConflict) {
			if ctx.Err() == nil {
				continue
			}
			err = ctx.Err() // callers do not see conflicts
		}
		return result, fmt.Errorf("%s: input %s: %w", key, req.input.name, err)
	}
}

// commitTimeout bounds the wait for a store that has gone silent during a commit.
const commitTimeout = 30 * time.Second

// attempt runs one input through one unit of work.
func (e *Engine) attempt(ctx context.Context, key InstanceKey, req request) (result, error) {
	work, err := e.store.Begin(ctx, []InstanceKey{key})
	if err != nil {
		return result{}, fromStore(err)
	}
	// A commit that was sent must not be abandoned half-way, or nobody would know what became of it.
	commitCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	defer func() {
		if err := work.Rollback(commitCtx); err != nil {
			e.config.Logger.WarnContext(commitCtx, "ironflow: rollback failed", "workflow", key.Workflow, "instance", key.ID, "error", err)
		}
	}()

	instance := work.Instances()[0]
	if instance.Completed {
		return result{kind: alreadyCompleted, version: instance.Version}, nil
	}
	state, err := req.workflow.replay(instance.Events)
	if err != nil {
		return result{}, err
	}
	step, err := req.workflow.step(e.decisionTime(instance, req), instance, state, req.input)
	if err != nil {
		return result{}, err
	}
	if step.rejection != nil {
		return result{kind: rejected, rejection: step.rejection, version: instance.Version}, nil
	}
	if err := ctx.Err(); err != nil {
		return result{}, err
	}
	step.change.Consume = req.consume
	if err := work.Commit(commitCtx, []Change{step.change}); err != nil {
		return result{}, fromStore(err)
	}
	e.wakeFor(step.change)
	return result{kind: accepted, events: step.events, version: step.change.NewVersion()}, nil
}

// decisionTime is the now of a decision: the clock's, but neither before the instance's last event nor before the
// time the input's timer was set for, so that time never runs backwards within an instance.
func (e *Engine) decisionTime(instance Instance, req request) time.Time {
	now := storedTime(e.config.Clock.Now())
	if n := len(instance.Events); n > 0 && instance.Events[n-1].RecordedAt.After(now) {
		now = instance.Events[n-1].RecordedAt
	}
	if req.notBefore.After(now) {
		now = req.notBefore
	}
	return now
}

// wakeFor tells this process's workers what a commit gave them to do.
func (e *Engine) wakeFor(change Change) {
	if len(change.Effects) > 0 {
		e.effects.wakeAt(change.Now)
	}
	for _, t := range change.Timers {
		e.timers.wakeAt(t.FireAt)
	}
}
