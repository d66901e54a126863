package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Accepted is the answer to an input that was accepted.
type Accepted struct {
	Outcome string             `json:"outcome"` // "accepted"
	Version int64              `json:"version"`
	Events  []workflow.Encoded `json:"events"`
}

// State is the answer with the state of an instance.
type State struct {
	State       json.RawMessage `json:"state"`
	Version     int64           `json:"version"`
	Completed   bool            `json:"completed"`
	LastEventAt time.Time       `json:"last_event_at"`
}

// History is a page of an instance's events.
type History struct {
	Events []RecordedEvent `json:"events"`
	More   bool            `json:"more"` // whether more events follow
}

// RecordedEvent is an event of an instance's history.
type RecordedEvent struct {
	workflow.Encoded
	Version        int64     `json:"version"`
	GlobalSequence int64     `json:"global_sequence"`
	RecordedAt     time.Time `json:"recorded_at"`
}

// Code says what kind of error an Error is.
type Code string

const (
	MalformedJSON        Code = "malformed_json"
	BadRequest           Code = "bad_request"
	UnknownPath          Code = "unknown_path"
	UnknownInput         Code = "unknown_input"
	UnknownInstance      Code = "unknown_instance"
	UnknownVersion       Code = "unknown_version"
	MethodNotAllowed     Code = "method_not_allowed"
	Rejected             Code = "rejected"
	AlreadyCompleted     Code = "already_completed"
	UniqueKeyConflict    Code = "unique_key_conflict"
	TooLarge             Code = "too_large"
	RequestTimeout       Code = "request_timeout"
	UnsupportedMediaType Code = "unsupported_media_type"
	InvalidInput         Code = "invalid_input"
	IdempotencyKeyReused Code = "idempotency_key_reused"
	Internal             Code = "internal"
	OutcomeUnknown       Code = "outcome_unknown" // the input is stored completely or not at all
	Unavailable          Code = "unavailable"
	Paused               Code = "paused"
	NeverReached         Code = "never_reached"  // the instance has completed otherwise than the request waits for
	DeadEffects          Code = "dead_effects"   // an effect that the request waits for is a dead letter
	Forbidden            Code = "forbidden"      // of NewOperatorHandler
	RunTakenOver         Code = "run_taken_over" // of NewOperatorHandler: another process goes on with the bulk run
)

// Error is the answer to every request that fails, and to every input that is not accepted. Clients return it as an error.
type Error struct {
	Status     int           `json:"-"` // HTTP status
	RetryAfter time.Duration `json:"-"` // when to try again; 0 if the answer does not say

	Code    Code   `json:"error"` // empty if another program answered, such as a proxy
	Message string `json:"message"`

	Rejection *workflow.Encoded `json:"rejection,omitempty"` // of Rejected
	Version   int64             `json:"version,omitempty"`   // of the instance, for Rejected, AlreadyCompleted and NeverReached
	Mistakes  []Mistake         `json:"mistakes,omitempty"`  // of InvalidInput: all mistakes, in the order of the document
}

// Mistake is a mistake at one place of an input.
type Mistake struct {
	Path    string `json:"path"` // as in items[2].sku; empty for the document itself
	Message string `json:"message"`
}

// Unwrap returns the error that an engine in the same process would have returned, if the answer says so:
// runtime.ErrOutcomeUnknown, or a *runtime.Unavailable for status 503, even if a proxy answered.
func (e *Error) Unwrap() error {
	switch {
	case e.Code == OutcomeUnknown:
		return runtime.ErrOutcomeUnknown
	case e.Status == http.StatusServiceUnavailable && e.Code != Paused:
		return &runtime.Unavailable{Reason: e.Message}
	}
	return nil
}

func (e *Error) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("status %d: %s", e.Status, e.Message)
	}
	return fmt.Sprintf("status %d, %s: %s", e.Status, e.Code, e.Message)
}
