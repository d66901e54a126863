package runtime

import (
	"errors"
	"maps"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Waiting is how many inputs wait for the engine's next batch.
func Waiting(e *Engine) int {
	inputs, _ := e.executor.Health()
	return inputs.Queued
}

// EffectOptionsOf returns the options of the workflow's effects, to be changed before an engine is made.
func EffectOptionsOf(w *Workflow) map[string]workflow.EffectOptions {
	return w.EffectOptions()
}

// OldRelease makes a workflow one of a release that does not know an event and an effect yet.
func OldRelease(w *Workflow, event, effect string) *Workflow {
	old := *w
	old.Erased = oldRelease{w.Erased, event, effect}
	return &old
}

type oldRelease struct {
	workflow.Erased
	event, effect string
}

func (o oldRelease) EffectOptions() map[string]workflow.EffectOptions {
	options := maps.Clone(o.Erased.EffectOptions())
	delete(options, o.effect)
	return options
}

func (o oldRelease) Replay(known any, instance store.Instance) (any, error) {
	for _, e := range instance.Events {
		if e.Type == o.event {
			return nil, &UnknownEvent{Instance: instance.Key, Version: e.Version, Type: e.Type, SchemaVersion: e.SchemaVersion, Err: errors.New("not declared")}
		}
	}
	return o.Erased.Replay(known, instance)
}

// WithSchedules makes a workflow one that declares these schedules.
func WithSchedules(w *Workflow, schedules ...workflow.ScheduledInput) *Workflow {
	other := *w
	other.Erased = rescheduled{w.Erased, schedules}
	return &other
}

type rescheduled struct {
	workflow.Erased
	declared []workflow.ScheduledInput
}

func (r rescheduled) Schedules() []workflow.ScheduledInput { return r.declared }

func (r rescheduled) Scheduled(name string) *workflow.Firings {
	for _, s := range r.declared {
		if s.Name == name {
			parsed, err := s.Parse()
			if err != nil {
				panic(err)
			}
			return parsed
		}
	}
	return nil
}
