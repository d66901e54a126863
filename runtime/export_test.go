package runtime

import (
	"errors"
	"maps"
)

// Waiting is how many inputs wait in the engine's lanes for the next commit.
func Waiting(e *Engine) (n int) {
	_, lanes, _ := e.executor.health()
	for _, l := range lanes {
		n += l.Waiting
	}
	return n
}

// Lanes is how many lanes the engine has.
func Lanes(e *Engine) int {
	_, lanes, _ := e.executor.health()
	return len(lanes)
}

// EffectOptionsOf returns the options of the workflow's effects, to be changed before an engine is made.
func EffectOptionsOf(w *Workflow) map[string]EffectOptions { return w.effectOptions() }

// OldRelease makes a workflow one of a release that does not know an event and an effect yet.
func OldRelease(w *Workflow, event, effect string) *Workflow {
	old := *w
	old.definition = oldRelease{w.definition, event, effect}
	return &old
}

type oldRelease struct {
	definition
	event, effect string
}

func (o oldRelease) effectOptions() map[string]EffectOptions {
	options := maps.Clone(o.definition.effectOptions())
	delete(options, o.effect)
	return options
}

func (o oldRelease) replay(known any, instance Instance) (any, error) {
	for _, e := range instance.Events {
		if e.Type == o.event {
			return nil, &UnknownEvent{instance.Key, e.Version, e.Type, e.SchemaVersion, errors.New("not declared")}
		}
	}
	return o.definition.replay(known, instance)
}

// WithSchedules makes a workflow one that declares these schedules.
func WithSchedules(w *Workflow, schedules ...ScheduledInput) *Workflow {
	other := *w
	other.definition = rescheduled{w.definition, schedules}
	return &other
}

type rescheduled struct {
	definition
	declared []ScheduledInput
}

func (r rescheduled) schedules() []ScheduledInput { return r.declared }

func (r rescheduled) scheduled(name string) *recurrence {
	for _, s := range r.declared {
		if s.Name == name {
			parsed, err := s.parse()
			if err != nil {
				panic(err)
			}
			return parsed
		}
	}
	return nil
}
