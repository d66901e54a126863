package workflow

import (
	"errors"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/backoff"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// EffectCall describes one attempt at an effect to its handler.
type EffectCall struct {
	Instance store.InstanceKey
	Effect   string

	// IdempotencyKey is the same for every attempt at this effect and for no other effect. Pass it to services that
	// take one, so that a repeated attempt does not act twice.
	IdempotencyKey string

	Attempt     int // counts from 1
	MaxAttempts int
	RequestedAt time.Time // when the decision requested the effect
}

// RetryPolicy says how often, and after which pauses, a failed delivery is tried again. The pause after attempt n is
// Base·2^(n-1), at most Max. Then up to half of it, chosen at random, is taken off, so that many failures do not retry at the
// same moment. Zero fields mean the engine's defaults.
type RetryPolicy struct {
	MaxAttempts int
	Base        time.Duration
	Max         time.Duration
}

// WithDefaults returns the policy with zero fields taken from d. A Max that comes from d is raised to Base.
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

// PauseOf is PauseAfter for a delivery: the part that is left out follows from its name and the attempt, so that a simulation can be repeated.
func (p RetryPolicy) PauseOf(delivery string, attempt int) time.Duration {
	return backoff.Backoff{Base: p.Base, Max: p.Max}.PauseOf(delivery, attempt)
}

// EffectOptions are the declared options of an effect.
type EffectOptions struct {
	Retry    RetryPolicy
	Timeout  time.Duration // time after which the context of one attempt ends; 0 means the engine's default
	Priority int           // effects with a higher priority are claimed first
	Limit    *EffectLimit  // nil for no limit
	Returns  []string      // the handler returns one of these inputs; empty if it returns none
	Optional bool          // the handler may also return no input

	// Dead is the input that is delivered when the effect becomes a dead letter; nil for none.
	Dead *DeadInput

	// Starts names an input that creates a child, Sends an input for an existing instance. The engine delivers these without a
	// handler. Ended names the input that reports the child's end to this instance; it may be empty.
	Starts *Target
	Sends  *Target
	Ended  string

	// Refused is the input that is delivered when the other instance does not accept what Sends names; nil for none.
	Refused *RefusedInput
}

// Target is an input of another workflow.
type Target struct {
	Workflow string // empty with Parent
	Parent   bool   // the input is for the instance that has started this one, whatever its workflow is
	Input    string
	External bool // another program runs the workflow, so it need not be registered here
}

// DeadInput names the input that reports a dead letter of an effect to its instance, and how its fields are filled.
type DeadInput struct {
	Input  string
	Fields []string // copied from the effect
	Error  string   // field that gets the last error; empty for none
}

// RefusedInput names the input that reports to the sender that an instance did not accept what an effect sent. Fields are copied from the
// effect. The engine fills the fields receiver, outcome, rejection and details, if the input has them.
type RefusedInput struct {
	Input  string
	Fields []string
}

// EffectLimit limits how many effects of a kind are handled at once or started in a second. 0 means no limit.
type EffectLimit struct {
	Concurrency int     // handled at once in one process
	Global      int     // handled at once in all processes
	Rate        float64 // attempts that begin per second in all processes
	Burst       int     // attempts that may begin at once after an idle time; 0 means Rate, at least 1
	Key         string  // field of the effect that PerKey counts by
	PerKey      int     // handled at once in all processes for one value of Key
}

// Shared reports whether a part of the limit holds over all processes.
func (l *EffectLimit) Shared() bool { return l.Global > 0 || l.Rate > 0 || l.PerKey > 0 }

// Permanent marks a handler's error as one that no retry can fix: the effect becomes a dead letter at once. Do not pass nil: the
// effect becomes a dead letter all the same, with an error that says that its cause is missing.
func Permanent(err error) error { return &usererr.Permanent{Err: err} }

// RetryAfter marks a handler's error with the pause before the next attempt. The pause replaces the one of the retry policy. Use
// it, for example, when a service answers "429 Retry-After". The attempt counts. Do not pass nil: the attempt fails all the same,
// with an error that says that its cause is missing.
func RetryAfter(err error, pause time.Duration) error {
	return &usererr.RetryAfter{Err: err, Pause: pause}
}

// Snooze is the error of a handler that was called too early. The effect is due again after the pause, and the attempt does not
// count. So an effect can be snoozed any number of times without becoming a dead letter.
func Snooze(pause time.Duration) error { return &usererr.Snooze{Pause: pause} }

// HandlerResult checks what a handler returned: it must be a result or an error. Generated code calls it.
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
