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

// VerifyOptions says which instances Engine.Verify checks. The zero value means all instances in the store.
type VerifyOptions struct {
	// Filter selects instances. Default: all. Instances of workflows that are not registered are then reported as a problem.
	Filter InstanceFilter

	// Parallel is how many batches of instances are read and folded at the same time. Default: the number of processors.
	Parallel int

	// After continues a verification that ended early. Set it to the Next of that verification. The new verification does not repeat its
	// findings.
	After *store.InstancePlace

	// Progress is called after each batch with the findings so far. Calls do not overlap. Default: not called.
	Progress func(so telemetry.Verification)
}

// Verify checks whether the code of this program can read what is stored. It decodes and folds the events of each instance, and compares
// the states with the stored status, completion and snapshots. It also decodes the waiting effects and timers and the outcomes of inputs.
// It reports what this program cannot read, and which deliveries would wait for ever. It writes nothing and locks nothing, so other
// programs may use the store meanwhile.
//
// Verify calls no decider and no handler. A panic of the evolver, or an evolver that does not return within Config.DecideTimeout, is
// reported as a problem. If an instance has more than 2,000 events, Verify checks only the kinds of its effects and timers, and does not
// read its outcomes of inputs.
//
// Verify fails if the store cannot be read or ctx ends, and then returns what it found up to Next. It fails with *store.Unsupported if
// the store lacks the ability Inspection or Transfer.
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
			return known || queue == store.EffectQueue && e.deliversElsewhere(kind)
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

// deliversElsewhere reports whether an effect starts a workflow that another engine runs, or sends an input to one. That engine delivers it.
func (e *Engine) deliversElsewhere(kind store.Kind) bool {
	w := e.workflows[kind.Workflow]
	if w == nil {
		return false
	}
	options := w.EffectOptions()[kind.Name]
	return options.Starts != nil || options.Sends != nil // NewEngine has checked that the target is registered or external
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
			found.Add(telemetry.Problem{
				Kind: telemetry.OrphanedSchedule, Workflow: b.Kind.Workflow, Name: name, Count: b.Due + b.Leased + b.Delayed + b.Dead,
				Code: verify.ScheduleChanged,
			})
		}
	}
	return nil
}
