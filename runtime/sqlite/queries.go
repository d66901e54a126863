package sqlite

import "strings"

// The statements of the store. All are prepared once per connection and address their rows by primary key or by the
// index of what is due; none sorts. A statement that lost a race changes no row, which is how the caller finds out.

// readInstance reads an instance together with a snapshot and the events after it: one statement sees one moment, so that
// they belong together. An instance that is not there yields no row; one without events to be read, because there are none
// after the version asked for or because it is completed, yields one row without an event. The state of the snapshot, which
// may be large, is in the first row only, and so are the commits of the first event and of the one at the version asked for. A
// snapshot whose commit is not that of the event of its version is of a lost history, or of a deleted instance of the same id, and is
// passed over.
const readInstance = `
SELECT i.version, i.completed_at IS NOT NULL, i.last_event_at,
       s.version, CASE WHEN e.version IS NULL OR e.version = s.version + 1 THEN s.state END,
       e.version, e.global_sequence, e.type, e.schema_version, e.payload, e.recorded_at, i.parent,
       CASE WHEN i.completed_at IS NOT NULL AND NOT ?3 THEN 0
            WHEN e.version = 1 THEN e.commit_id
            WHEN e.version IS NULL OR e.version = coalesce(s.version, ?2) + 1 THEN (
                SELECT f.commit_id FROM ironflow_events AS f
                WHERE f.instance = i.instance AND f.workflow = i.workflow AND f.version = 1)
       END,
       s.commit_id, e.commit_id,
       CASE WHEN ?2 > 0 AND (e.version IS NULL OR e.version = coalesce(s.version, ?2) + 1) THEN (
                SELECT f.commit_id FROM ironflow_events AS f
                WHERE f.instance = i.instance AND f.workflow = i.workflow AND f.version = ?2)
       END
FROM ironflow_instances AS i
LEFT JOIN ironflow_snapshots AS s
       ON s.instance = i.instance AND s.workflow = i.workflow AND s.schema = nullif(?1, '') AND s.version > ?2
      AND (i.completed_at IS NULL OR ?3)
      AND s.commit_id = (
          SELECT f.commit_id FROM ironflow_events AS f
          WHERE f.instance = s.instance AND f.workflow = s.workflow AND f.version = s.version)
LEFT JOIN ironflow_events AS e
       ON e.instance = i.instance AND e.workflow = i.workflow AND e.version > coalesce(s.version, ?2)
      AND (i.completed_at IS NULL OR ?3)
WHERE i.instance = ?4 AND i.workflow = ?5
ORDER BY e.version`

const (
	versionOf = `
SELECT i.version, (SELECT e.commit_id FROM ironflow_events AS e
                   WHERE e.instance = i.instance AND e.workflow = i.workflow AND e.version = i.version)
FROM ironflow_instances AS i WHERE i.instance = ? AND i.workflow = ?`
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

// createInstance and advanceInstance are where two units of work meet: of those that start from one version, one finds
// the row as it was. A completed instance never is, nor one whose event of that version is of another commit.
const (
	createInstance = `
INSERT INTO ironflow_instances
    (version, last_event_at, status, instance, workflow, created_at, parent)
VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`

	advanceInstance = `
UPDATE ironflow_instances SET version = ?1, last_event_at = ?2, status = ?3
WHERE instance = ?4 AND workflow = ?5 AND version = ?6 AND completed_at IS NULL AND (?7 = 0 OR ?7 = (
    SELECT e.commit_id FROM ironflow_events AS e WHERE e.instance = ?4 AND e.workflow = ?5 AND e.version = ?6))`
)

// completeInstance is a statement of its own: to set completed_at, even to what it is, costs two indexes.
const completeInstance = `UPDATE ironflow_instances SET completed_at = ? WHERE instance = ? AND workflow = ?`

const insertEvent = `
INSERT INTO ironflow_events
    (instance, workflow, version, type, schema_version, payload, recorded_at, commit_id, cause)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`

const insertEffect = `
INSERT INTO ironflow_effects
    (instance, workflow, version, position, kind, payload, run_at, due_at, trace, limit_key, commit_id, attempts, token, claimed_at, holder)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

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

// startTimer deletes the timer that has the key. The new one has nothing of it.
const startTimer = `
INSERT OR REPLACE INTO ironflow_timers
    (instance, workflow, key, version, kind, payload, run_at, due_at, trace, commit_id, attempts, token, claimed_at, holder)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

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
	due, look, claim, future, realign, extend, done, recordRefused, retry, dead, release, again, wait string

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
