package sqlite

import (
	"cmp"
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// The statements that read what a program decodes of the instances of the workflow ?2 whose ids are the JSON array ?1. Each row begins with the
// place of its instance in the array. CROSS JOIN keeps SQLite from scanning the table.
const (
	readEventPayloads = `
SELECT k.key, t.version, t.type, t.schema_version, CAST(t.payload AS BLOB)
FROM json_each(?1) AS k CROSS JOIN ironflow_events AS t ON t.instance = k.value AND t.workflow = ?2 AND t.commit_id > 0`

	readEffectPayloads = `
SELECT k.key, t.kind, CAST(t.payload AS BLOB)
FROM json_each(?1) AS k CROSS JOIN ironflow_effects AS t ON t.instance = k.value AND t.workflow = ?2`

	readTimerPayloads = `
SELECT k.key, t.kind, CAST(t.payload AS BLOB)
FROM json_each(?1) AS k CROSS JOIN ironflow_timers AS t ON t.instance = k.value AND t.workflow = ?2`

	readOutcomePayloads = `
SELECT k.key, t.input_id, CAST(t.outcome AS BLOB)
FROM json_each(?1) AS k CROSS JOIN ironflow_input_outcomes AS t ON t.instance = k.value AND t.workflow = ?2`
)

// ReadPayloads implements [store.Transfer]. A statement reads the rows of many instances, because starting one costs as much as some rows.
func (s *Store) ReadPayloads(ctx context.Context, instances []store.InstanceKey) ([]store.InstancePayloads, error) {
	found := make([]store.InstancePayloads, len(instances))
	ids, places := make(map[string][]string), make(map[string][]int) // by workflow
	for i, key := range instances {
		found[i].Key = key
		ids[key.Workflow], places[key.Workflow] = append(ids[key.Workflow], key.ID), append(places[key.Workflow], i)
	}
	err := s.readOneMoment(ctx, func(on *connection) error {
		for workflow, ids := range ids {
			encoded, err := json.Marshal(ids)
			if err != nil {
				return err
			}
			r := payloadReader{on: on, ids: string(encoded), workflow: workflow, of: func(place int64) *store.InstancePayloads { return &found[places[workflow][place]] }}
			if err := r.read(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: read payloads: %w", err)
	}
	for i := range found { // in order already, as SQLite reads along the index
		slices.SortFunc(found[i].Events, func(a, b store.StoredEvent) int { return cmp.Compare(a.Version, b.Version) })
	}
	return found, nil
}

// payloadReader reads what belongs to instances of one workflow.
type payloadReader struct {
	on            *connection
	ids, workflow string
	of            func(place int64) *store.InstancePayloads
}

func (r *payloadReader) read(ctx context.Context) error {
	delivery := func(c []driver.Value) store.DeliveryPayload {
		return store.DeliveryPayload{Kind: store.Kind{Workflow: r.workflow, Name: text(c[1])}, Payload: blob(c[2])}
	}
	for _, part := range []struct {
		query string
		add   func(to *store.InstancePayloads, c []driver.Value)
	}{
		{readEventPayloads, func(to *store.InstancePayloads, c []driver.Value) {
			to.Events = append(to.Events, store.StoredEvent{
				Instance: to.Key, Version: number(c[1]), Type: text(c[2]), SchemaVersion: int(number(c[3])), Payload: blob(c[4]),
			})
		}},
		{readEffectPayloads, func(to *store.InstancePayloads, c []driver.Value) { to.Effects = append(to.Effects, delivery(c)) }},
		{readTimerPayloads, func(to *store.InstancePayloads, c []driver.Value) { to.Timers = append(to.Timers, delivery(c)) }},
		{readOutcomePayloads, func(to *store.InstancePayloads, c []driver.Value) {
			to.Outcomes = append(to.Outcomes, store.InputOutcome{Input: store.InputKey{Instance: to.Key, ID: text(c[1])}, Outcome: blob(c[2])})
		}},
	} {
		row := func(c []driver.Value) error {
			part.add(r.of(number(c[0])), c)
			return ctx.Err()
		}
		if err := r.on.query(row, part.query, r.ids, r.workflow); err != nil {
			return err
		}
	}
	return nil
}
