package sqlite

import "strings"

// The statements of [store.Inspection].

const readHistory = `
SELECT version, global_sequence, type, schema_version, payload, recorded_at, commit_id FROM ironflow_events
WHERE workflow_id = ? AND workflow_type = ? AND version > ? ORDER BY version LIMIT ?`

const (
	// readEnded walks along the key.
	readEnded = `
SELECT queue, version, item, kind, ending, ended_at, attempts, by_id, by_type, by_version, reason
FROM ironflow_ended_deliveries WHERE workflow_id = ? AND workflow_type = ? AND version >= ?
ORDER BY version, queue, item LIMIT ?`

	readCauses         = causesOf + ` AND version >= ? ORDER BY version LIMIT ?`
	readCausesBackward = causesOf + ` AND version <= ? ORDER BY version DESC LIMIT ?`

	causesOf = `
SELECT version, global_sequence, type, recorded_at, commit_id, cause FROM ironflow_events
WHERE workflow_id = ? AND workflow_type = ?`
)

// readEventTypes counts the types of the oldest and the newest events.
const readEventTypes = `
SELECT workflow_type, type, schema_version, count(*), min(recorded_at)
FROM (
    SELECT * FROM (SELECT workflow_type, type, schema_version, recorded_at, global_sequence FROM ironflow_events ORDER BY global_sequence LIMIT ?1)
    UNION
    SELECT * FROM (SELECT workflow_type, type, schema_version, recorded_at, global_sequence FROM ironflow_events ORDER BY global_sequence DESC LIMIT ?1)
)
GROUP BY workflow_type, type, schema_version
ORDER BY workflow_type, type, schema_version`

const readSummary = `
SELECT workflow_id, workflow_type, version, status, created_at, last_event_at, completed_at FROM ironflow_instances
WHERE workflow_id = ? AND workflow_type = ?`

// listQueries read one of the two indexes of instances backwards, for one workflow; next finds the workflows that there are.
type listQueries struct{ next, list string }

var (
	activeQueries    = newListQueries("NULL")
	completedQueries = newListQueries("NOT NULL")
)

func newListQueries(null string) listQueries {
	half := strings.NewReplacer("{null}", null)
	return listQueries{
		next: half.Replace(`
SELECT workflow_type FROM ironflow_instances WHERE completed_at IS {null} AND workflow_type > ?
ORDER BY workflow_type LIMIT 1`),
		list: half.Replace(`
SELECT workflow_id, workflow_type, version, status, created_at, last_event_at, completed_at FROM ironflow_instances
WHERE completed_at IS {null} AND workflow_type = ?1 AND (created_at, workflow_id, workflow_type) < (?6, ?7, ?8)
  AND created_at >= ?3 AND (?2 = '' OR status = ?2) AND last_event_at >= ?4 AND last_event_at < ?5
ORDER BY created_at DESC, workflow_id DESC LIMIT ?9`),
	}
}

const countInstances = `
SELECT workflow_type, coalesce(status, ''), completed_at IS NOT NULL, count(*) FROM ironflow_instances
WHERE (?1 = '' OR workflow_type = ?1) AND (?7 = '' OR (?7 = 'active') = (completed_at IS NULL)) AND (?2 = '' OR status = ?2)
  AND created_at >= ?3 AND last_event_at >= ?4 AND last_event_at < ?5 AND created_at < ?6
GROUP BY 1, 2, 3 ORDER BY 1, 3, 2`
