package runtime

import (
	"context"
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/commit"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
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
	prepared, err := w.Prepare(input)
	if err != nil {
		return Outcome[E, R]{}, err
	}
	result, err := engine.execute(ctx, commit.Request{Workflow: w, Input: prepared}, options...)
	if err != nil {
		return Outcome[E, R]{}, err
	}
	return typedOutcome[E, R](result)
}

func typedOutcome[E, R any](result commit.Result) (Outcome[E, R], error) {
	switch result.Kind {
	case commit.Accepted:
		events := make([]E, len(result.Events))
		for i, event := range result.Events {
			typed, ok := event.(E)
			if !ok {
				return Outcome[E, R]{}, fmt.Errorf("event %T is stored, but is not of the type this client expects", event)
			}
			events[i] = typed
		}
		return workflow.AcceptedOutcome[E, R](result.Version, events...), nil
	case commit.Rejected:
		rejection, ok := result.Rejection.(R)
		if !ok {
			return Outcome[E, R]{}, fmt.Errorf("rejection %T is not of the type this client expects", result.Rejection)
		}
		return workflow.RejectedOutcome[E](result.Version, rejection), nil
	default:
		return workflow.CompletedOutcome[E, R](result.Version), nil
	}
}

// ExecuteDynamic is Execute for an input given as JSON: a flat object whose member "type" names the input. Unlike in
// stored inputs, a missing field is an error. Errors about the JSON are an *InvalidInput, which lists all of them.
func (e *Engine) ExecuteDynamic(
	ctx context.Context, workflow string, input []byte, options ...ExecuteOption,
) (Outcome[Encoded, Encoded], error) {
	return e.ExecuteDynamicAs(ctx, workflow, "", input, options...)
}

// ExecuteDynamicAs is ExecuteDynamic for an input whose name is known from elsewhere. The member "type" may be left out; if it
// is there, it must be the name.
func (e *Engine) ExecuteDynamicAs(
	ctx context.Context, workflow, name string, input []byte, options ...ExecuteOption,
) (Outcome[Encoded, Encoded], error) {
	w, err := e.workflow(workflow)
	if err != nil {
		return Outcome[Encoded, Encoded]{}, err
	}
	prepared, err := e.readDynamic(w, name, input)
	if err != nil {
		return Outcome[Encoded, Encoded]{}, err
	}
	result, err := e.execute(ctx, commit.Request{Workflow: w, Input: prepared}, options...)
	if err != nil {
		return Outcome[Encoded, Encoded]{}, err
	}
	if result, err = encoded(w, result); err != nil {
		return Outcome[Encoded, Encoded]{}, err
	}
	return typedOutcome[Encoded, Encoded](result)
}

// readDynamic reads an input given as JSON, which may be too large or have mistakes.
func (e *Engine) readDynamic(w *Workflow, name string, input []byte) (workflow.PreparedInput, error) {
	limit := e.config.MaxPayloadBytes
	if err := workflow.CheckPayload(PayloadName{Workflow: w.Name(), Kind: workflow.InputPayload, Name: "JSON"}, len(input), limit); err != nil {
		return workflow.PreparedInput{}, err
	}
	prepared, mistakes := workflow.ReadDynamic(w, name, input)
	if len(mistakes) > 0 {
		return workflow.PreparedInput{}, &InvalidInput{Workflow: w.Name(), Input: prepared.Name, Mistakes: mistakes}
	}
	return prepared, nil
}

// encoded returns a result whose events and rejection are JSON.
func encoded(w *Workflow, result commit.Result) (commit.Result, error) {
	events := make([]any, len(result.Events))
	for i, event := range result.Events {
		encoded, err := w.EncodeEvent(event)
		if err != nil {
			return result, err
		}
		events[i] = encoded
	}
	result.Events = events
	if result.Kind == commit.Rejected {
		rejection, err := w.EncodeRejection(result.Rejection)
		if err != nil {
			return result, fmt.Errorf("workflow %s: rejection %w", w.Name(), err)
		}
		result.Rejection = rejection
	}
	return result, nil
}

// execute is the door: every input passes here, into a batch or into a transaction of the caller's.
func (e *Engine) execute(ctx context.Context, req commit.Request, options ...ExecuteOption) (commit.Result, error) {
	if len(options) > 0 { // what options point to is on the heap, for which the others need not pay
		var err error
		if req, err = withOptions(req, options); err != nil {
			return commit.Result{}, req.Named(err)
		}
	}
	if e.readOnly {
		return commit.Result{}, req.Named(ErrReadOnly)
	}
	if req.InputID != "" && req.Within == nil {
		if err := bound.Need[store.InputLog](e.store, "WithInputID"); err != nil {
			return commit.Result{}, req.Named(err)
		}
	}
	ended := commit.StartInput(ctx, e.config.Telemetry, &req)
	if ended == nil {
		return e.admit(ctx, req)
	}
	return e.admitReported(ctx, req, ended)
}

// admitReported is admit for an input of which telemetry hears the end.
func (e *Engine) admitReported(ctx context.Context, req commit.Request, ended func(commit.Result, error)) (commit.Result, error) {
	var r commit.Result
	err := usererr.Call(func() (err error) { // user code can end the caller's goroutine within the caller's transaction
		r, err = e.admit(ctx, req)
		return err
	}, func(err error) { ended(r, err) })
	return r, err
}

// withOptions returns the request as the options change it.
func withOptions(r commit.Request, options []ExecuteOption) (commit.Request, error) {
	for _, option := range options {
		if option.apply == nil {
			continue
		}
		if err := option.apply(&r); err != nil {
			return r, err
		}
	}
	return r, nil
}

// admit takes an input into a batch or a transaction, unless it is a client's and the workflow takes none.
func (e *Engine) admit(ctx context.Context, req commit.Request) (commit.Result, error) {
	if req.Arrival == nil {
		if err := e.pauses.admit(ctx, req.Workflow.Name()); err != nil {
			return commit.Result{}, req.Named(err)
		}
	}
	var r commit.Result
	var err error
	if req.Within != nil { // a transaction that failed stays so
		r, err = e.executor.Within(ctx, req.Key(), req)
	} else if r, err = e.executor.Submit(ctx, req.Key(), req); bound.IsUnavailable(err) && req.Arrival == nil { // a delivery is repeated by its worker
		r, err = e.submitAgain(ctx, req, err)
	}
	if err != nil {
		err = req.Named(err)
	}
	return r, err
}

// submitAgain repeats an input that failed because the store is unavailable.
func (e *Engine) submitAgain(ctx context.Context, req commit.Request, failed error) (commit.Result, error) {
	return bound.UntilAvailable(ctx, e.config.UnavailableTimeout, func() (commit.Result, error) {
		if err := failed; err != nil {
			failed = nil
			return commit.Result{}, err
		}
		return e.executor.Submit(ctx, req.Key(), req)
	})
}

// Wake lets the workers and readers of this engine look for work at once, and not only when they poll next: after the commit of a transaction
// of the caller's own, see Within, on a store that does not tell of it.
func (e *Engine) Wake() {
	e.feed.LookAgain()
	e.deliveries.Wake()
}

// committed tells the workers and readers of this process, and the other processes, what is new with a commit.
func (e *Engine) committed(id store.CommitID, changes []store.Change) {
	e.deliveries.Committed(id, changes)
	e.feed.LookAgain()
	e.newEvents.announce()
}
