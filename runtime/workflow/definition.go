package workflow

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/codec"
)

// Definition has everything that the engine needs to know about a workflow. Generated code fills it in. S is the state; I, E, F
// and R are the sealed interfaces of inputs, events, effects and rejections.
type Definition[S, I, E, F, R any] struct {
	Workflow string

	// UserCode has the decider, the evolver and, if there are effects, the handler. None may be nil.
	UserCode []any

	// Machine is nil for a workflow without states, which completes when Terminal returns true. With a machine, Status and
	// WithStatus get and set the status in a state. Refuse returns the rejection for an input that the machine does not accept:
	// the declared rejection with the given name, or NotAccepted for an empty name.
	Machine    *Machine
	Status     func(S) string
	WithStatus func(S, string) S
	Refuse     func(input, state, declared string) R
	Terminal   func(S) bool

	Decide func(now time.Time, state S, input I) UntypedDecision
	Evolve func(state S, event E) S

	// Handle calls the handler of the effect. The result is the input that it returned; nil if the effect returns none.
	Handle func(ctx context.Context, effect F, call EffectCall) (any, error)

	// Personal has the fields whose values are stored encrypted; nil for none. Subject returns the subject whose key encrypts them: what the
	// state says, or the input, which may be nil. Nil and "" stand for the instance itself.
	Personal *PersonalFields
	Subject  func(state S, input I) string

	InputID   func(I) string
	WithID    func(I, string) I      // sets an empty id
	UniqueKey func(I) (string, bool) // nil if no input has one

	// SearchFields are the names of the search fields. SearchState returns the values of those that are fields of the state, and
	// SearchInput of those that are fields of an input; nil for none.
	SearchFields []string
	SearchState  func(S) []SearchValue
	SearchInput  func(I) []SearchValue

	States     StateCodec[S]
	Inputs     Codec[I]
	Events     Codec[E]
	Effects    Codec[F]
	Rejections Codec[R]

	EffectOptions  map[string]EffectOptions // by effect; has every declared effect
	InputNames     []string
	InternalInputs []string // those that only the engine delivers
	OperatorInputs []string // those that only operators send
	Enums          []any    // a slice of the values of each declared enumeration
	StateTimers    []StateTimer

	RecurringTimers map[string]Recurrence // by timer; such a timer starts again when it fires
	Schedules       []ScheduledInput
}

// ScheduledInput is a recurring input to an instance that the declaration names.
type ScheduledInput struct {
	Name  string
	Input string
	Recurrence
	Instance string // id; {time} in it is replaced by the time of the firing in UTC, as 20060102T150405Z
}

// Codec encodes the variants of a sealed interface as JSON objects and decodes them. For a value that is not a variant, Name
// returns "" and Encode an error. A pointer to a variant is not a variant.
type Codec[T any] struct {
	Name   func(T) string
	Encode func(*codec.Encoder, T)
	Decode func(d *codec.Decoder, name string) (T, error)

	// Versions has the versions of variants; 1 if a variant is not in it. DecodeOld decodes an older version of a variant and converts it
	// to the variant; nil if there are no older versions.
	Versions  map[string]int
	DecodeOld func(d *codec.Decoder, name string, version int) (T, error)

	// Schema is a hash of the fields of all variants. Two programs with the same Schema encode a variant alike, so the digests of their
	// encoded inputs can be compared. Only the codec of inputs has one.
	Schema string
}

// version returns the version of a variant.
func (c Codec[T]) version(name string) int { return max(c.Versions[name], 1) }

// StateCodec encodes states as JSON and decodes them, for snapshots. Schema is a hash of everything in the declaration that the
// meaning of a state depends on; a snapshot with another schema is not used. An empty Schema means no snapshots.
type StateCodec[S any] struct {
	Schema string
	Encode func(*codec.Encoder, S)
	Decode func(*codec.Decoder) S
}

// StateTimer is a timer that runs while the workflow is in one of the given states. It starts when the workflow enters one of
// them from another state, and is cancelled when the workflow leaves them.
type StateTimer struct {
	Name  string
	After time.Duration // 0 if the timer is in RecurringTimers
	While []string
	Input any // the input to deliver, with an empty id

	Retired bool // it is not started any more; one that runs is cancelled when the workflow leaves the states
}

// Workflow is a defined workflow, which runtime.NewEngine registers. It is immutable.
type Workflow struct {
	name string
	err  error
	Erased
}

// Name returns the declared name.
func (w *Workflow) Name() string { return w.name }

// Err returns the mistakes in the definition, or nil.
func (w *Workflow) Err() error { return w.err }

// Define returns the workflow for a definition. NewEngine reports mistakes in the definition.
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

// IsNil reports whether v is nil or an interface that holds a nil pointer, which would fail only at the first input.
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
