package workflow

import (
	"context"
	"encoding/json"
)

// Remote delivers inputs to a workflow of another service; see runtime.Config.Remotes. httpapi.NewRemote returns one that uses HTTP. It must be
// safe for concurrent use.
type Remote interface {
	// Deliver sends an input, and returns what became of it. After an error the delivery is tried again, as after the error of a handler:
	// Permanent, RetryAfter and Snooze work too. The time limit of ctx is Config.EffectTimeout.
	Deliver(ctx context.Context, input RemoteInput) (RemoteOutcome, error)
}

// RemoteInput is an input for a workflow of another service.
type RemoteInput struct {
	Workflow string
	Input    string
	Fields   json.RawMessage // a JSON object

	// Key is the same for every attempt at this delivery and for no other delivery. With it the other service accepts the input once. It has
	// at most store.MaxIDLength bytes.
	Key string

	Trace string // W3C trace context; may be empty
}

// RemoteOutcome says what became of an input for a workflow of another service.
type RemoteOutcome struct {
	// Outcome is one of the constants below.
	Outcome   string
	Rejection Encoded // of RefusedRejected
}

// What became of an input that an effect sent. The field outcome of the input for a refusal has all but the first.
const (
	SentAccepted     = "accepted"
	RefusedRejected  = "rejected"  // by the decider, or because the state does not accept the input
	RefusedCompleted = "completed" // the instance had ended
	RefusedMissing   = "missing"   // there is no such instance, and the input does not create one
	RefusedUnknown   = "unknown"   // the other service does not have the workflow or the input
)
