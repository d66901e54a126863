package store

import (
	"context"
	"time"
)

// InputLog is the ability of a store to keep records of inputs: the outcomes of inputs that came with an id, and observed inputs.
// WithInputID, Config.Observe and Engine.Observations need it. Change.Inputs is stored by a commit, as a part of it.
type InputLog interface {
	// InputOutcomes returns the recorded outcomes of inputs, in the order of inputs. An outcome that is not recorded, or was
	// deleted, is nil.
	InputOutcomes(ctx context.Context, inputs []InputKey) ([][]byte, error)

	// RecordInputs stores records of inputs that added nothing to their instance. It fails with ErrConflict, and stores nothing,
	// when an outcome is recorded already under the id of one of them. So does a commit with Change.Inputs.
	RecordInputs(ctx context.Context, inputs InputRecords) error

	// Observations returns observations of an instance, of a workflow or of all, the newest first. A page ends by PageBytes, too.
	Observations(ctx context.Context, query ObservationQuery) ([]Observation, error)
}

// InputRecords are records of inputs.
type InputRecords struct {
	Outcomes     []InputOutcome
	Observations []Observation
}

// Add appends other records.
func (r *InputRecords) Add(other InputRecords) {
	r.Outcomes = append(r.Outcomes, other.Outcomes...)
	r.Observations = append(r.Observations, other.Observations...)
}

// Empty reports whether there are no records.
func (r *InputRecords) Empty() bool { return len(r.Outcomes)+len(r.Observations) == 0 }

// InputKey names an input that came with an id. The id is unique within the instance, and has 1 to MaxIDLength bytes.
type InputKey struct {
	Instance InstanceKey
	ID       string
}

// InputOutcome is the outcome of an input that came with an id, as JSON.
type InputOutcome struct {
	Input      InputKey
	Outcome    []byte
	RecordedAt time.Time
}

// Observation is an input with its outcome.
type Observation struct {
	Instance   InstanceKey
	ObservedAt time.Time
	Number     int64 // given by the store; it grows among the observations of an instance at one time
	Input      string
	InputID    string // empty when the input came without one
	Payload    []byte // the input, or what Config.Redact has left of it
	Outcome    string // accepted, rejected or completed
	Version    int64  // of the instance after the input

	Rejection        string // name of the rejection; empty for none
	RejectionPayload []byte
}

// ObservationQuery asks for observations.
type ObservationQuery struct {
	Instance InstanceKey // an empty ID asks for all instances, an empty Workflow for all workflows
	Before   time.Time   // observed before it, to page on; zero for all

	// BeforeNumber asks for those observed at Before with a smaller number, too; 0 for none of them.
	BeforeNumber int64

	Limit int
}
