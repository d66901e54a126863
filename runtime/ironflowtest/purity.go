package ironflowtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/ironflowtest/internal/value"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// This file gives inputs to the decider and checks, each time, what the engine relies on: that user code is pure, and that what it
// returns survives its JSON.

// give asks the decider, checks its answer, and goes on to the state that it leads to.
func (s *Scenario[S, I, E, F, R]) give(input I) {
	s.t.Helper()
	prepared := s.prepare(input)
	s.answer = &answer{input: prepared.Value}
	ended, err := s.w.Ended(s.state)
	if err != nil {
		s.t.Fatalf("%v", err)
	}
	if s.answer.ended = ended; ended {
		return
	}
	before := s.fresh()
	s.checkDecider(prepared)
	if s.answer.rejection != nil {
		s.roundTrip("rejection", s.encodedRejection(s.answer.rejection), func(e workflow.Encoded) (any, error) { return s.w.DecodeRejection(e) },
			func(v any) (workflow.Encoded, error) { return s.w.EncodeRejection(v) })
		return
	}
	for _, stored := range s.answer.Stored {
		s.add(stored)
	}
	s.checkFold(before, s.events[len(s.events)-len(s.answer.Stored):])
	s.state = s.answer.Decided.State
	s.checkState()
	s.checkPayloads()
}

// prepare fills in the id of an input that has none, and checks its id and unique key as the engine does. The first input may name the
// instance.
func (s *Scenario[S, I, E, F, R]) prepare(input I) workflow.PreparedInput {
	s.t.Helper()
	prepared, err := s.w.Prepare(s.w.WithID(input, s.key.ID))
	if err != nil {
		s.t.Fatalf("%v", err)
	}
	switch {
	case !s.named && prepared.Instance != s.key.ID:
		s.rename(prepared.Instance)
	case prepared.Instance != s.key.ID:
		_, err := s.w.Addressed(input, s.key.ID)
		s.t.Fatalf("%s: %v", s.literal(input), err)
	}
	s.named = true
	encoded, err := s.w.EncodeInput(prepared.Value)
	if err != nil {
		s.t.Fatalf("%v", err)
	}
	s.roundTrip("input", encoded, func(e workflow.Encoded) (any, error) { return s.w.DecodeInput(e.Type, e.Payload) },
		func(v any) (workflow.Encoded, error) { return s.w.EncodeInput(v) })
	return prepared
}

// rename gives the instance another id.
func (s *Scenario[S, I, E, F, R]) rename(id string) {
	s.key.ID = id
	for i := range s.events {
		s.events[i].Instance = s.key
	}
}

// fold replays the history of the scenario into its state.
func (s *Scenario[S, I, E, F, R]) fold(method string) {
	s.t.Helper()
	var err error
	bounded(s.t, "the evolver", func() { s.state, err = s.w.Replay(nil, s.instance(s.events)) })
	if err != nil {
		s.t.Fatalf("%s: this history cannot be: %v", method, err)
	}
	s.checkFold(s.initial(), s.events)
	s.checkState()
}

func (s *Scenario[S, I, E, F, R]) instance(events []store.StoredEvent) store.Instance {
	return store.Instance{Key: s.key, Version: int64(len(events)), Events: events}
}

// fresh replays the history, and so returns a state that shares no memory with another one.
func (s *Scenario[S, I, E, F, R]) fresh() any {
	s.t.Helper()
	state, err := s.w.Replay(nil, s.instance(s.events))
	if err != nil {
		s.t.Fatalf("replaying the history: %v", err)
	}
	return state
}

func (s *Scenario[S, I, E, F, R]) initial() any {
	s.t.Helper()
	state, err := s.w.Replay(nil, store.Instance{Key: s.key})
	if err != nil {
		s.t.Fatalf("%v", err)
	}
	return state
}

// checkDecider asks the decider several times, and keeps the first answer.
func (s *Scenario[S, I, E, F, R]) checkDecider(in workflow.PreparedInput) {
	s.t.Helper()
	user := "the decider's " + in.Name
	first := s.decide(user, in)
	s.answer.rejection, s.answer.Decided = first.rejection, first.Decided

	s.wantSame(user, s.decide(user, in), first)
	s.checkOften(user, in, first)
	s.checkArguments(user, in)
	s.checkClock(user, in, first)
}

// oftenAsks is how often a decider is asked again that has given one answer twice. The order of a map with two entries is the same in seven of
// eight calls.
const oftenAsks = 40

// checkOften asks the decider again and again, within the limits of one call.
func (s *Scenario[S, I, E, F, R]) checkOften(user string, in workflow.PreparedInput, first *answer) {
	s.t.Helper()
	again := &answer{input: in.Value}
	var err error
	bounded(s.t, user, func() {
		for range oftenAsks {
			again.rejection, again.Decided, err = s.w.Decide(s.now, int64(len(s.events)), s.state, in)
			if err != nil || differs(first.rejection, again.rejection, &first.Decided, &again.Decided) != "" {
				return
			}
		}
	})
	if err != nil {
		s.t.Fatalf("%s: %v", s.literal(in.Value), err)
	}
	s.wantSame(user, again, first)
}

// wantSame fails the test when a decider has given two answers to one question.
func (s *Scenario[S, I, E, F, R]) wantSame(user string, again, first *answer) {
	s.t.Helper()
	if diff := s.differences(again, first); len(diff) > 0 {
		s.t.Fatalf("%s answers one question in two ways:%s\nIt may only look at its arguments: not at a clock, at random numbers or at the order of a map.",
			user, indented(diff))
	}
}

func (s *Scenario[S, I, E, F, R]) decide(user string, in workflow.PreparedInput) *answer {
	s.t.Helper()
	a := &answer{input: in.Value}
	var err error
	bounded(s.t, user, func() { a.rejection, a.Decided, err = s.w.Decide(s.now, int64(len(s.events)), s.state, in) })
	if err != nil {
		s.t.Fatalf("%s: %v", s.literal(in.Value), err)
	}
	return a
}

// differences compares two answers as they would be stored.
func (s *Scenario[S, I, E, F, R]) differences(got, want *answer) (lines []string) {
	if (got.rejection == nil) != (want.rejection == nil) {
		return []string{"it is " + got.story(s) + ", and was " + want.story(s)}
	}
	for _, part := range []struct {
		name      string
		got, want any
	}{
		{"rejection", got.rejection, want.rejection},
		{"events", got.Events, want.Events},
		{"effects", payloads(got.Effects), payloads(want.Effects)},
		{"timers", timerPayloads(got.Timers), timerPayloads(want.Timers)},
		{"cancelled timers", got.Timers.Cancelled(), want.Timers.Cancelled()},
		{"cancelled effects", got.Cancel, want.Cancel},
		{"state", got.Decided.State, want.Decided.State},
	} {
		for _, line := range value.Diff(part.got, part.want, s.in) {
			lines = append(lines, part.name+": "+line)
		}
	}
	return lines
}

func payloads(effects []store.NewEffect) []string {
	texts := make([]string, len(effects))
	for i, f := range effects {
		texts[i] = f.Kind + string(f.Payload)
	}
	return texts
}

func timerPayloads(net workflow.TimerNet) []string {
	started, _ := net.Result()
	texts := make([]string, len(started))
	for i, t := range started {
		texts[i] = t.Key + " at " + t.FireAt.Format(time.RFC3339Nano) + " " + t.Input + string(t.Payload)
	}
	return texts
}

// checkArguments gives the decider a state and an input that it can change, and looks whether it does.
func (s *Scenario[S, I, E, F, R]) checkArguments(user string, in workflow.PreparedInput) {
	s.t.Helper()
	state := s.fresh()
	encoded, err := s.w.EncodeInput(in.Value)
	if err != nil {
		s.t.Fatalf("%v", err)
	}
	read, err := s.w.DecodeInput(encoded.Type, encoded.Payload)
	if err != nil {
		s.t.Fatalf("%v", err)
	}
	given := in
	given.Value = read
	bounded(s.t, user, func() { err = s.w.Ask(s.now, state, given) })
	if err != nil {
		s.t.Fatalf("%s: %v", s.literal(in.Value), err)
	}
	if diff := value.Diff(state, s.state, s.in); len(diff) > 0 {
		s.t.Fatalf("%s changes the state that it is given, which is an argument to read:%s\nCopy a list or a map before you change it, as with "+
			"slices.Clone or maps.Clone.", user, indented(diff))
	}
	if after, err := s.w.EncodeInput(read); err != nil || !bytes.Equal(after.Payload, encoded.Payload) {
		s.t.Fatalf("%s changes the input that it is given:%s\nCopy a list or a map before you change it, as with slices.Clone or maps.Clone.",
			user, indented(value.Diff(read, in.Value, s.in)))
	}
}

// checkClock asks the decider at another time of the clock: in a bubble of testing/synctest it is 2000-01-01, and a sleep ends at once.
func (s *Scenario[S, I, E, F, R]) checkClock(user string, in workflow.PreparedInput, first *answer) {
	s.t.Helper()
	t, is := s.t.(*testing.T)
	if !is || time.Now().Year() < 2020 { // no *testing.T to make a bubble of, or in a bubble already
		return
	}
	var (
		elsewhen *answer
		slept    time.Duration
		err      error
	)
	synctest.Test(t, func(*testing.T) {
		start := time.Now()
		a := &answer{input: in.Value}
		a.rejection, a.Decided, err = s.w.Decide(s.now, int64(len(s.events)), s.state, in)
		elsewhen, slept = a, time.Since(start)
	})
	switch {
	case slept > 0:
		s.t.Fatalf("%s sleeps for %v. Let the decision start a timer in place of that.", user, slept)
	case err != nil:
		s.t.Fatalf("%s: %v", s.literal(in.Value), err)
	}
	if diff := s.differences(elsewhen, first); len(diff) > 0 {
		s.t.Fatalf("%s answers another thing when the clock of the machine shows another time:%s\nUse the argument now in place of time.Now.",
			user, indented(diff))
	}
}

// checkFold folds events twice into one state, and looks whether that gives the same and leaves the state alone.
func (s *Scenario[S, I, E, F, R]) checkFold(before any, events []store.StoredEvent) {
	s.t.Helper()
	var states [2]any
	for i := range states {
		var err error
		bounded(s.t, "the evolver", func() { states[i], err = s.w.Replay(before, store.Instance{Key: s.key, Events: events}) })
		if err != nil {
			s.t.Fatalf("%v", err)
		}
	}
	last := "the evolver"
	if len(events) > 0 {
		last = "the evolver's " + events[len(events)-1].Type
	}
	const cure = "\nIt may only look at its arguments and return a changed copy; copy a list or a map before you change it, as with slices.Clone or " +
		"maps.Clone."
	if diff := value.Diff(states[1], states[0], s.in); len(diff) > 0 {
		s.t.Fatalf("%s makes two states of one:%s%s", last, indented(diff), cure)
	}
	untouched, err := s.w.Replay(nil, s.instance(s.events[:len(s.events)-len(events)]))
	if err != nil {
		s.t.Fatalf("%v", err)
	}
	if diff := value.Diff(before, untouched, s.in); len(diff) > 0 {
		s.t.Fatalf("%s changes the state that it is given:%s%s", last, indented(diff), cure)
	}
	if replayed := s.fresh(); s.answer != nil && s.answer.Decided.State != nil {
		if diff := value.Diff(s.answer.Decided.State, replayed, s.in); len(diff) > 0 {
			s.t.Fatalf("the state after the decision is not that of a replay:%s", indented(diff))
		}
	}
}

// checkState stores the state as a snapshot does, and reads it again.
func (s *Scenario[S, I, E, F, R]) checkState() {
	s.t.Helper()
	schema := s.w.Schema()
	if schema == "" {
		return
	}
	encoded, err := s.w.EncodeState(s.state)
	if err != nil {
		s.t.Fatalf("the state cannot be stored as JSON: %v", err)
	}
	read, err := s.w.Replay(nil, store.Instance{
		Key: s.key, Version: int64(len(s.events)),
		Snapshot: &store.Snapshot{Instance: s.key, Version: int64(len(s.events)), Schema: schema, State: encoded},
	})
	if err != nil {
		s.t.Fatalf("the state cannot be read from its JSON: %v", err)
	}
	if diff := value.Diff(read, s.state, s.in); len(diff) > 0 {
		s.t.Fatalf("the state is another one after it was stored as JSON and read again:%s\nGive the type a MarshalJSON and an UnmarshalJSON that "+
			"keep everything, or leave out of the state what JSON cannot carry.", indented(diff))
	}
}

// checkPayloads reads and writes again what the decision stores.
func (s *Scenario[S, I, E, F, R]) checkPayloads() {
	s.t.Helper()
	for _, e := range s.answer.Stored {
		s.roundTrip("event", workflow.Encoded{Type: e.Type, Payload: json.RawMessage(e.Payload)},
			func(workflow.Encoded) (any, error) { return s.w.DecodeEvent(s.stored(e, int64(len(s.events)))) },
			func(v any) (workflow.Encoded, error) { return s.w.EncodeEvent(v) })
	}
	for _, f := range s.answer.Decided.Effects {
		s.roundTrip("effect", workflow.Encoded{Type: f.Kind, Payload: json.RawMessage(f.Payload)},
			func(e workflow.Encoded) (any, error) { return s.w.DecodeEffect(e) },
			func(v any) (workflow.Encoded, error) { return s.w.EncodeEffect(v) })
	}
}

func (s *Scenario[S, I, E, F, R]) encodedRejection(rejection any) workflow.Encoded {
	s.t.Helper()
	encoded, err := s.w.EncodeRejection(rejection)
	if err != nil {
		s.t.Fatalf("rejection %v", err)
	}
	return encoded
}

// roundTrip fails the test when something is another thing after it was stored as JSON and read again.
func (s *Scenario[S, I, E, F, R]) roundTrip(
	what string, encoded workflow.Encoded, decode func(workflow.Encoded) (any, error), encode func(any) (workflow.Encoded, error),
) {
	s.t.Helper()
	v, err := decode(encoded)
	if err != nil {
		s.t.Fatalf("%s %s cannot be read from its JSON: %v", what, encoded.Type, err)
	}
	again, err := encode(v)
	if err != nil {
		s.t.Fatalf("%s %s: %v", what, encoded.Type, err)
	}
	if !bytes.Equal(again.Payload, encoded.Payload) {
		s.t.Fatalf("%s %s is another one after it was stored as JSON and read again:%s", what, encoded.Type,
			indented([]string{fmt.Sprintf("first  %s", encoded.Payload), fmt.Sprintf("second %s", again.Payload)}))
	}
}
