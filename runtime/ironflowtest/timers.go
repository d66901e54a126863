package ironflowtest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// StateTimer returns, for [Scenario.Timers], the timer of that name that a state of the declaration starts. Without In or At, the timer
// may fire at any time.
func StateTimer(name string) ExpectedTimer { return ExpectedTimer{name: name} }

// ExpectedTimer is a timer that a test expects; see StateTimer.
type ExpectedTimer struct {
	name string
	workflow.Schedule
}

// In expects that the timer fires after a delay that counts from the decision.
func (e ExpectedTimer) In(delay time.Duration) ExpectedTimer {
	e.Schedule = e.Schedule.In(delay)
	return e
}

// At expects that the timer fires at a time.
func (e ExpectedTimer) At(at time.Time) ExpectedTimer {
	e.Schedule = e.Schedule.At(at)
	return e
}

// TimerSpec implements [workflow.Timer].
func (e ExpectedTimer) TimerSpec() workflow.TimerSpec {
	return workflow.TimerSpec{Name: e.name, Schedule: e.Schedule}
}

// Timers expects that the decision, together with the states that its events pass through, starts exactly these timers, in any order.
// Write a timer that the decider starts as in the decider; its input and time are compared. For a timer that a state starts, use
// StateTimer.
func (s *Scenario[S, I, E, F, R]) Timers(timers ...workflow.Timer) *Scenario[S, I, E, F, R] {
	s.t.Helper()
	a := s.accepted("Timers")
	if a == nil {
		return s
	}
	started, _ := a.Decided.Timers.Result()
	var lines []string
	for _, timer := range timers {
		spec := timer.TimerSpec()
		i := slices.IndexFunc(started, func(got store.NewTimer) bool { return got.Key == spec.StoredKey() })
		if i < 0 {
			lines = append(lines, fmt.Sprintf("timer %s is not started", spec.StoredKey()))
			continue
		}
		lines = append(lines, s.compareTimer(started[i], spec)...)
		started = slices.Delete(started, i, i+1)
	}
	for _, more := range started {
		lines = append(lines, fmt.Sprintf("timer %s is started, want no such timer", more.Key))
	}
	if len(lines) > 0 {
		started, _ = a.Decided.Timers.Result()
		s.t.Errorf("%s:%s\nwhat it starts:%s", s.literal(a.input), indented(lines), indented(s.timerTexts(started)))
	}
	return s
}

// NoTimers expects that no timer is started.
func (s *Scenario[S, I, E, F, R]) NoTimers() *Scenario[S, I, E, F, R] {
	s.t.Helper()
	return s.Timers()
}

// Cancels expects that the decision, together with the states that its events pass through, cancels exactly the timers with these keys,
// in any order. The key of a timer is its declared name, or name/key for a timer that was started with Key.
func (s *Scenario[S, I, E, F, R]) Cancels(keys ...string) *Scenario[S, I, E, F, R] {
	s.t.Helper()
	if a := s.accepted("Cancels"); a != nil {
		s.sameNames("cancels the timers", slices.Sorted(slices.Values(a.Decided.Timers.Cancelled())), slices.Sorted(slices.Values(keys)))
	}
	return s
}

func (s *Scenario[S, I, E, F, R]) compareTimer(got store.NewTimer, want workflow.TimerSpec) (lines []string) {
	s.t.Helper()
	fireAt, timed := want.FireAt(s.now)
	if recurrence := s.w.Recurring(want.Name); !timed && recurrence != nil && want.Input != nil {
		fireAt, timed = recurrence.After(s.now), true
	}
	if fireAt = store.StoredTime(fireAt); timed && !got.FireAt.Equal(fireAt) {
		lines = append(lines, fmt.Sprintf("timer %s fires after %s, want %s", got.Key, got.FireAt.Sub(s.now), fireAt.Sub(s.now)))
	}
	if want.Input == nil {
		return lines
	}
	input, err := s.w.Addressed(want.Input, s.key.ID)
	if err != nil {
		s.t.Fatalf("Timers: timer %s: %v", want.Name, err)
	}
	encoded, err := s.w.EncodeInput(input)
	if err != nil {
		s.t.Fatalf("Timers: timer %s: %v", want.Name, err)
	}
	if encoded.Type != got.Input || !bytes.Equal(encoded.Payload, got.Payload) {
		lines = append(lines, fmt.Sprintf("timer %s delivers %s, want %s", got.Key, s.timerInput(got), s.literal(input)))
	}
	return lines
}

func (s *Scenario[S, I, E, F, R]) timerInput(timer store.NewTimer) string {
	input, err := s.w.DecodeInput(timer.Input, timer.Payload)
	if err != nil {
		return err.Error()
	}
	return s.literal(input)
}

// timerTexts describes timers that are started.
func (s *Scenario[S, I, E, F, R]) timerTexts(started []store.NewTimer) []string {
	if len(started) == 0 {
		return []string{"none: NoTimers()"}
	}
	texts := make([]string, len(started))
	for i, timer := range started {
		texts[i] = fmt.Sprintf("%s after %s, with %s", timer.Key, timer.FireAt.Sub(s.now), s.timerInput(timer))
		if s.isStateTimer(timer.Key) {
			texts[i] = fmt.Sprintf("ironflowtest.StateTimer(%q).In(%s)", timer.Key, strings.TrimSpace(s.literal(timer.FireAt.Sub(s.now))))
		}
	}
	return texts
}

func (s *Scenario[S, I, E, F, R]) isStateTimer(key string) bool {
	machine := s.w.DeclaredMachine()
	return machine != nil && slices.ContainsFunc(machine.Timers, func(t workflow.MachineTimer) bool { return t.Name == key && len(t.While) > 0 })
}
