package workflow

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Outcome is the outcome of an input that was decided on. E and R are the events the input may lead to and the
// workflow's rejections. Exactly one of Accepted, Rejected and AlreadyCompleted is true.
type Outcome[E, R any] struct {
	Events    []E   // of an accepted input
	Version   int64 // of the instance after it: the number of its events
	Rejection R     // of a rejected input

	kind outcomeKind
}

type outcomeKind int

const (
	accepted outcomeKind = iota + 1
	rejected
	completed
)

// Accepted reports that the events, and all else the decision asked for, are stored.
func (o Outcome[E, R]) Accepted() bool { return o.kind == accepted }

// Rejected reports that the decider, or the state machine, refused the input. Nothing was stored.
func (o Outcome[E, R]) Rejected() bool { return o.kind == rejected }

// AlreadyCompleted reports that the instance had ended before; the decider was not asked.
func (o Outcome[E, R]) AlreadyCompleted() bool { return o.kind == completed }

// String says what became of the input, for tests and terminals: events and rejections are printed with their names and fields, as in
// "accepted as version 2: order.Paid{AmountCents:900}".
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

// withName prints an event or a rejection with its name and fields.
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

// String is the type with the payload as it is.
func (e Encoded) String() string { return e.Type + string(e.Payload) }

// AcceptedOutcome, RejectedOutcome and CompletedOutcome make outcomes where an engine is not at hand: in clients that have asked
// one elsewhere, and in tests of code that calls a client.
func AcceptedOutcome[E, R any](version int64, events ...E) Outcome[E, R] {
	return Outcome[E, R]{kind: accepted, Version: version, Events: events}
}

// RejectedOutcome is the outcome of a rejected input; see AcceptedOutcome.
func RejectedOutcome[E, R any](version int64, rejection R) Outcome[E, R] {
	return Outcome[E, R]{kind: rejected, Version: version, Rejection: rejection}
}

// CompletedOutcome is the outcome of an input that came after the instance's end; see AcceptedOutcome.
func CompletedOutcome[E, R any](version int64) Outcome[E, R] {
	return Outcome[E, R]{kind: completed, Version: version}
}
