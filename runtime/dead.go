package runtime

import (
	"context"
	"encoding/json"
	"fmt"
)

// deliverDead executes the input that tells a workflow that one of its effects is dead. The effect becomes a dead letter in
// the same commit; by itself, when the workflow does not accept the input.
func (e *Engine) deliverDead(
	ctx context.Context, workflow *Workflow, d Delivery, dead Settlement, says *DeadInput,
) (Settlement, error) {
	fields, err := says.fields(d.Payload, dead.Error)
	if err != nil {
		return dead, nil // a payload that no one can read
	}
	told := dead
	told.Told = true
	req := request{workflow: workflow, settle: told}
	if req.input, err = workflow.inputOf(says.Input, d.Lease.Instance.ID, fields); err != nil {
		return Settlement{}, fmt.Errorf("input %s: %w", says.Input, err)
	}
	settlement, err := e.deliverInput(ctx, d, req)
	settlement.Told = false // an input that was refused tells nothing
	return settlement, err
}

// fields are what the input takes over from the effect's payload, and the error.
func (i *DeadInput) fields(effect []byte, lastError string) (map[string]json.RawMessage, error) {
	var all map[string]json.RawMessage
	if err := readJSON(effect, &all); err != nil {
		return nil, err
	}
	fields := make(map[string]json.RawMessage, len(i.Fields)+1)
	for _, name := range i.Fields {
		if value, ok := all[name]; ok {
			fields[name] = value
		}
	}
	if i.Error != "" {
		setText(fields, map[string]string{i.Error: lastError})
	}
	return fields, nil
}
