package workflow

import (
	"strings"
	"time"
)

// Timer delivers an input to its own instance later. Generated code declares one type for each timer of a workflow.
type Timer interface {
	TimerSpec() TimerSpec
}

// TimerSpec is what the engine needs to know of a timer.
type TimerSpec struct {
	Name  string // as declared
	Input any    // to deliver; an empty id in it means the timer's own instance
	Schedule
	After time.Duration // default delay, 0 for none
}

// StoredKey names the timer within its instance: the declared name, or name/key.
func (t TimerSpec) StoredKey() string {
	if t.key == "" {
		return t.Name
	}
	return t.Name + "/" + t.key
}

// TimerName is the declared name in a stored key.
func TimerName(key string) string {
	name, _, _ := strings.Cut(key, "/")
	return name
}

// FireAt returns the time to fire, relative times counting from now, and whether the timer has one.
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

// Schedule is the part of a timer that a decision sets. The zero value takes time and key from the declaration.
type Schedule struct {
	key      string
	delay    time.Duration
	delaySet bool
	at       time.Time
	atSet    bool
}

// In lets the timer fire after a delay that counts from the now given to decide; at once when it is not positive.
func (s Schedule) In(delay time.Duration) Schedule {
	s.delay, s.delaySet, s.at, s.atSet = delay, true, time.Time{}, false
	return s
}

// At lets the timer fire at a time; at once when it has passed.
func (s Schedule) At(at time.Time) Schedule {
	s.delay, s.delaySet, s.at, s.atSet = 0, false, at, true
	return s
}

// Key tells several timers of the same declaration and instance apart.
func (s Schedule) Key(key string) Schedule {
	s.key = key
	return s
}
