package runtime

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// recordedOutcome is how the outcome of an input with an id is kept.
type recordedOutcome struct {
	Input     string          `json:"input"`
	Digest    string          `json:"digest"` // of the input's JSON
	Outcome   string          `json:"outcome"`
	Version   int64           `json:"version"`
	Events    []recordedEvent `json:"events,omitempty"`
	Rejection *Encoded        `json:"rejection,omitempty"`
}

type recordedEvent struct {
	Encoded
	SchemaVersion int `json:"schema_version"`
}

var outcomeNames = map[outcomeKind]string{
	accepted: "accepted", rejected: "rejected", alreadyCompleted: "completed",
}

// recordOutcome returns what is kept of an input's outcome.
func recordOutcome(req *request, r result, input Encoded, rejection *Encoded, at time.Time) (InputOutcome, error) {
	record := recordedOutcome{
		Input: req.input.name, Digest: digest(input.Payload), Outcome: outcomeNames[r.kind], Version: r.version,
		Rejection: rejection,
	}
	for _, event := range r.stored {
		record.Events = append(record.Events, recordedEvent{Encoded{event.Type, event.Payload}, event.SchemaVersion})
	}
	encoded, err := json.Marshal(record)
	if err != nil {
		return InputOutcome{}, fmt.Errorf("the outcome: %w", err)
	}
	return InputOutcome{Input: req.inputKey(), Outcome: encoded, RecordedAt: at}, nil
}

func digest(payload []byte) string {
	sum := sha256.Sum256(payload)
	return hex.EncodeToString(sum[:16])
}

// repeated returns the outcome that is known of an input with an id.
func repeated(req *request, outcome []byte) (result, error) {
	var record recordedOutcome
	if err := readJSON(outcome, &record); err != nil {
		return result{}, fmt.Errorf("the outcome of input id %q: %w", req.inputID, err)
	}
	input, err := req.workflow.encodeInput(req.input.value)
	if err != nil {
		return result{}, fmt.Errorf("input %w", err)
	}
	if record.Input != req.input.name || record.Digest != digest(input.Payload) {
		return result{}, &InputIDReused{Instance: req.key(), InputID: req.inputID, First: record.Input}
	}
	r := result{version: record.Version, repeated: true}
	for kind, name := range outcomeNames {
		if name == record.Outcome {
			r.kind = kind
		}
	}
	first := record.Version - int64(len(record.Events))
	for i, e := range record.Events {
		event, err := req.workflow.decodeEvent(StoredEvent{
			Instance: req.key(), Version: first + int64(i) + 1, Type: e.Type, SchemaVersion: e.SchemaVersion, Payload: e.Payload,
		})
		if err != nil {
			return result{}, err
		}
		r.events = append(r.events, event)
	}
	if record.Rejection != nil {
		if r.rejection, err = req.workflow.decodeRejection(*record.Rejection); err != nil {
			return result{}, fmt.Errorf("the rejection of input id %q: %w", req.inputID, err)
		}
	}
	return r, nil
}
