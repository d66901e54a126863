package commit

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// endedPrefix begins the kind of the delivery by which a parent hears of its child's end. No declared effect has a colon.
const endedPrefix = "ended:"

// EndedKind is the kind of such deliveries of a child's workflow.
func EndedKind(child, parent string) store.Kind {
	return store.Kind{Workflow: child, Name: endedPrefix + parent}
}

// ParentOfEnd returns the workflow of the parent that a delivery of a kind is for.
func ParentOfEnd(kind store.Kind) (workflow string, is bool) {
	return strings.CutPrefix(kind.Name, endedPrefix)
}

// ChildEnd is the payload of such a delivery.
type ChildEnd struct {
	store.Parent
	Status string          `json:"status"`
	State  json.RawMessage `json:"state,omitempty"`
}

// newChildEnd is the effect by which a parent hears of its child's end. The commit that completes the child puts it into the outbox.
func newChildEnd(w *workflow.Workflow, child store.InstanceKey, parent store.Parent, d workflow.Decided) (store.NewEffect, error) {
	end := ChildEnd{Parent: parent, Status: d.Status}
	if w.Schema() != "" {
		state, err := w.EncodeState(d.State)
		if err != nil {
			return store.NewEffect{}, fmt.Errorf("the state, for the parent %s: %w", parent.Instance, err)
		}
		end.State = state
	}
	payload, err := json.Marshal(end)
	if err != nil {
		return store.NewEffect{}, fmt.Errorf("the end, for the parent %s: %w", parent.Instance, err)
	}
	return store.NewEffect{Kind: EndedKind(child.Workflow, parent.Instance.Workflow).Name, Payload: payload}, nil
}
