package store

import (
	"context"
	"fmt"
	"time"
)

// Causes is the ability of a store to say why events were stored, and how effects and timers ended. Engine.Why and WhyDelivery
// need it. Such a store stores NewEvent.Cause and Change.Ended. It also stores a record of each effect that ends by
// Change.CancelEffects, or by a Settlement with a reason.
type Causes interface {
	// EventCauses returns up to query.Limit events of an instance with the causes of their decisions, as of one moment. They
	// begin at query.From, oldest first; with Backward they go back from it, newest first.
	EventCauses(ctx context.Context, query CauseQuery) ([]EventCause, error)

	// EndedDeliveries returns up to limit records of effects and timers that decisions of an instance requested, from a version
	// on, in the order of versions. The records are deleted with the instance. Schedules have no instance and no such records.
	EndedDeliveries(ctx context.Context, instance InstanceKey, from int64, limit int) ([]EndedDelivery, error)
}

// CauseQuery asks for events of an instance.
type CauseQuery struct {
	Instance InstanceKey
	From     int64 // the first version; with Backward the last one
	Backward bool
	Limit    int
}

// EventCause is an event without its payload.
type EventCause struct {
	Version        int64
	GlobalSequence int64
	Type           string
	RecordedAt     time.Time // the now of the decision
	Commit         CommitID
	Cause          []byte // JSON of a Cause; nil for later events of a decision
}

// Cause says why a decision was made, and what it requested. It is stored with the first event of the decision.
type Cause struct {
	Input   string `json:"input"`
	InputID string `json:"input_id,omitempty"`
	Trace   string `json:"trace,omitempty"` // W3C trace context

	// By and Reason say which operator sent the input, and why; empty for any other input.
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`

	// Delivery is the effect or timer that brought the input; nil for an input of a client.
	Delivery *CauseDelivery `json:"delivery,omitempty"`

	// Effects are the kinds of effects that the decision requested. The first has EffectsVersion and EffectsPosition in the
	// outbox; the positions of the others follow.
	Effects         []string `json:"effects,omitempty"`
	EffectsVersion  int64    `json:"effects_version,omitempty"`
	EffectsPosition int      `json:"effects_position,omitempty"`

	// Timers are the keys of the timers that the decision started, all with TimersVersion, unless a later decision of the same
	// commit replaced or cancelled them.
	Timers        []string `json:"timers,omitempty"`
	TimersVersion int64    `json:"timers_version,omitempty"`

	CancelledTimers []string `json:"cancelled_timers,omitempty"` // keys, including those of timers that did not run
}

// CauseDelivery names an effect or timer that brought an input.
type CauseDelivery struct {
	Queue    QueueName `json:"queue"`
	Workflow string    `json:"workflow,omitempty"` // workflow of its instance, if that is not the instance of the decision
	Instance string    `json:"instance,omitempty"`
	Kind     string    `json:"kind"`
	Version  int64     `json:"version"` // see Lease
	Position int       `json:"position,omitempty"`
	Key      string    `json:"key,omitempty"`
	Attempt  int       `json:"attempt"`
}

// DecisionRef names a decision by the version of its first event.
type DecisionRef struct {
	Instance InstanceKey
	Version  int64
	Input    string // the input that was decided on; empty if that is unknown
}

func (r DecisionRef) String() string { return fmt.Sprintf("%s version %d", r.Instance, r.Version) }

// EndedDelivery is the record of how an effect or timer ended, if nothing else in its own instance says so. There is no record if
// it led to a decision of its own instance, because the cause of that decision names it. There is none if an effect is done and
// returned no input, or if a decision cancelled or replaced a timer, because the cause of that decision says so.
type EndedDelivery struct {
	Lease    Lease  // names it; without Token
	Kind     string // name of the effect, or of the timer's input
	Ending   Ending
	At       time.Time
	Attempts int

	// By is the decision that ended it: the decision of another instance on the delivered input, or the decision that cancelled
	// it. Its Version is that of its first event.
	By DecisionRef

	Reason string // why the input was refused
}

// Ending says how an effect or timer ended.
type Ending string

const (
	EndedDelivered Ending = "delivered" // its input led to a decision of another instance
	EndedCancelled Ending = "cancelled" // a decision of its instance cancelled it
	EndedRefused   Ending = "refused"   // the input that it led to was not accepted
	EndedReplaced  Ending = "replaced"  // a decision started the timer again; no record, the cause of the decision says so
	EndedCompleted Ending = "completed" // the instance of the timer completed; no record, the instance says so
)
