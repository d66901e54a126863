package runtime

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/commit"
	"github.com/ironflow-gen/ironflow/runtime/internal/delivery"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Schedules lists the schedules of a workflow, or of all workflows for an empty name, by workflow and name.
func (e *Engine) Schedules(ctx context.Context, workflow string) ([]admin.Schedule, error) {
	return e.admin.Schedules(ctx, workflow)
}

// PauseSchedule stops a schedule until ResumeSchedule, in all processes.
func (e *Engine) PauseSchedule(ctx context.Context, workflow, name string) error {
	return e.admin.PauseSchedule(ctx, workflow, name)
}

// ResumeSchedule ends the pause of a schedule.
func (e *Engine) ResumeSchedule(ctx context.Context, workflow, name string) error {
	return e.admin.ResumeSchedule(ctx, workflow, name)
}

// TriggerSchedule makes a schedule fire now.
func (e *Engine) TriggerSchedule(ctx context.Context, workflow, name string) error {
	return e.admin.TriggerSchedule(ctx, workflow, name)
}

// maxBackfill is how many firings one call makes.
const maxBackfill = 10_000

// BackfillSchedule sends the input of a schedule for each of its regular times from a time until before another one, the oldest first, and
// returns how many were accepted. There may be 10,000 of them. The id of each input follows from the schedule and the time: so after an
// error, call it again, and no time is decided twice. The schedule itself is not changed.
//
// The operator of the context is stored with each decision, and in the audit log. For an unknown name the error is *admin.UnknownSchedule.
func (e *Engine) BackfillSchedule(ctx context.Context, workflow, name string, from, until time.Time) (accepted int, err error) {
	w, err := e.workflow(workflow)
	if err != nil {
		return 0, err
	}
	operator := store.OperatorOf(ctx)
	operator.By = cmp.Or(operator.By, e.config.Name)
	if err := cmp.Or(store.CheckArgument("the operator", operator), bound.Need[store.AuditLog](e.store, "BackfillSchedule"),
		bound.Need[store.InputLog](e.store, "BackfillSchedule")); err != nil {
		return 0, err
	}
	unknown := &admin.UnknownSchedule{Workflow: workflow, Name: name}
	for _, s := range w.Schedules() {
		if s.Name != name {
			unknown.Known = append(unknown.Known, s.Name)
			continue
		}
		var times []time.Time
		firings := w.Scheduled(name)
		for at := firings.After(from.Add(-time.Nanosecond)); !at.IsZero() && at.Before(until); at = firings.After(at) {
			if times = append(times, at); len(times) > maxBackfill {
				return 0, fmt.Errorf("ironflow: schedule %s of workflow %s has more than %d times from %v until %v", name, workflow, maxBackfill, from, until)
			}
		}
		record := store.Audited(ctx, store.AuditRecord{
			At: store.StoredTime(e.config.Clock.Now()), By: operator.By, Operation: store.OpBackfillSchedule, Workflow: workflow, Input: s.Input,
			Target:   fmt.Sprintf("%s from %s until %s", name, from.UTC().Format(time.RFC3339), until.UTC().Format(time.RFC3339)),
			Revision: 1,
		})
		if err := e.store.RecordAudit(ctx, record); err != nil {
			return 0, err
		}
		for _, at := range times {
			in, err := delivery.Firing(w, s, at)
			if err != nil {
				return accepted, err
			}
			result, err := e.execute(ctx, commit.Request{
				Workflow: w, Input: in, Operator: operator, Action: true, InputID: fmt.Sprintf("schedule/%s/%s", name, at.UTC().Format(time.RFC3339)),
			})
			if err != nil {
				return accepted, err
			}
			if result.Kind == commit.Accepted {
				accepted++
			}
		}
		record.Count, record.EndedAt, record.Revision = int64(accepted), store.StoredTime(e.config.Clock.Now()), 2
		return accepted, e.store.RecordAudit(ctx, record)
	}
	return 0, unknown
}
