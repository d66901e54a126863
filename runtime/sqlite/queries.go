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
                WHERE f.workflow_id = i.workflow_id AND f.workflow_type = i.workflow_type AND f.version = 1)
       END,
       s.commit_id, e.commit_id,
       CASE WHEN ?2 > 0 AND (e.version IS NULL OR e.version = coalesce(s.version, ?2) + 1) THEN (
                SELECT f.commit_id FROM ironflow_events AS f
                WHERE f.workflow_id = i.workflow_id AND f.workflow_type = i.workflow_type AND f.version = ?2)
       END
FROM ironflow_instances AS i
LEFT JOIN ironflow_snapshots AS s
       ON s.workflow_id = i.workflow_id AND s.workflow_type = i.workflow_type AND s.schema = nullif(?1, '') AND s.version > ?2
      AND (i.completed_at IS NULL OR ?3)
      AND s.commit_id = (
          SELECT f.commit_id FROM ironflow_events AS f
          WHERE f.workflow_id = s.workflow_id AND f.workflow_type = s.workflow_type AND f.version = s.version)
LEFT JOIN ironflow_events AS e
       ON e.workflow_id = i.workflow_id AND e.workflow_type = i.workflow_type AND e.version > coalesce(s.version, ?2)
      AND (i.completed_at IS NULL OR ?3)
WHERE i.workflow_id = ?4 AND i.workflow_type = ?5
ORDER BY e.version`

const (
	versionOf = `
SELECT i.version, (SELECT e.commit_id FROM ironflow_events AS e
                   WHERE e.workflow_id = i.workflow_id AND e.workflow_type = i.workflow_type AND e.version = i.version)
FROM ironflow_instances AS i WHERE i.workflow_id = ? AND i.workflow_type = ?`
	commitOf = `SELECT commit_id FROM ironflow_events WHERE workflow_id = ? AND workflow_type = ? AND version = ?`
)

// saveSnapshot keeps the newer of two. Of two states at one version it keeps the later, which is the one whose schema is in
// use, or becomes so. A snapshot counts only with the commit of its event, the one that is there already, too.
const saveSnapshot = `
INSERT INTO ironflow_snapshots (version, commit_id, schema, state, workflow_id, workflow_type)
SELECT version, commit_id, ?3, ?4, workflow_id, workflow_type FROM ironflow_events
WHERE workflow_id = ?5 AND workflow_type = ?6 AND version = ?1 AND commit_id = ?2
ON CONFLICT (workflow_id, workflow_type) DO UPDATE
SET version = excluded.version, commit_id = excluded.commit_id, schema = excluded.schema, state = excluded.state
WHERE excluded.version >= version OR commit_id IS NOT (
    SELECT e.commit_id FROM ironflow_events AS e
    WHERE e.workflow_id = ?5 AND e.workflow_type = ?6 AND e.version = ironflow_snapshots.version)`

// createInstance and advanceInstance are where two units of work meet: of those that start from one version, one finds
// the row as it was. A completed instance never is, nor one whose event of that version is of another commit.
const (
	createInstance = `
INSERT INTO ironflow_instances
    (version, last_event_at, status, workflow_id, workflow_type, created_at, parent)
VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`

	advanceInstance = `
UPDATE ironflow_instances SET version = ?1, last_event_at = ?2, status = ?3
WHERE workflow_id = ?4 AND workflow_type = ?5 AND version = ?6 AND completed_at IS NULL AND (?7 = 0 OR ?7 = (
    SELECT e.commit_id FROM ironflow_events AS e WHERE e.workflow_id = ?4 AND e.workflow_type = ?5 AND e.version = ?6))`
)

// completeInstance is a statement of its own: to set completed_at, even to what it is, costs two indexes.
const completeInstance = `UPDATE ironflow_instances SET completed_at = ? WHERE workflow_id = ? AND workflow_type = ?`

const insertEvent = `
INSERT INTO ironflow_events
    (workflow_id, workflow_type, version, type, schema_version, payload, recorded_at, commit_id, cause)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`

const insertEffect = `
INSERT INTO ironflow_effects
    (workflow_id, workflow_type, version, position, kind, payload, run_at, created_at, trace, limit_key, commit_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

const (
	insertEnded = `
INSERT OR IGNORE INTO ironflow_ended_deliveries
    (workflow_id, workflow_type, queue, version, item, kind, ending, ended_at, attempts, by_id, by_type, by_version, reason)`

	recordEnded = insertEnded + ` VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	recordCancelled = insertEnded + `
SELECT workflow_id, workflow_type, 'effects', version, position, kind, 'cancelled', ?, attempts, workflow_id, workflow_type, ?, ''
FROM ironflow_effects WHERE workflow_id = ? AND workflow_type = ? AND kind = ? AND dead_at IS NULL`

	cancelEffects = `
DELETE FROM ironflow_effects WHERE workflow_id = ? AND workflow_type = ? AND kind = ? AND dead_at IS NULL`
)

// startTimer deletes the timer that has the key and starts as new: not leased, no attempts, not dead.
const startTimer = `
INSERT OR REPLACE INTO ironflow_timers (workflow_id, workflow_type, key, generation, input, payload, fire_at, run_at, trace, commit_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

const (
	cancelTimer  = `DELETE FROM ironflow_timers WHERE workflow_id = ? AND workflow_type = ? AND key = ?`
	cancelTimers = `DELETE FROM ironflow_timers WHERE workflow_id = ? AND workflow_type = ?`
)

const (
	takeKey   = `INSERT INTO ironflow_unique_keys (workflow_type, key, workflow_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`
	keyHolder = `SELECT workflow_id FROM ironflow_unique_keys WHERE workflow_type = ? AND key = ?`
	freeKeys  = `DELETE FROM ironflow_unique_keys WHERE workflow_id = ? AND workflow_type = ?`
)

const (
	readOutcome = `
SELECT outcome FROM ironflow_input_outcomes WHERE workflow_id = ? AND workflow_type = ? AND input_id = ?`

	insertOutcome = `
INSERT INTO ironflow_input_outcomes (workflow_id, workflow_type, input_id, outcome, recorded_at)
VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`

	insertObservation = `
INSERT INTO ironflow_observations
    (workflow_id, workflow_type, observed_at, input, input_id, payload, outcome, version, rejection, rejection_payload)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
)

// readObservations reads what one instance had observed, or one workflow, or all.
const (
	readObservations = `
SELECT workflow_id, workflow_type, observed_at, number, input, input_id, payload, outcome, version, rejection, rejection_payload
FROM ironflow_observations WHERE (observed_at, number) < (?, ?)`
	ofInstance  = ` AND workflow_id = ?`
	ofWorkflow  = ` AND workflow_type = ?`
	newestFirst = ` ORDER BY observed_at DESC, number DESC LIMIT ?`
)

// putSchedule leaves a schedule alone whose definition is what it was. One that is defined anew starts anew, and a lease on the
// old one is lost.
const putSchedule = `
INSERT INTO ironflow_timers (workflow_id, workflow_type, key, generation, input, payload, fire_at, run_at)
VALUES ('', ?, ?, 1, ?, ?, ?, ?)
ON CONFLICT DO UPDATE
SET generation = generation + 1, input = excluded.input, payload = excluded.payload,
    fire_at = excluded.fire_at, run_at = excluded.run_at, attempts = 0, last_error = NULL, dead_at = NULL, blocked_since = NULL
WHERE payload <> excluded.payload`

// The table's rows lie in the order of the global sequence. AUTOINCREMENT means that max is the number of the last event that
// is still there; one that was deleted is not waited for.
const (
	eventsSince = `
SELECT global_sequence, workflow_type, workflow_id, version, type, schema_version, payload, recorded_at, commit_id
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
	effectQueries = newQueueQueries("effects", "kind", "created_at", "version", "position", "version", "position", "run_at, version, position", "parked_from")
	timerQueries  = newQueueQueries("timers", "input", "fire_at", "key", "generation", "generation", "key", "run_at", "NULL")
)

// newQueueQueries takes the columns of a delivery's key twice: part and number in the order of the key, and since and item by
// what they are, the version of the decision and what tells its deliveries apart. order is that of claims, and parked since when a
// limit holds the delivery back.
func newQueueQueries(queue, kind, requested, part, number, since, item, order, parked string) queueQueries {
	named := strings.NewReplacer("{table}", "ironflow_"+queue, "{queue}", queue, "{kind}", kind, "{requested}", requested,
		"{part}", part, "{number}", number, "{since}", since, "{item}", item, "{order}", order, "{parked}", parked)
	const (
		one = ` WHERE workflow_id = ? AND workflow_type = ? AND {part} = ? AND {number} = ?`
		// held finds the row as long as the lease holds: a claim raises the token, and so does the end of a lease.
		held = one + ` AND token = ? AND commit_id = ?`
		// settled begins the statements that end a lease.
		settled = `UPDATE {table} SET blocked_since = ?, holder = NULL, token = token + 1, claimed_at = NULL`
	)
	return queueQueries{
		// due walks along its index from the oldest.
		due: named.Replace(`
SELECT workflow_id, {part}, {number}, run_at FROM {table}
WHERE workflow_type = ?1 AND {kind} = ?2 AND dead_at IS NULL AND run_at >= ?3 AND run_at <= ?4
  AND NOT EXISTS (SELECT 1 FROM ironflow_paused_workflows AS p WHERE p.workflow_type = ?1)
ORDER BY {order} LIMIT ?5`),
		look: named.Replace(`
SELECT run_at FROM {table}
WHERE workflow_type = ?1 AND {kind} = ?2 AND dead_at IS NULL AND run_at < ?3
  AND NOT EXISTS (SELECT 1 FROM ironflow_paused_workflows AS p WHERE p.workflow_type = ?1)
ORDER BY {order} LIMIT 1`),
		claim: named.Replace(`
UPDATE {table} SET run_at = ?, claimed_at = ?, holder = ?, attempts = attempts + 1, token = token + 1` + one + `
RETURNING token, attempts, payload, {requested}, last_error, trace, commit_id, blocked_since`),
		// A timer that replaced a leased one has no attempt.
		future: named.Replace(`SELECT 1 FROM {table} WHERE claimed_at > ?1 AND attempts > 0 AND dead_at IS NULL LIMIT 1`),
		realign: named.Replace(`
UPDATE {table} SET run_at = run_at - (claimed_at - ?1), claimed_at = ?1 WHERE claimed_at > ?2 AND attempts > 0 AND dead_at IS NULL`),
		extend: named.Replace(`UPDATE {table} SET run_at = ?` + held),
		done:   named.Replace(`DELETE FROM {table}` + held),
		recordRefused: named.Replace(insertEnded + `
SELECT workflow_id, workflow_type, '{queue}', {since}, {item}, {kind}, 'refused', ?, attempts, '', '', 0, ?
FROM {table}` + held + ` AND workflow_id <> ''`),
		// Each of these begins with the time since which the delivery is blocked, or NULL.
		retry:       named.Replace(settled + `, run_at = ?, last_error = ?, attempts = max(attempts, ?)` + held),
		dead:        named.Replace(settled + `, dead_at = ?, told_at = ?, last_error = ?` + held),
		release:     named.Replace(settled + `, run_at = ?, attempts = attempts - 1` + held),
		again:       named.Replace(settled + `, run_at = ?, {requested} = ?, attempts = ?, last_error = nullif(?, '')` + held),
		wait:        named.Replace(settled + `, run_at = ?, last_error = ?, attempts = max(attempts - 1, ?)` + held),
		deadLetters: newDeadLetterQueries(named, held),
		backlogs:    newBacklogQueries(named),
	}
}
