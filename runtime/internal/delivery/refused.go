package delivery

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime/internal/commit"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// refusal is why a receiver did not accept an input that an effect sent.
type refusal struct {
	receiver  store.InstanceKey // the zero value for a parent that there is not
	outcome   string            // a commit.Kind
	rejection workflow.Encoded  // the zero value if the decider was not asked
}

func (r *refusal) String() string {
	who, text := r.receiver.String(), r.outcome
	switch {
	case r.receiver.Workflow == "":
		who = "the parent"
	case r.receiver.ID == "":
		who = "workflow " + r.receiver.Workflow
	}
	if r.rejection.Type != "" {
		text += " with " + r.rejection.Type
	}
	return who + ": " + text
}

// refusalOf says why an input that was sent was not accepted. The kinds Rejected and Completed are the words that senders see.
func refusalOf(to *workflow.Workflow, input workflow.PreparedInput, result commit.Result) (*refusal, error) {
	r := &refusal{receiver: store.InstanceKey{Workflow: to.Name(), ID: input.Instance}, outcome: string(result.Kind)}
	switch {
	case result.Kind == commit.Replaced:
		r.outcome = workflow.RefusedMissing
		return r, nil
	case result.Kind != commit.Rejected:
		return r, nil
	case result.Version == 0 && !begins(to, input.Name):
		r.outcome = workflow.RefusedMissing // the declaration rejected it, as it rejects each input that cannot create an instance
		return r, nil
	}
	var err error
	r.rejection, err = to.EncodeRejectionForOthers(result.Rejection)
	return r, err
}

// begins reports whether a decider may create an instance by an input.
func begins(w *workflow.Workflow, input string) bool {
	m := w.DeclaredMachine()
	if m == nil {
		return true
	}
	for _, t := range m.Accepts(m.States[0].Name) {
		if t.Input == input {
			return true
		}
	}
	return false
}

// tellOfRefusal executes the input that tells the sender that the receiver did not accept what the effect sent. The commit of that input
// settles the effect, so the sender hears of it once.
func (e *effect) tellOfRefusal(ctx context.Context, d store.Delivery, sent map[string]json.RawMessage, why *refusal) (attemptEnd, error) {
	says := e.options.Refused
	fields := make(map[string]json.RawMessage, len(says.Fields)+4)
	for _, name := range says.Fields {
		if value, ok := sent[name]; ok {
			fields[name] = value
		}
	}
	setText(fields, map[string]string{"receiver": why.receiver.ID, "outcome": why.outcome, "rejection": why.rejection.Type})
	if len(why.rejection.Payload) > 0 {
		fields["details"] = why.rejection.Payload
	}
	req := arriving(e.own, d)
	var err error
	if req.Input, err = inputOf(e.own, says.Input, d.Lease.Instance.ID, fields); err != nil {
		return attemptEnd{}, workflow.Permanent(fmt.Errorf("input %s: %w", says.Input, err))
	}
	outcome, err := e.execute(ctx, req)
	switch {
	case err != nil:
		return attemptEnd{}, err
	case outcome.Kind == commit.Accepted:
		return accepted(req, outcome), nil
	}
	s := req.Arrival.Ends
	s.At, s.Error = store.StoredTime(e.config.Clock.Now()), fmt.Sprintf("%s; the sender did not accept input %s either: %s", why, says.Input, outcome.Describe())
	return settledBy(s), nil
}
