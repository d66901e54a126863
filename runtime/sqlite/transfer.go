package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// The statements that read all rows of the instance ?1, ?2, in the order that [store.StoredInstance] asks for.
const (
	readEventRecords = `
SELECT version, global_sequence, type, schema_version, payload, recorded_at, commit_id, cause, status, completes, parent
FROM ironflow_events WHERE instance = ?1 AND workflow = ?2 AND commit_id > 0 ORDER BY version`

	readKeyRecords = `SELECT key FROM ironflow_unique_keys WHERE instance = ?1 AND workflow = ?2 ORDER BY key`

	readEffectRecords = `
SELECT version, kind, payload, due_at, CASE WHEN died_at IS NULL THEN coalesce(claimed_at, parked_from, run_at) ELSE run_at END, attempts,
       token, commit_id, last_error, trace, died_at, told_at, blocked_since, position, limit_key
FROM ironflow_effects WHERE instance = ?1 AND workflow = ?2 ORDER BY version, position`

	readTimerRecords = `
SELECT version, kind, payload, due_at, CASE WHEN died_at IS NULL THEN coalesce(claimed_at, run_at) ELSE run_at END, attempts,
       token, commit_id, last_error, trace, died_at, told_at, blocked_since, key
FROM ironflow_timers WHERE instance = ?1 AND workflow = ?2 ORDER BY key`

	readOutcomeRecords = `
SELECT input_id, outcome, recorded_at FROM ironflow_input_outcomes WHERE instance = ?1 AND workflow = ?2 ORDER BY input_id`
)

// The statements that write rows.
const (
	insertEffectRecord = `
INSERT INTO ironflow_effects
    (instance, workflow, version, kind, payload, due_at, run_at, attempts, token, commit_id, last_error, trace, died_at, told_at,
     blocked_since, position, limit_key)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	insertTimerRecord = `
INSERT INTO ironflow_timers
    (instance, workflow, version, kind, payload, due_at, run_at, attempts, token, commit_id, last_error, trace, died_at, told_at,
     blocked_since, key)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
)

// ReadStored implements [store.Transfer].
func (s *Store) ReadStored(ctx context.Context, instances []store.InstanceKey) ([]store.StoredInstance, error) {
	found := make([]store.StoredInstance, len(instances))
	err := s.readOneMoment(ctx, func(on *connection) error {
		for i, key := range instances {
			found[i].Key = key
			if err := readStored(ctx, on, &found[i]); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: read instances: %w", err)
	}
	return found, nil
}

func readStored(ctx context.Context, on *connection, r *store.StoredInstance) (err error) {
	each := func(query string, row func(columns []driver.Value) error) {
		if err == nil {
			err = on.query(row, query, r.Key.ID, r.Key.Workflow)
		}
	}
	each(readEventRecords, func(c []driver.Value) (err error) {
		e := store.EventRecord{
			StoredEvent: store.StoredEvent{
				Instance: r.Key, Version: number(c[0]), GlobalSequence: number(c[1]), Type: text(c[2]), SchemaVersion: int(number(c[3])),
				Payload: []byte(text(c[4])), RecordedAt: fromMicros(number(c[5])), Commit: store.CommitID(number(c[6])),
			},
			Status: text(c[8]), Completes: number(c[9]) != 0,
		}
		if cause := text(c[7]); cause != "" {
			e.Cause = []byte(cause)
		}
		if e.Version == 1 {
			r.Parent, err = store.DecodeParent(text(c[10]))
		}
		r.Events = append(r.Events, e)
		if err == nil {
			err = ctx.Err()
		}
		return err
	})
	if len(r.Events) == 0 {
		return err
	}
	each(readKeyRecords, func(c []driver.Value) error {
		r.UniqueKeys = append(r.UniqueKeys, text(c[0]))
		return nil
	})
	each(readSearchValues, func(c []driver.Value) error {
		r.Search = append(r.Search, store.SearchValue{Field: text(c[0]), Value: text(c[1])})
		return nil
	})
	each(readEffectRecords, func(c []driver.Value) error {
		d := deliveryRecord(r.Key, c)
		d.Lease.Queue, d.Lease.Position, d.LimitKey = store.EffectQueue, int(number(c[13])), text(c[14])
		r.Effects = append(r.Effects, d)
		return nil
	})
	each(readTimerRecords, func(c []driver.Value) error {
		d := deliveryRecord(r.Key, c)
		d.Lease.Queue, d.Lease.Key = store.TimerQueue, text(c[13])
		r.Timers = append(r.Timers, d)
		return nil
	})
	each(readOutcomeRecords, func(c []driver.Value) error {
		r.Outcomes = append(r.Outcomes, store.InputOutcome{
			Input: store.InputKey{Instance: r.Key, ID: text(c[0])}, Outcome: []byte(text(c[1])), RecordedAt: fromMicros(number(c[2])),
		})
		return nil
	})
	if err == nil {
		r.Ended, err = readEndedOf(on, r.Key, 0, -1)
	}
	return err
}

// deliveryRecord reads the columns that effects and timers have in common.
func deliveryRecord(key store.InstanceKey, c []driver.Value) store.DeliveryRecord {
	return store.DeliveryRecord{
		Lease: store.Lease{Instance: key, Version: number(c[0]), Token: number(c[6]), Commit: store.CommitID(number(c[7]))},
		Kind:  store.Kind{Workflow: key.Workflow, Name: text(c[1])}, Payload: []byte(text(c[2])),
		Due: fromMicros(number(c[3])), RunAt: fromMicros(number(c[4])), Attempts: int(number(c[5])),
		LastError: text(c[8]), Trace: text(c[9]), DiedAt: orZero(c[10]), ToldAt: orZero(c[11]), BlockedSince: orZero(c[12]),
	}
}

// WriteStored implements [store.Transfer].
func (s *Store) WriteStored(ctx context.Context, instances []store.StoredInstance) error {
	err := s.writer.write(ctx, func(on *connection) error {
		for i := range instances {
			if err := writeStored(ctx, on, &instances[i]); err != nil {
				return fmt.Errorf("%s: %w", instances[i].Key, err)
			}
		}
		return audit(ctx, on, len(instances))
	})
	if err != nil {
		return fmt.Errorf("sqlite: write instances: %w", err)
	}
	return nil
}

func writeStored(ctx context.Context, on *connection, r *store.StoredInstance) error {
	id, workflow := r.Key.ID, r.Key.Workflow
	// once runs a statement that writes no row when one of its key is there.
	once := func(statement string, args ...driver.Value) error {
		written, err := on.exec(statement, args...)
		if err == nil && written == 0 {
			err = store.ErrConflict
		}
		return err
	}
	var completedAt, status driver.Value
	if last := &r.Events[len(r.Events)-1]; last.Completes {
		completedAt, status = micros(last.RecordedAt), optional(last.Status)
	}
	if err := once(createInstance, id, workflow, micros(r.Events[0].RecordedAt), completedAt, status); err != nil {
		return err
	}
	for _, key := range r.UniqueKeys {
		if err := once(takeKey, workflow, key, id); err != nil {
			return err
		}
	}
	for i := range r.Events {
		e := &r.Events[i]
		var completes, parent driver.Value
		if e.Completes {
			completes = int64(1)
		}
		if e.Version == 1 {
			parent = optional(store.EncodeParent(r.Parent))
		}
		err := once(insertEvents.one(), id, workflow, e.Version, e.Type, int64(e.SchemaVersion), string(e.Payload), micros(e.RecordedAt),
			int64(e.Commit), optional(string(e.Cause)), optional(e.Status), completes, parent)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
	}
	for _, v := range r.Search {
		if _, err := on.exec(putSearchValue, id, workflow, v.Field, v.Value, r.Version()); err != nil {
			return err
		}
	}
	for i := range r.Effects {
		e := &r.Effects[i]
		if _, err := on.exec(insertEffectRecord, append(deliveryColumns(e), int64(e.Lease.Position), optional(e.LimitKey))...); err != nil {
			return err
		}
	}
	for i := range r.Timers {
		if _, err := on.exec(insertTimerRecord, append(deliveryColumns(&r.Timers[i]), r.Timers[i].Lease.Key)...); err != nil {
			return err
		}
	}
	for _, o := range r.Outcomes {
		if _, err := on.exec(insertOutcome, id, workflow, o.Input.ID, string(o.Outcome), micros(o.RecordedAt)); err != nil {
			return err
		}
	}
	return insertEndedOf(on, r.Ended)
}

// deliveryColumns are the arguments that effects and timers have in common.
func deliveryColumns(d *store.DeliveryRecord) []driver.Value {
	return []driver.Value{
		d.Lease.Instance.ID, d.Lease.Instance.Workflow, d.Lease.Version, d.Kind.Name, string(d.Payload), micros(d.Due), micros(d.RunAt),
		int64(d.Attempts), d.Lease.Token, int64(d.Lease.Commit), optional(usererr.Bound(d.LastError)), optional(d.Trace),
		orNull(d.DiedAt), orNull(d.ToldAt), orNull(d.BlockedSince),
	}
}
