package delivery

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/commit"
	"github.com/ironflow-gen/ironflow/runtime/internal/unknown"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// skipFiring goes on with the next firing of a timer or schedule after all attempts at one failed: one bad day must not end it. The error is
// stored with the next firing until that is done. What does not recur becomes a dead letter.
func (r *router) skipFiring(recurs *workflow.Firings, d store.Delivery, dead store.Settlement) attemptEnd {
	if recurs == nil {
		return diedBy(dead)
	}
	_, _, next := recurs.Due(d.Due, dead.At)
	if next.IsZero() {
		return diedBy(dead)
	}
	r.config.Logger.Error("ironflow: a firing is skipped, it failed for good", "workflow", d.Kind.Workflow, "instance", d.Lease.Instance.ID,
		"timer", d.Lease.Key, "due", d.Due, "next", next, "error", dead.Error)
	return skippedBy(store.Settlement{Lease: d.Lease, Verdict: store.Again, At: next, Error: dead.Error})
}

// scheduledAt is the field of an input for the nominal time of its firing.
const scheduledAt = "scheduled_at"

// firing is what a delivery that recurs brings in.
type firing struct {
	*workflow.Firings
	workflow *workflow.Workflow
	input    string
	payload  []byte                    // JSON that fills the input; nil for none
	instance func(at time.Time) string // id of the instance that the input is for
	inCommit bool                      // the commit makes the delivery due again; that of a timer starts the timer again by itself
}

// deliverFiring brings in the input of a firing, unless the firing is left out. The next one follows also when the input is refused.
func (r *router) deliverFiring(ctx context.Context, d store.Delivery, f firing) (attemptEnd, error) {
	fires, at, next := f.Due(d.Due, store.StoredTime(r.config.Clock.Now()))
	after := store.Settlement{Lease: d.Lease, Verdict: store.Again, At: next}
	if next.IsZero() {
		after = consumed(d)
	}
	if !fires {
		return skippedBy(after), nil
	}
	fields := make(map[string]json.RawMessage)
	if len(f.payload) > 0 {
		if err := workflow.ReadJSON(f.payload, &fields); err != nil {
			return attemptEnd{}, unknown.Mark(err)
		}
	}
	encoded, err := json.Marshal(at)
	if err != nil {
		return attemptEnd{}, err
	}
	fields[scheduledAt] = encoded
	req := commit.Request{Workflow: f.workflow, NotBefore: at, Arrival: &commit.Arrival{Delivery: d, Ends: consumed(d)}}
	if f.inCommit {
		req.Arrival.Ends = after
	}
	if req.Input, err = inputOf(f.workflow, f.input, f.instance(at), fields); err != nil {
		return attemptEnd{}, err
	}
	outcome, err := r.execute(ctx, req)
	switch {
	case err != nil:
		return attemptEnd{}, err
	case outcome.Kind == workflow.Accepted:
		return inCommit(), nil
	}
	return settledBy(after), nil
}

// deliverRecurring brings in the input of a timer that starts itself again.
func (r *router) deliverRecurring(ctx context.Context, workflow *workflow.Workflow, recurs *workflow.Firings, d store.Delivery) (attemptEnd, error) {
	end, err := r.deliverFiring(ctx, d, firing{
		Firings: recurs, workflow: workflow, input: d.Kind.Name, payload: d.Payload,
		instance: func(time.Time) string { return d.Lease.Instance.ID },
	})
	if err != nil {
		return attemptEnd{}, fmt.Errorf("timer %s: %w", d.Lease.Key, err)
	}
	return end, nil
}

// deliverScheduled brings in the input of a schedule. The same commit makes the schedule due again, so that each firing is applied once,
// however many processes there are.
func (r *router) deliverScheduled(ctx context.Context, workflow *workflow.Workflow, s workflow.ScheduledInput, d store.Delivery) (attemptEnd, error) {
	s, recurs, err := asStored(workflow, s, d.Payload)
	if err != nil {
		return attemptEnd{}, fmt.Errorf("schedule %s: %w", s.Name, err)
	}
	if !slices.Contains(workflow.InputNames(), s.Input) {
		return attemptEnd{}, unknown.Mark(fmt.Errorf("schedule %s: workflow %s has no input %s", s.Name, workflow.Name(), s.Input))
	}
	end, err := r.deliverFiring(ctx, d, firing{
		Firings: recurs, workflow: workflow, input: s.Input, inCommit: true,
		instance: func(at time.Time) string {
			return strings.ReplaceAll(s.Instance, "{time}", at.UTC().Format("20060102T150405Z"))
		},
	})
	if err != nil {
		return attemptEnd{}, fmt.Errorf("schedule %s: %w", s.Name, err)
	}
	return end, nil
}

// scheduleDefinition is the payload of a schedule's delivery. When it changes, the schedule starts again.
type scheduleDefinition struct {
	Input    string `json:"input"`
	Schedule string `json:"schedule"`
	Zone     string `json:"zone,omitempty"`
	Instance string `json:"instance"`
}

// asStored returns a schedule as its delivery defines it. While a release rolls out, that may differ from what this process declares: the
// definition of the process that started last counts for all.
func asStored(w *workflow.Workflow, s workflow.ScheduledInput, definition []byte) (workflow.ScheduledInput, *workflow.Firings, error) {
	var stored scheduleDefinition
	if err := workflow.ReadJSON(definition, &stored); err != nil {
		return s, nil, unknown.Mark(fmt.Errorf("its stored definition: %w", err))
	}
	if stored == definitionOf(s) {
		return s, w.Scheduled(s.Name), nil
	}
	s.Input, s.Schedule, s.Zone, s.Instance = stored.Input, stored.Schedule, stored.Zone, stored.Instance
	r, err := s.Parse()
	return s, r, unknown.Mark(err)
}

func definitionOf(s workflow.ScheduledInput) scheduleDefinition {
	return scheduleDefinition{s.Input, s.Schedule, s.Zone, s.Instance}
}

// skipScheduled is skipFiring for a schedule.
func (r *router) skipScheduled(workflow *workflow.Workflow, s workflow.ScheduledInput, d store.Delivery, dead store.Settlement) (attemptEnd, error) {
	_, recurs, err := asStored(workflow, s, d.Payload)
	if err != nil {
		return attemptEnd{}, err
	}
	return r.skipFiring(recurs, d, dead), nil
}

// putSchedules makes sure that the schedules of the workflows run.
func (r *router) putSchedules(ctx context.Context) error {
	now := r.config.Clock.Now()
	var schedules []store.StoredSchedule
	for _, workflow := range r.workflows {
		for _, s := range workflow.Schedules() {
			definition, err := json.Marshal(definitionOf(s))
			if err != nil {
				return err
			}
			if next := workflow.Scheduled(s.Name).After(now); !next.IsZero() {
				schedules = append(schedules, store.StoredSchedule{
					Workflow: workflow.Name(), Name: s.Name, Definition: definition, Next: next,
				})
			}
		}
	}
	return bound.FromStore(r.store.PutSchedules(ctx, schedules))
}
