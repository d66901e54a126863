package admin

import (
	"context"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// checkInstance fails for what is no name of an instance.
func checkInstance(instance store.InstanceKey) error {
	if err := store.CheckArgument("the workflow", instance.Workflow); err != nil {
		return err
	}
	if err := store.CheckIdentifier(store.InstanceID, instance.ID); err != nil {
		return fmt.Errorf("workflow %s: %w", instance.Workflow, err)
	}
	return nil
}

// InstanceReport describes one instance: its status, the inputs it accepts, and its waiting deliveries.
type InstanceReport struct {
	store.InstanceSummary
	At time.Time

	// Accepts are the inputs that the state machine accepts in the instance's state, with the events that they may lead to; nil
	// if the instance has completed or the workflow has no states.
	Accepts []workflow.Transition

	// Forms are the inputs that clients and operators can send in the instance's state. It has none of a workflow that is only described by a
	// program that was built before there were forms.
	Forms []workflow.Form

	Effects, Timers []store.WaitingDelivery // up to 1,000 each, by RunAt
	Paused          *store.Pause            // of the workflow; nil when it is not paused

	// Machine is the state machine; nil if the workflow has no states, or if no program has described the workflow.
	Machine *workflow.Machine
}

// Mermaid returns the workflow's state machine as a Mermaid diagram with the instance's state marked. It returns "" for a
// workflow without states.
func (r *InstanceReport) Mermaid() string {
	if r.Machine == nil {
		return ""
	}
	return r.Machine.MermaidAt(r.Status)
}

// DOT returns the workflow's state machine in the language of Graphviz with the instance's state marked. It returns "" for a
// workflow without states.
func (r *InstanceReport) DOT() string {
	if r.Machine == nil {
		return ""
	}
	return r.Machine.DOTAt(r.Status)
}

// Inspect describes an instance: its status, the inputs it accepts, and its waiting deliveries. The parts are read one after the
// other, so they may show different moments. If the instance has no events, the error is *UnknownInstance.
func (a *Admin) Inspect(ctx context.Context, instance store.InstanceKey) (*InstanceReport, error) {
	if err := checkInstance(instance); err != nil {
		return nil, err
	}
	described, err := a.Workflow(ctx, instance.Workflow)
	if err != nil {
		return nil, err
	}
	r := &InstanceReport{At: store.StoredTime(a.clock.Now())}
	if described != nil {
		r.Machine = described.Machine
	}
	r.InstanceSummary, err = bound.UntilAvailable(ctx, a.config.UnavailableTimeout, func() (store.InstanceSummary, error) { return a.store.Summary(ctx, instance) })
	if err != nil {
		return nil, err
	}
	if r.Version == 0 {
		return nil, &store.UnknownInstance{Instance: instance}
	}
	if r.Machine != nil && !r.Completed() {
		r.Accepts = r.Machine.Accepts(r.Status)
	}
	if described != nil && !r.Completed() {
		r.Forms = formsIn(described, r.Accepts)
	}
	if r.Effects, err = a.store.Waiting(ctx, store.EffectQueue, instance, store.MaxWaiting); err != nil {
		return nil, err
	}
	if r.Timers, err = a.store.Waiting(ctx, store.TimerQueue, instance, store.MaxWaiting); err != nil {
		return nil, err
	}
	paused, err := a.store.PausedWorkflows(ctx)
	if err := new(lacking).fails(err); err != nil { // a pause is in every cell
		return nil, err
	}
	r.Paused = pauseOf(paused, instance.Workflow)
	return r, nil
}
