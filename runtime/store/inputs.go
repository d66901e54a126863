package store

import (
	"context"
	"time"
)

// InputLog is the ability of a store to keep records of inputs: the outcomes of inputs with an id, and observed inputs.
// WithInputID, Config.Observe and Engine.Observations need it. A commit stores Change.Inputs as a part of it.
type InputLog interface {
	// InputOutcomes returns the recorded outcomes of inputs, in the order of inputs. An outcome that is not recorded, or was
	// deleted, is nil.
	InputOutcomes(ctx context.Context, inputs []InputKey) ([][]byte, error)

	// RecordInputs stores records of inputs that added nothing to their instance. If an outcome with the id of one of them is
	// recorded already, it fails with ErrConflict and stores nothing. So does a commit with Change.Inputs.
	RecordInputs(ctx context.Context, inputs InputRecords) error

	// Observations returns observations of one instance, of one workflow, or all, the newest first. A page also ends when its
	// payloads reach PageBytes.
	Observations(ctx context.Context, query ObservationQuery) ([]Observation, error)
}

// InputRecords are records of inputs.
type InputRecords struct {
	Outcomes     []InputOutcome
	Observations []Observation
	Audit        []AuditRecord // of inputs that operators sent; each has a new ID. Of the ability AuditLog.
	Keys         []SubjectKey  // of new subjects, which are distinct. Of the ability SubjectKeys.
}

// Add appends other records.
func (r *InputRecords) Add(other InputRecords) {
	r.Outcomes = append(r.Outcomes, other.Outcomes...)
	r.Observations = append(r.Observations, other.Observations...)
	r.Audit = append(r.Audit, other.Audit...)
	r.Keys = append(r.Keys, other.Keys...)
}

// Empty reports whether there are no records.
func (r *InputRecords) Empty() bool {
	return len(r.Outcomes)+len(r.Observations)+len(r.Audit)+len(r.Keys) == 0
}

// InputKey names an input that has an id. The id is unique within the instance, and has 1 to MaxIDLength bytes.
type InputKey struct {
	Instance InstanceKey
	ID       string
}

// InputOutcome is the outcome of an input that has an id, as JSON.
type InputOutcome struct {
	Input      InputKey
	Outcome    []byte
	RecordedAt time.Time

	// Subject and Personal are for the engine, which encrypts the values at the paths Personal in Outcome before it calls the store.
	Subject  string
	Personal []string
}

// Observation is an input with its outcome.
type Observation struct {
	Instance   InstanceKey
	ObservedAt time.Time
	Number     int64 // set by the store; distinguishes observations of one instance with the same time
	Input      string
	InputID    string // empty if the input has none
	Payload    []byte // the input, or what Config.Redact returned for it
	Outcome    string // accepted, rejected or completed
	Version    int64  // of the instance after the input

	Rejection        string // name of the rejection; empty for none
	RejectionPayload []byte

	// Subject is for the engine, which encrypts the personal fields of both payloads before it calls the store.
	Subject string
}

// ObservationQuery selects observations.
type ObservationQuery struct {
	Instance InstanceKey // an empty ID asks for all instances, an empty Workflow for all workflows
	Before   time.Time   // observed before this time, for the next page; zero for all

	// BeforeNumber also selects those that were observed at Before and have a smaller number; 0 for none of them.
	BeforeNumber int64

	Limit int
}
