package admin

import (
	"context"
	"encoding/json"
	"iter"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Engine is an engine with the code of workflows, as tools without that code use it. *runtime.Engine is one. The errors are those of the
// engine; one that cannot do what a method asks for returns an error that is errors.ErrUnsupported.
type Engine interface {
	// PlanInput asks the decider what an input would lead to now. Nothing is stored.
	PlanInput(ctx context.Context, input OperatorInput) (PlannedInput, error)

	// SendInput sends an input. Sending it again with the same ID returns the first outcome.
	SendInput(ctx context.Context, input OperatorInput) (workflow.Outcome[workflow.Encoded, workflow.Encoded], error)

	// StatesDynamic returns the states of an instance as JSON: after each of its events, from the one with the version from on.
	StatesDynamic(ctx context.Context, instance store.InstanceKey, from int64) iter.Seq2[json.RawMessage, error]
}

// OperatorInput is an input that an operator sends to an instance that exists.
type OperatorInput struct {
	Instance store.InstanceKey
	Input    string          // its name
	Fields   json.RawMessage // an object with all its fields, also the one that names the instance

	// ID makes it safe to send the input again; see runtime.WithInputID.
	ID string

	By, Reason string // who sends it, and why; neither may be empty
}

// PlannedInput is what an input would lead to. It changes when the instance changes.
type PlannedInput struct {
	Outcome   string             `json:"outcome"`   // accepted, rejected, or completed for an instance that accepts nothing any more
	Status    string             `json:"status"`    // now
	Next      string             `json:"next"`      // after an accepted input
	Completes bool               `json:"completes"` // the instance
	Events    []workflow.Encoded `json:"events"`
	Effects   []workflow.Encoded `json:"effects"`
	Rejection workflow.Encoded   `json:"rejection,omitzero"` // of a rejected input
}

// formsIn returns those forms whose inputs the machine accepts in a status. Without a machine, it returns all.
func formsIn(of *workflow.WorkflowManifest, accepts []workflow.Transition) (forms []workflow.Form) {
	for _, f := range of.Forms {
		accepted := of.Machine == nil
		for _, t := range accepts {
			accepted = accepted || t.Input == f.Input && t.Reject == ""
		}
		if accepted {
			forms = append(forms, f)
		}
	}
	return forms
}
