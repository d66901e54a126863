package store

import (
	"context"
	"fmt"
	"time"
)

// Pauses is the ability of a store to leave the deliveries of paused workflows in their queues. Engine.PauseWorkflow needs it.
// From the moment that a workflow is paused, claims do not return deliveries of it, and commits lease none, see NewLease.
type Pauses interface {
	// PauseWorkflow pauses a workflow. A workflow that is paused already gets the new pause.
	PauseWorkflow(ctx context.Context, pause Pause) error

	// ResumeWorkflow ends the pause of a workflow, if there is one.
	ResumeWorkflow(ctx context.Context, workflow string) error

	// PausedWorkflows returns the pauses, sorted by workflow.
	PausedWorkflows(ctx context.Context) ([]Pause, error)
}

// Pause says that a workflow is paused: its effects, timers and schedules wait, in every process.
type Pause struct {
	Workflow string
	By       string // may be empty
	Reason   string // may be empty
	At       time.Time

	// RefuseInputs refuses the inputs of clients with *WorkflowPaused. Otherwise they are decided on as always, and only what
	// follows from them waits. Results of effects that were under way, and inputs that other workflows send, are never
	// refused: they would be lost.
	RefuseInputs bool
}

// WorkflowPaused says that a workflow takes no inputs of clients, because it was paused in that way. Nothing was stored.
type WorkflowPaused struct {
	Pause Pause
}

func (e *WorkflowPaused) Error() string {
	text := fmt.Sprintf("workflow %s has been paused since %s and takes no inputs", e.Pause.Workflow, e.Pause.At.Format(time.RFC3339))
	if e.Pause.Reason != "" {
		text += ": " + e.Pause.Reason
	}
	return text
}
