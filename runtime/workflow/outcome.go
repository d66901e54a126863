package workflow

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Outcome is the outcome of an input. E is the type of the events that the input may lead to, R that of the workflow's
// rejections. Exactly one of Accepted, Rejected and AlreadyCompleted is true.
type Outcome[E, R any] struct {
	Events    []E   // of an accepted input
	Version   int64 // of the instance after the input: the number of its events
	Rejection R     // of a rejected input

	kind outcomeKind
}

type outcomeKind int

const (
	accepted outcomeKind = iota + 1
	rejected
	completed
)

// Accepted reports that the input was accepted: its events, effects and timers are stored.
func (o Outcome[E, R]) Accepted() bool { return o.kind == accepted }

// Rejected reports that the decider or the state machine rejected the input: no events were stored.
func (o Outcome[E, R]) Rejected() bool { return o.kind == rejected }

// AlreadyCompleted reports that the instance had completed before, so the decider was not called.
func (o Outcome[E, R]) AlreadyCompleted() bool { return o.kind == completed }

// String returns the outcome as text for tests and terminals, with the names and fields of events and rejections, as in "accepted
// as version 2: order.Paid{AmountCents:900}".
func (o Outcome[E, R]) String() string {
	switch o.kind {
	case accepted:
		events := make([]string, len(o.Events))
		for i, e := range o.Events {
			events[i] = withName(e)
		}
		return fmt.Sprintf("accepted as version %d: %s", o.Version, strings.Join(events, ", "))
	case rejected:
		return "rejected: " + withName(o.Rejection)
	case completed:
		return "already completed"
	default:
		return "no outcome"
	}
}

// withName returns an event or a rejection as text with its name and fields.
func withName(v any) string {
	if e, ok := v.(Encoded); ok {
		return e.String()
	}
	return fmt.Sprintf("%T%+v", v, v)
}

// Encoded is an event or rejection as JSON: its declared name, and an object with its fields.
type Encoded struct {
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
}

// String returns the type, followed by the payload.
func (e Encoded) String() string { return e.Type + string(e.Payload) }

// AcceptedOutcome is the outcome of an accepted input. It, RejectedOutcome and CompletedOutcome are for code without an engine:
// clients that reach an engine over the network, and tests of code that calls a client.
func AcceptedOutcome[E, R any](version int64, events ...E) Outcome[E, R] {
	return Outcome[E, R]{kind: accepted, Version: version, Events: events}
}

// RejectedOutcome is the outcome of a rejected input; see AcceptedOutcome.
func RejectedOutcome[E, R any](version int64, rejection R) Outcome[E, R] {
	return Outcome[E, R]{kind: rejected, Version: version, Rejection: rejection}
}

// CompletedOutcome is the outcome of an input that came after the instance had completed; see AcceptedOutcome.
func CompletedOutcome[E, R any](version int64) Outcome[E, R] {
	return Outcome[E, R]{kind: completed, Version: version}
}
