package runtime

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// endedPrefix begins the kind of the delivery by which a parent hears of its child's end. No declared effect has a colon.
const endedPrefix = "ended:"

// endedKind is the kind of such deliveries of a child's workflow.
func endedKind(child, parent string) Kind { return Kind{Workflow: child, Name: endedPrefix + parent} }

// ended is the payload of such a delivery.
type ended struct {
	Parent
	Status string          `json:"status"`
	State  json.RawMessage `json:"state,omitempty"`
}

// endedEffect is put into the outbox in the commit that completes a child.
func (w *Workflow) endedEffect(child InstanceKey, parent Parent, d decided) (NewEffect, error) {
	end := ended{Parent: parent, Status: d.status}
	if w.schema() != "" {
		state, err := w.encodeState(d.state)
		if err != nil {
			return NewEffect{}, fmt.Errorf("the state, for the parent %s: %w", parent.Instance, err)
		}
		end.State = state
	}
	payload, err := json.Marshal(end)
	if err != nil {
		return NewEffect{}, fmt.Errorf("the end, for the parent %s: %w", parent.Instance, err)
	}
	return NewEffect{Kind: endedKind(child.Workflow, parent.Instance.Workflow).Name, Payload: payload}, nil
}

// deliverEnded tells a parent that its child has ended.
func (e *Engine) deliverEnded(ctx context.Context, d Delivery) (Settlement, error) {
	var end ended
	if err := readJSON(d.Payload, &end); err != nil {
		return Settlement{}, unknown(fmt.Errorf("the end of a child: %w", err))
	}
	fields := make(map[string]json.RawMessage)
	if len(end.State) > 0 {
		if err := readJSON(end.State, &fields); err != nil {
			return Settlement{}, unknown(fmt.Errorf("the state of a child: %w", err))
		}
	}
	setText(fields, map[string]string{"child": d.Lease.Instance.ID, "status": end.Status, "error": ""})
	return e.deliverToParent(ctx, d, end.Parent, fields)
}

// deliverToParent executes the input by which a parent hears of a child.
func (e *Engine) deliverToParent(ctx context.Context, d Delivery, parent Parent, fields map[string]json.RawMessage) (Settlement, error) {
	workflow, err := e.workflow(parent.Instance.Workflow)
	if err != nil {
		return Settlement{}, err
	}
	input, err := workflow.inputOf(parent.Input, parent.Instance.ID, fields)
	if err == nil && input.instance != parent.Instance.ID {
		// What the child's state calls like the field that names the parent does not name it.
		maps.DeleteFunc(fields, func(_ string, value json.RawMessage) bool {
			var text string
			return json.Unmarshal(value, &text) == nil && text == input.instance
		})
		input, err = workflow.inputOf(parent.Input, parent.Instance.ID, fields)
	}
	if err != nil {
		return Settlement{}, Permanent(fmt.Errorf("input %s of the parent %s: %w", parent.Input, parent.Instance, err))
	}
	// A parent that was deleted meanwhile does not come back to life by the end of its child, and one that began again since has
	// nothing to do with it.
	return e.deliverInput(ctx, d, request{workflow: workflow, input: input, continues: true, created: parent.Created})
}

// deliverToTarget executes the input of another workflow that an effect starts or sends.
func (e *Engine) deliverToTarget(ctx context.Context, d Delivery, options EffectOptions) (Settlement, error) {
	target := options.Sends
	if options.Starts != nil {
		target = options.Starts
	}
	workflow, err := e.workflow(target.Workflow)
	if err != nil {
		return Settlement{}, err
	}
	var fields map[string]json.RawMessage
	if err := readJSON(d.Payload, &fields); err != nil {
		return Settlement{}, unknown(fmt.Errorf("effect %s: %w", d.Kind.Name, err))
	}
	done := Settlement{Lease: d.Lease, Verdict: Done}
	req := request{workflow: workflow, settle: done}
	id := ""
	if options.Starts != nil {
		req.creates = true
		id = childID(&d.Lease)
		if options.Ended != "" {
			if req.parent, err = e.parentOf(ctx, d, options.Ended); err != nil {
				return Settlement{}, err
			}
		}
	}
	if req.input, err = workflow.inputOf(target.Input, id, fields); err != nil {
		return Settlement{}, Permanent(fmt.Errorf("effect %s: input %s of workflow %s: %w", d.Kind.Name, target.Input, target.Workflow, err))
	}
	outcome, err := e.tryInput(ctx, d, req)
	if err != nil {
		return Settlement{}, fmt.Errorf("effect %s: %w", d.Kind.Name, err)
	}
	switch {
	case outcome.kind == accepted:
		return Settlement{}, nil
	case req.parent == nil:
		return e.refused(req, outcome), nil
	}
	reason := "the child refused to start: " + outcome.describe()
	if outcome.kind == rejected {
		rejection, err := workflow.encodeRejection(outcome.rejection)
		if err != nil {
			return Settlement{}, fmt.Errorf("effect %s: rejection %w", d.Kind.Name, err)
		}
		reason = "the child refused to start: " + rejection.String()
	}
	fields = make(map[string]json.RawMessage)
	setText(fields, map[string]string{"child": req.input.instance, "status": "", "error": reason})
	return e.deliverToParent(ctx, d, *req.parent, fields)
}

// parentOf is who hears of the end of the child that an effect starts. As long as the effect is there, its instance is the one that
// asked for it.
func (e *Engine) parentOf(ctx context.Context, d Delivery, input string) (*Parent, error) {
	parent := &Parent{Instance: d.Lease.Instance, Input: input}
	first, err := e.store.EventCauses(ctx, CauseQuery{Instance: parent.Instance, From: 1, Limit: 1})
	if err != nil {
		return nil, fmt.Errorf("effect %s: %w", d.Kind.Name, fromStore(err))
	}
	if len(first) > 0 {
		parent.Created = first[0].Commit
	}
	return parent, nil
}

// childID is the id of the instance that an effect starts. Like the effect's idempotency key it has the name of the parent's
// workflow in it: several workflows may start the same one, for instances of the same id. Where that is too long for an id, a
// hash of it stands in.
func childID(effect *Lease) string {
	id := idempotencyKey(effect)
	if len(id) > MaxIDLength {
		sum := sha256.Sum256([]byte(id))
		id = effect.Instance.Workflow + "/" + hex.EncodeToString(sum[:])
	}
	return id
}

// inputOf makes an input of fields that go by their names; what the input does not have is left out, and what it lacks stays
// zero. Its id is the given one unless the fields have one; an empty id says that they must.
func (w *Workflow) inputOf(name, id string, fields map[string]json.RawMessage) (preparedInput, error) {
	payload, err := json.Marshal(fields)
	if err != nil {
		return preparedInput{}, err
	}
	input, err := w.decodeInput(name, payload)
	if err != nil {
		return preparedInput{}, unknown(err)
	}
	if id != "" {
		input = w.withID(input, id)
	}
	return w.prepare(input)
}

// setText sets fields to texts.
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
// declared external, or named in Config.External, runs elsewhere, and is checked only when it is registered here.
func (e *Engine) checkTargets(w *Workflow) error {
	options := w.effectOptions()
	for _, effect := range slices.Sorted(maps.Keys(options)) {
		verb, target := "starts", options[effect].Starts
		if target == nil {
			verb, target = "sends an input to", options[effect].Sends
		}
		if target == nil {
			continue
		}
		other, registered := e.workflows[target.Workflow]
		switch {
		case !registered && (target.External || slices.Contains(e.config.External, target.Workflow)):
		case !registered:
			return fmt.Errorf(`workflow %s: effect %s %s workflow %q, which is not registered with this engine; pass it to NewEngine, declare "external: true" if another program runs it, or name it in Config.External`,
				w.name, effect, verb, target.Workflow)
		case !slices.Contains(other.inputNames(), target.Input):
			return fmt.Errorf("workflow %s: effect %s %s workflow %q by input %q, which that workflow does not have; its inputs are %s",
				w.name, effect, verb, target.Workflow, target.Input, strings.Join(other.inputNames(), ", "))
		}
	}
	return nil
}
