package delivery

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime/internal/commit"
	"github.com/ironflow-gen/ironflow/runtime/internal/unknown"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// tellOfDeath executes the input that tells a workflow that one of its effects is dead. The effect becomes a dead letter in the same commit,
// or without one when the workflow does not accept the input.
func (e *effect) tellOfDeath(ctx context.Context, d store.Delivery, dead store.Settlement) (attemptEnd, error) {
	says := e.options.Dead
	if err := e.store.OpenDelivery(ctx, &d); err != nil {
		return attemptEnd{}, unknown.Mark(err)
	}
	payload, err := e.own.UpcastEffect(d.Kind.Name, d.Payload)
	if err != nil {
		return attemptEnd{}, unknown.Mark(err)
	}
	fields, err := deadFields(says, payload, dead.Error)
	if err != nil {
		return diedBy(dead), nil // the payload is no JSON
	}
	req := arriving(e.own, d)
	req.Arrival.Ends = dead
	req.Arrival.Ends.Told = true
	if req.Input, err = inputOf(e.own, says.Input, d.Lease.Instance.ID, fields); err != nil {
		return attemptEnd{}, fmt.Errorf("input %s: %w", says.Input, err)
	}
	outcome, err := e.execute(ctx, req)
	switch {
	case err != nil:
		return attemptEnd{}, err
	case outcome.Kind == commit.Accepted:
		return attemptEnd{report: telemetry.DeliveryEnd{Result: telemetry.DeliveryDied}}, nil
	}
	return diedBy(dead), nil
}

// deadFields returns the fields that the input takes from the effect's payload, and the error.
func deadFields(says *workflow.DeadInput, effect []byte, lastError string) (map[string]json.RawMessage, error) {
	var all map[string]json.RawMessage
	if err := workflow.ReadJSON(effect, &all); err != nil {
		return nil, err
	}
	fields := make(map[string]json.RawMessage, len(says.Fields)+1)
	for _, name := range says.Fields {
		if value, ok := all[name]; ok {
			fields[name] = value
		}
	}
	if says.Error != "" {
		setText(fields, map[string]string{says.Error: lastError})
	}
	return fields, nil
}
