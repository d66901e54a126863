package workflow

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/codec"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Decided has what one accepted decision adds to an instance, and the state after it.
type Decided struct {
	Events   []any
	Stored   []store.NewEvent // the same, encoded
	Effects  []store.NewEffect
	Timers   TimerNet
	Cancel   []string // kinds of effects
	Complete bool
	Status   string
	State    any
	Subject  string // whose key encrypts personal fields; empty for the instance itself

	// Touched says that the decider got the state or the input itself and not a copy, because it cannot be copied. The decider
	// may have changed it, so it is not used again. Touched is also set for a rejection.
	Touched bool
}

// decisionBuilder checks an accepted decision against the declaration and encodes it.
type decisionBuilder[S, I, E, F, R any] struct {
	workflow   *typed[S, I, E, F, R]
	transition *Transition // nil without states
	id         string
	version    int64 // of the instance before the decision
	now        time.Time
	out        Decided
}

func (b *decisionBuilder[S, I, E, F, R]) build(state S, decision UntypedDecision) error {
	end, err := b.addEvents(state, decision.events)
	if err != nil {
		return err
	}
	if err := b.addEffects(decision.effects); err != nil {
		return err
	}
	if err := b.addTimers(decision.timers); err != nil {
		return err
	}
	if err := b.cancelEffects(decision.cancelled); err != nil {
		return err
	}
	b.out.State = end
	if b.workflow.machine != nil {
		b.out.Status = b.workflow.def.Status(end)
	}
	b.out.Complete, err = b.workflow.hasEnded(end)
	return err
}

// addEvents encodes the events and folds them, to find out which timers of states start and stop. It returns the state after
// them.
func (b *decisionBuilder[S, I, E, F, R]) addEvents(state S, events []any) (S, error) {
	w := b.workflow
	b.out.Events = events
	b.out.Stored = make([]store.NewEvent, 0, len(events))
	for i, ev := range events {
		event := ev.(E)
		name, payload, err := encode(event, w.def.Events)
		if err != nil {
			return state, fmt.Errorf("event %w", err)
		}
		if err := b.allow("event", name); err != nil {
			return state, err
		}
		if i > 0 {
			completed, err := w.hasEnded(state)
			if err != nil {
				return state, err
			}
			if completed {
				return state, fmt.Errorf("the decision emits %s after the workflow has completed", name)
			}
		}
		b.out.Stored = append(b.out.Stored, store.NewEvent{Type: name, SchemaVersion: w.def.Events.version(name), Payload: payload})

		folded, err := b.readBack(event, name, payload)
		if err != nil {
			return state, err
		}
		next, err := w.evolve(state, folded)
		if err != nil {
			return state, err
		}
		if w.machine != nil {
			before := w.def.Status(state)
			if b.version == 0 && i == 0 {
				before = "" // an instance that does not exist yet has no status
			}
			if err := b.moveStateTimers(before, w.def.Status(next)); err != nil {
				return state, err
			}
		}
		state = next
	}
	return state, nil
}

// readBack returns the event that a replay would fold. It shares no memory with the caller's input and outcome.
func (b *decisionBuilder[S, I, E, F, R]) readBack(event E, name string, payload []byte) (E, error) {
	if b.workflow.plain.has(reflect.TypeOf(event)) {
		return event, nil
	}
	folded, err := decode(codec.NewDecoder(payload), name, b.workflow.def.Events)
	if err != nil {
		return folded, fmt.Errorf("event %s cannot be read back: %w", name, err)
	}
	return folded, nil
}

func (b *decisionBuilder[S, I, E, F, R]) moveStateTimers(from, to string) error {
	for _, t := range b.workflow.def.StateTimers {
		was, is := slices.Contains(t.While, from), slices.Contains(t.While, to)
		switch {
		case is && !was && !t.Retired:
			if err := b.startTimer(TimerSpec{Name: t.Name, Input: t.Input, After: t.After}); err != nil {
				return err
			}
		case was && !is:
			b.out.Timers.cancel(t.Name)
		}
	}
	return nil
}

func (b *decisionBuilder[S, I, E, F, R]) addEffects(effects []any) error {
	if len(effects) == 0 {
		return nil
	}
	b.out.Effects = make([]store.NewEffect, 0, len(effects))
	for _, f := range effects {
		name, payload, err := encodeStored(f.(F), b.workflow.def.Effects)
		if err != nil {
			return fmt.Errorf("effect %w", err)
		}
		if err := b.allow("effect", name); err != nil {
			return err
		}
		key, err := limitKey(b.workflow.def.EffectOptions[name].Limit, payload)
		if err != nil {
			return fmt.Errorf("effect %s: %w", name, err)
		}
		b.out.Effects = append(b.out.Effects, store.NewEffect{Kind: name, Payload: payload, LimitKey: key})
	}
	return nil
}

func (b *decisionBuilder[S, I, E, F, R]) cancelEffects(kinds []EffectKind) error {
	for _, kind := range kinds {
		if _, declared := b.workflow.def.EffectOptions[string(kind)]; !declared {
			return fmt.Errorf("the decision cancels the effect %q, which is not declared", kind)
		}
		b.out.Cancel = append(b.out.Cancel, string(kind))
	}
	return nil
}

// addTimers applies the decision's own steps, which override the timers of states.
func (b *decisionBuilder[S, I, E, F, R]) addTimers(steps []untypedTimer) error {
	for _, step := range steps {
		spec := step.timer.TimerSpec()
		if err := b.allow("timer", spec.Name); err != nil {
			return err
		}
		if err := store.CheckIdentifier("timer key", spec.StoredKey()); err != nil {
			return fmt.Errorf("timer %s: %w", spec.Name, err)
		}
		if step.cancel {
			b.out.Timers.cancel(spec.StoredKey())
		} else if err := b.startTimer(spec); err != nil {
			return err
		}
	}
	return nil
}

func (b *decisionBuilder[S, I, E, F, R]) startTimer(spec TimerSpec) error {
	w := b.workflow
	fireAt, ok := spec.FireAt(b.now)
	if r := w.recurrences[spec.Name]; !ok && r != nil {
		if fireAt = r.After(b.now); fireAt.IsZero() {
			return fmt.Errorf("timer %s: its schedule never fires; change the schedule in the declaration", spec.Name)
		}
		ok = true
	}
	if !ok {
		return fmt.Errorf("timer %s has no time: it is declared without after, so start it with In or At", spec.Name)
	}
	if fireAt.UTC().Year() < store.MinYear { // it fires at once
		fireAt = b.now
	}
	if problem := store.TimeProblem(fireAt); problem != "" {
		return &store.InvalidArgument{Argument: "the time of timer " + spec.Name, Problem: problem}
	}
	input, err := w.Addressed(spec.Input, b.id)
	if err != nil {
		return fmt.Errorf("timer %s: %w", spec.Name, err)
	}
	name, payload, err := encodeStored(input.(I), w.def.Inputs)
	if err != nil {
		return fmt.Errorf("timer %s: input %w", spec.Name, err)
	}
	b.out.Timers.Start(store.NewTimer{Key: spec.StoredKey(), Input: name, Payload: payload, FireAt: store.StoredTime(fireAt)})
	return nil
}

func (b *decisionBuilder[S, I, E, F, R]) allow(what, name string) error {
	if b.transition == nil {
		return nil
	}
	return b.transition.allows(what, name)
}
