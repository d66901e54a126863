package sqlite

import "strings"

// The statements of [store.Inspection].

const readHistory = `
SELECT version, global_sequence, type, schema_version, payload, recorded_at, commit_id FROM ironflow_events
WHERE instance = ? AND workflow = ? AND version > ? AND commit_id > 0 ORDER BY version LIMIT ?`

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
WHERE instance = ? AND workflow = ? AND commit_id > 0`
)

// readEventTypes counts the types of the oldest and the newest events.
const readEventTypes = `
SELECT workflow, type, schema_version, count(*), min(recorded_at)
FROM (
    SELECT * FROM (SELECT workflow, type, schema_version, recorded_at, global_sequence FROM ironflow_events WHERE global_sequence > 0 ORDER BY global_sequence LIMIT ?1)
    UNION
    SELECT * FROM (SELECT workflow, type, schema_version, recorded_at, global_sequence FROM ironflow_events WHERE global_sequence > 0 ORDER BY global_sequence DESC LIMIT ?1)
)
GROUP BY workflow, type, schema_version
ORDER BY workflow, type, schema_version`

// joinLastEvent is the last event l of an instance i. What it looks up is found by the key.
const joinLastEvent = `
CROSS JOIN ironflow_events AS l ON l.instance = i.instance AND l.workflow = i.workflow
  AND l.version = (SELECT max(m.version) FROM ironflow_events AS m WHERE m.instance = i.instance AND m.workflow = i.workflow)`

// findWaiting finds a row if something of an instance waits to be delivered.
const findWaiting = `
SELECT 1 FROM ironflow_effects WHERE instance = ?1 AND workflow = ?2 AND died_at IS NULL
UNION ALL
SELECT 1 FROM ironflow_timers WHERE instance = ?1 AND workflow = ?2 AND died_at IS NULL
LIMIT 1`

// findUndelivered finds a row if an effect is still to be delivered.
const findUndelivered = `
SELECT 1 FROM ironflow_effects WHERE instance = ?1 AND workflow = ?2 AND version = ?3 AND position = ?4 AND died_at IS NULL`

const readSummary = `
SELECT i.instance, i.workflow, l.version, l.status, created_at, l.recorded_at, completed_at
FROM ironflow_instances AS i` + joinLastEvent + `
WHERE i.instance = ? AND i.workflow = ?`

// listQueries read one of the two indexes of instances backwards, for one workflow; next finds the workflows that there are. The
// status of an active instance, and the time of its last event, are read from that event; those of a completed one stand in its row.
type listQueries struct{ next, list string }

var (
	activeQueries    = newListQueries("NULL", "l.status", "l.recorded_at")
	completedQueries = newListQueries("NOT NULL", "i.status", "i.completed_at")
)

func newListQueries(null, status, updated string) listQueries {
	half := strings.NewReplacer("{null}", null, "{status}", status, "{updated}", updated)
	return listQueries{
		next: half.Replace(`
SELECT workflow FROM ironflow_instances WHERE completed_at IS {null} AND workflow > ?
ORDER BY workflow LIMIT 1`),
		list: half.Replace(`
SELECT i.instance, i.workflow, l.version, {status}, created_at, {updated}, completed_at
FROM ironflow_instances AS i` + joinLastEvent + `
WHERE completed_at IS {null} AND i.workflow = ?1 AND (created_at, i.instance, i.workflow) < (?6, ?7, ?8)
  AND created_at >= ?3 AND (?2 = '' OR {status} = ?2) AND {updated} >= ?4 AND {updated} < ?5
ORDER BY created_at DESC, i.instance DESC LIMIT ?9`),
	}
}

const countInstances = `
SELECT i.workflow, coalesce(l.status, ''), completed_at IS NOT NULL, count(*)
FROM ironflow_instances AS i` + joinLastEvent + `
WHERE (?1 = '' OR i.workflow = ?1) AND (?7 = '' OR (?7 = 'active') = (completed_at IS NULL)) AND (?2 = '' OR l.status = ?2)
  AND created_at >= ?3 AND l.recorded_at >= ?4 AND l.recorded_at < ?5 AND created_at < ?6
GROUP BY 1, 2, 3 ORDER BY 1, 3, 2`
