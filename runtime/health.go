package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// backlogLimit is the number at which Health stops counting.
const backlogLimit = 10_000

// Health returns figures about the engine and its store. It is cheap enough to be read every few seconds. If a part of them
// cannot be read, that part is empty and the error says why; the other parts are set.
func (e *Engine) Health(ctx context.Context) (Health, error) {
	now := store.StoredTime(e.config.Clock.Now())
	h := Health{At: now, Running: e.running.Load()}
	h.Inputs, h.Cache = e.executor.Health()
	h.Stuck = append(e.executor.StuckCode(), e.projections.StuckSteps()...)
	var errs []error
	var err error
	h.Paused, err = e.store.PausedWorkflows(ctx)
	errs = append(errs, err)
	h.Effects, err = e.queueHealth(ctx, store.EffectQueue, now, h.Paused)
	errs = append(errs, err)
	h.Timers, err = e.queueHealth(ctx, store.TimerQueue, now, h.Paused)
	errs = append(errs, err)
	h.Unknown, err = e.unknownEvents(ctx)
	h.Unknown = slices.Concat(e.unknownOf(store.EffectQueue, h.Effects), e.unknownOf(store.TimerQueue, h.Timers), h.Unknown)
	errs = append(errs, err)
	h.Feed, err = e.FeedStatus(ctx)
	errs = append(errs, err)
	h.SnapshotHolders, err = e.snapshotHolders(ctx)
	errs = append(errs, err)
	h.Projections, err = e.Projections(ctx)
	return h, errors.Join(append(errs, err)...)
}

func (e *Engine) queueHealth(ctx context.Context, name store.QueueName, now time.Time, paused []Pause) (telemetry.QueueHealth, error) {
	var h telemetry.QueueHealth
	h.Handlers, h.Busy = e.deliveries.Handlers(name)
	backlogs, err := e.store.Backlog(ctx, name, now, backlogLimit)
	if err != nil {
		return h, fmt.Errorf("backlog of %s: %w", name, err)
	}
	for _, b := range backlogs {
		limit, known := e.deliveries.Limit(name, b.Kind)
		h.Kinds = append(h.Kinds, telemetry.KindHealth{
			Backlog: b, Known: known, Paused: pauseOf(paused, b.Kind.Workflow) != nil, Limit: limit,
		})
	}
	return h, nil
}

func pauseOf(paused []Pause, workflow string) *Pause {
	i := slices.IndexFunc(paused, func(p Pause) bool { return p.Workflow == workflow })
	if i < 0 {
		return nil
	}
	return &paused[i]
}

// InstanceReport describes one instance: its status, the inputs it accepts, and its waiting deliveries.
type InstanceReport struct {
	store.InstanceSummary
	At time.Time

	// Accepts are the inputs that the state machine accepts in the instance's state, with the events that they may lead to; nil
	// if the instance has completed or the workflow has no states.
	Accepts []workflow.Transition

	Effects, Timers []store.WaitingDelivery // up to 1,000 each, by RunAt
	Paused          *Pause                  // of the workflow; nil when it is not paused

	machine *workflow.Machine
}

// Mermaid returns the workflow's state machine as a Mermaid diagram with the instance's state marked. It returns "" for a
// workflow without states.
func (r *InstanceReport) Mermaid() string {
	if r.machine == nil {
		return ""
	}
	return r.machine.MermaidAt(r.Status)
}

// DOT returns the workflow's state machine in the language of Graphviz with the instance's state marked. It returns "" for a
// workflow without states.
func (r *InstanceReport) DOT() string {
	if r.machine == nil {
		return ""
	}
	return r.machine.DOTAt(r.Status)
}

// Inspect describes an instance: its status, the inputs it accepts, and its waiting deliveries. The parts are read one after the
// other, so they may show different moments. If the instance has no events, the error is *UnknownInstance.
func (e *Engine) Inspect(ctx context.Context, instance InstanceKey) (*InstanceReport, error) {
	w, key, err := e.known(instance.Workflow, instance.ID)
	if err != nil {
		return nil, err
	}
	r := &InstanceReport{At: store.StoredTime(e.config.Clock.Now()), machine: w.DeclaredMachine()}
	r.InstanceSummary, err = bound.UntilAvailable(ctx, e.config.UnavailableTimeout, func() (store.InstanceSummary, error) { return e.store.Summary(ctx, key) })
	if err != nil {
		return nil, err
	}
	if r.Version == 0 {
		return nil, &UnknownInstance{Instance: key}
	}
	if r.machine != nil && !r.Completed() {
		r.Accepts = r.machine.Accepts(r.Status)
	}
	if r.Effects, err = e.store.Waiting(ctx, store.EffectQueue, key, store.MaxWaiting); err != nil {
		return nil, err
	}
	if r.Timers, err = e.store.Waiting(ctx, store.TimerQueue, key, store.MaxWaiting); err != nil {
		return nil, err
	}
	paused, err := e.store.PausedWorkflows(ctx)
	if err != nil {
		return nil, err
	}
	r.Paused = pauseOf(paused, key.Workflow)
	return r, nil
}
