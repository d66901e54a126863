package delivery

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/commit"
	"github.com/ironflow-gen/ironflow/runtime/internal/unknown"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// deliverEnded tells a parent that its child has ended.
func (r *router) deliverEnded(ctx context.Context, parent *workflow.Workflow, d store.Delivery) (attemptEnd, error) {
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
	return r.deliverToParent(ctx, parent, d, end.Parent, fields)
}

// deliverToParent executes the input by which a parent hears of a child.
func (r *router) deliverToParent(
	ctx context.Context, wf *workflow.Workflow, d store.Delivery, parent store.Parent, fields map[string]json.RawMessage,
) (attemptEnd, error) {
	input, err := inputOf(wf, parent.Input, parent.Instance.ID, fields)
	if err == nil && input.Instance != parent.Instance.ID {
		// A field of the child's state has the name of the field for the parent's id, but another meaning.
		maps.DeleteFunc(fields, func(_ string, value json.RawMessage) bool {
			var text string
			return json.Unmarshal(value, &text) == nil && text == input.Instance
		})
		input, err = inputOf(wf, parent.Input, parent.Instance.ID, fields)
	}
	if err != nil {
		return attemptEnd{}, workflow.Permanent(fmt.Errorf("input %s of the parent %s: %w", parent.Input, parent.Instance, err))
	}
	// The end of a child does not create its parent again if that was deleted, and is not for another instance of the same id.
	return r.deliverInput(ctx, commit.Request{
		Workflow: wf, Input: input, To: commit.OldInstance(parent.Created), Arrival: &commit.Arrival{Delivery: d, Ends: consumed(d)},
	})
}

// deliverToTarget executes the input of another workflow that an effect starts or sends.
func (r *router) deliverToTarget(ctx context.Context, own *workflow.Workflow, d store.Delivery, options workflow.EffectOptions) (attemptEnd, error) {
	target := cmp.Or(options.Starts, options.Sends)
	wf := r.workflows[target.Workflow]
	var fields map[string]json.RawMessage
	if err := workflow.ReadJSON(d.Payload, &fields); err != nil {
		return attemptEnd{}, unknown.Mark(fmt.Errorf("effect %s: %w", d.Kind.Name, err))
	}
	req := commit.Request{Workflow: wf, Arrival: &commit.Arrival{Delivery: d, Ends: consumed(d)}}
	id := ""
	var err error
	if options.Starts != nil {
		id = childID(&d.Lease)
		var parent *store.Parent
		if options.Ended != "" {
			if parent, err = r.parentOf(ctx, d, options.Ended); err != nil {
				return attemptEnd{}, err
			}
		}
		req.To = commit.NewInstance(parent)
	}
	if req.Input, err = inputOf(wf, target.Input, id, fields); err != nil {
		return attemptEnd{}, workflow.Permanent(fmt.Errorf("effect %s: input %s of workflow %s: %w", d.Kind.Name, target.Input, target.Workflow, err))
	}
	outcome, err := r.execute(ctx, req)
	if err != nil {
		return attemptEnd{}, fmt.Errorf("effect %s: %w", d.Kind.Name, err)
	}
	switch {
	case outcome.Kind == workflow.Accepted:
		return inCommit(), nil
	case req.To.Parent == nil:
		return r.refused(req, outcome), nil
	}
	reason := "the child refused to start: " + outcome.Describe()
	if outcome.Kind == workflow.Rejected {
		rejection, err := wf.EncodeRejection(outcome.Rejection)
		if err != nil {
			return attemptEnd{}, fmt.Errorf("effect %s: rejection %w", d.Kind.Name, err)
		}
		reason = "the child refused to start: " + rejection.String()
	}
	fields = make(map[string]json.RawMessage)
	setText(fields, map[string]string{"child": req.Input.Instance, "status": "", "error": reason})
	return r.deliverToParent(ctx, own, d, *req.To.Parent, fields)
}

// parentOf returns the instance of an effect as the parent of the child that the effect starts. While the effect is in the outbox, the
// instance of the id is the one that asked for it.
func (r *router) parentOf(ctx context.Context, d store.Delivery, input string) (*store.Parent, error) {
	parent := &store.Parent{Instance: d.Lease.Instance, Input: input}
	first, err := r.store.EventCauses(ctx, store.CauseQuery{Instance: parent.Instance, From: 1, Limit: 1})
	if err != nil {
		return nil, fmt.Errorf("effect %s: %w", d.Kind.Name, bound.FromStore(err))
	}
	if len(first) > 0 {
		parent.Created = first[0].Commit
	}
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

// inputOf makes an input of fields by their names. Fields that the input does not have are ignored, and those that are missing stay zero.
// id is for an input whose fields have no id. If it is empty, they must have one.
func inputOf(w *workflow.Workflow, name, id string, fields map[string]json.RawMessage) (workflow.PreparedInput, error) {
	payload, err := json.Marshal(fields)
	if err != nil {
		return workflow.PreparedInput{}, err
	}
	input, err := w.DecodeInput(name, payload)
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

// checkTargets checks that the workflows which effects start or send inputs to are registered and have these inputs. A target that is
// declared external, or is one of external, runs elsewhere, and is checked only when it is registered here.
func checkTargets(workflows map[string]*workflow.Workflow, external []string) error {
	for _, name := range slices.Sorted(maps.Keys(workflows)) {
		options := workflows[name].EffectOptions()
		for _, effect := range slices.Sorted(maps.Keys(options)) {
			verb, target := "starts", options[effect].Starts
			if target == nil {
				verb, target = "sends an input to", options[effect].Sends
			}
			if target == nil {
				continue
			}
			other, registered := workflows[target.Workflow]
			switch {
			case !registered && (target.External || slices.Contains(external, target.Workflow)):
			case !registered:
				return fmt.Errorf(`workflow %s: effect %s %s workflow %q, which is not registered with this engine; pass it to NewEngine, declare "external: true" if another program runs it, or name it in Config.External`,
					name, effect, verb, target.Workflow)
			case !slices.Contains(other.InputNames(), target.Input):
				return fmt.Errorf("workflow %s: effect %s %s workflow %q by input %q, which that workflow does not have; its inputs are %s",
					name, effect, verb, target.Workflow, target.Input, strings.Join(other.InputNames(), ", "))
			}
		}
	}
	return nil
}
