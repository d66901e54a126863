package runtime

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// recurringTimer returns the timer that follows the one that was delivered to its own instance, or nil when it fires once.
//
// It is a timer like any other that the decision starts, of a generation of its own, and not the same delivery due Again, which a
// schedule is. A firing of a timer is a decision of its instance, which may start or cancel the key, leave the states that the timer
// runs in, or complete: one rule, that the last step with a key counts, settles all of that, each firing is named by the version
// of the decision that asked for it, and a lease on the firing before is no lease on the next. A schedule belongs to no instance, so
// nobody else has a word about its row; there it is the row that has to stay, locked by its lease through the commit, so that each
// firing is made once whichever instance it is for.
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

// skipFiring lets what recurs go on after a firing whose attempts all failed: one bad day must not end it. The reason is kept with
// the next firing until that is done. What fires once becomes a dead letter.
func (e *Engine) skipFiring(r *recurrence, d Delivery, dead Settlement) Settlement {
	if r == nil {
		return dead
	}
	_, _, next := r.due(d.Due, dead.At)
	if next.IsZero() {
		return dead
	}
	e.config.Logger.Error("ironflow: a firing is skipped, it failed for good", "workflow", d.Kind.Workflow, "instance", d.Lease.Instance.ID,
		"timer", d.Lease.Key, "due", d.Due, "next", next, "error", dead.Error)
	return Settlement{Lease: d.Lease, Verdict: Again, At: next, Error: dead.Error, skipped: true}
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
func (e *Engine) deliverFiring(ctx context.Context, d Delivery, f firing) (Settlement, error) {
	fires, at, next := f.due(d.Due, storedTime(e.config.Clock.Now()))
	after := Settlement{Lease: d.Lease, Verdict: Again, At: next}
	if next.IsZero() {
		after.Verdict = Done
	}
	if !fires {
		after.skipped = true
		return after, nil
	}
	fields := make(map[string]json.RawMessage)
	if len(f.payload) > 0 {
		if err := readJSON(f.payload, &fields); err != nil {
			return Settlement{}, unknown(err)
		}
	}
	encoded, err := json.Marshal(at)
	if err != nil {
		return Settlement{}, err
	}
	fields[scheduledAt] = encoded
	req := request{workflow: f.workflow, notBefore: at}
	if f.inCommit {
		req.settle = after
	}
	if req.input, err = f.workflow.inputOf(f.input, f.instance(at), fields); err != nil {
		return Settlement{}, err
	}
	settlement, err := e.deliverInput(ctx, d, req)
	if err == nil && settlement.Verdict != 0 {
		return after, nil
	}
	return settlement, err
}

// deliverRecurring brings in the input of a timer that starts itself again.
func (e *Engine) deliverRecurring(ctx context.Context, workflow *Workflow, r *recurrence, d Delivery) (Settlement, error) {
	settlement, err := e.deliverFiring(ctx, d, firing{
		recurrence: r, workflow: workflow, input: d.Kind.Name, payload: d.Payload,
		instance: func(time.Time) string { return d.Lease.Instance.ID },
	})
	if err != nil {
		return Settlement{}, fmt.Errorf("timer %s: %w", d.Lease.Key, err)
	}
	return settlement, nil
}

// deliverScheduled brings in the input of a schedule. The schedule is due again in the same commit, so that each firing is
// applied once, however many processes there are.
func (e *Engine) deliverScheduled(ctx context.Context, workflow *Workflow, s ScheduledInput, d Delivery) (Settlement, error) {
	s, r, err := workflow.asStored(s, d.Payload)
	if err != nil {
		return Settlement{}, fmt.Errorf("schedule %s: %w", s.Name, err)
	}
	if !slices.Contains(workflow.inputNames(), s.Input) {
		return Settlement{}, unknown(fmt.Errorf("schedule %s: workflow %s has no input %s", s.Name, workflow.name, s.Input))
	}
	settlement, err := e.deliverFiring(ctx, d, firing{
		recurrence: r, workflow: workflow, input: s.Input, inCommit: true,
		instance: func(at time.Time) string {
			return strings.ReplaceAll(s.Instance, "{time}", at.UTC().Format("20060102T150405Z"))
		},
	})
	if err != nil {
		return Settlement{}, fmt.Errorf("schedule %s: %w", s.Name, err)
	}
	return settlement, nil
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
func (w *Workflow) asStored(s ScheduledInput, definition []byte) (ScheduledInput, *recurrence, error) {
	var stored scheduleDefinition
	if err := readJSON(definition, &stored); err != nil {
		return s, nil, unknown(fmt.Errorf("its stored definition: %w", err))
	}
	if stored == s.definition() {
		return s, w.scheduled(s.Name), nil
	}
	s.Input, s.Schedule, s.Zone, s.Instance = stored.Input, stored.Schedule, stored.Zone, stored.Instance
	r, err := s.parse()
	return s, r, unknown(err)
}

func (s ScheduledInput) definition() scheduleDefinition {
	return scheduleDefinition{s.Input, s.Schedule, s.Zone, s.Instance}
}

// skipScheduled is skipFiring for a schedule.
func (e *Engine) skipScheduled(workflow *Workflow, s ScheduledInput, d Delivery, dead Settlement) (Settlement, error) {
	_, r, err := workflow.asStored(s, d.Payload)
	if err != nil {
		return Settlement{}, err
	}
	return e.skipFiring(r, d, dead), nil
}

// putSchedules makes sure that the schedules of the engine's workflows run.
func (e *Engine) putSchedules(ctx context.Context) error {
	now := e.config.Clock.Now()
	var schedules []StoredSchedule
	for _, workflow := range e.workflows {
		for _, s := range workflow.schedules() {
			definition, err := json.Marshal(s.definition())
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
