package admin

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Schedule is a recurring input of a workflow, as it is stored.
type Schedule struct {
	Workflow, Name string
	Declared       *workflow.ScheduledInput // as the program that was seen last declares it; nil if none does

	// Next is the nominal time of the next firing, and Waiting its delivery. While the schedule is Paused, it does not fire.
	Next    time.Time
	Paused  bool
	Waiting store.WaitingDelivery

	// Missed is how many firings had their time more than a minute ago and have not fired, because the schedule is paused or no process
	// delivers it: MaxMissed at most, and 0 if Declared is nil. The Missed of the declaration says what becomes of them.
	Missed int64
}

// MaxMissed is how many missed firings of a schedule are counted.
const MaxMissed = 1000

// missed counts the firings from next on that are late at a time.
func missed(declared *workflow.ScheduledInput, next, now time.Time) (n int64) {
	firings, err := declared.Parse()
	if err != nil {
		return 0
	}
	late := now.Add(-time.Minute)
	for at := next; n < MaxMissed && !at.IsZero() && at.Before(late); at = firings.After(at) {
		n++
	}
	return n
}

// UnknownSchedule says that the store has no schedule of that name. Engine.Run stores the schedules that its workflows declare.
type UnknownSchedule struct {
	Workflow, Name string
	Known          []string // names of the workflow's schedules, sorted
}

func (e *UnknownSchedule) Error() string {
	known := "it has none"
	if len(e.Known) > 0 {
		known = "it has " + strings.Join(e.Known, ", ")
	}
	return fmt.Sprintf("ironflow: workflow %s has no schedule %q; %s", e.Workflow, e.Name, known)
}

// Schedules lists the schedules of a workflow, or of all workflows that programs have, for an empty name. They are sorted by workflow and name.
func (a *Admin) Schedules(ctx context.Context, of string) ([]Schedule, error) {
	if err := store.CheckArgument("the workflow", of); err != nil {
		return nil, err
	}
	names, err := a.workflowNames(ctx)
	var lacks lacking
	if err := lacks.fails(err); err != nil {
		return nil, err
	}
	if of != "" {
		names = []string{of}
	}
	var all []Schedule
	for _, name := range names {
		known, err := a.Workflow(ctx, name)
		if err != nil {
			return nil, err
		}
		stored, err := bound.UntilAvailable(ctx, a.config.UnavailableTimeout, func() ([]store.WaitingDelivery, error) {
			return a.store.Waiting(ctx, store.TimerQueue, store.InstanceKey{Workflow: name}, store.MaxWaiting)
		})
		if err := lacks.fails(err); err != nil {
			return nil, err
		}
		for _, d := range stored {
			s := Schedule{Workflow: name, Name: d.Lease.Key, Next: d.Due, Paused: d.RunAt.Equal(store.SchedulePaused), Waiting: d}
			if known != nil {
				i := slices.IndexFunc(known.Schedules, func(declared workflow.ScheduledInput) bool { return declared.Name == s.Name })
				if i >= 0 {
					s.Declared = &known.Schedules[i]
					s.Missed = missed(s.Declared, s.Next, a.clock.Now())
				}
			}
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b Schedule) int {
		return cmp.Or(cmp.Compare(a.Workflow, b.Workflow), cmp.Compare(a.Name, b.Name))
	})
	return all, lacks.err
}

// PauseSchedule stops a schedule until ResumeSchedule. A firing that is being delivered is not applied; it is delivered after the pause. The
// pause ends also when a program starts that declares the schedule in another way. For an unknown name the error is *UnknownSchedule.
func (a *Admin) PauseSchedule(ctx context.Context, workflow, name string) error {
	return a.changeSchedule(ctx, store.OpPauseSchedule, store.ScheduleChange{Workflow: workflow, Name: name, RunAt: store.SchedulePaused})
}

// ResumeSchedule ends the pause of a schedule. What its declaration says of missed firings holds for those of the pause. A schedule that is not
// paused, or is a dead letter, is delivered at its time again.
func (a *Admin) ResumeSchedule(ctx context.Context, workflow, name string) error {
	return a.changeSchedule(ctx, store.OpResumeSchedule, store.ScheduleChange{Workflow: workflow, Name: name})
}

// TriggerSchedule makes a schedule fire now. It goes on with its next regular time after now; this ends a pause.
func (a *Admin) TriggerSchedule(ctx context.Context, workflow, name string) error {
	return a.changeSchedule(ctx, store.OpTriggerSchedule, store.ScheduleChange{
		Workflow: workflow, Name: name, Due: store.StoredTime(a.clock.Now()),
	})
}

func (a *Admin) changeSchedule(ctx context.Context, operation string, change store.ScheduleChange) error {
	if err := cmp.Or(a.mayChange(ctx), store.CheckArgument("the schedule", change)); err != nil {
		return err
	}
	found, err := a.store.ChangeSchedule(a.action(ctx, operation, change.Workflow, change.Name), change)
	if err != nil {
		return err
	}
	if !found {
		unknown := &UnknownSchedule{Workflow: change.Workflow, Name: change.Name}
		if known, err := a.Schedules(ctx, change.Workflow); err == nil {
			for _, s := range known {
				unknown.Known = append(unknown.Known, s.Name)
			}
		}
		return unknown
	}
	a.moreWork(ctx)
	a.config.Logger.WarnContext(ctx, "ironflow: "+operation, "workflow", change.Workflow, "schedule", change.Name, "by", store.OperatorOf(ctx).By)
	return nil
}
