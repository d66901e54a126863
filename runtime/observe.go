package runtime

import (
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
)

// records returns what is to be kept of an input beside what it led to.
func (c *commitConfig) records(req *request, r result, at time.Time) (InputRecords, error) {
	observed := outcomeNames[r.kind] != "" && c.observes(req.key(), req.input.name)
	if req.inputID == "" && !observed {
		return InputRecords{}, nil
	}
	input, err := req.workflow.encodeInput(req.input.value)
	if err != nil {
		return InputRecords{}, fmt.Errorf("input %w", err)
	}
	var rejection *Encoded
	if r.kind == rejected {
		encoded, err := req.workflow.encodeRejection(r.rejection)
		if err != nil {
			return InputRecords{}, fmt.Errorf("rejection %w", err)
		}
		rejection = &encoded
	}
	var records InputRecords
	if req.inputID != "" {
		outcome, err := recordOutcome(req, r, input, rejection, at)
		if err != nil {
			return InputRecords{}, err
		}
		records.Outcomes = []InputOutcome{outcome}
	}
	if observed {
		records.Observations = []Observation{c.observe(req, r, input, rejection, at)}
	}
	return records, nil
}

// observes asks Config.Observe. A panic there says no: what is only watched must not fail for it, nor what shares its commit.
func (c *commitConfig) observes(key InstanceKey, input string) (yes bool) {
	if c.Observe == nil {
		return false
	}
	defer func() {
		if v := recover(); v != nil {
			c.Logger.Error("ironflow: Config.Observe panicked", "workflow", key.Workflow, "instance", key.ID, "input", input,
				"panic", usererr.ValueText(v))
			yes = false
		}
	}()
	return c.Observe(key, input)
}

func (c *commitConfig) observe(req *request, r result, input Encoded, rejection *Encoded, at time.Time) Observation {
	o := Observation{
		Instance: req.key(), ObservedAt: at, Input: req.input.name, InputID: req.inputID,
		Payload: c.redact(PayloadName{req.workflow.name, InputPayload, req.input.name}, input.Payload),
		Outcome: outcomeNames[r.kind], Version: r.version,
	}
	if rejection != nil {
		o.Rejection = rejection.Type
		o.RejectionPayload = c.redact(PayloadName{req.workflow.name, RejectionPayload, rejection.Type}, rejection.Payload)
	}
	return o
}
