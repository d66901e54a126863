package admin

import (
	"cmp"
	"context"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// PauseWorkflow pauses a workflow until ResumeWorkflow: no process on this store claims its effects, timers and schedules.
// Deliveries that were claimed before are finished. With Pause.RefuseInputs, inputs of clients fail with *WorkflowPaused, in each process
// within its Config.PollInterval. Pause.At is set to the current time.
//
// The pause is stored, so it lasts when this process ends. If no program has the workflow, and the store has nothing of it, the error is
// *UnknownWorkflow.
func (a *Admin) PauseWorkflow(ctx context.Context, pause store.Pause) error {
	operator := store.OperatorOf(ctx)
	pause.At, pause.By, pause.Reason = store.StoredTime(a.clock.Now()), cmp.Or(pause.By, operator.By), cmp.Or(pause.Reason, operator.Reason)
	if err := cmp.Or(a.mayChange(ctx), store.CheckArgument("Pause", pause)); err != nil {
		return err
	}
	if err := a.exists(ctx, pause.Workflow); err != nil {
		return err
	}
	ctx = a.action(asOperator(ctx, pause.By, pause.Reason), store.OpPause, pause.Workflow, "")
	if err := a.store.PauseWorkflow(ctx, pause); err != nil {
		return err
	}
	a.moreWork(ctx)
	a.config.Logger.WarnContext(ctx, "ironflow: workflow paused", "workflow", pause.Workflow, "by", pause.By,
		"reason", pause.Reason, "refuse_inputs", pause.RefuseInputs)
	return nil
}

// ResumeWorkflow ends the pause of a workflow. Deliveries that became due meanwhile are delivered now. If the workflow is not paused,
// nothing changes. If no program has the workflow, and the store has nothing of it, the error is *UnknownWorkflow.
func (a *Admin) ResumeWorkflow(ctx context.Context, workflow string) error {
	if err := cmp.Or(a.mayChange(ctx), store.CheckArgument("the workflow", workflow)); err != nil {
		return err
	}
	if err := a.exists(ctx, workflow); err != nil {
		return err
	}
	ctx = a.action(ctx, store.OpResume, workflow, "")
	if err := a.store.ResumeWorkflow(ctx, workflow); err != nil {
		return err
	}
	a.moreWork(ctx)
	a.config.Logger.WarnContext(ctx, "ironflow: workflow resumed", "workflow", workflow)
	return nil
}

// PausedWorkflows returns the paused workflows, sorted by name.
func (a *Admin) PausedWorkflows(ctx context.Context) ([]store.Pause, error) {
	return a.store.PausedWorkflows(ctx)
}
