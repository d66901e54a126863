package delivery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/commit"
	"github.com/ironflow-gen/ironflow/runtime/internal/unknown"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// deliverToTarget brings an effect in as the input of another workflow that it starts or sends.
func (e *effect) deliverToTarget(ctx context.Context, d store.Delivery) (attemptEnd, error) {
	end, err := e.startOrSend(ctx, d)
	if err != nil {
		return attemptEnd{}, fmt.Errorf("effect %s: %w", d.Kind.Name, err)
	}
	return end, nil
}

func (e *effect) startOrSend(ctx context.Context, d store.Delivery) (attemptEnd, error) {
	_, fields, err := e.fields(d)
	if err != nil {
		return attemptEnd{}, err
	}
	target := e.target()
	if target.Parent {
		return e.sendToParent(ctx, d, fields)
	}
	other := e.workflows[target.Workflow]
	req := arriving(other, d)
	id := ""
	var parent *store.Parent
	if e.options.Starts != nil {
		id = childID(&d.Lease)
		if e.options.Ended != "" || sendsToParent(other) {
			if parent, err = e.asParent(ctx, d.Lease.Instance); err != nil {
				return attemptEnd{}, err
			}
		}
		req.To = commit.NewInstance(parent)
	}
	if req.Input, err = inputOf(other, target.Input, id, fields); err != nil {
		return attemptEnd{}, workflow.Permanent(fmt.Errorf("input %s of workflow %s: %w", target.Input, target.Workflow, err))
	}
	outcome, err := e.execute(ctx, req)
	switch {
	case err != nil:
		return attemptEnd{}, err
	case outcome.Kind == commit.Accepted:
		return accepted(req, outcome), nil
	case e.options.Ended == "":
		return e.notAccepted(ctx, d, fields, req, outcome)
	}
	reason := outcome.Describe()
	if outcome.Kind == commit.Rejected {
		rejection, err := other.EncodeRejectionForOthers(outcome.Rejection)
		if err != nil {
			return attemptEnd{}, err
		}
		reason = rejection.String()
	}
	fields = make(map[string]json.RawMessage)
	setText(fields, map[string]string{"child": req.Input.Instance, "status": "", "error": "the child refused to start: " + reason})
	return e.deliverToParent(ctx, d, *parent, fields)
}

// fields returns the fields of the effect in its declared version: as one JSON object, and each by its name.
func (e *effect) fields(d store.Delivery) (payload json.RawMessage, fields map[string]json.RawMessage, err error) {
	if payload, err = e.own.UpcastEffect(d.Kind.Name, d.Payload); err == nil {
		err = workflow.ReadJSON(payload, &fields)
	}
	return payload, fields, unknown.Mark(err)
}

// sendsToParent reports whether instances of a workflow send inputs to the instances that started them.
func sendsToParent(w *workflow.Workflow) bool {
	for _, options := range w.EffectOptions() {
		if options.Sends != nil && options.Sends.Parent {
			return true
		}
	}
	return false
}

// sendToParent brings an effect in as an input of the instance that has started the effect's own.
func (e *effect) sendToParent(ctx context.Context, d store.Delivery, fields map[string]json.RawMessage) (attemptEnd, error) {
	found, err := e.store.Read(ctx, []store.ReadRequest{{Instance: d.Lease.Instance, After: math.MaxInt64, Completed: true}}) // no events
	if err != nil {
		return attemptEnd{}, bound.FromStore(err)
	}
	parent := found[0].Parent
	switch {
	case parent == nil && e.options.Refused != nil:
		return e.tellOfRefusal(ctx, d, fields, &refusal{outcome: workflow.RefusedMissing})
	case parent == nil:
		return attemptEnd{}, workflow.Permanent(errors.New("the instance has no parent: no other instance has started it"))
	}
	other := e.workflows[parent.Instance.Workflow]
	if other == nil {
		return attemptEnd{}, unknown.Mark(fmt.Errorf("workflow %q of the parent %s is not registered with this engine", parent.Instance.Workflow, parent.Instance))
	}
	req := arriving(other, d)
	req.To = commit.OldInstance(parent.Created)
	req.Input, err = inputOf(other, e.options.Sends.Input, parent.Instance.ID, fields)
	if err == nil && req.Input.Instance != parent.Instance.ID {
		err = errors.New("a field of the effect names another instance")
	}
	if err != nil {
		return attemptEnd{}, workflow.Permanent(fmt.Errorf("input %s of the parent %s: %w", e.options.Sends.Input, parent.Instance, err))
	}
	outcome, err := e.execute(ctx, req)
	switch {
	case err != nil:
		return attemptEnd{}, err
	case outcome.Kind == commit.Accepted:
		return accepted(req, outcome), nil
	}
	return e.notAccepted(ctx, d, fields, req, outcome)
}

// notAccepted ends an effect whose input the other instance did not accept. The instance of the effect hears of it if it wants to.
func (e *effect) notAccepted(
	ctx context.Context, d store.Delivery, fields map[string]json.RawMessage, req commit.Request, outcome commit.Result,
) (attemptEnd, error) {
	if e.options.Refused == nil {
		return e.refused(req, outcome), nil
	}
	why, err := refusalOf(req.Workflow, req.Input, outcome)
	if err != nil {
		return attemptEnd{}, err
	}
	return e.tellOfRefusal(ctx, d, fields, why)
}

// asParent returns the instance of an effect as the parent of the child that the effect starts. While the effect is in the outbox, the
// instance of the id is the one that asked for it.
func (e *effect) asParent(ctx context.Context, instance store.InstanceKey) (*store.Parent, error) {
	parent := &store.Parent{Instance: instance, Input: e.options.Ended}
	found, err := e.store.Read(ctx, []store.ReadRequest{{Instance: instance, After: math.MaxInt64, Completed: true}}) // no events
	if err != nil {
		return nil, bound.FromStore(err)
	}
	parent.Created = found[0].Created
	return parent, nil
}

// childID is the id of the instance that an effect starts: the effect's idempotency key, which names the parent's workflow too, as several
// workflows may start the same one for instances of the same id. If that is too long for an id, a hash replaces it.
func childID(effect *store.Lease) string {
	id := idempotencyKey(effect)
	if len(id) > store.MaxIDLength {
		sum := sha256.Sum256([]byte(id))
		id = effect.Instance.Workflow + "/" + hex.EncodeToString(sum[:])
	}
	return id
}

// deliverChildEnd tells the router's workflow that a child of its has ended.
func (r *router) deliverChildEnd(ctx context.Context, d store.Delivery) (attemptEnd, error) {
	var end commit.ChildEnd
	if err := workflow.ReadJSON(d.Payload, &end); err != nil {
		return attemptEnd{}, unknown.Mark(fmt.Errorf("the end of a child: %w", err))
	}
	fields := make(map[string]json.RawMessage)
	if len(end.State) > 0 {
		if err := workflow.ReadJSON(end.State, &fields); err != nil {
			return attemptEnd{}, unknown.Mark(fmt.Errorf("the state of a child: %w", err))
		}
	}
	setText(fields, map[string]string{"child": d.Lease.Instance.ID, "status": end.Status, "error": ""})
	return r.deliverToParent(ctx, d, end.Parent, fields)
}

// deliverToParent executes the input by which a parent, which is of the router's workflow, hears of a child.
func (r *router) deliverToParent(
	ctx context.Context, d store.Delivery, parent store.Parent, fields map[string]json.RawMessage,
) (attemptEnd, error) {
	input, err := inputOf(r.own, parent.Input, parent.Instance.ID, fields)
	if err == nil && input.Instance != parent.Instance.ID {
		// A field of the child's state has the name of the field for the parent's id, but another meaning.
		maps.DeleteFunc(fields, func(_ string, value json.RawMessage) bool {
			var text string
			return json.Unmarshal(value, &text) == nil && text == input.Instance
		})
		input, err = inputOf(r.own, parent.Input, parent.Instance.ID, fields)
	}
	if err != nil {
		return attemptEnd{}, workflow.Permanent(fmt.Errorf("input %s of the parent %s: %w", parent.Input, parent.Instance, err))
	}
	req := arriving(r.own, d)
	// The end of a child does not create its parent again if that was deleted, and is not for another instance of the same id.
	req.Input, req.To = input, commit.OldInstance(parent.Created)
	return r.deliverInput(ctx, req)
}
