package commit

import (
	"crypto/rand"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// records returns what is to be kept of an input beside what it led to. state is that of the instance after the input.
func (c *Config) records(req *Request, r Result, at time.Time, state any) (store.InputRecords, error) {
	observed := r.Kind.ofClients() && c.observes(req.Key(), req.Input.Name)
	var records store.InputRecords
	if r.Kind.ofClients() && req.Operator.By != "" && !req.Action {
		records.Audit = []store.AuditRecord{audit(req, r, at)}
	}
	if req.InputID == "" && !observed {
		return records, nil
	}
	input, err := req.Workflow.EncodeInput(req.Input.Value)
	if err != nil {
		return store.InputRecords{}, fmt.Errorf("input %w", err)
	}
	var rejection *workflow.Encoded
	if r.Kind == Rejected {
		encoded, err := req.Workflow.StoredRejection(r.Rejection)
		if err != nil {
			return store.InputRecords{}, fmt.Errorf("rejection %w", err)
		}
		rejection = &encoded
	}
	subject, err := req.Workflow.Subject(state, req.Input.Value)
	if err != nil {
		return store.InputRecords{}, err
	}
	if req.InputID != "" {
		outcome, err := recordOutcome(req, r, input, rejection, at)
		if err != nil {
			return store.InputRecords{}, err
		}
		outcome.Subject = subject
		records.Outcomes = []store.InputOutcome{outcome}
	}
	if observed {
		o := c.observe(req, r, input, rejection, at)
		o.Subject = subject
		records.Observations = []store.Observation{o}
	}
	return records, nil
}

// audit returns the record of an input that an operator sent.
func audit(req *Request, r Result, at time.Time) store.AuditRecord {
	record := store.AuditRecord{
		ID: rand.Text(), At: at, EndedAt: at, By: req.Operator.By, Reason: req.Operator.Reason, Operation: store.OpSend,
		Workflow: req.Workflow.Name(), Input: req.Input.Name, Target: req.Input.Instance, Revision: 1,
	}
	if r.Kind == Accepted {
		record.Count = 1
	}
	return record
}

// observes asks Config.Observe. A panic there says no: what is only watched must not fail for it, nor what shares its commit.
func (c *Config) observes(key store.InstanceKey, input string) (yes bool) {
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

func (c *Config) observe(req *Request, r Result, input workflow.Encoded, rejection *workflow.Encoded, at time.Time) store.Observation {
	o := store.Observation{
		Instance: req.Key(), ObservedAt: at, Input: req.Input.Name, InputID: req.InputID,
		Payload: c.redact(workflow.PayloadName{Workflow: req.Workflow.Name(), Kind: workflow.InputPayload, Name: req.Input.Name}, input.Payload),
		Outcome: string(r.Kind), Version: r.Version,
	}
	if rejection != nil {
		o.Rejection = rejection.Type
		o.RejectionPayload = c.redact(workflow.PayloadName{Workflow: req.Workflow.Name(), Kind: workflow.RejectionPayload, Name: rejection.Type}, rejection.Payload)
	}
	return o
}
