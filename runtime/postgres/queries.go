package postgres

import "strings"

// Every statement of the store. They are written for the default schema; newQueries puts the real one in its place.
//
// They work on sets: a caller passes one array for each column, and unnest turns them into rows. WITH ORDINALITY numbers
// those rows, and the number comes back to say which of them a result belongs to. Parameters are cast, so that they have
// the same type in every protocol mode of pgx. Payloads travel as text, which the server casts, and so checks, itself.
//
// Whatever locks several rows that others lock too, locks them in the order of the table's key.

// useIndexes comes first in every transaction and holds until its end. All that is left to the planner then is to look up
// each row by its key, which is always right here. Joins with unnest need more than that: see lookUp. A statement that only reads joins by
// LATERAL with OFFSET 0 instead.
//
// Left alone, the planner plans for the table as it is at that moment: for a new one, or a queue that happens to be empty, it reads the
// whole table, and a connection keeps that plan until the next ANALYZE, while the table grows. Measured: 12 s after the start from empty tables, 2,800 commits had read 58 million rows. And JIT
// compilation, which costs more than any of these statements, must not be started by an estimate. As there is one plan, it need
// not be made again for each set of parameters, which the server does for arrays of one element: that took three times as
// long as the execution.
const useIndexes = `
SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
       set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true),
       set_config('plan_cache_mode', 'force_generic_plan', true)`

// lookUp comes before a statement that changes or deletes the rows that unnest names. A server that analyzed the table while it was empty,
// as queues often are, plans to walk along the whole index and to compare each row with all of unnest. A connection keeps that plan while
// the table fills up. With plain scans of indexes switched off, the server looks each row up by its key with a bitmap. That takes a
// microsecond more for each row.
const lookUp = `SELECT set_config('enable_indexscan', 'off', true)`

// useIndexesAndWait is for transactions that write. It also bounds the wait for each lock, by the time $1; 0 means no bound. And it
// gives the transaction its id before anything takes a number from the sequence of events: whoever reads in the order of the
// sequence relies on that, see horizon. nextval does not see to it, and an insert asks for the number first.
const useIndexesAndWait = useIndexes + `, set_config('lock_timeout', $1::text, true), pg_current_xact_id()`

// useIndexesIsolated is useIndexesAndWait for a transaction without a BEGIN that names its isolation level. It refuses any but READ COMMITTED.
const useIndexesIsolated = useIndexesAndWait + `,
       CASE WHEN current_setting('transaction_isolation') <> 'read committed' THEN
           ironflow.refuse('` + refusedIsolation + `', 'the isolation level is not READ COMMITTED', '')
       END`

// lockInstances locks the instances that exist and are active, and returns their numbers. It is a statement of its own, before the
// one that reads: a statement that had to wait for a lock would go on with the tables as they were before.
const lockInstances = `SELECT number FROM ironflow.lock_instances($1::text[], $2::text[]) AS l (number)`

// freeVersions deletes what lockInstances has put in the place of the next versions, $3.
const freeVersions = `
DELETE FROM ironflow.events e
USING unnest($1::text[], $2::text[], $3::bigint[]) AS k (instance, workflow, version)
WHERE e.instance = k.instance AND e.workflow = k.workflow AND e.version = k.version AND e.commit_id = 0`

// lastEvent reads columns of the last event e of an instance, by the key of events.
func lastEvent(columns, instance string) string {
	return `
    SELECT ` + columns + `
    FROM ironflow.events e
    WHERE e.instance = ` + instance + `.instance AND e.workflow = ` + instance + `.workflow AND e.commit_id <> 0
    ORDER BY e.version DESC
    LIMIT 1`
}

// readInstances returns a row for each event that is asked for, and one for an instance of which none is. All that it says stands in
// the events: the row of the instance is not looked at. The first row of an instance has its snapshot, the commit and the parent of its
// first event, and the commit of the event at the version that the caller knows. A snapshot whose commit is not that of the event of its
// version is of a lost history, or of a deleted instance of the same id, and is passed over. That no event is wanted of a completed
// instance is said as a bound on the version, which the index finds nothing beyond; as a condition beside it, all events would be read to
// be thrown away. So would they be if they were joined as a table: a bound that comes out of another outer join is no condition of
// the index then. OFFSET 0 keeps the planner from making a join of it.
var readInstances = `
SELECT k.number, l.version, l.completed, l.recorded_at, l.commit_id,
       coalesce(s.version, 0), CASE WHEN e.version IS NULL OR e.version = s.version + 1 THEN s.state END, coalesce(s.commit_id, 0),
       coalesce(e.version, 0), coalesce(e.global_sequence, 0), coalesce(e.type, ''), coalesce(e.schema_version, l.schema_version),
       e.payload, coalesce(e.recorded_at, l.recorded_at), coalesce(e.commit_id, 0),
       CASE WHEN e.version = 1 THEN e.parent ELSE f.parent END,
       coalesce(CASE WHEN e.version = 1 THEN e.commit_id ELSE f.commit_id END, 0),
       coalesce(CASE
           WHEN k.after = l.version THEN l.commit_id
           WHEN k.after > 0 AND (e.version IS NULL OR e.version = greatest(k.after, s.version) + 1) THEN (
               SELECT g.commit_id FROM ironflow.events g
               WHERE g.instance = k.instance AND g.workflow = k.workflow AND g.version = k.after)
       END, 0)
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bool[]) WITH ORDINALITY
     AS k (instance, workflow, after, schema, completed, number)
CROSS JOIN LATERAL (` + lastEvent(
	"e.version, e.recorded_at, e.commit_id, e.schema_version, e.completes IS TRUE AS completed, e.completes IS NOT TRUE OR k.completed AS wanted", "k") + `
) l
LEFT JOIN LATERAL (
    SELECT s.version, s.state, s.commit_id FROM ironflow.snapshots s
    WHERE s.instance = k.instance AND s.workflow = k.workflow
      AND s.schema = nullif(k.schema, '') AND s.version > k.after AND l.wanted
      AND s.commit_id = (
          SELECT f.commit_id FROM ironflow.events f
          WHERE f.instance = s.instance AND f.workflow = s.workflow AND f.version = s.version)
    OFFSET 0
) s ON true
LEFT JOIN LATERAL (
    SELECT e.version, e.global_sequence, e.type, e.schema_version, e.payload, e.recorded_at, e.commit_id, e.parent
    FROM ironflow.events e
    WHERE e.instance = k.instance AND e.workflow = k.workflow
      AND e.version > CASE WHEN l.wanted THEN greatest(k.after, s.version) ELSE l.version END AND e.version <= l.version
    OFFSET 0
) e ON true
LEFT JOIN LATERAL (
    SELECT f.commit_id, f.parent FROM ironflow.events f
    WHERE f.instance = k.instance AND f.workflow = k.workflow AND f.version = 1
      AND l.wanted AND (e.version IS NULL OR e.version > 1 AND e.version = greatest(k.after, s.version) + 1)
    OFFSET 0
) f ON true
ORDER BY k.number, e.version`

// readMoved counts the instances that are not at the version $3 any more, or whose event of that version is not of the commit $4,
// unless that is 0. Nothing is locked: the versions are those of one
// moment between question and answer, and that is all there is to say of an instance that nothing is added to.
var readMoved = `
SELECT count(*)
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS k (instance, workflow, version, last)
LEFT JOIN LATERAL (` + lastEvent("e.version, e.commit_id", "k") + `
) l ON true
WHERE coalesce(l.version, 0) <> k.version OR k.last <> 0 AND l.commit_id IS DISTINCT FROM k.last`

// The statements from here to deleteUniqueKeys are sent together with what commits them. What must hold they see to
// themselves, by ironflow.refuse with one of these codes.
const (
	refusedConflict  = "IF001"
	refusedUniqueKey = "IF002" // detail: number of the key, space, id of the holder, which is empty when it is gone
	refusedLease     = "IF003" // detail: name of the queue, space, number of the lease; the name is empty for Change.Settle
	refusedInputID   = "IF004"
	refusedPause     = "IF005" // detail: the workflow
	refusedIsolation = "IF006" // of append_change and useIndexesIsolated
	refusedList      = "IF007" // detail: the generation that the store takes at least
)

// touchAll makes the statement of a change, which ends with RETURNING, refuse when it returns less rows than its arrays have.
func touchAll(change, code, message, detail string) string {
	return "\nWITH done AS (" + change + "\n)" + refuseLess(code, message, detail)
}

func refuseLess(code, message, detail string) string {
	return `
SELECT ironflow.refuse('` + code + `', '` + message + `', ` + detail + `)
FROM done
HAVING count(*) <> cardinality($1::text[])`
}

var (
	checkVersions = `
SELECT ironflow.refuse('` + refusedConflict + `', 'an instance is not at the version that was read', '')
FROM (` + readMoved + `) AS moved (count)
WHERE count > 0`

	// insertInstances inserts nothing if the store does not take the list of cells, $6. It takes no lock on the record: PutCellRecord waits for
	// the transactions that have not seen its change.
	insertInstances = `
WITH cell (oldest_list) AS (
    SELECT coalesce(max(c.oldest_list), 0) FROM ironflow.cell c
), done AS (
    INSERT INTO ironflow.instances (instance, workflow, created_at, completed_at, status)
    SELECT k.instance, k.workflow, k.now, CASE WHEN k.complete THEN k.now END, CASE WHEN k.complete THEN nullif(k.status, '') END
    FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::bool[], $5::text[]) AS k (instance, workflow, now, complete, status), cell
    WHERE cell.oldest_list <= $6::bigint
    ON CONFLICT (instance, workflow) DO NOTHING
    RETURNING 1
)
SELECT CASE WHEN cell.oldest_list > $6::bigint
       THEN ironflow.refuse('` + refusedList + `', 'the list of cells is older than the store takes', cell.oldest_list::text)
       ELSE ironflow.refuse('` + refusedConflict + `', 'an instance exists already', '')
       END
FROM cell, (SELECT count(*) FROM done) AS inserted (count)
WHERE inserted.count <> cardinality($1::text[])`

	// completeInstances comes before the events of those instances, so that it waits for a unit of work before it holds anything that the
	// unit of work waits for.
	completeInstances = touchAll(`
UPDATE ironflow.instances i
SET completed_at = k.now, status = nullif(k.status, '')
FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[]) AS k (instance, workflow, now, status)
WHERE i.instance = k.instance AND i.workflow = k.workflow AND i.completed_at IS NULL
RETURNING 1`, refusedConflict, "an instance has completed", "''")
)

// insertUniqueKeys waits for others who are about to take or free one of the keys. Sorted, so that two of them never wait
// for each other.
const insertUniqueKeys = `
INSERT INTO ironflow.unique_keys (instance, workflow, key)
SELECT k.instance, k.workflow, k.key
FROM unnest($1::text[], $2::text[], $3::text[]) AS k (instance, workflow, key)
ORDER BY k.workflow COLLATE "C", k.key COLLATE "C"
ON CONFLICT (workflow, key) DO NOTHING`

// checkUniqueKeys is a statement of its own after the insert, so that it sees the row that the insert ran into.
const checkUniqueKeys = `
SELECT ironflow.refuse('` + refusedUniqueKey + `', 'a unique key is taken', k.number || ' ' || coalesce(u.instance, ''))
FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS k (instance, workflow, key, number)
LEFT JOIN LATERAL (
    SELECT u.instance FROM ironflow.unique_keys u WHERE u.workflow = k.workflow AND u.key = k.key OFFSET 0
) u ON true
WHERE u.instance IS DISTINCT FROM k.instance`

// readKeyHolders returns who holds the unique keys $2 of the workflows $1. OFFSET 0 keeps the planner from beginning with all unique keys.
const readKeyHolders = `
SELECT k.number, u.instance
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k (workflow, key, number)
CROSS JOIN LATERAL (
    SELECT u.instance FROM ironflow.unique_keys u WHERE u.workflow = k.workflow AND u.key = k.key OFFSET 0
) u`

// insertEvents numbers the events in the order of the arrays: PostgreSQL evaluates the default of a column after the
// ORDER BY of the query that feeds the insert. An event whose version is there is a violation of the table's key; one that somebody
// else is about to store is waited for.
const insertEvents = `
INSERT INTO ironflow.events
    (instance, workflow, version, type, schema_version, payload, recorded_at, commit_id, cause, status, completes, parent)
SELECT e.instance, e.workflow, e.version, e.type, e.schema_version, e.payload::json, e.recorded_at, $8::bigint,
       nullif(e.cause, '')::json, nullif(e.status, ''), CASE WHEN e.completes THEN true END, nullif(e.parent, '')::json
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::int[], $6::text[], $7::timestamptz[], $9::text[], $10::text[],
            $11::bool[], $12::text[]) WITH ORDINALITY
     AS e (instance, workflow, version, type, schema_version, payload, recorded_at, cause, status, completes, parent, number)
ORDER BY e.number`

// checkPredecessors says that the events of a change continue the history that they were decided on: the event before them is
// there, is of the commit that was read, and has not completed the instance.
//
// It comes after they were inserted, in a statement of its own, which at READ COMMITTED sees all that was committed before it. From the
// insert on, nobody else can store an event of that version: who is about to, waits, and so nobody can continue the history, nor
// complete the instance. What happened before the insert is seen. That matters for one that was completed and deleted in between:
// the version is free then, and a check made before the insert would not know. Nor can the instance be deleted from here on: only
// completed ones are, and this one has not completed.
const checkPredecessors = `
SELECT ironflow.refuse('` + refusedConflict + `', 'an instance is not at the version that was read', '')
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS k (instance, workflow, version, last)
LEFT JOIN LATERAL (
    SELECT e.commit_id, e.completes FROM ironflow.events e
    WHERE e.instance = k.instance AND e.workflow = k.workflow AND e.version = k.version
    OFFSET 0
) e ON true
WHERE e.commit_id IS NULL OR e.completes OR k.last <> 0 AND e.commit_id <> k.last`

// appendChange stores the change of one instance, without BEGIN and COMMIT: alone, a statement is a transaction. What it does
// stands in migrations/001_initial.up.sql.
const appendChange = `
SELECT ironflow.append_change(
    $1::text, $2::text, $3::bigint, $4::timestamptz, $5::timestamptz, $6::bool, $7::bigint,
    $8::text, $9::bigint, $10::text, $11::bigint,
    $12::text[], $13::int[], $14::text[], $15::text[], $16::text[],
    $17::text[], $18::text[], $19::text[], $20::timestamptz[], $21::text[],
    $22::text, $23::text[], $24::text[], $25::text[], $26::text[], $27::bigint, $28::bigint,
    $29::text, $30::timestamptz, $31::bool[], $32::bool[])`

// A new delivery k that is leased has a holder, which has claimed it at k.claimed_at. Others have no holder.
const (
	leaseColumnNames = `attempts, token, claimed_at, holder`
	leaseOfNew       = `CASE WHEN k.holder <> '' THEN 1 ELSE 0 END, CASE WHEN k.holder <> '' THEN 1 ELSE 0 END,
       CASE WHEN k.holder <> '' THEN k.claimed_at END, nullif(k.holder, '')`
)

// checkPauses refuses leases of new deliveries of the workflows $1. It looks as late as a claim would have looked: after everything that
// may have waited.
const checkPauses = `
SELECT ironflow.refuse('` + refusedPause + `', 'a workflow is paused', p.workflow)
FROM ironflow.paused_workflows p WHERE p.workflow = ANY ($1::text[])`

const insertEffects = `
INSERT INTO ironflow.effects
    (instance, workflow, version, position, kind, payload, run_at, due_at, trace, limit_key, commit_id, ` + leaseColumnNames + `)
SELECT k.instance, k.workflow, k.version, k.position, k.kind, k.payload::json, k.run_at, k.due_at,
       nullif(k.trace, ''), nullif(k.limit_key, ''), $11::bigint, ` + leaseOfNew + `
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::int[], $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[],
            $9::text[], $10::text[], $12::text[], $13::timestamptz[])
     AS k (instance, workflow, version, position, kind, payload, run_at, due_at, trace, limit_key, holder, claimed_at)`

const cancelTimers = `
DELETE FROM ironflow.timers t
USING unnest($1::text[], $2::text[], $3::text[]) AS k (instance, workflow, key)
WHERE t.instance = k.instance AND t.workflow = k.workflow AND t.key = k.key`

// upsertTimers has a timer that replaces another begin as new. Its version is new, so no lease of the other fits it.
const upsertTimers = `
INSERT INTO ironflow.timers (instance, workflow, key, version, kind, payload, due_at, run_at, trace, commit_id, ` + leaseColumnNames + `)
SELECT k.instance, k.workflow, k.key, k.version, k.kind, k.payload::json, k.due_at, k.run_at, nullif(k.trace, ''),
       $9::bigint, ` + leaseOfNew + `
FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::timestamptz[], $8::text[],
            $10::timestamptz[], $11::text[], $12::timestamptz[])
     AS k (instance, workflow, key, version, kind, payload, due_at, trace, run_at, holder, claimed_at)
ON CONFLICT (instance, workflow, key) DO UPDATE
SET version = excluded.version, kind = excluded.kind, payload = excluded.payload,
    due_at = excluded.due_at, run_at = excluded.run_at, trace = excluded.trace, commit_id = excluded.commit_id,
    attempts = excluded.attempts, token = excluded.token, claimed_at = excluded.claimed_at, holder = excluded.holder,
    last_error = NULL, died_at = NULL, told_at = NULL, blocked_since = NULL`

const deleteTimers = `
DELETE FROM ironflow.timers t
USING unnest($1::text[], $2::text[]) AS k (instance, workflow)
WHERE t.instance = k.instance AND t.workflow = k.workflow`

// deleteUniqueKeys compares the workflow in a way that fits no index, see the table.
const deleteUniqueKeys = `
DELETE FROM ironflow.unique_keys u
USING unnest($1::text[], $2::text[]) AS k (instance, workflow)
WHERE u.instance = k.instance AND u.workflow || '' = k.workflow`

// awaitInsert waits for a transaction that is creating the instance. When that fails, it creates one itself; the caller
// rolls back. lockInstances then waits for the transactions that change it. Only after both it is certain what hasEvent says.
const (
	awaitInsert = `
INSERT INTO ironflow.instances (instance, workflow, created_at)
VALUES ($1::text, $2::text, now())
ON CONFLICT (instance, workflow) DO NOTHING`
	hasEvent = `
SELECT EXISTS (
    SELECT FROM ironflow.events
    WHERE instance = $1::text AND workflow = $2::text AND version = $3::bigint AND commit_id = $4::bigint
)`
)

// flush is a transaction whose commit waits, as the session's synchronous_commit says, for all that was committed before it. It leaves
// nothing behind but a message in the log that nobody reads.
const flush = `SELECT pg_logical_emit_message(true, 'ironflow', '')`

// upsertSnapshots lets the newest version win. Of one version there may be states of two shapes, while two releases run side
// by side; then the last wins. A snapshot counts only with the commit of its event, the one that is there already, too.
const upsertSnapshots = `
INSERT INTO ironflow.snapshots AS s (instance, workflow, version, schema, state, commit_id)
SELECT e.instance, e.workflow, e.version, k.schema, k.state::json, e.commit_id
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::bigint[])
     AS k (instance, workflow, version, schema, state, commit_id)
JOIN ironflow.events e USING (instance, workflow, version, commit_id)
ORDER BY e.instance, e.workflow
ON CONFLICT (instance, workflow) DO UPDATE
SET version = excluded.version, schema = excluded.schema, state = excluded.state, commit_id = excluded.commit_id
WHERE s.version < excluded.version OR (s.version = excluded.version AND s.schema <> excluded.schema)
   OR s.commit_id IS DISTINCT FROM (
       SELECT e.commit_id FROM ironflow.events e
       WHERE e.instance = s.instance AND e.workflow = s.workflow AND e.version = s.version)`

// notify need not wait until the log is on disk, and neither need the other notifications that wait for it meanwhile:
// PostgreSQL lets only one transaction at a time commit with a notification.
const notify = `SELECT set_config('synchronous_commit', 'off', true), pg_notify($1::text, $2::text)`

// serverRole tells whether the server is a standby, and whether a transaction may write.
const serverRole = `SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'`

// serverTime is not now(), which is when the transaction began.
const serverTime = `SELECT clock_timestamp()`

const lockMigrations = `SELECT pg_advisory_xact_lock(hashtextextended('ironflow migrate ' || $1::text, 0))`

// readSchema tells whether the schema $1 exists, which of the names $2 are taken in it, and what columns its table schema_migrations
// has; none when there is no such table.
const readSchema = `
SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1::text),
       ARRAY (SELECT c.relname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
              WHERE n.nspname = $1::text AND c.relname = ANY ($2::text[]) ORDER BY 1),
       ARRAY (SELECT a.attname || ' ' || pg_catalog.format_type(a.atttypid, NULL)
              FROM pg_catalog.pg_attribute a
              JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
              JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
              WHERE n.nspname = $1::text AND c.relname = 'schema_migrations' AND a.attnum > 0 AND NOT a.attisdropped
              ORDER BY a.attnum)`

// readVersion returns the version of the schema, and the oldest version whose library works on it.
const readVersion = `SELECT version, oldest FROM ironflow.schema_migrations ORDER BY version DESC LIMIT 1`

// queries are the statements of the store and its queues, with the schema of one store.
type queries struct {
	useIndexesIsolated                 string
	lockInstances, readInstances       string
	readMoved, checkVersions           string
	insertInstances, completeInstances string
	freeVersions, checkPredecessors    string
	insertUniqueKeys, checkUniqueKeys  string
	readKeyHolders                     string
	insertEvents, insertEffects        string
	checkPauses                        string
	appendChange                       string
	cancelTimers, upsertTimers         string
	deleteTimers, deleteUniqueKeys     string
	awaitInsert, hasEvent              string
	upsertSnapshots                    string
	cancelEffects, recordEnded         string
	claimLimited, unparkKinds          string
	readOutcomes, insertOutcomes       string
	insertObservations                 string
	readObservations, upsertSchedules  string
	changeSchedule                     string
	readEvents, readFiltered           string
	filterEnd                          string
	takeTicket, newestEvent            string
	lastNumber, firstEventAfter        string
	effects, timers                    queueQueries
	inspection                         inspectionQueries
	search                             searchQueries
	pauses                             pauseQueries
	subjects                           subjectQueries
	programs                           programQueries
	audit                              auditQueries
	forget                             forgetQueries
	cells                              cellQueries
	projection                         projectionQueries
	transfer                           transferQueries
}

func newQueries(schema string) *queries {
	in := func(sql string) string { return inSchema(schema, sql) }
	return &queries{
		useIndexesIsolated: in(useIndexesIsolated),

		lockInstances:     in(lockInstances),
		readInstances:     in(readInstances),
		readMoved:         in(readMoved),
		checkVersions:     in(checkVersions),
		insertInstances:   in(insertInstances),
		completeInstances: in(completeInstances),
		freeVersions:      in(freeVersions),
		checkPredecessors: in(checkPredecessors),
		insertUniqueKeys:  in(insertUniqueKeys),
		checkUniqueKeys:   in(checkUniqueKeys),
		readKeyHolders:    in(readKeyHolders),
		insertEvents:      in(insertEvents),
		insertEffects:     in(insertEffects),
		checkPauses:       in(checkPauses),
		appendChange:      in(appendChange),
		cancelTimers:      in(cancelTimers),
		upsertTimers:      in(upsertTimers),
		deleteTimers:      in(deleteTimers),
		deleteUniqueKeys:  in(deleteUniqueKeys),
		awaitInsert:       in(awaitInsert),
		hasEvent:          in(hasEvent),
		upsertSnapshots:   in(upsertSnapshots),
		cancelEffects:     in(cancelEffects),
		recordEnded:       in(recordEnded),
		claimLimited:      in(claimLimited),
		unparkKinds:       in(unparkKinds),
		readOutcomes:      in(readOutcomes),
		insertOutcomes:    in(insertOutcomes),

		insertObservations: in(insertObservations),
		readObservations:   in(readObservations),
		upsertSchedules:    in(upsertSchedules),
		changeSchedule:     in(changeSchedule),

		readEvents:   in(readEvents),
		readFiltered: in(readFiltered),
		filterEnd:    in(filterEnd),
		takeTicket:   in(takeTicket),

		newestEvent:     in(newestEvent),
		lastNumber:      in(lastNumber),
		firstEventAfter: in(firstEventAfter),

		effects:    newQueueQueries(schema, effectNames),
		timers:     newQueueQueries(schema, timerNames),
		inspection: newInspectionQueries(in),
		search:     newSearchQueries(in),
		pauses:     newPauseQueries(in),
		subjects:   newSubjectQueries(in),
		programs:   newProgramQueries(in),
		audit:      newAuditQueries(in),
		forget:     newForgetQueries(in),
		cells:      newCellQueries(in),
		projection: newProjectionQueries(in),
		transfer:   newTransferQueries(in),
	}
}

// inSchema returns SQL written for the schema ironflow with another in its place.
func inSchema(schema, sql string) string {
	return strings.ReplaceAll(sql, "ironflow.", quote(schema)+".")
}
