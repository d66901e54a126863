package runtime

import (
	"context"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
)

// Execute decides on an input and stores what follows from it. Generated clients call it, with the types the declaration
// gives to E and R.
//
// When it returns without an error, the outcome is final and, when accepted, durable. With an error nothing was stored,
// unless it is ErrOutcomeUnknown. The call returns when its context ends. An input that had not been sent to the store by then is
// never decided. For one that had, the error is both ErrOutcomeUnknown and the context's; send the input again with the same WithInputID
// to get its outcome. If the store does not answer, the error is *StoreTimeout; if a decider does not return, *Stuck.
//
// Errors are *UnknownWorkflow, *UniqueKeyConflict, *InputIDReused, *Unavailable, *PanicError from user code, or name what is wrong with
// the input or the decision; other errors of the store are wrapped.
func Execute[E, R any](
	ctx context.Context, engine *Engine, workflow string, input any, options ...ExecuteOption,
) (Outcome[E, R], error) {
	w, err := engine.workflow(workflow)
	if err != nil {
		return Outcome[E, R]{}, err
	}
	prepared, err := w.prepare(input)
	if err != nil {
		return Outcome[E, R]{}, err
	}
	result, err := engine.execute(ctx, request{workflow: w, input: prepared}, options...)
	if err != nil {
		return Outcome[E, R]{}, err
	}
	return typedOutcome[E, R](result)
}

func typedOutcome[E, R any](result result) (Outcome[E, R], error) {
	out := Outcome[E, R]{kind: result.kind, Version: result.version}
	if len(result.events) > 0 {
		out.Events = make([]E, 0, len(result.events))
	}
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
// stored inputs, a missing field is an error. Errors about the JSON are an *InvalidInput, which lists all of them.
func (e *Engine) ExecuteDynamic(
	ctx context.Context, workflow string, input []byte, options ...ExecuteOption,
) (DynamicOutcome, error) {
	return e.ExecuteDynamicAs(ctx, workflow, "", input, options...)
}

// ExecuteDynamicAs is ExecuteDynamic for an input whose name is known from elsewhere. The member "type" may be left out; if it
// is there, it must be the name.
func (e *Engine) ExecuteDynamicAs(
	ctx context.Context, workflow, name string, input []byte, options ...ExecuteOption,
) (DynamicOutcome, error) {
	w, err := e.workflow(workflow)
	if err != nil {
		return DynamicOutcome{}, err
	}
	limit := e.config.MaxPayloadBytes
	if err := checkPayload(PayloadName{Workflow: workflow, Kind: InputPayload, Name: "JSON"}, len(input), limit); err != nil {
		return DynamicOutcome{}, err
	}
	prepared, mistakes := readDynamic(w, name, input)
	if len(mistakes) > 0 {
		return DynamicOutcome{}, &InvalidInput{Workflow: workflow, Input: prepared.name, Mistakes: mistakes}
	}
	result, err := e.execute(ctx, request{workflow: w, input: prepared}, options...)
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

// execute is the door: every input passes here, into a lane or into a transaction of the caller's.
func (e *Engine) execute(ctx context.Context, req request, options ...ExecuteOption) (result, error) {
	if len(options) > 0 { // what options point to is on the heap, for which the others need not pay
		var err error
		if req, err = withOptions(req, options); err != nil {
			return result{}, req.named(err)
		}
	}
	if e.readOnly {
		return result{}, req.named(ErrReadOnly)
	}
	ended := startInput(ctx, e.config.Telemetry, &req)
	if ended == nil {
		return e.admit(ctx, req)
	}
	var r result
	err := usererr.Call(func() (err error) { // user code can end the caller's goroutine within the caller's transaction
		r, err = e.admit(ctx, req)
		return err
	}, func(err error) { ended(r, err) })
	return r, err
}

// withOptions returns the request as the options change it.
func withOptions(r request, options []ExecuteOption) (request, error) {
	for _, option := range options {
		if err := option(&r); err != nil {
			return r, err
		}
	}
	return r, nil
}

// admit takes an input into a lane or a transaction, unless it is a client's and the workflow takes none.
func (e *Engine) admit(ctx context.Context, req request) (result, error) {
	if req.arrival == nil {
		if err := e.pauses.admit(ctx, req.workflow.name); err != nil {
			return result{}, req.named(err)
		}
	}
	take := e.executor.submit
	if req.within != nil {
		take = e.executor.within
	}
	again := untilAvailable[result]
	if req.within != nil || req.arrival != nil { // a transaction that failed stays so, and a delivery is repeated by its worker
		again = once
	}
	r, err := again(ctx, e.config.UnavailableTimeout, func() (result, error) { return take(ctx, req.key(), req) })
	if err != nil {
		err = req.named(err)
	}
	return r, err
}

func once(_ context.Context, _ time.Duration, call func() (result, error)) (result, error) {
	return call()
}

// Wake lets the workers and readers of this engine look for work at once, and not only when they poll next: after the commit of a transaction
// of the caller's own, see Within, on a store that does not tell of it.
func (e *Engine) Wake() {
	e.feed.Committed()
	e.deliveries.wake()
}

// committed tells the workers and readers of this process, and the other processes, what is new with a commit.
func (e *Engine) committed(change Change) {
	e.feed.Committed()
	e.newEvents.announce()
	e.deliveries.committed(change)
}
