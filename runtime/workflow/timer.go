package workflow

import (
	"strings"
	"time"
)

// Timer delivers an input to its own instance later. Generated code declares one type for each timer of a workflow.
type Timer interface {
	TimerSpec() TimerSpec
}

// TimerSpec has what the engine needs to know about a timer.
type TimerSpec struct {
	Name  string // as declared
	Input any    // the input to deliver; an empty id in it means the timer's own instance
	Schedule
	After time.Duration // default delay; 0 for none
}

// StoredKey returns the key of the timer within its instance: the declared name, or name/key.
func (t TimerSpec) StoredKey() string {
	if t.key == "" {
		return t.Name
	}
	return t.Name + "/" + t.key
}

// TimerName returns the declared name in a stored key.
func TimerName(key string) string {
	name, _, _ := strings.Cut(key, "/")
	return name
}

// FireAt returns when the timer fires, and whether it has such a time. Delays count from now.
func (t TimerSpec) FireAt(now time.Time) (time.Time, bool) {
	switch {
	case t.atSet:
		return t.at, true
	case t.delaySet:
		return now.Add(t.delay), true
	case t.After > 0:
		return now.Add(t.After), true
	}
	return time.Time{}, false
}

// Schedule is the part of a timer that a decision sets. The zero value takes the time from the declaration and has no key.
type Schedule struct {
	key      string
	delay    time.Duration
	delaySet bool
	at       time.Time
	atSet    bool
}

// In makes the timer fire after a delay that counts from the now of the decision; at once if it is not positive.
func (s Schedule) In(delay time.Duration) Schedule {
	s.delay, s.delaySet, s.at, s.atSet = delay, true, time.Time{}, false
	return s
}

// At makes the timer fire at a time; at once if it has passed.
func (s Schedule) At(at time.Time) Schedule {
	s.delay, s.delaySet, s.at, s.atSet = 0, false, at, true
	return s
}

// Key distinguishes several timers of the same declaration in one instance.
func (s Schedule) Key(key string) Schedule {
	s.key = key
	return s
}
