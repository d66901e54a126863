package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/codec"
	"github.com/ironflow-gen/ironflow/runtime/internal/unknown"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
)

// definition is a Definition with its types erased, as the engine uses it.
type definition interface {
	// prepare checks an input's type, id and unique key. readInput does so with one from outside that is JSON, and lists all
	// mistakes of it; decodeInput reads one that was stored.
	prepare(input any) (preparedInput, error)
	readInput(name string, data []byte) (preparedInput, []error)
	decodeInput(name string, data []byte) (any, error)
	// addressed returns the input with its id filled in, and refuses one that names another instance.
	addressed(input any, id string) (any, error)
	// withID sets an id that is empty.
	withID(input any, id string) any

	// replay returns the state of an instance: its snapshot or the state that is known for the version before its events,
	// which may be nil, and the events folded into it.
	replay(known any, instance Instance) (any, error)

	// ended reports whether a state refuses every input.
	ended(state any) (bool, error)

	// decide asks the decider about an input. It returns the rejection, or what is to be stored.
	decide(now time.Time, version int64, state any, input preparedInput) (rejection any, accepted decided, err error)

	// schema names the shape of the state, for snapshots; it is empty when states cannot be stored.
	schema() string
	encodeState(state any) ([]byte, error)

	decodeEvent(stored StoredEvent) (any, error)
	encodeEvent(event any) (Encoded, error)
	encodeInput(input any) (Encoded, error)
	encodeRejection(rejection any) (Encoded, error)
	decodeRejection(encoded Encoded) (any, error)

	declaredMachine() *Machine // nil without states
	effectOptions() map[string]EffectOptions
	inputNames() []string
	recurring(timer string) *recurrence // nil for a timer that fires once
	schedules() []ScheduledInput
	scheduled(name string) *recurrence // of the schedule
	handle(ctx context.Context, payload []byte, call EffectCall) (any, error)
}

// preparedInput is an input with what the engine asks of it.
type preparedInput struct {
	name      string
	instance  string // its id
	uniqueKey string
	value     any // in the workflow's interface of inputs
}

// typed implements definition over the user's types.
type typed[S, I, E, F, R any] struct {
	def         Definition[S, I, E, F, R]
	machine     *machineIndex          // nil without states
	recurrences map[string]*recurrence // by timer
	firings     map[string]*recurrence // by schedule
	plain       plainTypes
	copier      copier
}

func newTyped[S, I, E, F, R any](d Definition[S, I, E, F, R]) *typed[S, I, E, F, R] {
	t := &typed[S, I, E, F, R]{def: d, recurrences: map[string]*recurrence{}, firings: map[string]*recurrence{}}
	// That they can be read was validated.
	for name, r := range d.RecurringTimers {
		t.recurrences[name], _ = r.parse()
	}
	for _, s := range d.Schedules {
		t.firings[s.Name], _ = s.parse()
	}
	if d.Machine != nil {
		t.machine = d.Machine.index()
	}
	return t
}

func (w *typed[S, I, E, F, R]) prepare(input any) (preparedInput, error) {
	in, ok := input.(I)
	if !ok {
		return preparedInput{}, fmt.Errorf("workflow %s: %T is not one of its inputs", w.def.Workflow, input)
	}
	name := w.def.Inputs.Name(in)
	if name == "" {
		return preparedInput{}, fmt.Errorf("workflow %s: %T is not one of its inputs; pass the struct itself, not a pointer",
			w.def.Workflow, input)
	}
	p, wrong := w.identified(name, in)
	if len(wrong) == 0 {
		return p, nil
	}
	of := "workflow " + w.def.Workflow
	if checkIdentifier(InstanceID, p.instance) == nil {
		of = InstanceKey{Workflow: w.def.Workflow, ID: p.instance}.String()
	}
	return preparedInput{}, fmt.Errorf("%s: input %s: %w", of, name, together(wrong))
}

// identified returns an input with its id and unique key, and what is wrong with these.
func (w *typed[S, I, E, F, R]) identified(name string, in I) (p preparedInput, wrong []error) {
	p = preparedInput{name: name, value: in, instance: w.def.InputID(in)}
	if err := checkIdentifier(InstanceID, p.instance); err != nil {
		wrong = append(wrong, err)
	}
	if w.def.UniqueKey == nil {
		return p, wrong
	}
	if key, has := w.def.UniqueKey(in); has {
		if err := checkIdentifier(UniqueKey, key); err != nil {
			wrong = append(wrong, err)
		}
		p.uniqueKey = key
	}
	return p, wrong
}

func (w *typed[S, I, E, F, R]) readInput(name string, data []byte) (preparedInput, []error) {
	d := codec.NewStrictDecoder(data)
	in, err := decode(d, name, w.def.Inputs)
	mistakes := codecErrors(err)
	switch {
	case err != nil && len(mistakes) == 0: // there is no such input
		return preparedInput{}, []error{err}
	case !d.Complete(), err != nil && mistakes[0].(*codec.Error).Path == "": // the id may not have been read, or there is no object
		return preparedInput{}, mistakes
	}
	p, wrong := w.identified(name, in)
	return p, append(mistakes, wrong...)
}

func (w *typed[S, I, E, F, R]) decodeInput(name string, data []byte) (any, error) {
	in, err := decode(codec.NewDecoder(data), name, w.def.Inputs)
	if err != nil {
		return nil, fmt.Errorf("workflow %s: input %s: %w", w.def.Workflow, name, err)
	}
	return in, nil
}

// decode reads one variant that fills the whole document. Imported types bring code of their own, as they do in encode.
func decode[T any](d *codec.Decoder, name string, c Codec[T]) (v T, err error) {
	defer usererr.RecoverTo(&err, "decoding ", name)
	v, err = c.Decode(d, name)
	if err == nil {
		err = d.End()
	}
	return v, err
}

// encode says in its error which variant it is about.
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

func (w *typed[S, I, E, F, R]) addressed(input any, id string) (any, error) {
	in, ok := input.(I)
	if !ok || w.def.Inputs.Name(in) == "" {
		return nil, fmt.Errorf("%T is not an input of workflow %s", input, w.def.Workflow)
	}
	in = w.def.WithID(in, id)
	if got := w.def.InputID(in); got != id {
		if err := checkIdentifier(InstanceID, got); err != nil {
			return nil, fmt.Errorf("input %s: %w; it must name its own instance, %q, or leave the id empty", w.def.Inputs.Name(in), err, id)
		}
		return nil, fmt.Errorf("input %s names the instance %q, it must name its own, %q, or leave the id empty",
			w.def.Inputs.Name(in), got, id)
	}
	return in, nil
}

func (w *typed[S, I, E, F, R]) withID(input any, id string) any { return w.def.WithID(input.(I), id) }

func (w *typed[S, I, E, F, R]) replay(known any, instance Instance) (any, error) {
	state, err := w.startingState(known, instance)
	if err != nil {
		return nil, err
	}
	for _, stored := range instance.Events {
		decoded, err := w.decodeEvent(stored)
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

func (w *typed[S, I, E, F, R]) startingState(known any, instance Instance) (_ S, err error) {
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

func (w *typed[S, I, E, F, R]) ended(state any) (bool, error) { return w.hasEnded(state.(S)) }

func (w *typed[S, I, E, F, R]) hasEnded(state S) (_ bool, err error) {
	if w.machine != nil {
		return w.machine.terminal[w.def.Status(state)], nil
	}
	defer usererr.RecoverTo(&err, "the evolver's ", "Terminal")
	given, _ := w.copier.copyOf(state) // or the state itself, see decided.touched
	return w.def.Terminal(given.(S)), nil
}

func (w *typed[S, I, E, F, R]) schema() string { return w.def.States.Schema }

func (w *typed[S, I, E, F, R]) encodeState(state any) (_ []byte, err error) {
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

// evolve folds one event, and moves the status.
func (w *typed[S, I, E, F, R]) evolve(state S, event E) (next S, err error) {
	name := w.def.Events.Name(event)
	defer usererr.RecoverTo(&err, "the evolver's ", name)
	if w.machine == nil {
		return w.def.Evolve(state, event), nil
	}
	from := w.def.Status(state)
	to, ok := w.machine.moves[stateEvent{from, name}]
	if !ok {
		return state, fmt.Errorf("event %s leads nowhere from state %s, says the declaration", name, from)
	}
	return w.def.WithStatus(w.def.Evolve(state, event), to), nil
}

func (w *typed[S, I, E, F, R]) decodeEvent(stored StoredEvent) (any, error) {
	event, err := DecodeEvent(w.def.Workflow, w.def.Events, stored)
	if err != nil {
		return nil, err
	}
	return event, nil
}

func (w *typed[S, I, E, F, R]) encodeEvent(event any) (Encoded, error) {
	name, payload, err := encode(event.(E), w.def.Events)
	return Encoded{Type: name, Payload: json.RawMessage(payload)}, err
}

func (w *typed[S, I, E, F, R]) encodeInput(input any) (Encoded, error) {
	name, payload, err := encode(input.(I), w.def.Inputs)
	return Encoded{Type: name, Payload: json.RawMessage(payload)}, err
}

func (w *typed[S, I, E, F, R]) decodeRejection(encoded Encoded) (any, error) {
	return decode(codec.NewDecoder(encoded.Payload), encoded.Type, w.def.Rejections)
}

func (w *typed[S, I, E, F, R]) encodeRejection(rejection any) (Encoded, error) {
	name, payload, err := encode(rejection.(R), w.def.Rejections)
	return Encoded{Type: name, Payload: json.RawMessage(payload)}, err
}

func (w *typed[S, I, E, F, R]) declaredMachine() *Machine { return w.def.Machine }

func (w *typed[S, I, E, F, R]) effectOptions() map[string]EffectOptions { return w.def.EffectOptions }

func (w *typed[S, I, E, F, R]) inputNames() []string { return w.def.InputNames }

func (w *typed[S, I, E, F, R]) recurring(timer string) *recurrence { return w.recurrences[timer] }

func (w *typed[S, I, E, F, R]) schedules() []ScheduledInput { return w.def.Schedules }

func (w *typed[S, I, E, F, R]) scheduled(name string) *recurrence { return w.firings[name] }

func (w *typed[S, I, E, F, R]) handle(ctx context.Context, payload []byte, call EffectCall) (result any, err error) {
	defer usererr.RecoverTo(&err, "the handler of ", call.Effect)
	effect, err := decode(codec.NewDecoder(payload), call.Effect, w.def.Effects)
	if err != nil {
		return nil, unknown.Mark(err)
	}
	result, err = w.def.Handle(ctx, effect, call)
	return result, usererr.Wrap(err)
}

// decide implements definition.
func (w *typed[S, I, E, F, R]) decide(now time.Time, version int64, state any, input preparedInput) (any, decided, error) {
	s := state.(S)
	var transition *Transition
	if w.machine != nil {
		status := w.def.Status(s)
		transition = w.machine.transitions[stateInput{status, input.name}]
		if transition == nil {
			return w.def.Refuse(input.name, status, ""), decided{}, nil
		}
		if transition.Reject != "" {
			return w.def.Refuse(input.name, status, transition.Reject), decided{}, nil
		}
	}
	given, copied := w.copier.copyOf(s)
	in, inCopied := w.copier.copyOf(input.value)
	touched := !copied || !inCopied
	decision, err := w.askDecider(now, given.(S), input.name, in.(I))
	if err != nil {
		return nil, decided{}, err
	}
	if err := decision.validate(); err != nil {
		return nil, decided{}, err
	}
	if len(decision.rejections) > 0 {
		rejection := decision.rejections[0]
		if w.def.Rejections.Name(rejection.(R)) == "" {
			return nil, decided{}, fmt.Errorf("rejection %w", undeclared(rejection))
		}
		return rejection, decided{touched: touched}, nil
	}
	b := decisionBuilder[S, I, E, F, R]{workflow: w, transition: transition, id: input.instance, version: version, now: now}
	b.out.touched = touched
	err = b.build(s, decision)
	return nil, b.out, err
}

func (w *typed[S, I, E, F, R]) askDecider(now time.Time, state S, name string, input I) (d UntypedDecision, err error) {
	defer usererr.RecoverTo(&err, "the decider's ", name)
	return w.def.Decide(now, state, input), nil
}

// validate finds decisions that the type system cannot refuse.
func (d *UntypedDecision) validate() error {
	switch {
	case len(d.events) == 0 && len(d.rejections) == 0:
		return errors.New("the decision is empty; return one of the Accept or Reject constructors")
	case len(d.rejections) > 0 && len(d.effects)+len(d.timers)+len(d.cancelled) > 0:
		return errors.New("the decision is a rejection with effects or timers; a rejection leaves no trace")
	case slices.Contains(d.events, nil), slices.Contains(d.effects, nil), slices.Contains(d.rejections, nil):
		return errors.New("the decision contains a nil event, effect or rejection")
	}
	for _, t := range d.timers {
		if isNil(t.timer) {
			return errors.New("the decision contains a nil timer")
		}
	}
	return nil
}
