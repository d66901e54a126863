package runtime

import (
	"encoding/json"
	"fmt"
	"strings"
)

// endedPrefix begins the kind of the delivery by which a parent hears of its child's end. No declared effect has a colon.
const endedPrefix = "ended:"

// endedKind is the kind of such deliveries of a child's workflow.
func endedKind(child, parent string) Kind { return Kind{Workflow: child, Name: endedPrefix + parent} }

// parentOfEnd returns the workflow of the parent that a delivery of a kind is for.
func parentOfEnd(kind Kind) (workflow string, is bool) {
	return strings.CutPrefix(kind.Name, endedPrefix)
}

// childEnd is the payload of such a delivery.
type childEnd struct {
	Parent
	Status string          `json:"status"`
	State  json.RawMessage `json:"state,omitempty"`
}

// newChildEnd is the effect by which a parent hears of its child's end. The commit that completes the child puts it into the outbox.
func newChildEnd(w *Workflow, child InstanceKey, parent Parent, d decided) (NewEffect, error) {
	end := childEnd{Parent: parent, Status: d.status}
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
