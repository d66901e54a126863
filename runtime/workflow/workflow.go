package workflow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/codec"
	"github.com/ironflow-gen/ironflow/runtime/internal/unknown"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Erased is a Definition without its type parameters, as the engine uses it.
type Erased interface {
	// Prepare checks the type, id and unique key of an input. readInput does the same with an input given as JSON, and lists all
	// mistakes in it. DecodeInput reads a stored input. InputOf makes an input of fields: it ignores fields that the input does not
	// have, and leaves missing ones zero.
	Prepare(input any) (PreparedInput, error)
	readInput(name string, data []byte) (PreparedInput, []error)
	DecodeInput(name string, data []byte) (any, error)
	InputOf(name string, fields []byte) (any, error)
	// UpcastInput and UpcastEffect convert a stored payload to the declared version. They fail if a newer program wrote it.
	UpcastInput(name string, payload []byte) ([]byte, error)
	UpcastEffect(name string, payload []byte) ([]byte, error)
	// Addressed fills in an empty id of an input. It fails if the input names another instance.
	Addressed(input any, id string) (any, error)
	// WithID sets an id that is empty.
	WithID(input any, id string) any

	// Replay returns the state of an instance. It folds the events into the snapshot, or into known, which is the state at the
	// version before the events, or nil.
	Replay(known any, instance store.Instance) (any, error)

	// Ended reports whether a state refuses every input.
	Ended(state any) (bool, error)

	// Personal returns the fields whose values are stored encrypted; nil for none. Subject names whose key encrypts them, after a decision on an
	// input that led to a state. The input may be nil. It is empty for the key of the instance.
	Personal() *PersonalFields
	Subject(state, input any) (string, error)

	// Status returns the status of a state; empty for a workflow without states.
	Status(state any) string

	// Copy returns copies of a state and an input that share no memory with them, and false when one of them cannot be copied.
	Copy(state, input any) (stateCopy, inputCopy any, ok bool)

	// Decide calls the decider for an input. It returns the rejection, or what an accepted decision adds to the instance.
	Decide(now time.Time, version int64, state any, input PreparedInput) (rejection any, accepted Decided, err error)

	// Ask calls the decider with the state and the input themselves, not with copies, so that a test sees what the decider changes in
	// them. It does not call the decider for an input that the declaration rejects.
	Ask(now time.Time, state any, input PreparedInput) error

	// Schema identifies the form of the state and what the evolver makes of events. A snapshot under another schema is not used. It is
	// empty when states cannot be stored. The first call folds sample events. ImpureFold reports that they came out differently when they were
	// folded again.
	Schema() string
	ImpureFold() bool

	// Samples returns instances with events that the declaration allows, and with effects and timers, as this program would store them.
	// SampleRejections returns rejections as outcomes have them.
	Samples() []store.StoredInstance
	SampleRejections() []Encoded

	// MissingInEvent, MissingInEffect and MissingInInput return the declared fields that a stored payload does not have and that decoding leaves
	// zero, because they are neither optional nor have a default. Elements of lists and maps are written as in items[].sku.
	MissingInEvent(stored store.StoredEvent) []string
	MissingInEffect(stored Encoded) []string
	MissingInInput(name string, payload []byte) []string

	EncodeState(state any) ([]byte, error)

	// SearchFields returns the names of the search fields. SearchState and SearchInput return the values of those that a state or an
	// input has, see Search.
	SearchFields() []string
	SearchState(state any) []SearchValue
	SearchInput(input any) []SearchValue

	DecodeEvent(stored store.StoredEvent) (any, error)
	EncodeEvent(event any) (Encoded, error)
	EventVersion(name string) int // schema version of an event that is stored now
	EncodeRejection(rejection any) (Encoded, error)

	// What is stored has its version with it. InputSchema says which programs encode inputs alike.
	EncodeInput(input any) (Encoded, error)
	InputSchema() string
	EncodeEffect(effect any) (Encoded, error)
	DecodeEffect(stored Encoded) (any, error)
	StoredRejection(rejection any) (Encoded, error)
	DecodeRejection(stored Encoded) (any, error)

	DeclaredMachine() *Machine // nil without states
	EffectOptions() map[string]EffectOptions
	InputNames() []string
	InternalInputs() []string        // those that only the engine delivers
	OperatorInputs() []string        // those that only operators send
	Forms() []Form                   // of the inputs that clients and operators send, in the order of the declaration
	Messages() []Message             // what is stored, by kind and in the order of the declaration
	Enums() []any                    // a slice of values for each declared enumeration
	Recurring(timer string) *Firings // nil for a timer that fires once
	Schedules() []ScheduledInput
	Scheduled(name string) *Firings // of the schedule
	Handle(ctx context.Context, payload []byte, call EffectCall) (any, error)
}

// PreparedInput is an input with its name, id and unique key.
type PreparedInput struct {
	Name      string
	Instance  string // its id
	UniqueKey string
	Value     any // in the workflow's interface of inputs
}

// typed implements Erased with the user's types.
type typed[S, I, E, F, R any] struct {
	def         Definition[S, I, E, F, R]
	machine     *machineIndex       // nil without states
	recurrences map[string]*Firings // by timer
	firings     map[string]*Firings // by schedule
	plain       plainTypes
	copier      copier
	fold        func() foldFingerprint // asked for once
}

func newTyped[S, I, E, F, R any](d Definition[S, I, E, F, R]) *typed[S, I, E, F, R] {
	t := &typed[S, I, E, F, R]{def: d, recurrences: map[string]*Firings{}, firings: map[string]*Firings{}}
	// Define has checked that they can be parsed.
	for name, r := range d.RecurringTimers {
		t.recurrences[name], _ = r.Parse()
	}
	for _, s := range d.Schedules {
		t.firings[s.Name], _ = s.Parse()
	}
	if d.Machine != nil {
		t.machine = d.Machine.index()
	}
	t.fold = sync.OnceValue(t.fingerprint)
	return t
}

func (w *typed[S, I, E, F, R]) Prepare(input any) (PreparedInput, error) {
	in, ok := input.(I)
	if !ok {
		return PreparedInput{}, fmt.Errorf("workflow %s: %T is not one of its inputs", w.def.Workflow, input)
	}
	name := w.def.Inputs.Name(in)
	if name == "" {
		return PreparedInput{}, fmt.Errorf("workflow %s: %T is not one of its inputs; pass the struct itself, not a pointer",
			w.def.Workflow, input)
	}
	p, wrong := w.identified(name, in)
	if len(wrong) == 0 {
		return p, nil
	}
	of := "workflow " + w.def.Workflow
	if store.CheckIdentifier(store.InstanceID, p.Instance) == nil {
		of = store.InstanceKey{Workflow: w.def.Workflow, ID: p.Instance}.String()
	}
	return PreparedInput{}, fmt.Errorf("%s: input %s: %w", of, name, together(wrong))
}

// identified returns an input with its id and unique key, and the mistakes in these.
func (w *typed[S, I, E, F, R]) identified(name string, in I) (p PreparedInput, wrong []error) {
	p = PreparedInput{Name: name, Value: in, Instance: w.def.InputID(in)}
	if err := store.CheckIdentifier(store.InstanceID, p.Instance); err != nil {
		wrong = append(wrong, err)
	}
	if w.def.UniqueKey == nil {
		return p, wrong
	}
	if key, has := w.def.UniqueKey(in); has {
		if err := store.CheckIdentifier(store.UniqueKey, key); err != nil {
			wrong = append(wrong, err)
		}
		p.UniqueKey = key
	}
	return p, wrong
}

func (w *typed[S, I, E, F, R]) readInput(name string, data []byte) (PreparedInput, []error) {
	d := codec.NewStrictDecoder(data)
	in, err := decode(d, name, w.def.Inputs)
	mistakes := codecErrors(err)
	switch {
	case err != nil && len(mistakes) == 0: // the input is not declared
		return PreparedInput{}, []error{err}
	case !d.Complete(), err != nil && mistakes[0].(*codec.Error).Path == "": // the id may not have been read, or the document is not an object
		return PreparedInput{}, mistakes
	}
	p, wrong := w.identified(name, in)
	return p, append(mistakes, wrong...)
}

func (w *typed[S, I, E, F, R]) DecodeInput(name string, data []byte) (any, error) {
	in, err := decodeStored(data, name, w.def.Inputs)
	return in, w.aboutInput(name, err)
}

func (w *typed[S, I, E, F, R]) InputOf(name string, fields []byte) (any, error) {
	in, err := decodeFields(fields, name, w.def.Inputs)
	return in, w.aboutInput(name, err)
}

func (w *typed[S, I, E, F, R]) aboutInput(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("workflow %s: input %s: %w", w.def.Workflow, name, err)
}

func (w *typed[S, I, E, F, R]) UpcastInput(name string, payload []byte) ([]byte, error) {
	payload, err := upcast(payload, name, w.def.Inputs)
	return payload, w.aboutInput(name, err)
}

func (w *typed[S, I, E, F, R]) UpcastEffect(name string, payload []byte) ([]byte, error) {
	return upcast(payload, name, w.def.Effects)
}

// decode reads one variant that fills the whole document. Codecs may call code of imported types, which may panic.
func decode[T any](d *codec.Decoder, name string, c Codec[T]) (v T, err error) {
	defer usererr.RecoverTo(&err, "decoding ", name)
	v, err = c.Decode(d, name)
	if err == nil {
		err = d.End()
	}
	return v, err
}

// encode encodes one variant. Its error names the variant.
func encode[T any](v T, c Codec[T]) (name string, payload []byte, err error) {
	name = c.Name(v)
	if name == "" {
		return "", nil, undeclared(v)
	}
	defer usererr.RecoverTo(&err, "encoding ", name)
	e := codec.NewEncoder()
	c.Encode(e, v)
	if payload, err = e.Bytes(); err != nil {
		return name, nil, fmt.Errorf("%s: %w", name, err)
	}
	return name, payload, nil
}

func undeclared(v any) error {
	return fmt.Errorf("%T is not declared; pass the generated struct itself, not a pointer to it", v)
}

func (w *typed[S, I, E, F, R]) Addressed(input any, id string) (any, error) {
	in, ok := input.(I)
	if !ok || w.def.Inputs.Name(in) == "" {
		return nil, fmt.Errorf("%T is not an input of workflow %s", input, w.def.Workflow)
	}
	in = w.def.WithID(in, id)
	if got := w.def.InputID(in); got != id {
		if err := store.CheckIdentifier(store.InstanceID, got); err != nil {
			return nil, fmt.Errorf("input %s: %w; it must name its own instance, %q, or leave the id empty", w.def.Inputs.Name(in), err, id)
		}
		return nil, fmt.Errorf("input %s names the instance %q; it must name its own, %q, or leave the id empty",
			w.def.Inputs.Name(in), got, id)
	}
	return in, nil
}

func (w *typed[S, I, E, F, R]) WithID(input any, id string) any { return w.def.WithID(input.(I), id) }

func (w *typed[S, I, E, F, R]) Replay(known any, instance store.Instance) (any, error) {
	state, err := w.startingState(known, instance)
	if err != nil {
		return nil, err
	}
	for _, stored := range instance.Events {
		decoded, err := w.DecodeEvent(stored)
		if err != nil {
			return nil, err
		}
		state, err = w.evolve(state, decoded.(E))
		if err != nil {
			return nil, fmt.Errorf("%s: replaying version %d: %w", stored.Instance, stored.Version, err)
		}
	}
	return state, nil
}

func (w *typed[S, I, E, F, R]) startingState(known any, instance store.Instance) (_ S, err error) {
	defer usererr.RecoverTo(&err, "decoding the snapshot", "")
	if snapshot := instance.Snapshot; snapshot != nil {
		d := codec.NewDecoder(snapshot.State)
		state := w.def.States.Decode(d)
		if err := d.End(); err != nil {
			return state, fmt.Errorf("%s: snapshot of version %d: %w", instance.Key, snapshot.Version, err)
		}
		return state, nil
	}
	if known != nil {
		return known.(S), nil
	}
	return w.initialState(), nil
}

func (w *typed[S, I, E, F, R]) Ended(state any) (bool, error) { return w.hasEnded(state.(S)) }

func (w *typed[S, I, E, F, R]) Copy(state, input any) (stateCopy, inputCopy any, ok bool) {
	stateCopy, ok = w.copier.copyOf(state)
	if ok {
		inputCopy, ok = w.copier.copyOf(input)
	}
	return stateCopy, inputCopy, ok
}

func (w *typed[S, I, E, F, R]) Status(state any) string {
	if w.machine == nil {
		return ""
	}
	return w.def.Status(state.(S))
}

func (w *typed[S, I, E, F, R]) hasEnded(state S) (_ bool, err error) {
	if w.machine != nil {
		return w.machine.terminal[w.def.Status(state)], nil
	}
	defer usererr.RecoverTo(&err, "the evolver's ", "Terminal")
	given, _ := w.copier.copyOf(state) // or the state itself, see Decided.Touched
	return w.def.Terminal(given.(S)), nil
}

func (w *typed[S, I, E, F, R]) Schema() string {
	if w.def.States.Schema == "" {
		return ""
	}
	return w.def.States.Schema + w.fold().hash
}

func (w *typed[S, I, E, F, R]) ImpureFold() bool { return w.def.States.Schema != "" && w.fold().impure }

func (w *typed[S, I, E, F, R]) EncodeState(state any) (_ []byte, err error) {
	defer usererr.RecoverTo(&err, "encoding the state", "")
	e := codec.NewEncoder()
	w.def.States.Encode(e, state.(S))
	return e.Bytes()
}

func (w *typed[S, I, E, F, R]) initialState() S {
	var state S
	if w.machine != nil {
		state = w.def.WithStatus(state, w.machine.initial)
	}
	return state
}

// evolve folds one event and sets the status.
func (w *typed[S, I, E, F, R]) evolve(state S, event E) (next S, err error) {
	name := w.def.Events.Name(event)
	defer usererr.RecoverTo(&err, "the evolver's ", name)
	if w.machine == nil {
		return w.def.Evolve(state, event), nil
	}
	from := w.def.Status(state)
	to, ok := w.machine.moves[stateEvent{from, name}]
	if !ok {
		return state, &LeadsNowhere{name, from}
	}
	return w.def.WithStatus(w.def.Evolve(state, event), to), nil
}

func (w *typed[S, I, E, F, R]) DecodeEvent(stored store.StoredEvent) (any, error) {
	event, err := DecodeEvent(w.def.Workflow, w.def.Events, stored)
	if err != nil {
		return nil, err
	}
	return event, nil
}

func (w *typed[S, I, E, F, R]) EncodeEvent(event any) (Encoded, error) {
	name, payload, err := encode(event.(E), w.def.Events)
	return Encoded{Type: name, Payload: json.RawMessage(payload)}, err
}

func (w *typed[S, I, E, F, R]) EventVersion(name string) int { return w.def.Events.version(name) }

func (w *typed[S, I, E, F, R]) EncodeEffect(effect any) (Encoded, error) {
	name, payload, err := encodeStored(effect.(F), w.def.Effects)
	return Encoded{Type: name, Payload: json.RawMessage(payload)}, err
}

func (w *typed[S, I, E, F, R]) DecodeEffect(stored Encoded) (any, error) {
	return decodeStored(stored.Payload, stored.Type, w.def.Effects)
}

func (w *typed[S, I, E, F, R]) EncodeInput(input any) (Encoded, error) {
	name, payload, err := encodeStored(input.(I), w.def.Inputs)
	return Encoded{Type: name, Payload: json.RawMessage(payload)}, err
}

func (w *typed[S, I, E, F, R]) InputSchema() string { return w.def.Inputs.Schema }

func (w *typed[S, I, E, F, R]) StoredRejection(rejection any) (Encoded, error) {
	name, payload, err := encodeStored(rejection.(R), w.def.Rejections)
	return Encoded{Type: name, Payload: json.RawMessage(payload)}, err
}

func (w *typed[S, I, E, F, R]) DecodeRejection(stored Encoded) (any, error) {
	return decodeStored(stored.Payload, stored.Type, w.def.Rejections)
}

func (w *typed[S, I, E, F, R]) EncodeRejection(rejection any) (Encoded, error) {
	name, payload, err := encode(rejection.(R), w.def.Rejections)
	return Encoded{Type: name, Payload: json.RawMessage(payload)}, err
}

func (w *typed[S, I, E, F, R]) DeclaredMachine() *Machine { return w.def.Machine }

func (w *typed[S, I, E, F, R]) EffectOptions() map[string]EffectOptions { return w.def.EffectOptions }

func (w *typed[S, I, E, F, R]) InputNames() []string { return w.def.InputNames }

func (w *typed[S, I, E, F, R]) InternalInputs() []string { return w.def.InternalInputs }

func (w *typed[S, I, E, F, R]) OperatorInputs() []string { return w.def.OperatorInputs }

func (w *typed[S, I, E, F, R]) Enums() []any { return w.def.Enums }

func (w *typed[S, I, E, F, R]) Recurring(timer string) *Firings { return w.recurrences[timer] }

func (w *typed[S, I, E, F, R]) Schedules() []ScheduledInput { return w.def.Schedules }

func (w *typed[S, I, E, F, R]) Scheduled(name string) *Firings { return w.firings[name] }

func (w *typed[S, I, E, F, R]) Handle(ctx context.Context, payload []byte, call EffectCall) (result any, err error) {
	defer usererr.RecoverTo(&err, "the handler of ", call.Effect)
	effect, err := decodeStored(payload, call.Effect, w.def.Effects)
	if err != nil {
		return nil, unknown.Mark(err)
	}
	result, err = w.def.Handle(ctx, effect, call)
	return result, usererr.Wrap(err)
}

// transition returns what the declaration says of an input in a state, nil for a workflow without states. When it refuses the input, that
// is a rejection.
func (w *typed[S, I, E, F, R]) transition(state S, input string) (t *Transition, rejection any, refused bool) {
	if w.machine == nil {
		return nil, nil, false
	}
	status := w.def.Status(state)
	t = w.machine.transitions[stateInput{status, input}]
	switch {
	case t == nil:
		return nil, w.def.Refuse(input, status, ""), true
	case t.Reject != "":
		return nil, w.def.Refuse(input, status, t.Reject), true
	}
	return t, nil, false
}

// Decide implements Erased.
func (w *typed[S, I, E, F, R]) Decide(now time.Time, version int64, state any, input PreparedInput) (any, Decided, error) {
	s := state.(S)
	transition, refusal, refused := w.transition(s, input.Name)
	if refused {
		return refusal, Decided{}, nil
	}
	given, copied := w.copier.copyOf(s)
	in, inCopied := w.copier.copyOf(input.Value)
	touched := !copied || !inCopied
	decision, err := w.askDecider(now, given.(S), input.Name, in.(I))
	if err != nil {
		return nil, Decided{}, err
	}
	if err := decision.validate(); err != nil {
		return nil, Decided{}, err
	}
	if len(decision.rejections) > 0 {
		rejection := decision.rejections[0]
		if w.def.Rejections.Name(rejection.(R)) == "" {
			return nil, Decided{}, fmt.Errorf("rejection %w", undeclared(rejection))
		}
		return rejection, Decided{Touched: touched}, nil
	}
	b := decisionBuilder[S, I, E, F, R]{workflow: w, transition: transition, id: input.Instance, version: version, now: now}
	b.out.Touched = touched
	if err = b.build(s, decision); err == nil {
		b.out.Subject, err = w.subjectAfter(s, b.out.State.(S), input.Value)
	}
	return nil, b.out, err
}

func (w *typed[S, I, E, F, R]) Ask(now time.Time, state any, input PreparedInput) error {
	if _, _, refused := w.transition(state.(S), input.Name); refused {
		return nil
	}
	_, err := w.askDecider(now, state.(S), input.Name, input.Value.(I))
	return err
}

func (w *typed[S, I, E, F, R]) askDecider(now time.Time, state S, name string, input I) (d UntypedDecision, err error) {
	defer usererr.RecoverTo(&err, "the decider's ", name)
	return w.def.Decide(now, state, input), nil
}

// validate finds mistakes in a decision that the compiler cannot find.
func (d *UntypedDecision) validate() error {
	switch {
	case len(d.events) == 0 && len(d.rejections) == 0:
		return errors.New("the decision is empty; return one of the Accept or Reject constructors")
	case len(d.rejections) > 0 && len(d.effects)+len(d.timers)+len(d.cancelled) > 0:
		return errors.New("the decision is a rejection with effects or timers; a rejection cannot have any")
	case slices.Contains(d.events, nil), slices.Contains(d.effects, nil), slices.Contains(d.rejections, nil):
		return errors.New("the decision contains a nil event, effect or rejection")
	}
	for _, t := range d.timers {
		if IsNil(t.timer) {
			return errors.New("the decision contains a nil timer")
		}
	}
	return nil
}
