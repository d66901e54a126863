package workflow

import (
	"errors"
	"fmt"
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

// RetryPolicy says how often, and how soon, a delivery that failed is tried again. Attempt n is followed by a pause of Base·2^(n-1), at most
// Max. Up to half of it, at random, is left out, so that failures do not come back in step. Zero fields mean the engine's defaults.
type RetryPolicy struct {
	MaxAttempts int
	Base        time.Duration
	Max         time.Duration
}

// WithDefaults returns the policy with the fields of d in place of zero ones. A Max that is left out is at least Base.
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

// PauseAfter returns the pause after an attempt that failed. Attempts count from 1.
func (p RetryPolicy) PauseAfter(attempt int) time.Duration {
	return backoff.Backoff{Base: p.Base, Max: p.Max}.Pause(attempt)
}

// EffectOptions are the declared options of an effect.
type EffectOptions struct {
	Retry    RetryPolicy
	Timeout  time.Duration // of the context of one attempt; 0 means the engine's default
	Priority int           // higher ones are claimed first
	Limit    *EffectLimit  // nil for none
	Returns  bool          // the handler answers with an input

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

// EffectLimit limits how much of an effect happens at a time. 0 means no limit.
type EffectLimit struct {
	Concurrency int     // at once in one process
	Global      int     // at once in all processes
	Rate        float64 // attempts that begin in a second, in all processes
	Burst       int     // attempts that may begin at once after a time with fewer; 0 means Rate, and at least 1
	Key         string  // field of the effect that PerKey counts by
	PerKey      int     // at once in all processes for one value of Key
}

// Shared reports whether a part of the limit is over all processes.
func (l *EffectLimit) Shared() bool { return l.Global > 0 || l.Rate > 0 || l.PerKey > 0 }

// Permanent marks a handler's error as one that no retry can fix: the effect becomes a dead letter at once. With nil it becomes a dead
// letter, too, whose text says that an error is missing.
func Permanent(err error) error { return &usererr.Permanent{Err: err} }

// RetryAfter marks a handler's error with the pause before the next attempt, in place of the effect's own, as for a service that answers
// "429 Retry-After". The attempt counts like any other. With nil the attempt has failed, too, with a text that says that an error is missing.
func RetryAfter(err error, pause time.Duration) error {
	return &usererr.RetryAfter{Err: err, Pause: pause}
}

// Snooze is a handler's error that says that it was called too early: the effect is due again after the pause, and the attempt does not
// count. However often a handler snoozes, its effect does not become a dead letter.
func Snooze(pause time.Duration) error { return &usererr.Snooze{Pause: pause} }

// HandlerResult returns what a handler returned, and an error if that was nothing. Generated code calls it.
func HandlerResult[T any](result T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	if IsNil(result) {
		return nil, errors.New("the handler returned neither a result nor an error")
	}
	return result, nil
}

// OptionalHandlerResult is HandlerResult for an effect that may return no input: a nil result means no input. A nil pointer is an error.
// Generated code calls it.
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
