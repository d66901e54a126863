package runtime

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// recurringTimer returns the timer that follows the one that was delivered to its own instance, or nil when it fires once.
func (w *Workflow) recurringTimer(key InstanceKey, d *Delivery, now time.Time) (*NewTimer, error) {
	if d.Lease.Queue != TimerQueue || d.Lease.Instance != key {
		return nil, nil
	}
	r := w.recurring(timerName(d.Lease.Key))
	if r == nil {
		return nil, nil
	}
	_, _, next := r.due(d.Due, now)
	if next.IsZero() {
		return nil, nil
	}
	return &NewTimer{Key: d.Lease.Key, Input: d.Kind.Name, Payload: d.Payload, FireAt: next}, nil
}

// timerName is the declared name in a timer's stored key.
func timerName(key string) string {
	name, _, _ := strings.Cut(key, "/")
	return name
}

// skipFiring lets what recurs go on after a firing whose attempts all failed: one bad day must not end it. What fires once
// becomes a dead letter.
func (e *Engine) skipFiring(r *recurrence, d Delivery, dead Settlement) Settlement {
	if r == nil {
		return dead
	}
	_, _, next := r.due(d.Due, dead.At)
	if next.IsZero() {
		return dead
	}
	e.config.Logger.Error("ironflow: a firing is left out", "workflow", d.Kind.Workflow, "timer", d.Lease.Key, "due", d.Due,
		"next", next, "error", dead.Error)
	return Settlement{Lease: d.Lease, Verdict: Again, At: next}
}

// scheduledAt is the field of an input for the nominal time of its firing.
const scheduledAt = "scheduled_at"

// withScheduledAt returns the fields of a stored input and the nominal time of its firing.
func withScheduledAt(stored []byte, at time.Time) (map[string]json.RawMessage, error) {
	fields := make(map[string]json.RawMessage)
	if len(stored) > 0 {
		if err := json.Unmarshal(stored, &fields); err != nil {
			return nil, err
		}
	}
	encoded, err := json.Marshal(at)
	if err != nil {
		return nil, err
	}
	fields[scheduledAt] = encoded
	return fields, nil
}

// deliverRecurring brings in the input of a timer that starts itself again.
func (e *Engine) deliverRecurring(ctx context.Context, workflow *Workflow, r *recurrence, d Delivery) (Settlement, error) {
	fires, at, next := r.due(d.Due, storedTime(e.config.Clock.Now()))
	after := Settlement{Lease: d.Lease, Verdict: Again, At: next}
	if next.IsZero() {
		after.Verdict = Done
	}
	if !fires {
		return after, nil
	}
	fields, err := withScheduledAt(d.Payload, at)
	if err != nil {
		return Settlement{}, fmt.Errorf("timer %s: %w", d.Lease.Key, err)
	}
	req := request{workflow: workflow, notBefore: at}
	if req.input, err = workflow.inputOf(d.Kind.Name, d.Lease.Instance.ID, fields); err != nil {
		return Settlement{}, fmt.Errorf("timer %s: %w", d.Lease.Key, err)
	}
	settlement, err := e.deliverInput(ctx, d, req)
	if err != nil {
		return Settlement{}, fmt.Errorf("timer %s: %w", d.Lease.Key, err)
	}
	if settlement.Verdict == Done { // refused: it goes on all the same
		return after, nil
	}
	return settlement, nil
}

// scheduleDefinition is the payload of a schedule's deliveries. Another one starts the schedule anew.
type scheduleDefinition struct {
	Input    string `json:"input"`
	Schedule string `json:"schedule"`
	Zone     string `json:"zone,omitempty"`
	Instance string `json:"instance"`
}

// putSchedules makes sure that the schedules of the engine's workflows run.
func (e *Engine) putSchedules(ctx context.Context) error {
	now := e.config.Clock.Now()
	var schedules []StoredSchedule
	for _, workflow := range e.workflows {
		for _, s := range workflow.schedules() {
			definition, err := json.Marshal(scheduleDefinition{s.Input, s.Schedule, s.Zone, s.Instance})
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
	return fromStore(e.store.PutSchedules(ctx, schedules))
}

// deliverScheduled brings in the input of a schedule. The schedule is due again in the same commit, so that each firing is
// applied once, however many processes there are.
func (e *Engine) deliverScheduled(ctx context.Context, workflow *Workflow, s ScheduledInput, d Delivery) (Settlement, error) {
	r := workflow.scheduled(s.Name)
	fires, at, next := r.due(d.Due, storedTime(e.config.Clock.Now()))
	after := Settlement{Lease: d.Lease, Verdict: Again, At: next}
	if next.IsZero() {
		after.Verdict = Done
	}
	if !fires {
		return after, nil
	}
	fields, err := withScheduledAt(nil, at)
	if err != nil {
		return Settlement{}, fmt.Errorf("schedule %s: %w", s.Name, err)
	}
	req := request{workflow: workflow, notBefore: at, settle: after}
	instance := strings.ReplaceAll(s.Instance, "{time}", at.UTC().Format("20060102T150405Z"))
	if req.input, err = workflow.inputOf(s.Input, instance, fields); err != nil {
		return Settlement{}, fmt.Errorf("schedule %s: %w", s.Name, err)
	}
	outcome, err := e.tryInput(ctx, d, req)
	if err != nil {
		return Settlement{}, fmt.Errorf("schedule %s: %w", s.Name, err)
	}
	if outcome.kind == accepted {
		return Settlement{}, nil
	}
	return after, nil
}
