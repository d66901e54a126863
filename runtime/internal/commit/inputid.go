package commit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// recordedOutcome is how the outcome of an input with an id is kept.
type recordedOutcome struct {
	Input     string            `json:"input"`
	Digest    string            `json:"digest"` // of the input's JSON, as programs of the schema write it
	Schema    string            `json:"schema,omitempty"`
	Outcome   Kind              `json:"outcome"`
	Version   int64             `json:"version"`
	Events    []recordedEvent   `json:"events,omitempty"`
	Rejection *workflow.Encoded `json:"rejection,omitempty"`
}

type recordedEvent struct {
	workflow.Encoded
	SchemaVersion int `json:"schema_version"`
}

// recordOutcome returns what is kept of an input's outcome.
func recordOutcome(req *Request, r Result, input workflow.Encoded, rejection *workflow.Encoded, at time.Time) (store.InputOutcome, error) {
	record := recordedOutcome{
		Input: req.Input.Name, Digest: digest(input.Payload), Schema: req.Workflow.InputSchema(), Outcome: r.Kind, Version: r.Version,
		Rejection: rejection,
	}
	for _, event := range r.stored {
		record.Events = append(record.Events, recordedEvent{workflow.Encoded{Type: event.Type, Payload: event.Payload}, event.SchemaVersion})
	}
	encoded, err := json.Marshal(record)
	if err != nil {
		return store.InputOutcome{}, fmt.Errorf("the outcome: %w", err)
	}
	return store.InputOutcome{Input: req.inputKey(), Outcome: encoded, RecordedAt: at, Personal: record.personal(req.Workflow.Personal())}, nil
}

// personal returns the paths of the personal values in the outcome. The digest is one of them if it is that of an input with personal fields: who
// guesses the values could check the guess.
func (record *recordedOutcome) personal(fields *workflow.PersonalFields) (paths []string) {
	if fields == nil {
		return nil
	}
	if len(fields.Inputs[record.Input]) > 0 {
		paths = append(paths, "digest")
	}
	for i, event := range record.Events {
		for _, path := range fields.Events[event.Type] {
			paths = append(paths, fmt.Sprintf("events.%d.payload.%s", i, path))
		}
	}
	if record.Rejection != nil {
		for _, path := range fields.Rejections[record.Rejection.Type] {
			paths = append(paths, "rejection.payload."+path)
		}
	}
	return paths
}

func digest(payload []byte) string {
	sum := sha256.Sum256(payload)
	return hex.EncodeToString(sum[:16])
}

// repeated returns the outcome that is known of an input with an id.
func repeated(req *Request, outcome []byte) (Result, error) {
	var record recordedOutcome
	if err := workflow.ReadJSON(outcome, &record); err != nil {
		return Result{}, fmt.Errorf("the outcome of input id %q: %w", req.InputID, err)
	}
	input, err := req.Workflow.EncodeInput(req.Input.Value)
	if err != nil {
		return Result{}, fmt.Errorf("input %w", err)
	}
	// A program of another schema writes the same input in another way, with the default of a new field for example.
	// The digest of an input with personal values is gone when its subject is forgotten.
	comparable := record.Schema == req.Workflow.InputSchema() && record.Digest != ""
	if record.Input != req.Input.Name || comparable && record.Digest != digest(input.Payload) {
		return Result{}, &store.InputIDReused{Instance: req.Key(), InputID: req.InputID, First: record.Input}
	}
	return record.result(req.Workflow, req.inputKey())
}

// result returns the outcome with its events and its rejection.
func (record *recordedOutcome) result(w *workflow.Workflow, input store.InputKey) (r Result, err error) {
	r = Result{Kind: record.Outcome, Version: record.Version, repeated: true}
	first := record.Version - int64(len(record.Events))
	for i, e := range record.Events {
		event, err := w.DecodeEvent(store.StoredEvent{
			Instance: input.Instance, Version: first + int64(i) + 1, Type: e.Type, SchemaVersion: e.SchemaVersion, Payload: e.Payload,
		})
		if err != nil {
			return Result{}, err
		}
		r.Events = append(r.Events, event)
	}
	if record.Rejection != nil {
		if r.Rejection, err = w.DecodeRejection(*record.Rejection); err != nil {
			return Result{}, fmt.Errorf("the rejection of input id %q: %w", input.ID, err)
		}
	}
	return r, nil
}

// CheckOutcome decodes a recorded outcome, as a repeated input does.
func CheckOutcome(w *workflow.Workflow, outcome store.InputOutcome) error {
	var record recordedOutcome
	if err := workflow.ReadJSON(outcome.Outcome, &record); err != nil {
		return err
	}
	_, err := record.result(w, outcome.Input)
	return err
}

// SampleOutcomes returns outcomes as this program records them: one with the events of an instance, and one for each rejection of its workflow.
func SampleOutcomes(w *workflow.Workflow, of *store.StoredInstance) (outcomes []store.InputOutcome, err error) {
	add := func(record recordedOutcome) error {
		record.Version, record.Schema = of.Version(), w.InputSchema()
		encoded, err := json.Marshal(record)
		outcomes = append(outcomes, store.InputOutcome{
			Input: store.InputKey{Instance: of.Key, ID: fmt.Sprintf("sample-%02d", len(outcomes))}, Outcome: encoded, RecordedAt: of.Events[0].RecordedAt,
		})
		return err
	}
	accepted := recordedOutcome{Outcome: Accepted}
	for _, e := range of.Events {
		accepted.Events = append(accepted.Events, recordedEvent{workflow.Encoded{Type: e.Type, Payload: e.Payload}, e.SchemaVersion})
	}
	err = add(accepted)
	for _, rejection := range w.SampleRejections() {
		err = errors.Join(err, add(recordedOutcome{Outcome: Rejected, Rejection: &rejection}))
	}
	return outcomes, err
}
