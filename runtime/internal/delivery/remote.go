package delivery

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// deliverToRemote sends an effect as an input to a workflow of another service. The other service applies it once, by its key. The answer
// settles the effect, or tells the sender of a refusal.
func (e *effect) deliverToRemote(ctx context.Context, d store.Delivery) (attemptEnd, error) {
	payload, fields, err := e.fields(d)
	if err != nil {
		return attemptEnd{}, fmt.Errorf("effect %s: %w", d.Kind.Name, err)
	}
	answer, err := e.askRemote(ctx, d, payload)
	if err != nil {
		return attemptEnd{}, fmt.Errorf("effect %s: %w", d.Kind.Name, err)
	}
	if answer.Outcome == workflow.SentAccepted {
		return settledBy(consumed(d)), nil
	}
	why := &refusal{receiver: store.InstanceKey{Workflow: e.options.Sends.Workflow}, outcome: answer.Outcome, rejection: answer.Rejection}
	switch {
	case e.options.Refused != nil:
		end, err := e.tellOfRefusal(ctx, d, fields, why)
		if err != nil {
			err = fmt.Errorf("effect %s: %w", d.Kind.Name, err)
		}
		return end, err
	case answer.Outcome == workflow.RefusedUnknown:
		return attemptEnd{}, workflow.Permanent(fmt.Errorf("effect %s: the service does not have input %s of workflow %s",
			d.Kind.Name, e.options.Sends.Input, e.options.Sends.Workflow))
	}
	e.config.Logger.InfoContext(ctx, "ironflow: the workflow did not accept what was delivered",
		"workflow", d.Lease.Instance.Workflow, "instance", d.Lease.Instance.ID, "effect", d.Kind.Name, "input", e.options.Sends.Input, "outcome", why.String())
	s := consumed(d)
	s.At, s.Error = store.StoredTime(e.config.Clock.Now()), why.String()
	return settledBy(s), nil
}

// askRemote calls the remote, which may be user code.
func (e *effect) askRemote(ctx context.Context, d store.Delivery, payload json.RawMessage) (answer workflow.RemoteOutcome, err error) {
	to := e.options.Sends
	defer usererr.RecoverTo(&err, "the remote of workflow ", to.Workflow)
	ctx, cancel := context.WithTimeout(ctx, e.options.Timeout)
	defer cancel()
	answer, err = e.config.Remotes[to.Workflow].Deliver(ctx, workflow.RemoteInput{
		Workflow: to.Workflow, Input: to.Input, Fields: payload, Key: childID(&d.Lease), Trace: d.Trace,
	})
	known := []string{workflow.SentAccepted, workflow.RefusedRejected, workflow.RefusedCompleted, workflow.RefusedMissing, workflow.RefusedUnknown}
	if err == nil && !slices.Contains(known, answer.Outcome) {
		err = fmt.Errorf("the remote of workflow %s returned the outcome %q; it can be one of %q", to.Workflow, answer.Outcome, known)
	}
	return answer, usererr.Wrap(err)
}
