package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
)

// The statements of [runtime.Forgetting].

// deletable says that an instance, which has completed, has no effects left and no event after the position that all have
// read. Neither comes any more: it takes no input.
const deletable = `completed_at IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM ironflow_effects AS q WHERE q.workflow_id = i.workflow_id AND q.workflow_type = i.workflow_type)
  AND NOT EXISTS (
      SELECT 1 FROM ironflow_events AS e
      WHERE e.workflow_id = i.workflow_id AND e.workflow_type = i.workflow_type AND e.version = i.version AND e.global_sequence > ?1)`

const (
	finishedInstances = `
SELECT workflow_id, workflow_type, version, status, created_at, last_event_at, completed_at FROM ironflow_instances AS i
WHERE workflow_type = ?2 AND (created_at, workflow_id) > (?3, ?4) AND created_at < ?5 AND completed_at < ?5 AND ` + deletable + `
ORDER BY created_at, workflow_id LIMIT ?6`

	isDeletable = `
SELECT 1 FROM ironflow_instances AS i WHERE workflow_id = ?2 AND workflow_type = ?3 AND version = ?4 AND ` + deletable
)

// deleteInstance are the statements that delete all that there is of an instance.
var deleteInstance = []string{
	`DELETE FROM ironflow_events WHERE workflow_id = ? AND workflow_type = ?`,
	`DELETE FROM ironflow_snapshots WHERE workflow_id = ? AND workflow_type = ?`,
	`DELETE FROM ironflow_observations WHERE workflow_id = ? AND workflow_type = ?`,
	`DELETE FROM ironflow_instances WHERE workflow_id = ? AND workflow_type = ?`,
}

// deleteRecords are the statements that delete the oldest records of a kind.
var deleteRecords = map[runtime.RecordKind]string{
	runtime.ObservationRecords: `
DELETE FROM ironflow_observations WHERE number IN (
    SELECT number FROM ironflow_observations WHERE observed_at < ? ORDER BY observed_at LIMIT ?)`,
	runtime.InputOutcomeRecords: `
DELETE FROM ironflow_input_outcomes WHERE (workflow_id, workflow_type, input_id) IN (
    SELECT workflow_id, workflow_type, input_id FROM ironflow_input_outcomes WHERE recorded_at < ? ORDER BY recorded_at LIMIT ?)`,
	runtime.DiscardedRecords: `
DELETE FROM ironflow_discarded_letters WHERE rowid IN (
    SELECT rowid FROM ironflow_discarded_letters WHERE discarded_at < ? ORDER BY discarded_at LIMIT ?)`,
}

const (
	takeChore = `
INSERT INTO ironflow_chores (name, run_at, token) VALUES (?1, ?3, 1)
ON CONFLICT DO UPDATE SET run_at = excluded.run_at, token = token + 1 WHERE run_at <= ?2
RETURNING token`
	moveChore = `UPDATE ironflow_chores SET run_at = ? WHERE name = ? AND token = ?`
)

// FinishedInstances implements [runtime.Forgetting].
func (s *Store) FinishedInstances(ctx context.Context, list runtime.FinishedList) (found []runtime.InstanceSummary, err error) {
	after := runtime.InstancePlace{} // before all there are
	if list.After != nil {
		after = *list.After
	}
	row := func(columns []driver.Value) error {
		found = append(found, summary(columns))
		return ctx.Err()
	}
	err = s.read(ctx, func(on *connection) error {
		return on.query(row, finishedInstances, int64(list.Read), list.Workflow, micros(after.CreatedAt), after.ID,
			micros(list.CompletedBefore), int64(list.Limit))
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: find finished instances of workflow %s: %w", list.Workflow, err)
	}
	return found, nil
}

// DeleteInstances implements [runtime.Forgetting].
func (s *Store) DeleteInstances(
	ctx context.Context, instances []runtime.InstanceVersion, read runtime.FeedPosition,
) (kept []runtime.InstanceKey, err error) {
	if len(instances) == 0 {
		return nil, nil
	}
	tx, err := s.writer.begin(ctx)
	if err == nil {
		err = tx.finish(func(on *connection) error {
			for _, i := range instances {
				deleted, err := deleteOne(on, i, read)
				if err == nil {
					err = ctx.Err()
				}
				if err != nil {
					return fmt.Errorf("%s: %w", i.Instance, err)
				}
				if !deleted {
					kept = append(kept, i.Instance)
				}
			}
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("sqlite: delete instances: %w", err)
	}
	return kept, nil
}

func deleteOne(on *connection, i runtime.InstanceVersion, read runtime.FeedPosition) (bool, error) {
	ok := false
	row := func([]driver.Value) error {
		ok = true
		return nil
	}
	err := on.query(row, isDeletable, int64(read), i.Instance.ID, i.Instance.Workflow, i.Version)
	if err != nil || !ok {
		return false, err
	}
	for _, statement := range deleteInstance {
		if _, err := on.exec(statement, i.Instance.ID, i.Instance.Workflow); err != nil {
			return false, err
		}
	}
	return true, nil
}

// DeleteRecords implements [runtime.Forgetting].
func (s *Store) DeleteRecords(ctx context.Context, kind runtime.RecordKind, before time.Time, limit int) (deleted int64, err error) {
	statement, ok := deleteRecords[kind]
	if !ok {
		return 0, fmt.Errorf("sqlite: there are no records %q", kind)
	}
	tx, err := s.writer.begin(ctx)
	if err == nil {
		err = tx.finish(func(on *connection) (err error) {
			deleted, err = on.exec(statement, micros(before), int64(limit))
			return err
		})
	}
	if err != nil {
		return 0, fmt.Errorf("sqlite: delete %s: %w", kind, err)
	}
	return deleted, nil
}

// TakeChore implements [runtime.Forgetting].
func (s *Store) TakeChore(ctx context.Context, name string, now, until time.Time) (token int64, taken bool, err error) {
	row := func(columns []driver.Value) error {
		token, taken = number(columns[0]), true
		return nil
	}
	tx, err := s.writer.begin(ctx)
	if err == nil {
		err = tx.finish(func(on *connection) error { return on.query(row, takeChore, name, micros(now), micros(until)) })
	}
	if err != nil {
		return 0, false, fmt.Errorf("sqlite: take the chore %q: %w", name, err)
	}
	return token, taken, nil
}

// MoveChore implements [runtime.Forgetting].
func (s *Store) MoveChore(ctx context.Context, name string, token int64, due time.Time) (lost bool, err error) {
	tx, err := s.writer.begin(ctx)
	if err == nil {
		err = tx.finish(func(on *connection) error {
			moved, err := on.exec(moveChore, micros(due), name, token)
			lost = moved == 0
			return err
		})
	}
	if err != nil {
		return false, fmt.Errorf("sqlite: move the chore %q: %w", name, err)
	}
	return lost, nil
}
