package delivery

import (
	"context"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/commit"
	"github.com/ironflow-gen/ironflow/runtime/internal/unknown"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// arriving begins the request for an input of a workflow that a delivery brings. The input's commit consumes the delivery.
func arriving(to *workflow.Workflow, d store.Delivery) commit.Request {
	return commit.Request{Workflow: to, Trace: d.Trace, Arrival: &commit.Arrival{Delivery: d, Ends: consumed(d)}}
}

// deliverOwn executes an input for the delivery's own instance.
func (r *router) deliverOwn(ctx context.Context, req commit.Request, input any) (attemptEnd, error) {
	input, err := r.own.Addressed(input, req.Arrival.Lease.Instance.ID)
	if err != nil {
		return attemptEnd{}, err
	}
	if req.Input, err = r.own.Prepare(input); err != nil {
		return attemptEnd{}, err
	}
	return r.deliverInput(ctx, req)
}

// deliverInput executes an input that a delivery brings. When the input is not accepted, there is no commit that settles the delivery, and
// it is settled without one.
func (r *router) deliverInput(ctx context.Context, req commit.Request) (attemptEnd, error) {
	outcome, err := r.execute(ctx, req)
	switch {
	case err != nil:
		return attemptEnd{}, err
	case outcome.Kind == commit.Accepted:
		return accepted(req, outcome), nil
	}
	return r.refused(req, outcome), nil
}

// accepted ends a delivery whose input was accepted. If the input is in another store, its commit has not settled the delivery.
func accepted(req commit.Request, outcome commit.Result) attemptEnd {
	if outcome.Apart {
		return settledBy(req.Arrival.Ends)
	}
	return inCommit()
}

// refused settles a delivery whose input was not accepted, and stores the reason.
func (r *router) refused(req commit.Request, outcome commit.Result) attemptEnd {
	s := req.Arrival.Ends
	s.At, s.Error = store.StoredTime(r.config.Clock.Now()), outcome.Describe()
	return settledBy(s)
}

// execute executes an input that a delivery brings.
//
// When the store fails, it is asked again for as long as the lease lasts, so that a handler that succeeded need not run again. This
// cannot apply a result twice: if a commit had succeeded whose answer was lost, the lease would be gone.
func (r *router) execute(ctx context.Context, req commit.Request) (outcome commit.Result, err error) {
	// The handler has done its work, so a stop of the engine must not throw it away.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.config.Lease)
	defer cancel()
	err = bound.Retry(ctx, r.config.Clock, func() error {
		outcome, err = r.door.Execute(ctx, req)
		return err
	})
	if err == nil && outcome.Kind != commit.Accepted {
		d := &req.Arrival.Delivery
		what, name := "timer", d.Lease.Key
		if d.Lease.Queue == store.EffectQueue {
			what, name = "effect", d.Kind.Name
		}
		r.config.Logger.InfoContext(ctx, "ironflow: the workflow did not accept what was delivered",
			"workflow", req.Workflow.Name(), "instance", req.Input.Instance, what, name, "input", req.Input.Name, "outcome", outcome.Describe())
	}
	return outcome, err
}

// inputOf makes an input of fields by their names. Fields that the input does not have are ignored, and those that are missing stay zero.
// id is for an input whose fields have no id. If it is empty, they must have one.
func inputOf(w *workflow.Workflow, name, id string, fields map[string]json.RawMessage) (workflow.PreparedInput, error) {
	payload, err := json.Marshal(fields)
	if err != nil {
		return workflow.PreparedInput{}, err
	}
	input, err := w.InputOf(name, payload)
	if err != nil {
		return workflow.PreparedInput{}, unknown.Mark(err)
	}
	if id != "" {
		input = w.WithID(input, id)
	}
	return w.Prepare(input)
}

// setText sets fields to texts. U+FFFD replaces what is not UTF-8.
func setText(fields map[string]json.RawMessage, texts map[string]string) {
	for name, text := range texts {
		if !utf8.ValidString(text) {
			text = strings.ToValidUTF8(text, "\uFFFD")
		}
		encoded, err := json.Marshal(text)
		if err != nil {
			panic(err) // a string
		}
		fields[name] = encoded
	}
}
