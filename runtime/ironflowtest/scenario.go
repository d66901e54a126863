package ironflowtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/ironflowtest/internal/value"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Scenario is a test of one instance: its history, an input, and the expected decision. Each method returns the scenario, so calls can be
// chained. A further When continues from the result of the last one. A failure says which field differs, and shows the call that would
// pass.
//
// Every When also calls the decider several times and folds the events several times. It fails the test if the results differ, or if the
// decider changes its state or input, reads the clock, sleeps, starts goroutines or does not return. It also fails the test if an input,
// event, effect, rejection or state differs after it was written as JSON and read back.
//
// Only one goroutine may use a scenario.
type Scenario[S, I, E, F, R any] struct {
	t   TB
	w   *workflow.Workflow
	in  string // path of the package that the test is in
	now time.Time

	key    store.InstanceKey
	named  bool // key is that of the inputs
	events []store.StoredEvent
	state  any

	answer *answer // to the last input; nil before the first one
}

// answer is what the last input has led to.
type answer struct {
	input     any
	rejection any
	ended     bool // the instance had ended before
	workflow.Decided
	asserted bool // the test has said that there is a rejection, or that the instance had ended
}

func (a *answer) accepted() bool { return a.rejection == nil && !a.ended }

// callersPackage returns the path of the package that called the kit.
func callersPackage() string {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		frame, more := frames.Next()
		dir, name := "", frame.Function
		if i := strings.LastIndexByte(name, '/'); i >= 0 {
			dir, name = name[:i+1], name[i+1:]
		}
		name, _, _ = strings.Cut(name, ".")
		if path := dir + name; path != ownPath || !more {
			return path
		}
	}
}

var ownPath = reflect.TypeFor[answer]().PkgPath()

// At sets the time of the next inputs. Default: [Epoch]. Once the test has a time, an earlier one fails it.
func (s *Scenario[S, I, E, F, R]) At(now time.Time) *Scenario[S, I, E, F, R] {
	s.t.Helper()
	now = store.StoredTime(now)
	if now.Before(s.now) && (s.answer != nil || s.hasTimes()) {
		s.t.Fatalf("At(%s) is before %s, where the test is already: time does not run backwards", now.Format(time.RFC3339Nano),
			s.now.Format(time.RFC3339Nano))
	}
	s.now = now
	return s
}

// hasTimes reports whether the history says when its events were recorded.
func (s *Scenario[S, I, E, F, R]) hasTimes() bool { return len(s.events) > 0 && s.now.After(Epoch) }

// After lets time pass before the next inputs.
func (s *Scenario[S, I, E, F, R]) After(d time.Duration) *Scenario[S, I, E, F, R] {
	s.t.Helper()
	return s.At(s.now.Add(d))
}

// When gives an input to the decider. The instance's id may be left empty in the input. A rejection fails the test unless Rejected or
// NotAccepted follows. An instance that had completed fails the test unless AlreadyCompleted follows.
func (s *Scenario[S, I, E, F, R]) When(input I) *Scenario[S, I, E, F, R] {
	s.t.Helper()
	s.checkAsserted()
	s.give(input)
	return s
}

// Try is When for random inputs: the decision may be any that the declaration allows.
func (s *Scenario[S, I, E, F, R]) Try(input I) *Scenario[S, I, E, F, R] {
	s.t.Helper()
	s.checkAsserted()
	s.give(input)
	s.answer.asserted = true
	return s
}

// TryStored is Try for an input as a store holds it, for example the input of a timer. name is the name of the input, and payload has its
// fields as JSON.
func (s *Scenario[S, I, E, F, R]) TryStored(name, payload string) *Scenario[S, I, E, F, R] {
	s.t.Helper()
	input, err := s.w.DecodeInput(name, []byte(payload))
	if err != nil {
		s.t.Fatalf("%v", err)
	}
	return s.Try(input.(I))
}

// checkAsserted fails the test when nobody expected what the last input has led to.
func (s *Scenario[S, I, E, F, R]) checkAsserted() {
	s.t.Helper()
	if a := s.answer; a != nil && !a.accepted() && !a.asserted {
		a.asserted = true
		s.t.Errorf("%s: %s; if that is right, write\n\t%s", s.literal(a.input), a.story(s), a.call(s))
	}
}

// story says in words what an input has led to.
func (a *answer) story(s interface{ literal(any) string }) string {
	switch {
	case a.ended:
		return "the instance had ended before"
	case a.rejection != nil:
		return "rejected with " + s.literal(a.rejection)
	}
	return "accepted"
}

// call is the method of Scenario that expects what an input has led to.
func (a *answer) call(s interface{ literal(any) string }) string {
	switch {
	case a.ended:
		return "AlreadyCompleted()"
	case isNotAccepted(a.rejection):
		return "NotAccepted()"
	case a.rejection != nil:
		return "Rejected(" + s.literal(a.rejection) + ")"
	}
	return call(s, "Then", a.Events)
}

func call[T any](s interface{ literal(any) string }, method string, args []T) string {
	texts := make([]string, len(args))
	for i, arg := range args {
		texts[i] = s.literal(arg)
	}
	return method + "(" + strings.Join(texts, ", ") + ")"
}

// Then expects exactly these events, in this order.
func (s *Scenario[S, I, E, F, R]) Then(events ...E) *Scenario[S, I, E, F, R] {
	s.t.Helper()
	a := s.accepted("Then")
	if a == nil {
		return s
	}
	want := make([]encodedValue, len(events))
	for i, event := range events {
		encoded, err := s.encodeEvent(event)
		if err != nil {
			s.t.Fatalf("Then: %v", err)
		}
		want[i] = encodedValue{encoded.Type, encoded.Payload, s.decodeEvent(encoded)}
	}
	got := make([]encodedValue, len(a.Stored))
	for i, e := range a.Stored {
		got[i] = encodedValue{e.Type, e.Payload, s.decodeEvent(e)}
	}
	s.compare("event", got, want, func() string { return a.call(s) })
	return s
}

// Effects expects exactly these effects, in this order.
func (s *Scenario[S, I, E, F, R]) Effects(effects ...F) *Scenario[S, I, E, F, R] {
	s.t.Helper()
	a := s.accepted("Effects")
	if a == nil {
		return s
	}
	want := make([]encodedValue, len(effects))
	for i, effect := range effects {
		encoded, err := s.w.EncodeEffect(effect)
		if err != nil {
			s.t.Fatalf("Effects: %v", err)
		}
		want[i] = s.effect(encoded.Type, encoded.Payload)
	}
	got := make([]encodedValue, len(a.Decided.Effects))
	for i, f := range a.Decided.Effects {
		got[i] = s.effect(f.Kind, f.Payload)
	}
	s.compare("effect", got, want, func() string {
		values := make([]any, len(got))
		for i := range got {
			values[i] = got[i].value
		}
		return call(s, "Effects", values)
	})
	return s
}

// NoEffects expects that the decision requests no effect.
func (s *Scenario[S, I, E, F, R]) NoEffects() *Scenario[S, I, E, F, R] {
	s.t.Helper()
	return s.Effects()
}

// CancelsEffects expects that the decision cancels exactly these kinds of effects.
func (s *Scenario[S, I, E, F, R]) CancelsEffects(kinds ...workflow.EffectKind) *Scenario[S, I, E, F, R] {
	s.t.Helper()
	if a := s.accepted("CancelsEffects"); a != nil {
		want := make([]string, len(kinds))
		for i, kind := range kinds {
			want[i] = string(kind)
		}
		s.sameNames("cancels the effects", a.Cancel, want)
	}
	return s
}

// Rejected expects that the decider rejects the input.
func (s *Scenario[S, I, E, F, R]) Rejected(rejection R) *Scenario[S, I, E, F, R] {
	s.t.Helper()
	a := s.answered("Rejected")
	a.asserted = true
	if a.rejection == nil {
		s.t.Errorf("%s: %s, want rejected with %s; what would pass:\n\t%s", s.literal(a.input), a.story(s), s.literal(rejection), a.call(s))
		return s
	}
	if diff := value.Diff(a.rejection, rejection, s.in); len(diff) > 0 {
		s.t.Errorf("%s: rejected with %s, want %s:%s\nwhat would pass:\n\t%s", s.literal(a.input), s.literal(a.rejection), s.literal(rejection),
			indented(diff), a.call(s))
	}
	return s
}

// NotAccepted expects that the declaration does not accept the input in the state of the instance.
func (s *Scenario[S, I, E, F, R]) NotAccepted() *Scenario[S, I, E, F, R] {
	s.t.Helper()
	a := s.answered("NotAccepted")
	a.asserted = true
	if !isNotAccepted(a.rejection) {
		s.t.Errorf("%s: %s, want not accepted; what would pass:\n\t%s", s.literal(a.input), a.story(s), a.call(s))
	}
	return s
}

// notAccepted is the name of the generated rejection for an input that a state does not accept.
const notAccepted = "NotAccepted"

func isNotAccepted(rejection any) bool {
	return rejection != nil && reflect.TypeOf(rejection).Name() == notAccepted
}

// AlreadyCompleted expects that the instance had completed before the input.
func (s *Scenario[S, I, E, F, R]) AlreadyCompleted() *Scenario[S, I, E, F, R] {
	s.t.Helper()
	a := s.answered("AlreadyCompleted")
	a.asserted = true
	if !a.ended {
		s.t.Errorf("%s: %s, want an instance that had ended before; what would pass:\n\t%s", s.literal(a.input), a.story(s), a.call(s))
	}
	return s
}

// State calls a function with the state of the instance, for checks of your own.
func (s *Scenario[S, I, E, F, R]) State(check func(S)) *Scenario[S, I, E, F, R] {
	s.t.Helper()
	check(s.fresh().(S))
	return s
}

// StateIs expects that the state of the instance is this one.
func (s *Scenario[S, I, E, F, R]) StateIs(want S) *Scenario[S, I, E, F, R] {
	s.t.Helper()
	if diff := value.Diff(s.state, want, s.in); len(diff) > 0 {
		s.t.Errorf("the state differs:%s\nwhat would pass:\n\tStateIs(%s)", indented(diff), s.literal(s.state))
	}
	return s
}

// HasStatus expects that the instance has this status. It is for workflows with states.
func (s *Scenario[S, I, E, F, R]) HasStatus(want string) *Scenario[S, I, E, F, R] {
	s.t.Helper()
	if got := s.w.Status(s.state); got != want {
		s.t.Errorf("the status is %q, want %q", got, want)
	}
	return s
}

// answered returns the answer to the last input.
func (s *Scenario[S, I, E, F, R]) answered(method string) *answer {
	s.t.Helper()
	if s.answer == nil {
		s.t.Fatalf("%s without an input: call When first", method)
	}
	return s.answer
}

// accepted returns the answer to the last input, nil when it was not accepted, which fails the test.
func (s *Scenario[S, I, E, F, R]) accepted(method string) *answer {
	s.t.Helper()
	a := s.answered(method)
	if a.accepted() {
		return a
	}
	if !a.asserted {
		a.asserted = true
		s.t.Errorf("%s: %s, want accepted; what would pass:\n\t%s", s.literal(a.input), a.story(s), a.call(s))
	}
	return nil
}

// encodedValue is an event or an effect as it is stored, with its value.
type encodedValue struct {
	name    string
	payload []byte
	value   any
}

// compare reports which elements of two lists differ.
func (s *Scenario[S, I, E, F, R]) compare(what string, got, want []encodedValue, passes func() string) {
	s.t.Helper()
	var lines []string
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			lines = append(lines, fmt.Sprintf("%s %d is missing, want %s", what, i+1, s.literal(want[i].value)))
		case i >= len(want):
			lines = append(lines, fmt.Sprintf("%s %d is %s, want no more", what, i+1, s.literal(got[i].value)))
		case got[i].name != want[i].name:
			lines = append(lines, fmt.Sprintf("%s %d is %s, want %s", what, i+1, s.literal(got[i].value), s.literal(want[i].value)))
		case !bytes.Equal(got[i].payload, want[i].payload):
			for _, line := range value.Diff(got[i].value, want[i].value, s.in) {
				lines = append(lines, fmt.Sprintf("%s %d, %s: %s", what, i+1, got[i].name, line))
			}
		}
	}
	if len(lines) > 0 {
		s.t.Errorf("%s:%s\nwhat would pass:\n\t%s", s.literal(s.answer.input), indented(lines), passes())
	}
}

func (s *Scenario[S, I, E, F, R]) sameNames(what string, got, want []string) {
	s.t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		s.t.Errorf("%s: it %s %q, want %q", s.literal(s.answer.input), what, got, want)
	}
}

func indented(lines []string) string { return "\n\t" + strings.Join(lines, "\n\t") }

func (s *Scenario[S, I, E, F, R]) literal(v any) string { return value.Literal(v, s.in) }

func (s *Scenario[S, I, E, F, R]) encodeEvent(event E) (store.NewEvent, error) {
	encoded, err := s.w.EncodeEvent(event)
	if err != nil {
		return store.NewEvent{}, err
	}
	return store.NewEvent{Type: encoded.Type, SchemaVersion: s.w.EventVersion(encoded.Type), Payload: encoded.Payload}, nil
}

func (s *Scenario[S, I, E, F, R]) decodeEvent(e store.NewEvent) any {
	s.t.Helper()
	event, err := s.w.DecodeEvent(s.stored(e, int64(len(s.events)+1)))
	if err != nil {
		s.t.Fatalf("%v", err)
	}
	return event
}

func (s *Scenario[S, I, E, F, R]) effect(kind string, payload []byte) encodedValue {
	s.t.Helper()
	effect, err := s.w.DecodeEffect(workflow.Encoded{Type: kind, Payload: json.RawMessage(payload)})
	if err != nil {
		s.t.Fatalf("effect %s: %v", kind, err)
	}
	return encodedValue{kind, payload, effect}
}

func (s *Scenario[S, I, E, F, R]) stored(e store.NewEvent, version int64) store.StoredEvent {
	return store.StoredEvent{
		Instance: s.key, Version: version, Type: e.Type, SchemaVersion: e.SchemaVersion, Payload: e.Payload, RecordedAt: s.now,
	}
}

func (s *Scenario[S, I, E, F, R]) add(e store.NewEvent) {
	s.events = append(s.events, s.stored(e, int64(len(s.events)+1)))
}
