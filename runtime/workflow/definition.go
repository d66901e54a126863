package workflow

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/codec"
)

// Definition is everything the engine needs to know of a workflow. S, I, E, F and R are its state and its sealed
// interfaces of inputs, events, effects and rejections. Generated code fills it in.
type Definition[S, I, E, F, R any] struct {
	Workflow string

	// UserCode holds the decider, the evolver and, when there are effects, the handler; none may be nil.
	UserCode []any

	// Machine is nil for a workflow without states, which ends when Terminal says so. With a machine, Status and
	// WithStatus read and set the status of a state, and Refuse makes the rejection for an input that the machine does not
	// accept: the declared one of the given name, or NotAccepted when it is empty.
	Machine    *Machine
	Status     func(S) string
	WithStatus func(S, string) S
	Refuse     func(input, state, declared string) R
	Terminal   func(S) bool

	Decide func(now time.Time, state S, input I) UntypedDecision
	Evolve func(state S, event E) S

	// Handle calls the effect's handler. The result is nil for an effect that returns no input.
	Handle func(ctx context.Context, effect F, call EffectCall) (any, error)

	InputID   func(I) string
	WithID    func(I, string) I      // sets an empty id
	UniqueKey func(I) (string, bool) // nil when no input has one

	States     StateCodec[S]
	Inputs     Codec[I]
	Events     Codec[E]
	Effects    Codec[F]
	Rejections Codec[R]

	EffectOptions map[string]EffectOptions // by effect; has every effect that is declared
	InputNames    []string
	StateTimers   []StateTimer

	RecurringTimers map[string]Recurrence // by timer; those that start themselves again when they fire
	Schedules       []ScheduledInput
}

// ScheduledInput is an input that is delivered again and again to an instance that the declaration names.
type ScheduledInput struct {
	Name  string
	Input string
	Recurrence
	Instance string // id, in which {time} stands for the time of the firing in UTC, as 20060102T150405Z
}

// Codec turns the variants of a sealed interface into JSON objects and back. Name and Encode give "" and report an error
// for what is no variant; a pointer to a variant is none.
type Codec[T any] struct {
	Name   func(T) string
	Encode func(*codec.Encoder, T)
	Decode func(d *codec.Decoder, name string) (T, error)

	// Versions has the schema version of each variant whose version is not 1. DecodeOld decodes an older version of a variant, and makes
	// the variant of it; it is nil when there is none. Only events have versions.
	Versions  map[string]int
	DecodeOld func(d *codec.Decoder, name string, version int) (T, error)
}

// version returns the schema version of a variant.
func (c Codec[T]) version(name string) int { return max(c.Versions[name], 1) }

// StateCodec turns states into JSON and back, for snapshots. Schema is a hash of everything in the declaration that a
// state's meaning depends on; a snapshot under another schema is not used. It is empty when there are no snapshots.
type StateCodec[S any] struct {
	Schema string
	Encode func(*codec.Encoder, S)
	Decode func(*codec.Decoder) S
}

// StateTimer is a timer that runs while the workflow is in one of the states: it is started on entry from outside of
// them and cancelled on exit.
type StateTimer struct {
	Name  string
	After time.Duration // 0 for one of RecurringTimers
	While []string
	Input any // to deliver, its id left empty
}

// Workflow is a defined workflow, ready to be registered with an engine. It is immutable.
type Workflow struct {
	name string
	err  error
	Erased
}

// Name returns the declared name.
func (w *Workflow) Name() string { return w.name }

// Err says what is wrong with the definition; nil when nothing is.
func (w *Workflow) Err() error { return w.err }

// Define makes a workflow of its definition. What is wrong with it is reported by NewEngine.
func Define[S, I, E, F, R any](d Definition[S, I, E, F, R]) *Workflow {
	w := &Workflow{name: d.Workflow, err: d.validate()}
	if w.err == nil {
		w.Erased = newTyped(d)
	}
	return w
}

func (d *Definition[S, I, E, F, R]) validate() error {
	for _, code := range d.UserCode {
		if IsNil(code) {
			return fmt.Errorf("workflow %s: a decider, evolver or handler is nil; pass a value of your type to NewWorkflow",
				d.Workflow)
		}
	}
	for name, r := range d.RecurringTimers {
		if _, err := r.Parse(); err != nil {
			return fmt.Errorf("workflow %s: timer %s: %w", d.Workflow, name, err)
		}
	}
	for _, s := range d.Schedules {
		if _, err := s.Parse(); err != nil {
			return fmt.Errorf("workflow %s: schedule %s: %w", d.Workflow, s.Name, err)
		}
	}
	return nil
}

// IsNil sees through an interface that holds a nil pointer, which would fail only at the first input.
func IsNil(v any) bool {
	if v == nil {
		return true
	}
	switch rv := reflect.ValueOf(v); rv.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Func:
		return rv.IsNil()
	}
	return false
}
