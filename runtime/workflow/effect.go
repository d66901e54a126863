package workflow

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/backoff"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// EffectCall tells a handler about the call it is handling.
type EffectCall struct {
	Instance store.InstanceKey
	Effect   string

	// IdempotencyKey is the same for every attempt at this effect and for no other effect. Pass it to services that
	// take one, so that a repeated attempt does not act twice.
	IdempotencyKey string

	Attempt     int // counts from 1
	MaxAttempts int
	RequestedAt time.Time // when the decision that asked for the effect was made
}

// RetryPolicy says how often, and how soon, a delivery that failed is tried again: attempt n is followed by a pause of
// Base·2^(n-1), at most Max, of which a random half is taken off so that failures do not come back in step ("equal
// jitter", see the AWS Architecture Blog, "Exponential Backoff And Jitter"). Zero fields mean the engine's defaults.
type RetryPolicy struct {
	MaxAttempts int
	Base        time.Duration
	Max         time.Duration
}

func (p RetryPolicy) WithDefaults(d RetryPolicy) RetryPolicy {
	if p.MaxAttempts == 0 {
		p.MaxAttempts = d.MaxAttempts
	}
	if p.Base == 0 {
		p.Base = d.Base
	}
	if p.Max == 0 {
		p.Max = max(d.Max, p.Base)
	}
	return p
}

func (p RetryPolicy) Valid() bool { return p.MaxAttempts >= 0 && p.Base >= 0 && p.Max >= p.Base }

// Delay returns the pause after the given attempt.
func (p RetryPolicy) Delay(attempt int) time.Duration {
	return backoff.Backoff{Base: p.Base, Max: p.Max}.Pause(attempt)
}

// EffectOptions are the declared options of an effect.
type EffectOptions struct {
	Retry    RetryPolicy
	Timeout  time.Duration // of the context of one attempt; 0 means the engine's default
	Priority int           // higher ones are claimed first
	Limit    *EffectLimit  // nil for none

	// Dead is the input that is delivered when the effect becomes a dead letter, nil for none.
	Dead *DeadInput

	// Starts names the input that creates a child, Sends one for an instance that is there; the engine delivers these
	// itself. Ended is the input by which the instance hears of its child's end; it may be empty.
	Starts *Target
	Sends  *Target
	Ended  string
}

// Target is an input of another workflow.
type Target struct {
	Workflow string
	Input    string
	External bool // another program runs the workflow, so that it need not be registered here
}

// DeadInput says which input tells a workflow that one of its effects is dead, and what it is filled with.
type DeadInput struct {
	Input  string
	Fields []string // taken over from the effect
	Error  string   // field for the last error; empty for none
}

// EffectLimit bounds how much of an effect happens at a time; a field that is 0 bounds nothing.
type EffectLimit struct {
	Concurrency int     // at once in one process
	Global      int     // at once in all processes
	Rate        float64 // attempts that begin in a second, in all processes
	Burst       int     // attempts that may begin at once when there were fewer before; 0 means 1, or Rate when that is more
	Key         string  // field of the effect whose value PerKey goes by
	PerKey      int     // at once in all processes for one value of Key
}

// Copied returns a copy that may be changed.
func (l *EffectLimit) Copied() *EffectLimit {
	if l == nil {
		return nil
	}
	return new(*l)
}

// BucketSize is how many attempts may begin at once.
func (l *EffectLimit) BucketSize() int {
	if l.Burst > 0 {
		return l.Burst
	}
	return max(1, int(math.Ceil(l.Rate)))
}

// Shared reports whether the limit is one over all processes.
func (l *EffectLimit) Shared() bool { return l.Global > 0 || l.Rate > 0 || l.PerKey > 0 }

// Permanent marks a handler's error as one that no retry can fix: the effect becomes a dead letter at once. It needs an error: with
// nil the effect becomes a dead letter too, whose text says so.
func Permanent(err error) error { return &usererr.Permanent{Err: err} }

// RetryAfter marks a handler's error with the pause before the next attempt, in place of the effect's backoff; a service
// that answers "429 Retry-After" is a case for it. The attempt counts like any other. It needs an error: with nil the attempt has
// failed too, with a text that says so.
func RetryAfter(err error, pause time.Duration) error {
	return &usererr.RetryAfter{Err: err, Pause: pause}
}

// Snooze is a handler's error that says that it is too early: the effect is due again after the pause, and the attempt does not
// count. A handler that waits for something this way, as often as it takes, never makes a dead letter of its effect.
func Snooze(pause time.Duration) error { return &usererr.Snooze{Pause: pause} }

// HandlerResult passes on what a handler returned, and refuses a call that returned nothing. Generated code calls it.
func HandlerResult[T any](result T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	if IsNil(result) {
		return nil, errors.New("the handler returned neither a result nor an error")
	}
	return result, nil
}

// OptionalHandlerResult passes on the result of a handler whose effect returns an input or none: a nil result means no input. It refuses
// a nil pointer, which is not the nil result. Generated code calls it.
func OptionalHandlerResult[T any](result T, err error) (any, error) {
	switch {
	case err != nil:
		return nil, err
	case any(result) == nil:
		return nil, nil
	case IsNil(result):
		return nil, fmt.Errorf("the handler returned a %T that is nil; return nil itself for no input", result)
	}
	return result, nil
}
