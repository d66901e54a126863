package runtime

import (
	"github.com/ironflow-gen/ironflow/runtime/internal/commit"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// ExecuteOption changes how one input is taken in: WithInputID, WithTrace or Within. The zero value changes nothing.
type ExecuteOption struct {
	apply func(*commit.Request) error
}

// WithInputID names an input, so that sending it again is safe: the first outcome that was decided is returned to every
// repeat, byte for byte, whether the input was accepted, rejected or came too late. What failed with an error has no outcome,
// and is decided when it comes again.
//
// Ids are per instance: 1 to store.MaxIDLength bytes of valid UTF-8 without NUL. The same id with another input is
// *InputIDReused. Outcomes are kept for Config.Retention; an id that comes later than that is new.
func WithInputID(id string) ExecuteOption {
	return ExecuteOption{func(r *commit.Request) error {
		r.InputID = id
		return store.CheckIdentifier(store.InputID, id)
	}}
}

// WithTrace names the trace that the input is a part of, as a W3C traceparent, for callers whose context does not say it to
// Config.Telemetry, and for engines without one: it is stored with the decision, and handed on to what follows from it. What is
// not a valid traceparent is ignored, as W3C Trace Context asks for.
func WithTrace(traceparent string) ExecuteOption {
	return ExecuteOption{func(r *commit.Request) error {
		if validTraceparent(traceparent) {
			r.Trace = traceparent
		}
		return nil
	}}
}

// validTraceparent reports whether a text is a traceparent without anything that a later version than 00 may add.
func validTraceparent(text string) bool {
	if len(text) != len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01") {
		return false
	}
	for i := range len(text) {
		c := text[i]
		if dash := i == 2 || i == 35 || i == 52; dash != (c == '-') || !dash && (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	const zeros = "00000000000000000000000000000000"
	return text[:2] != "ff" && text[3:35] != zeros && text[36:52] != zeros[:16]
}

// Within takes the input in as a part of the caller's own transaction, as a store's Tx gives it: what follows from the
// input is stored when the caller commits, together with all else the transaction did, and is gone when it rolls back. Only
// then is the outcome final. Effects and timers are delivered after the commit.
//
// The instance is locked until the transaction ends; others who send it inputs wait, so end it soon. An input that finds
// that others were faster is decided again. An error leaves the transaction as it was before the call, and usable.
func Within(tx store.Transaction) ExecuteOption {
	return ExecuteOption{func(r *commit.Request) error {
		r.Within = tx
		return nil
	}}
}
