package workflow

import "slices"

// Decision is a decider's answer to one input: accepted with at least one event, or rejected.
//
// Generated code gives each input its own Decision type, with the sealed interfaces of the events E, effects F, timers T
// and rejections R that its declaration allows, so that another one does not compile; and it generates the constructors
// (AcceptPay, RejectPay). The methods return a changed copy. The zero value is no decision; the engine refuses it.
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

// Accept decides for the given events, in this order.
func Accept[E, F any, T Timer, R any](first E, more ...E) Decision[E, F, T, R] {
	return Decision[E, F, T, R]{events: append([]E{first}, more...)}
}

// Reject refuses the input. Nothing is stored.
func Reject[E, F any, T Timer, R any](rejection R) Decision[E, F, T, R] {
	return Decision[E, F, T, R]{rejection: []R{rejection}}
}

// Effect requests effects. Each is handled at least once, after the decision is committed.
func (d Decision[E, F, T, R]) Effect(effects ...F) Decision[E, F, T, R] {
	d.effects = append(slices.Clip(d.effects), effects...)
	return d
}

// StartTimer starts timers. A timer replaces a running one with the same key.
func (d Decision[E, F, T, R]) StartTimer(timers ...T) Decision[E, F, T, R] {
	return d.withTimers(timers, false)
}

// CancelTimer cancels timers by their key; one that does not run is ignored. Of several steps with one key in the same
// decision the last one counts.
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

// CancelEffect gives up effects of this instance that earlier decisions asked for: those that wait, for their first attempt or
// another one, and those that are being handled, whose handlers' contexts end and whose results count no more. What a handler
// has done by then is done. Dead letters stay. A kind of which nothing is pending is ignored.
func (d Decision[E, F, T, R]) CancelEffect(kinds ...EffectKind) Decision[E, F, T, R] {
	d.cancelled = append(slices.Clip(d.cancelled), kinds...)
	return d
}

// Events returns the events of an accepted decision. It is there for tests, as are the methods below.
func (d Decision[E, F, T, R]) Events() []E { return slices.Clone(d.events) }

// Effects returns the requested effects.
func (d Decision[E, F, T, R]) Effects() []F { return slices.Clone(d.effects) }

// StartedTimers returns the timers that the decision starts itself, without those that its states start.
func (d Decision[E, F, T, R]) StartedTimers() []T { return d.selectTimers(false) }

// CancelledTimers returns the timers that the decision cancels itself.
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

// CancelledEffects returns the kinds of effects that the decision gives up.
func (d Decision[E, F, T, R]) CancelledEffects() []EffectKind { return slices.Clone(d.cancelled) }

// Rejection returns the rejection, and whether there is one.
func (d Decision[E, F, T, R]) Rejection() (R, bool) {
	if len(d.rejection) == 0 {
		var none R
		return none, false
	}
	return d.rejection[0], true
}

// Untyped gives the decision to the engine. Generated code calls it.
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

// UntypedDecision is a Decision whose variants are known only when it runs.
type UntypedDecision struct {
	events     []any
	effects    []any
	timers     []untypedTimer
	cancelled  []EffectKind
	rejections []any
}

type untypedTimer struct {
	timer  Timer // nil when user code passed nil
	cancel bool
}

// NoEffect is implemented by nothing: the declaration lists no effect for this input.
type NoEffect interface{ noEffect() }

// NoTimer is implemented by nothing: the declaration lists no timer for this input.
type NoTimer interface {
	Timer
	noTimer()
}
