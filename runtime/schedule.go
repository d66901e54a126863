package runtime

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/unknown"
)

// skipFiring lets what recurs go on after a firing whose attempts all failed: one bad day must not end it. The reason is kept with
// the next firing until that is done. What fires once becomes a dead letter.
func (r *router) skipFiring(recurs *recurrence, d Delivery, dead Settlement) ending {
	if recurs == nil {
		return diedBy(dead)
	}
	_, _, next := recurs.due(d.Due, dead.At)
	if next.IsZero() {
		return diedBy(dead)
	}
	r.config.Logger.Error("ironflow: a firing is skipped, it failed for good", "workflow", d.Kind.Workflow, "instance", d.Lease.Instance.ID,
		"timer", d.Lease.Key, "due", d.Due, "next", next, "error", dead.Error)
	return skippedBy(Settlement{Lease: d.Lease, Verdict: Again, At: next, Error: dead.Error})
}

// scheduledAt is the field of an input for the nominal time of its firing.
const scheduledAt = "scheduled_at"

// firing is a delivery that recurs: when it was due, and what it brings.
type firing struct {
	*recurrence
	workflow *Workflow
	input    string
	payload  []byte                    // that the input is filled with; nil for nothing
	instance func(at time.Time) string // that the input is for
	inCommit bool                      // it is due again in the commit of the input; a timer's commit starts it again by itself
}

// deliverFiring brings in the input of what recurs, unless the firing is left out. Refused or not, it goes on.
func (r *router) deliverFiring(ctx context.Context, d Delivery, f firing) (ending, error) {
	fires, at, next := f.due(d.Due, storedTime(r.config.Clock.Now()))
	after := Settlement{Lease: d.Lease, Verdict: Again, At: next}
	if next.IsZero() {
		after = consumed(d)
	}
	if !fires {
		return skippedBy(after), nil
	}
	fields := make(map[string]json.RawMessage)
	if len(f.payload) > 0 {
		if err := readJSON(f.payload, &fields); err != nil {
			return ending{}, unknown.Mark(err)
		}
	}
	encoded, err := json.Marshal(at)
	if err != nil {
		return ending{}, err
	}
	fields[scheduledAt] = encoded
	req := request{workflow: f.workflow, notBefore: at, arrival: &arrival{d, consumed(d)}}
	if f.inCommit {
		req.arrival.ends = after
	}
	if req.input, err = inputOf(f.workflow, f.input, f.instance(at), fields); err != nil {
		return ending{}, err
	}
	outcome, err := r.execute(ctx, req)
	switch {
	case err != nil:
		return ending{}, err
	case outcome.kind == accepted:
		return inCommit(), nil
	}
	return settledBy(after), nil
}

// deliverRecurring brings in the input of a timer that starts itself again.
func (r *router) deliverRecurring(ctx context.Context, workflow *Workflow, recurs *recurrence, d Delivery) (ending, error) {
	end, err := r.deliverFiring(ctx, d, firing{
		recurrence: recurs, workflow: workflow, input: d.Kind.Name, payload: d.Payload,
		instance: func(time.Time) string { return d.Lease.Instance.ID },
	})
	if err != nil {
		return ending{}, fmt.Errorf("timer %s: %w", d.Lease.Key, err)
	}
	return end, nil
}

// deliverScheduled brings in the input of a schedule. The schedule is due again in the same commit, so that each firing is
// applied once, however many processes there are.
func (r *router) deliverScheduled(ctx context.Context, workflow *Workflow, s ScheduledInput, d Delivery) (ending, error) {
	s, recurs, err := asStored(workflow, s, d.Payload)
	if err != nil {
		return ending{}, fmt.Errorf("schedule %s: %w", s.Name, err)
	}
	if !slices.Contains(workflow.inputNames(), s.Input) {
		return ending{}, unknown.Mark(fmt.Errorf("schedule %s: workflow %s has no input %s", s.Name, workflow.name, s.Input))
	}
	end, err := r.deliverFiring(ctx, d, firing{
		recurrence: recurs, workflow: workflow, input: s.Input, inCommit: true,
		instance: func(at time.Time) string {
			return strings.ReplaceAll(s.Instance, "{time}", at.UTC().Format("20060102T150405Z"))
		},
	})
	if err != nil {
		return ending{}, fmt.Errorf("schedule %s: %w", s.Name, err)
	}
	return end, nil
}

// scheduleDefinition is the payload of a schedule's deliveries. Another one starts the schedule again.
type scheduleDefinition struct {
	Input    string `json:"input"`
	Schedule string `json:"schedule"`
	Zone     string `json:"zone,omitempty"`
	Instance string `json:"instance"`
}

// asStored returns a schedule as its delivery has it. While a release rolls out, that is another definition than this process
// declares: the one of the process that started last, by which all go from then on.
func asStored(w *Workflow, s ScheduledInput, definition []byte) (ScheduledInput, *recurrence, error) {
	var stored scheduleDefinition
	if err := readJSON(definition, &stored); err != nil {
		return s, nil, unknown.Mark(fmt.Errorf("its stored definition: %w", err))
	}
	if stored == definitionOf(s) {
		return s, w.scheduled(s.Name), nil
	}
	s.Input, s.Schedule, s.Zone, s.Instance = stored.Input, stored.Schedule, stored.Zone, stored.Instance
	r, err := s.parse()
	return s, r, unknown.Mark(err)
}

func definitionOf(s ScheduledInput) scheduleDefinition {
	return scheduleDefinition{s.Input, s.Schedule, s.Zone, s.Instance}
}

// skipScheduled is skipFiring for a schedule.
func (r *router) skipScheduled(workflow *Workflow, s ScheduledInput, d Delivery, dead Settlement) (ending, error) {
	_, recurs, err := asStored(workflow, s, d.Payload)
	if err != nil {
		return ending{}, err
	}
	return r.skipFiring(recurs, d, dead), nil
}

// putSchedules makes sure that the schedules of the workflows run.
func (r *router) putSchedules(ctx context.Context) error {
	now := r.config.Clock.Now()
	var schedules []StoredSchedule
	for _, workflow := range r.workflows {
		for _, s := range workflow.schedules() {
			definition, err := json.Marshal(definitionOf(s))
			if err != nil {
				return err
			}
			if next := workflow.scheduled(s.Name).after(now); !next.IsZero() {
				schedules = append(schedules, StoredSchedule{
					Workflow: workflow.name, Name: s.Name, Definition: definition, Next: next,
				})
			}
		}
	}
	return fromStore(r.store.PutSchedules(ctx, schedules))
}
