package runtime

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/commit"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Execute decides on an input and stores the decision. Generated clients call it; E is the type of the events that the input may
// lead to, R that of the workflow's rejections.
//
// Without an error the outcome is final, and the events of an accepted input are durable. With an error nothing was stored,
// unless it is ErrOutcomeUnknown. The call returns when its context ends. If the decision had not been sent to the store by then,
// nothing will be stored. Otherwise the error is both ErrOutcomeUnknown and the context's; send the input again with the same
// WithInputID to get its outcome. If the store does not answer, the error is *StoreTimeout; if the decider does not return,
// *Stuck.
//
// Other errors are *UnknownWorkflow, *UniqueKeyConflict, *InputIDReused, *store.OperatorOnly, *Unavailable, *WorkflowPaused and *PanicError, which is
// a panic of user code, or errors that name the mistake in the input or the decision. Errors of the store are wrapped.
func Execute[E, R any](
	ctx context.Context, engines Engines, workflow string, input any, options ...ExecuteOption,
) (Outcome[E, R], error) {
	w, err := engines.AnyEngine().workflow(workflow)
	if err != nil {
		return Outcome[E, R]{}, err
	}
	prepared, err := w.Prepare(input)
	if err != nil {
		return Outcome[E, R]{}, err
	}
	req := commit.Request{Workflow: w, Input: prepared}
	var result commit.Result
	if engine, one := engines.(*Engine); one {
		result, err = engine.execute(ctx, req, options...)
	} else {
		result, err = executeOver(ctx, engines, req, options)
	}
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

// ExecuteDynamic is Execute for an input given as JSON: a flat object whose member "type" names the input. A missing field is an
// error, unlike in stored inputs. If the JSON has mistakes, the error is *InvalidInput, which lists all of them.
func (e *Engine) ExecuteDynamic(
	ctx context.Context, workflow string, input []byte, options ...ExecuteOption,
) (Outcome[Encoded, Encoded], error) {
	return e.ExecuteDynamicAs(ctx, workflow, "", input, options...)
}

// ExecuteDynamicAs is ExecuteDynamic for an input whose name the caller knows. The member "type" may be left out; if it is
// present, it must be that name.
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
	result, err := executeOver(ctx, cmp.Or[Engines](e.others, e), commit.Request{Workflow: w, Input: prepared}, options)
	if err != nil {
		return Outcome[Encoded, Encoded]{}, err
	}
	if result, err = encoded(w, result); err != nil {
		return Outcome[Encoded, Encoded]{}, err
	}
	return typedOutcome[Encoded, Encoded](result)
}

// readDynamic reads an input given as JSON. It fails with *PayloadTooLarge or *InvalidInput.
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

// execute is the one door for inputs: every input passes through it, into a batch or into a transaction of the caller.
func (e *Engine) execute(ctx context.Context, req commit.Request, options ...ExecuteOption) (commit.Result, error) {
	if len(options) > 0 { // options move the request to the heap; calls without options do not pay for that
		var err error
		if req, err = withOptions(req, options); err != nil {
			return commit.Result{}, req.Named(err)
		}
	}
	if e.readOnly {
		return commit.Result{}, req.Named(ErrReadOnly)
	}
	if err := e.refuseApart(&req); err != nil {
		return commit.Result{}, req.Named(err)
	}
	if req.InputID != "" && req.Within == nil {
		if err := bound.Need[store.InputLog](e.store, "WithInputID"); err != nil {
			return commit.Result{}, req.Named(err)
		}
	}
	if err := e.checkOperator(&req); err != nil {
		return commit.Result{}, req.Named(err)
	}
	ended := commit.StartInput(ctx, e.config.Telemetry, &req)
	if ended == nil {
		return e.admit(ctx, req)
	}
	return e.admitReported(ctx, req, ended)
}

// checkOperator fails if an input that only operators send has another sender, or if the store cannot record what an operator sends.
func (e *Engine) checkOperator(req *commit.Request) error {
	operator := req.Operator.By != ""
	if only := req.Workflow.OperatorInputs(); len(only) > 0 && !operator && slices.Contains(only, req.Input.Name) {
		return &store.OperatorOnly{Workflow: req.Workflow.Name(), Input: req.Input.Name}
	}
	if operator {
		return bound.Need[store.AuditLog](e.store, "AsOperator")
	}
	return nil
}

// admitReported is admit for an input whose end is reported to telemetry.
func (e *Engine) admitReported(ctx context.Context, req commit.Request, ended func(commit.Result, error)) (commit.Result, error) {
	var r commit.Result
	err := usererr.Call(func() (err error) { // within the caller's transaction, user code runs on the caller's goroutine and can end it
		r, err = e.admit(ctx, req)
		return err
	}, func(err error) { ended(r, err) })
	return r, err
}

// withOptions applies the options to the request.
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

// admit passes an input to a batch or to its transaction. An input of a client fails if the workflow is paused in a way that
// refuses inputs.
func (e *Engine) admit(ctx context.Context, req commit.Request) (commit.Result, error) {
	if req.Arrival == nil {
		if err := e.pauses.admit(ctx, req.Workflow.Name()); err != nil {
			return commit.Result{}, req.Named(err)
		}
	}
	var r commit.Result
	var err error
	if req.Within != nil { // a failed transaction cannot be used again
		r, err = e.executor.Within(ctx, req.Key(), req)
	} else if r, err = e.executor.Submit(ctx, req.Key(), req); bound.IsUnavailable(err) && req.Arrival == nil { // for a delivery, its worker tries again
		r, err = e.submitAgain(ctx, req, err)
	}
	if err != nil {
		err = req.Named(err)
	}
	return r, err
}

// submitAgain submits an input again while the store is unavailable.
func (e *Engine) submitAgain(ctx context.Context, req commit.Request, failed error) (commit.Result, error) {
	return bound.UntilAvailable(ctx, e.config.UnavailableTimeout, func() (commit.Result, error) {
		if err := failed; err != nil {
			failed = nil
			return commit.Result{}, err
		}
		return e.executor.Submit(ctx, req.Key(), req)
	})
}

// Wake makes the workers and readers of this engine look for work at once instead of at their next poll. Call it after you commit
// a transaction of your own (see Within) on a store that does not notify the engine of commits.
func (e *Engine) Wake() {
	e.feed.LookAgain()
	e.deliveries.Wake()
}

// committed wakes the workers and readers of this process after a commit, and notifies the other processes.
func (e *Engine) committed(id store.CommitID, changes []store.Change) {
	e.deliveries.Committed(id, changes)
	e.waits.Committed(changes)
	e.feed.LookAgain()
	e.newEvents.announce()
}
