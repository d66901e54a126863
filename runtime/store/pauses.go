package store

import (
	"context"
	"fmt"
	"time"
)

// Pauses is the ability of a store to pause workflows. Engine.PauseWorkflow needs it. While a workflow is paused, claims do not
// return its deliveries, and commits do not lease them, see NewLease.
type Pauses interface {
	// PauseWorkflow pauses a workflow. A workflow that is paused already gets the new pause.
	PauseWorkflow(ctx context.Context, pause Pause) error

	// ResumeWorkflow ends the pause of a workflow, if there is one.
	ResumeWorkflow(ctx context.Context, workflow string) error

	// PausedWorkflows returns the pauses, sorted by workflow.
	PausedWorkflows(ctx context.Context) ([]Pause, error)
}

// Pause describes the pause of a workflow. Meanwhile its effects, timers and schedules wait, in every process.
type Pause struct {
	Workflow string
	By       string // may be empty
	Reason   string // may be empty
	At       time.Time

	// RefuseInputs makes inputs of clients fail with *WorkflowPaused. Without it they are decided on as usual, and only their
	// effects and timers wait. Results of effects that are being handled, and inputs from other workflows, are never refused,
	// because they would be lost.
	RefuseInputs bool
}

// WorkflowPaused says that a workflow was paused so that it refuses inputs of clients; see Pause.RefuseInputs. Nothing was
// stored.
type WorkflowPaused struct {
	Pause Pause
}

func (e *WorkflowPaused) Error() string {
	text := fmt.Sprintf("workflow %s has been paused since %s and accepts no inputs", e.Pause.Workflow, e.Pause.At.Format(time.RFC3339))
	if e.Pause.Reason != "" {
		text += ": " + e.Pause.Reason
	}
	return text
}
