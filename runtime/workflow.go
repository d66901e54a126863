package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/ironflow-gen/ironflow/runtime/codec"
)

// definition is a Definition with its types erased, as the engine uses it.
type definition interface {
	// prepare checks an input's type and id; decodeInput does so with one that is JSON. The strict form is for inputs from
	// outside and refuses one that lacks a field.
	prepare(input any) (preparedInput, error)
	decodeInput(name string, data []byte, strict bool) (any, error)
	// addressed returns the input with its id filled in, and refuses one that names another instance.
	addressed(input any, id string) (any, error)

	// replay folds an instance's stored events. step decides on an input and works out everything that is to be stored.
	replay(events []StoredEvent) (any, error)
	step(now time.Time, instance Instance, state any, input preparedInput) (step, error)

	decodeEvent(stored StoredEvent) (any, error)
	encodeEvent(event any) (Encoded, error)
	encodeRejection(rejection any) (Encoded, error)

	effectOptions() map[string]EffectOptions
	inputNames() []string
	handle(ctx context.Context, payload []byte, call EffectCall) (any, error)
}

// preparedInput is an input with what the engine asks of it.
type preparedInput struct {
	name      string
	id        string
	uniqueKey string
	value     any // in the workflow's interface of inputs
}

// step is what an input leads to: a rejection, or a change with the events in it.
type step struct {
	rejection any // nil when accepted
	change    Change
	events    []any
}

// typed implements definition over the user's types.
type typed[S, I, E, F, R any] struct {
	Definition[S, I, E, F, R]
	machine *machineIndex // nil without states
}

func newTyped[S, I, E, F, R any](d Definition[S, I, E, F, R]) *typed[S, I, E, F, R] {
	t := &typed[S, I, E, F, R]{Definition: d}
	if d.Machine != nil {
		t.machine = d.Machine.index()
	}
	return t
}

func (w *typed[S, I, E, F, R]) prepare(input any) (preparedInput, error) {
	in, ok := input.(I)
	if !ok {
		return preparedInput{}, fmt.Errorf("workflow %s: %T is not one of its inputs", w.Workflow, input)
	}
	p := preparedInput{name: w.Inputs.Name(in), value: in}
	if p.name == "" {
		return preparedInput{}, fmt.Errorf("workflow %s: %T is not one of its inputs; pass the struct itself, not a pointer",
			w.Workflow, input)
	}
	p.id = w.InputID(in)
	if err := checkIdentifier("instance id", p.id); err != nil {
		return preparedInput{}, fmt.Errorf("workflow %s: input %s: %w", w.Workflow, p.name, err)
	}
	if w.UniqueKey == nil {
		return p, nil
	}
	if key, has := w.UniqueKey(in); has {
		if err := checkIdentifier("unique key", key); err != nil {
			return preparedInput{}, fmt.Errorf("%s/%s: input %s: %w", w.Workflow, p.id, p.name, err)
		}
		p.uniqueKey = key
	}
	return p, nil
}

func checkIdentifier(what, id string) error {
	switch {
	case id == "":
		return fmt.Errorf("the %s is empty", what)
	case len(id) > MaxIDLength:
		return fmt.Errorf("the %s has %d bytes, at most %d are allowed", what, len(id), MaxIDLength)
	case !utf8.ValidString(id):
		return fmt.Errorf("the %s %q is not valid UTF-8", what, id)
	case slices.Contains([]byte(id), 0):
		return fmt.Errorf("the %s %q contains a NUL byte", what, id)
	}
	return nil
}

func (w *typed[S, I, E, F, R]) decodeInput(name string, data []byte, strict bool) (any, error) {
	d := codec.NewDecoder(data)
	if strict {
		d = codec.NewStrictDecoder(data)
	}
	in, err := decode(d, name, w.Inputs)
	if err != nil {
		return nil, fmt.Errorf("workflow %s: input %s: %w", w.Workflow, name, err)
	}
	return in, nil
}

// decode reads one variant that fills the whole document. Imported types bring code of their own, as they do in encode.
func decode[T any](d *codec.Decoder, name string, c Codec[T]) (v T, err error) {
	defer recoverTo(&err, "decoding ", name)
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
	defer recoverTo(&err, "encoding ", name)
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
	if !ok || w.Inputs.Name(in) == "" {
		return nil, fmt.Errorf("%T is not an input of workflow %s", input, w.Workflow)
	}
	in = w.WithID(in, id)
	if got := w.InputID(in); got != id {
		return nil, fmt.Errorf("input %s names the instance %q, it must name its own, %q, or leave the id empty",
			w.Inputs.Name(in), got, id)
	}
	return in, nil
}

func (w *typed[S, I, E, F, R]) replay(events []StoredEvent) (any, error) {
	state := w.initialState()
	for _, stored := range events {
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

func (w *typed[S, I, E, F, R]) initialState() S {
	var state S
	if w.machine != nil {
		state = w.WithStatus(state, w.machine.initial)
	}
	return state
}

// evolve folds one event, and moves the status.
func (w *typed[S, I, E, F, R]) evolve(state S, event E) (next S, err error) {
	name := w.Events.Name(event)
	defer recoverTo(&err, "the evolver's ", name)
	if w.machine == nil {
		return w.Evolve(state, event), nil
	}
	from := w.Status(state)
	to, ok := w.machine.moves[stateEvent{from, name}]
	if !ok {
		return state, fmt.Errorf("event %s leads nowhere from state %s, says the declaration", name, from)
	}
	return w.WithStatus(w.Evolve(state, event), to), nil
}

func (w *typed[S, I, E, F, R]) decodeEvent(stored StoredEvent) (any, error) {
	if stored.SchemaVersion != 1 {
		return nil, fmt.Errorf("%s: event %s of version %d has schema version %d, this program knows 1: a newer program wrote it",
			stored.Instance, stored.Type, stored.Version, stored.SchemaVersion)
	}
	event, err := decode(codec.NewDecoder(stored.Payload), stored.Type, w.Events)
	if err != nil {
		return nil, fmt.Errorf("%s: event %s of version %d: %w", stored.Instance, stored.Type, stored.Version, err)
	}
	return event, nil
}

func (w *typed[S, I, E, F, R]) encodeEvent(event any) (Encoded, error) {
	name, payload, err := encode(event.(E), w.Events)
	return Encoded{Type: name, Payload: json.RawMessage(payload)}, err
}

func (w *typed[S, I, E, F, R]) encodeRejection(rejection any) (Encoded, error) {
	name, payload, err := encode(rejection.(R), w.Rejections)
	return Encoded{Type: name, Payload: json.RawMessage(payload)}, err
}

func (w *typed[S, I, E, F, R]) effectOptions() map[string]EffectOptions { return w.EffectOptions }

func (w *typed[S, I, E, F, R]) inputNames() []string { return w.InputNames }

func (w *typed[S, I, E, F, R]) handle(ctx context.Context, payload []byte, call EffectCall) (result any, err error) {
	defer recoverTo(&err, "the handler of ", call.Effect)
	effect, err := decode(codec.NewDecoder(payload), call.Effect, w.Effects)
	if err != nil {
		return nil, Permanent(err)
	}
	return w.Handle(ctx, effect, call)
}

// step asks the decider and checks its answer against the declaration.
func (w *typed[S, I, E, F, R]) step(now time.Time, instance Instance, state any, input preparedInput) (step, error) {
	s := state.(S)
	var transition *Transition
	if w.machine != nil {
		status := w.Status(s)
		transition = w.machine.transitions[stateInput{status, input.name}]
		if transition == nil {
			return step{rejection: w.Refuse(input.name, status, "")}, nil
		}
		if transition.Reject != "" {
			return step{rejection: w.Refuse(input.name, status, transition.Reject)}, nil
		}
	}
	decision, err := w.decide(now, s, input)
	if err != nil {
		return step{}, err
	}
	if err := decision.validate(); err != nil {
		return step{}, err
	}
	if len(decision.rejections) > 0 {
		rejection := decision.rejections[0]
		if w.Rejections.Name(rejection.(R)) == "" {
			return step{}, fmt.Errorf("rejection %w", undeclared(rejection))
		}
		return step{rejection: rejection}, nil
	}
	b := changeBuilder[S, I, E, F, R]{workflow: w, transition: transition, id: input.id}
	b.change = Change{Instance: instance.Key, Version: instance.Version, Now: now, UniqueKey: input.uniqueKey}
	if err := b.build(s, decision); err != nil {
		return step{}, err
	}
	return step{change: b.change, events: decision.events}, nil
}

func (w *typed[S, I, E, F, R]) decide(now time.Time, state S, input preparedInput) (d UntypedDecision, err error) {
	defer recoverTo(&err, "the decider's ", input.name)
	return w.Decide(now, state, input.value.(I)), nil
}

// validate finds decisions that the type system cannot refuse.
func (d *UntypedDecision) validate() error {
	switch {
	case len(d.events) == 0 && len(d.rejections) == 0:
		return errors.New("the decision is empty; return one of the Accept or Reject constructors")
	case len(d.rejections) > 0 && len(d.effects)+len(d.timers) > 0:
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
