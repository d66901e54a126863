package delivery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
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
	target := e.target()
	other := e.workflows[target.Workflow]
	payload, err := e.own.UpcastEffect(d.Kind.Name, d.Payload)
	if err != nil {
		return attemptEnd{}, unknown.Mark(err)
	}
	var fields map[string]json.RawMessage
	if err := workflow.ReadJSON(payload, &fields); err != nil {
		return attemptEnd{}, unknown.Mark(err)
	}
	req := arriving(other, d)
	id := ""
	var parent *store.Parent // that hears of the child's end
	if e.options.Starts != nil {
		id = childID(&d.Lease)
		if e.options.Ended != "" {
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
	case parent == nil:
		return e.refused(req, outcome), nil
	}
	reason := outcome.Describe()
	if outcome.Kind == commit.Rejected {
		rejection, err := other.EncodeRejection(outcome.Rejection)
		if err != nil {
			return attemptEnd{}, fmt.Errorf("rejection %w", err)
		}
		reason = rejection.String()
	}
	fields = make(map[string]json.RawMessage)
	setText(fields, map[string]string{"child": req.Input.Instance, "status": "", "error": "the child refused to start: " + reason})
	return e.deliverToParent(ctx, d, *parent, fields)
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
