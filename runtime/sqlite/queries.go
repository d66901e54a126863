package sqlite

import "strings"

// The statements of the store. All are prepared once per connection and address their rows by primary key or by the
// index of what is due; none sorts. A statement that lost a race changes no row, which is how the caller finds out.

// lastEvent finds the last event of the instance ?4, ?5.
const lastEvent = `
FROM ironflow_events AS l
WHERE l.instance = ?4 AND l.workflow = ?5
  AND l.version = (SELECT max(m.version) FROM ironflow_events AS m WHERE m.instance = ?4 AND m.workflow = ?5)`

// readInstance reads an instance together with a snapshot and the events after it: one statement sees one moment, so that
// they belong together. An instance that is not there yields no row; one without events to be read, because there are none
// after the version asked for or because it is completed, yields one row without an event. The state of the snapshot, which
// may be large, is in the first row only, and so are the commit and the parent of the first event, and the commit of the one at the
// version asked for. A snapshot whose commit is not that of the event of its version is of a lost history, or of a deleted instance of
// the same id, and is passed over.
const readInstance = `
SELECT l.version, l.completed, l.recorded_at, l.commit_id,
       s.version, CASE WHEN e.version IS NULL OR e.version = s.version + 1 THEN s.state END, s.commit_id,
       e.version, e.global_sequence, e.type, coalesce(e.schema_version, l.schema_version), e.payload, e.recorded_at, e.commit_id,
       CASE WHEN NOT l.wanted THEN NULL
            WHEN e.version = 1 THEN e.parent
            WHEN e.version IS NULL OR e.version = coalesce(s.version, ?2) + 1 THEN (
                SELECT f.parent FROM ironflow_events AS f WHERE f.instance = ?4 AND f.workflow = ?5 AND f.version = 1)
       END,
       CASE WHEN NOT l.wanted THEN 0
            WHEN e.version = 1 THEN e.commit_id
            WHEN e.version IS NULL OR e.version = coalesce(s.version, ?2) + 1 THEN (
                SELECT f.commit_id FROM ironflow_events AS f WHERE f.instance = ?4 AND f.workflow = ?5 AND f.version = 1)
       END,
       CASE WHEN ?2 > 0 AND (e.version IS NULL OR e.version = coalesce(s.version, ?2) + 1) THEN (
                SELECT f.commit_id FROM ironflow_events AS f WHERE f.instance = ?4 AND f.workflow = ?5 AND f.version = ?2)
       END
FROM (SELECT l.version, l.completes IS NOT NULL AS completed, l.completes IS NULL OR ?3 AS wanted, l.recorded_at, l.commit_id, l.schema_version` +
	lastEvent + `) AS l
LEFT JOIN ironflow_snapshots AS s
       ON s.instance = ?4 AND s.workflow = ?5 AND s.schema = nullif(?1, '') AND s.version > ?2 AND l.wanted
      AND s.commit_id = (
          SELECT f.commit_id FROM ironflow_events AS f
          WHERE f.instance = ?4 AND f.workflow = ?5 AND f.version = s.version)
LEFT JOIN ironflow_events AS e
       ON e.instance = ?4 AND e.workflow = ?5 AND e.version > coalesce(s.version, ?2) AND l.wanted
ORDER BY e.version`

const (
	versionOf = `
SELECT version, commit_id FROM ironflow_events WHERE instance = ? AND workflow = ? ORDER BY version DESC LIMIT 1`
	commitOf = `SELECT commit_id FROM ironflow_events WHERE instance = ? AND workflow = ? AND version = ?`
)

// saveSnapshot keeps the newer of two. Of two states at one version it keeps the later, which is the one whose schema is in
// use, or becomes so. A snapshot counts only with the commit of its event, the one that is there already, too.
const saveSnapshot = `
INSERT INTO ironflow_snapshots (version, commit_id, schema, state, instance, workflow)
SELECT version, commit_id, ?3, ?4, instance, workflow FROM ironflow_events
WHERE instance = ?5 AND workflow = ?6 AND version = ?1 AND commit_id = ?2
ON CONFLICT (instance, workflow) DO UPDATE
SET version = excluded.version, commit_id = excluded.commit_id, schema = excluded.schema, state = excluded.state
WHERE excluded.version >= version OR commit_id IS NOT (
    SELECT e.commit_id FROM ironflow_events AS e
    WHERE e.instance = ?5 AND e.workflow = ?6 AND e.version = ironflow_snapshots.version)`

const (
	createInstance = `
INSERT INTO ironflow_instances (instance, workflow, created_at, completed_at, status) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`

	completeInstance = `
UPDATE ironflow_instances SET completed_at = ?, status = ? WHERE instance = ? AND workflow = ? AND completed_at IS NULL`
)

// countContinued and insertEvents are where two units of work meet: the events of a change continue the history that they were decided on
// when the event before them is there, is of the commit that was read, and has not completed the instance, and when nobody has stored
// another event of their versions. There is one writer at a time, so that nothing happens between the two.
var (
	countContinued = newRows(`
WITH given (instance, workflow, version, last) AS (VALUES (?, ?, ?, ?))
SELECT count(*) FROM given CROSS JOIN ironflow_events AS e
WHERE e.instance = given.instance AND e.workflow = given.workflow AND e.version = given.version
  AND (given.last = 0 OR e.commit_id = given.last) AND e.completes IS NULL`)

	insertEvents = newRows(`
INSERT OR FAIL INTO ironflow_events
    (instance, workflow, version, type, schema_version, payload, recorded_at, commit_id, cause, status, completes, parent)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`)
)

var insertEffects = newRows(`
INSERT OR FAIL INTO ironflow_effects
    (instance, workflow, version, position, kind, payload, run_at, due_at, trace, limit_key, commit_id, attempts, token, claimed_at, holder)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)

const (
	insertEnded = `
INSERT OR IGNORE INTO ironflow_ended_deliveries
    (instance, workflow, queue, version, item, kind, ending, ended_at, attempts, by_instance, by_workflow, by_version, reason)`

	recordEnded = insertEnded + ` VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	recordCancelled = insertEnded + `
SELECT instance, workflow, 'effects', version, position, kind, 'cancelled', ?, attempts, instance, workflow, ?, ''
FROM ironflow_effects WHERE instance = ? AND workflow = ? AND kind = ? AND died_at IS NULL`

	cancelEffects = `
DELETE FROM ironflow_effects WHERE instance = ? AND workflow = ? AND kind = ? AND died_at IS NULL`
)

// startTimers deletes the timers that have the keys. The new ones have nothing of them.
var startTimers = newRows(`
INSERT OR REPLACE INTO ironflow_timers
    (instance, workflow, key, version, kind, payload, run_at, due_at, trace, commit_id, attempts, token, claimed_at, holder)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)

const (
	cancelTimer  = `DELETE FROM ironflow_timers WHERE instance = ? AND workflow = ? AND key = ?`
	cancelTimers = `DELETE FROM ironflow_timers WHERE instance = ? AND workflow = ?`
)

const (
	takeKey   = `INSERT INTO ironflow_unique_keys (workflow, key, instance) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`
	keyHolder = `SELECT instance FROM ironflow_unique_keys WHERE workflow = ? AND key = ?`
	freeKeys  = `DELETE FROM ironflow_unique_keys WHERE instance = ? AND workflow = ?`
)

const (
	readOutcome = `
SELECT outcome FROM ironflow_input_outcomes WHERE instance = ? AND workflow = ? AND input_id = ?`

	insertOutcome = `
INSERT INTO ironflow_input_outcomes (instance, workflow, input_id, outcome, recorded_at)
VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`

	insertObservation = `
INSERT INTO ironflow_observations
    (instance, workflow, observed_at, input, input_id, payload, outcome, version, rejection, rejection_payload)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
)

// readObservations reads what one instance had observed, or one workflow, or all.
const (
	readObservations = `
SELECT instance, workflow, observed_at, number, input, input_id, payload, outcome, version, rejection, rejection_payload
FROM ironflow_observations WHERE (observed_at, number) < (?, ?)`
	ofInstance  = ` AND instance = ?`
	ofWorkflow  = ` AND workflow = ?`
	newestFirst = ` ORDER BY observed_at DESC, number DESC LIMIT ?`
)

// putSchedule leaves a schedule alone whose definition is what it was. One that is defined anew starts anew, and a lease on the
// old one is lost.
const putSchedule = `
INSERT INTO ironflow_timers (instance, workflow, key, version, kind, payload, due_at, run_at)
VALUES ('', ?, ?, 1, ?, ?, ?, ?)
ON CONFLICT DO UPDATE
SET version = version + 1, kind = excluded.kind, payload = excluded.payload,
    due_at = excluded.due_at, run_at = excluded.run_at,
    attempts = 0, last_error = NULL, died_at = NULL, told_at = NULL,
    claimed_at = NULL, holder = NULL, blocked_since = NULL
WHERE payload <> excluded.payload`

// changeSchedule moves a schedule, see [store.ScheduleChange].
const changeSchedule = `
UPDATE ironflow_timers
SET due_at = coalesce(?3, due_at), run_at = coalesce(?4, ?3, due_at),
    token = token + 1, attempts = 0, last_error = NULL, died_at = NULL, told_at = NULL,
    claimed_at = NULL, holder = NULL, blocked_since = NULL
WHERE instance = '' AND workflow = ?1 AND key = ?2`

// The table's rows lie in the order of the global sequence. AUTOINCREMENT means that max is the number of the last event that
// is still there; one that was deleted is not waited for.
const (
	eventsSince = `
SELECT global_sequence, workflow, instance, version, type, schema_version, payload, recorded_at, commit_id
FROM ironflow_events WHERE global_sequence > ? AND global_sequence <= ? ORDER BY global_sequence LIMIT ?`

	newestEvent = `SELECT max(global_sequence) FROM ironflow_events`

	lastNumber = `SELECT seq FROM sqlite_sequence WHERE name = 'ironflow_events'`

	firstEventAfter = `SELECT recorded_at FROM ironflow_events WHERE global_sequence > ? ORDER BY global_sequence LIMIT 1`
)

// queueQueries are the statements of a queue. The two tables differ in the names of a few columns only.
type queueQueries struct {
	due, look, blocked, retryBlocked, claim, future, realign, extend, done, recordRefused, retry, dead, release, again, wait string

	deadLetters deadLetterQueries
	backlogs    backlogQueries
}

var (
	effectQueries = newQueueQueries("effects", "position", "run_at, version, position", "parked_from")
	timerQueries  = newQueueQueries("timers", "key", "run_at", "NULL")
)

// newQueueQueries takes the column that tells the deliveries of a decision apart, the order of claims, and since when a limit holds a
// delivery back.
func newQueueQueries(queue, item, order, parked string) queueQueries {
	named := strings.NewReplacer("{table}", "ironflow_"+queue, "{queue}", queue, "{item}", item, "{order}", order, "{parked}", parked)
	const (
		one = ` WHERE instance = ? AND workflow = ? AND version = ? AND {item} = ?`
		// held finds the row as long as the lease holds: a claim raises the token, and so does the end of a lease.
		held = one + ` AND token = ? AND commit_id = ?`
		// isBlocked finds blocked deliveries that are neither leased nor due nor parked.
		isBlocked = ` WHERE workflow = ?1 AND kind = ?2 AND blocked_since IS NOT NULL AND died_at IS NULL
  AND claimed_at IS NULL AND {parked} IS NULL AND run_at > ?3`
		// settled begins the statements that end a lease.
		settled = `UPDATE {table} SET blocked_since = ?, holder = NULL, token = token + 1, claimed_at = NULL`
	)
	return queueQueries{
		// due walks along its index from the oldest.
		due: named.Replace(`
SELECT instance, version, {item}, run_at FROM {table}
WHERE workflow = ?1 AND kind = ?2 AND died_at IS NULL AND run_at >= ?3 AND run_at <= ?4
  AND NOT EXISTS (SELECT 1 FROM ironflow_paused_workflows AS p WHERE p.workflow = ?1)
ORDER BY {order} LIMIT ?5`),
		look: named.Replace(`
SELECT run_at FROM {table}
WHERE workflow = ?1 AND kind = ?2 AND died_at IS NULL AND run_at < ?3
  AND NOT EXISTS (SELECT 1 FROM ironflow_paused_workflows AS p WHERE p.workflow = ?1)
ORDER BY {order} LIMIT 1`),
		blocked: named.Replace(`
SELECT 1 FROM {table}` + isBlocked + ` LIMIT 1`),
		retryBlocked: named.Replace(`
UPDATE {table} SET run_at = ?3
WHERE (instance, workflow, version, {item}) IN (SELECT instance, workflow, version, {item} FROM {table}` + isBlocked + ` ORDER BY blocked_since LIMIT ?4)`),
		claim: named.Replace(`
UPDATE {table} SET run_at = ?, claimed_at = ?, holder = ?, attempts = attempts + 1, token = token + 1` + one + `
RETURNING token, attempts, payload, due_at, last_error, trace, commit_id, blocked_since`),
		future: named.Replace(`SELECT 1 FROM {table} WHERE claimed_at > ?1 AND died_at IS NULL LIMIT 1`),
		realign: named.Replace(`
UPDATE {table} SET run_at = run_at - (claimed_at - ?1), claimed_at = ?1 WHERE claimed_at > ?2 AND died_at IS NULL`),
		extend: named.Replace(`UPDATE {table} SET run_at = ?` + held),
		done:   named.Replace(`DELETE FROM {table}` + held),
		recordRefused: named.Replace(insertEnded + `
SELECT instance, workflow, '{queue}', version, {item}, kind, 'refused', ?, attempts, '', '', 0, ?
FROM {table}` + held + ` AND instance <> ''`),
		// Each of these begins with the time since which the delivery is blocked, or NULL.
		retry:       named.Replace(settled + `, run_at = ?, last_error = ?, attempts = max(attempts, ?)` + held),
		dead:        named.Replace(settled + `, died_at = ?, told_at = ?, last_error = ?` + held),
		release:     named.Replace(settled + `, run_at = ?, attempts = attempts - 1` + held),
		again:       named.Replace(settled + `, run_at = ?, due_at = ?, attempts = ?, last_error = nullif(?, '')` + held),
		wait:        named.Replace(settled + `, run_at = ?, last_error = ?, attempts = max(attempts - 1, ?)` + held),
		deadLetters: newDeadLetterQueries(named, held),
		backlogs:    newBacklogQueries(named),
	}
}
