package sqlite

import "strings"

// The statements of [store.Inspection].

const readHistory = `
SELECT version, global_sequence, type, schema_version, payload, recorded_at, commit_id FROM ironflow_events
WHERE instance = ? AND workflow = ? AND version > ? ORDER BY version LIMIT ?`

const (
	// readEnded walks along the key.
	readEnded = `
SELECT queue, version, item, kind, ending, ended_at, attempts, by_instance, by_workflow, by_version, reason
FROM ironflow_ended_deliveries WHERE instance = ? AND workflow = ? AND version >= ?
ORDER BY version, queue, item LIMIT ?`

	readCauses         = causesOf + ` AND version >= ? ORDER BY version LIMIT ?`
	readCausesBackward = causesOf + ` AND version <= ? ORDER BY version DESC LIMIT ?`

	causesOf = `
SELECT version, global_sequence, type, recorded_at, commit_id, cause FROM ironflow_events
WHERE instance = ? AND workflow = ?`
)

// readEventTypes counts the types of the oldest and the newest events.
const readEventTypes = `
SELECT workflow, type, schema_version, count(*), min(recorded_at)
FROM (
    SELECT * FROM (SELECT workflow, type, schema_version, recorded_at, global_sequence FROM ironflow_events ORDER BY global_sequence LIMIT ?1)
    UNION
    SELECT * FROM (SELECT workflow, type, schema_version, recorded_at, global_sequence FROM ironflow_events ORDER BY global_sequence DESC LIMIT ?1)
)
GROUP BY workflow, type, schema_version
ORDER BY workflow, type, schema_version`

const readSummary = `
SELECT instance, workflow, version, status, created_at, last_event_at, completed_at FROM ironflow_instances
WHERE instance = ? AND workflow = ?`

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
SELECT workflow FROM ironflow_instances WHERE completed_at IS {null} AND workflow > ?
ORDER BY workflow LIMIT 1`),
		list: half.Replace(`
SELECT instance, workflow, version, status, created_at, last_event_at, completed_at FROM ironflow_instances
WHERE completed_at IS {null} AND workflow = ?1 AND (created_at, instance, workflow) < (?6, ?7, ?8)
  AND created_at >= ?3 AND (?2 = '' OR status = ?2) AND last_event_at >= ?4 AND last_event_at < ?5
ORDER BY created_at DESC, instance DESC LIMIT ?9`),
	}
}

const countInstances = `
SELECT workflow, coalesce(status, ''), completed_at IS NOT NULL, count(*) FROM ironflow_instances
WHERE (?1 = '' OR workflow = ?1) AND (?7 = '' OR (?7 = 'active') = (completed_at IS NULL)) AND (?2 = '' OR status = ?2)
  AND created_at >= ?3 AND last_event_at >= ?4 AND last_event_at < ?5 AND created_at < ?6
GROUP BY 1, 2, 3 ORDER BY 1, 3, 2`
