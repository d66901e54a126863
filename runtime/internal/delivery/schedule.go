package delivery

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/unknown"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// schedule delivers the firings of one schedule.
type schedule struct {
	*router
	declared workflow.ScheduledInput
}

// deliver brings in the input of a firing. The same commit makes the schedule due again, so that each firing is applied once, however many
// processes there are.
func (s *schedule) deliver(ctx context.Context, d store.Delivery) (attemptEnd, error) {
	end, err := s.deliverStored(ctx, d)
	if err != nil {
		return attemptEnd{}, fmt.Errorf("schedule %s: %w", s.declared.Name, err)
	}
	return end, nil
}

func (s *schedule) deliverStored(ctx context.Context, d store.Delivery) (attemptEnd, error) {
	stored, recurs, err := s.asStored(d.Payload)
	if err != nil {
		return attemptEnd{}, err
	}
	if !slices.Contains(s.own.InputNames(), stored.Input) {
		return attemptEnd{}, unknown.Mark(fmt.Errorf("workflow %s has no input %s", s.own.Name(), stored.Input))
	}
	f := s.nextFiring(d, recurs)
	return s.deliverFiring(ctx, d, f, f.after, stored.Input, instanceAt(stored, f.at), make(map[string]json.RawMessage))
}

// instanceAt returns the id of the instance that a firing is for.
func instanceAt(s workflow.ScheduledInput, at time.Time) string {
	return strings.ReplaceAll(s.Instance, "{time}", at.UTC().Format("20060102T150405Z"))
}

// Firing returns the input of a schedule for a nominal time.
func Firing(w *workflow.Workflow, s workflow.ScheduledInput, at time.Time) (workflow.PreparedInput, error) {
	encoded, err := json.Marshal(at)
	if err != nil {
		return workflow.PreparedInput{}, err
	}
	return inputOf(w, s.Input, instanceAt(s, at), map[string]json.RawMessage{scheduledAt: encoded})
}

// skip ends a firing whose attempts are used up.
func (s *schedule) skip(_ context.Context, d store.Delivery, dead store.Settlement) (attemptEnd, error) {
	_, recurs, err := s.asStored(d.Payload)
	if err != nil {
		return attemptEnd{}, err
	}
	return s.skipFiring(d, recurs, dead), nil
}

// scheduleDefinition is the payload of a schedule's delivery. When it changes, the schedule starts again.
type scheduleDefinition struct {
	Input    string `json:"input"`
	Schedule string `json:"schedule"`
	Zone     string `json:"zone,omitempty"`
	Instance string `json:"instance"`
}

func definitionOf(s workflow.ScheduledInput) scheduleDefinition {
	return scheduleDefinition{s.Input, s.Schedule, s.Zone, s.Instance}
}

// asStored returns the schedule as its delivery defines it. While a release rolls out, that may differ from what this process declares: the
// definition of the process that started last counts for all.
func (s *schedule) asStored(definition []byte) (workflow.ScheduledInput, *workflow.Firings, error) {
	var stored scheduleDefinition
	if err := workflow.ReadJSON(definition, &stored); err != nil {
		return s.declared, nil, unknown.Mark(fmt.Errorf("its stored definition: %w", err))
	}
	if stored == definitionOf(s.declared) {
		return s.declared, s.config.firings(s.own.Scheduled(s.declared.Name)), nil
	}
	input := s.declared
	input.Input, input.Schedule, input.Zone, input.Instance = stored.Input, stored.Schedule, stored.Zone, stored.Instance
	recurs, err := input.Parse()
	if err != nil {
		return input, nil, unknown.Mark(err)
	}
	return input, s.config.firings(recurs), nil
}

// firings returns those of a schedule.
func (c *Config) firings(of *workflow.Firings) *workflow.Firings {
	if c.InCell {
		return of.Common()
	}
	return of
}

// putSchedules starts the schedules of the workflows that do not run yet, or were defined otherwise.
func (d *Deliveries) putSchedules(ctx context.Context) error {
	now := d.config.Clock.Now()
	var schedules []store.StoredSchedule
	for _, w := range d.workflows {
		for _, s := range w.Schedules() {
			definition, err := json.Marshal(definitionOf(s))
			if err != nil {
				return err
			}
			if next := d.config.firings(w.Scheduled(s.Name)).After(now); !next.IsZero() {
				schedules = append(schedules, store.StoredSchedule{
					Workflow: w.Name(), Name: s.Name, Definition: definition, Next: next,
				})
			}
		}
	}
	if err := bound.FromStore(d.store.PutSchedules(ctx, schedules)); err != nil {
		return err
	}
	for _, s := range schedules {
		d.timers.wakeAt(s.Next)
	}
	return nil
}
