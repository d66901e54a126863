package workflow

import "slices"

// Decision is a decider's answer to one input: accepted with at least one event, or rejected.
//
// Generated code has a Decision type for each input. Its events E, effects F, timers T and rejections R are sealed interfaces, so
// a decision that the declaration does not allow does not compile. Make a decision with the generated constructors, such as
// AcceptPay and RejectPay. The methods return a changed copy. The engine refuses the zero value.
type Decision[E, F any, T Timer, R any] struct {
	events    []E
	effects   []F
	timers    []timerStep[T]
	cancelled []EffectKind
	rejection []R // none or one
}

// EffectKind names an effect of a workflow. Generated code declares a constant for each.
type EffectKind string

type timerStep[T Timer] struct {
	timer  T
	cancel bool
}

// Accept returns a decision for the given events, in this order.
func Accept[E, F any, T Timer, R any](first E, more ...E) Decision[E, F, T, R] {
	return Decision[E, F, T, R]{events: append([]E{first}, more...)}
}

// Reject returns a decision that rejects the input. Nothing is stored.
func Reject[E, F any, T Timer, R any](rejection R) Decision[E, F, T, R] {
	return Decision[E, F, T, R]{rejection: []R{rejection}}
}

// Effect requests effects. Each is handled at least once, after the decision is committed.
func (d Decision[E, F, T, R]) Effect(effects ...F) Decision[E, F, T, R] {
	d.effects = append(slices.Clip(d.effects), effects...)
	return d
}

// StartTimer starts timers. A timer replaces a running timer with the same key.
func (d Decision[E, F, T, R]) StartTimer(timers ...T) Decision[E, F, T, R] {
	return d.withTimers(timers, false)
}

// CancelTimer cancels timers by their key. A timer that does not run is ignored. If a decision starts and cancels a key several
// times, the last step counts.
func (d Decision[E, F, T, R]) CancelTimer(timers ...T) Decision[E, F, T, R] {
	return d.withTimers(timers, true)
}

func (d Decision[E, F, T, R]) withTimers(timers []T, cancel bool) Decision[E, F, T, R] {
	d.timers = slices.Clip(d.timers)
	for _, t := range timers {
		d.timers = append(d.timers, timerStep[T]{t, cancel})
	}
	return d
}

// CancelEffect cancels all pending effects of the given kinds that earlier decisions of this instance requested. If an effect is
// being handled, the handler's context ends and its result is dropped; what the handler has done by then is not undone. Dead
// letters stay. A kind without pending effects is ignored.
func (d Decision[E, F, T, R]) CancelEffect(kinds ...EffectKind) Decision[E, F, T, R] {
	d.cancelled = append(slices.Clip(d.cancelled), kinds...)
	return d
}

// Events returns the events of an accepted decision. This method and the ones below are for tests.
func (d Decision[E, F, T, R]) Events() []E { return slices.Clone(d.events) }

// Effects returns the requested effects.
func (d Decision[E, F, T, R]) Effects() []F { return slices.Clone(d.effects) }

// StartedTimers returns the timers that the decision starts with StartTimer. Timers of states are not among them.
func (d Decision[E, F, T, R]) StartedTimers() []T { return d.selectTimers(false) }

// CancelledTimers returns the timers that the decision cancels with CancelTimer.
func (d Decision[E, F, T, R]) CancelledTimers() []T { return d.selectTimers(true) }

func (d Decision[E, F, T, R]) selectTimers(cancel bool) []T {
	var selected []T
	for _, step := range d.timers {
		if step.cancel == cancel {
			selected = append(selected, step.timer)
		}
	}
	return selected
}

// CancelledEffects returns the kinds of effects that the decision cancels.
func (d Decision[E, F, T, R]) CancelledEffects() []EffectKind { return slices.Clone(d.cancelled) }

// Rejection returns the rejection, and whether the decision is one.
func (d Decision[E, F, T, R]) Rejection() (R, bool) {
	if len(d.rejection) == 0 {
		var none R
		return none, false
	}
	return d.rejection[0], true
}

// Untyped returns the decision in the form that the engine reads. Generated code calls it.
func (d Decision[E, F, T, R]) Untyped() UntypedDecision {
	u := UntypedDecision{
		events: anySlice(d.events), effects: anySlice(d.effects), cancelled: d.cancelled, rejections: anySlice(d.rejection),
	}
	for _, step := range d.timers {
		u.timers = append(u.timers, untypedTimer{step.timer, step.cancel})
	}
	return u
}

func anySlice[T any](in []T) []any {
	if len(in) == 0 {
		return nil
	}
	out := make([]any, len(in))
	for i, v := range in {
		out[i] = v
	}
	return out
}

// UntypedDecision is a Decision without its type parameters.
type UntypedDecision struct {
	events     []any
	effects    []any
	timers     []untypedTimer
	cancelled  []EffectKind
	rejections []any
}

type untypedTimer struct {
	timer  Timer // nil if user code passed nil
	cancel bool
}

// NoEvent is implemented by no type: the declaration of a workflow of another service lists no events.
type NoEvent interface{ noEvent() }

// NoEffect is implemented by no type: the declaration lists no effect for this input.
type NoEffect interface{ noEffect() }

// NoTimer is implemented by no type: the declaration lists no timer for this input.
type NoTimer interface {
	Timer
	noTimer()
}
