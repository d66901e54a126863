package runtime

import (
	"context"
	"fmt"
	stdruntime "runtime"
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/verify"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// VerifyOptions says what Engine.Verify reads. The zero value means all instances in the store.
type VerifyOptions struct {
	// Filter selects instances. Default: all, so that instances of a workflow that is not registered are a problem.
	Filter InstanceFilter

	// Parallel is how many batches of instances are read and folded at once. Default: the number of processors.
	Parallel int

	// After continues a verification that ended early: with the Next that it returned. What it had found is not in the new one.
	After *store.InstancePlace

	// Progress is called with what was found so far, after each batch, and never twice at once. Default: not called.
	Progress func(so telemetry.Verification)
}

// Verify reads what is stored with the code of this program: it decodes and folds the events of each instance, decodes the effects and timers that
// wait and the outcomes of inputs, and compares the states with the status, the completion and the snapshots that were recorded. It reports what this
// program cannot read, or would leave waiting. It writes nothing and locks nothing, and may run beside programs that use the store.
//
// Deciders and handlers are not called. The evolver runs under recover, and is given up after Config.DecideTimeout. Of an instance with more than
// 2,000 events, effects and timers are only checked for their kinds, and outcomes are not read.
//
// It fails when the store cannot be read, when ctx ends, and with *store.Unsupported when the store lacks the abilities Inspection and
// Transfer. The verification then has what was found until Next.
func (e *Engine) Verify(ctx context.Context, options VerifyOptions) (telemetry.Verification, error) {
	if err := store.CheckArgument("VerifyOptions.Filter", options.Filter); err != nil {
		return telemetry.Verification{}, err
	}
	for _, err := range []error{bound.Need[store.Inspection](e.store, "Engine.Verify"), bound.Need[store.Transfer](e.store, "Engine.Verify")} {
		if err != nil {
			return telemetry.Verification{}, err
		}
	}
	if options.Parallel <= 0 {
		options.Parallel = stdruntime.GOMAXPROCS(0)
	}
	found, err := verify.Run(ctx, verify.Config{
		Store: e.store, Workflows: e.workflows,
		Delivers: func(queue store.QueueName, kind store.Kind) bool {
			_, known := e.deliveries.Limit(queue, kind)
			return known
		},
		FoldTimeout: e.config.DecideTimeout, SnapshotEvery: int64(e.config.SnapshotEvery), Parallel: options.Parallel,
		Retry: func(ctx context.Context, call func() error) error {
			_, err := bound.UntilAvailable(ctx, e.config.UnavailableTimeout, func() (struct{}, error) { return struct{}{}, call() })
			return err
		},
		Filter: options.Filter.Narrowed(), After: options.After, Progress: options.Progress,
	})
	if err == nil {
		err = e.verifySchedules(ctx, options.Filter.Workflow, &found)
	}
	if err != nil {
		found.Complete = false
		return found, fmt.Errorf("ironflow: verify: %w", err)
	}
	return found, nil
}

// verifySchedules finds stored schedules that no workflow of this program declares.
func (e *Engine) verifySchedules(ctx context.Context, of string, found *telemetry.Verification) error {
	backlogs, err := e.store.Backlog(ctx, store.TimerQueue, store.StoredTime(e.config.Clock.Now()), admin.BacklogLimit)
	if err != nil {
		return err
	}
	for _, b := range backlogs {
		name, is := b.Kind.Schedule()
		if !is || of != "" && b.Kind.Workflow != of {
			continue
		}
		w := e.workflows[b.Kind.Workflow]
		if w == nil || !slices.ContainsFunc(w.Schedules(), func(s workflow.ScheduledInput) bool { return s.Name == name }) {
			found.Add(telemetry.Problem{Kind: telemetry.OrphanedSchedule, Workflow: b.Kind.Workflow, Name: name, Count: b.Due + b.Leased + b.Delayed + b.Dead})
		}
	}
	return nil
}
