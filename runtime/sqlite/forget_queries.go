package sqlite

import (
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// The statements of [store.Forgetting].

// deletable says that an instance, which has completed with the event l, has no effects left, but for dead ones that it was told of, and
// that all have read that event. Neither effects nor events come any more: it takes no input.
const deletable = `completed_at IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM ironflow_effects AS q WHERE q.instance = i.instance AND q.workflow = i.workflow
                  AND q.told_at IS NULL)
  AND l.global_sequence <= ?1`

const (
	finishedInstances = `
SELECT i.instance, i.workflow, l.version, i.status, created_at, completed_at, completed_at
FROM ironflow_instances AS i` + joinLastEvent + `
WHERE i.workflow = ?2 AND (created_at, i.instance) > (?3, ?4) AND created_at < ?5 AND completed_at < ?5 AND ` + deletable + `
ORDER BY created_at, i.instance LIMIT ?6`

	isDeletable = `
SELECT 1 FROM ironflow_instances AS i` + joinLastEvent + `
WHERE i.instance = ?2 AND i.workflow = ?3 AND l.version = ?4 AND ` + deletable
)

// deleteInstance are the statements that delete all that there is of an instance.
var deleteInstance = []string{
	`DELETE FROM ironflow_effects WHERE instance = ? AND workflow = ?`,
	`DELETE FROM ironflow_events WHERE instance = ? AND workflow = ?`,
	`DELETE FROM ironflow_search WHERE instance = ? AND workflow = ?`,
	`DELETE FROM ironflow_snapshots WHERE instance = ? AND workflow = ?`,
	`DELETE FROM ironflow_observations WHERE instance = ? AND workflow = ?`,
	`DELETE FROM ironflow_ended_deliveries WHERE instance = ? AND workflow = ?`,
	`DELETE FROM ironflow_instances WHERE instance = ? AND workflow = ?`,
}

// deleteRecords are the statements that delete the oldest records of a kind.
var deleteRecords = map[store.RecordKind]string{
	store.ObservationRecords: `
DELETE FROM ironflow_observations WHERE number IN (
    SELECT number FROM ironflow_observations WHERE observed_at < ? ORDER BY observed_at LIMIT ?)`,
	store.InputOutcomeRecords: `
DELETE FROM ironflow_input_outcomes WHERE (instance, workflow, input_id) IN (
    SELECT instance, workflow, input_id FROM ironflow_input_outcomes WHERE recorded_at < ? ORDER BY recorded_at LIMIT ?)`,
	store.DiscardedRecords: `
DELETE FROM ironflow_discarded_letters WHERE rowid IN (
    SELECT rowid FROM ironflow_discarded_letters WHERE discarded_at < ? ORDER BY discarded_at LIMIT ?)`,
	store.AuditRecords: `
DELETE FROM ironflow_audit_log WHERE id IN (
    SELECT id FROM ironflow_audit_log WHERE recorded_at < ? ORDER BY recorded_at LIMIT ?)`,
}

const (
	takeChore = `
INSERT INTO ironflow_chores (name, run_at, token) VALUES (?1, ?3, 1)
ON CONFLICT DO UPDATE SET run_at = excluded.run_at, token = token + 1 WHERE run_at <= ?2
RETURNING token`
	moveChore = `UPDATE ironflow_chores SET run_at = ? WHERE name = ? AND token = ?`
)
