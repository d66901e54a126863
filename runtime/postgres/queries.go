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
// each row by its key, which is always right here. Left alone, it plans for the table as it is at that moment: for a new one,
// or a queue that happens to be empty, it reads the whole table, and a connection keeps that plan until the next ANALYZE, while
// the table grows. Measured: 12 s after the start from empty tables, 2,800 commits had read 58 million rows. And JIT
// compilation, which costs more than any of these statements, must not be started by an estimate.
const useIndexes = `
SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
       set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true)`

// lockInstances locks the instances that exist and are active. It is a statement of its own, before the one that reads: a
// statement that had to wait for a lock would return the new version of the row, but other tables as they were before.
const lockInstances = `
SELECT k.number
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k (workflow_id, workflow_type, number)
JOIN ironflow.instances i USING (workflow_id, workflow_type)
WHERE i.completed_at IS NULL
ORDER BY i.workflow_id, i.workflow_type
FOR UPDATE OF i`

// readInstances returns a row for each event, and one for an instance whose events are left out, which are those of
// completed instances unless $3.
const readInstances = `
SELECT k.number, i.version, i.completed_at IS NOT NULL,
       coalesce(e.version, 0), coalesce(e.global_sequence, 0), coalesce(e.type, ''), coalesce(e.schema_version, 0),
       e.payload, coalesce(e.recorded_at, i.last_event_at)
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k (workflow_id, workflow_type, number)
JOIN ironflow.instances i USING (workflow_id, workflow_type)
LEFT JOIN ironflow.events e
       ON e.workflow_id = i.workflow_id AND e.workflow_type = i.workflow_type AND (i.completed_at IS NULL OR $3::bool)
ORDER BY k.number, e.version`

const insertInstances = `
INSERT INTO ironflow.instances (workflow_id, workflow_type, version, created_at, last_event_at, completed_at)
SELECT k.workflow_id, k.workflow_type, k.version, k.now, k.now, CASE WHEN k.complete THEN k.now END
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[], $5::bool[])
     AS k (workflow_id, workflow_type, version, now, complete)
ON CONFLICT (workflow_id, workflow_type) DO NOTHING`

// updateInstances misses the instances that are not at the version they are expected at.
const updateInstances = `
UPDATE ironflow.instances i
SET version = k.version, last_event_at = k.now, completed_at = CASE WHEN k.complete THEN k.now END
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[], $5::bool[], $6::bigint[])
     AS k (workflow_id, workflow_type, version, now, complete, expected)
WHERE i.workflow_id = k.workflow_id AND i.workflow_type = k.workflow_type
  AND i.version = k.expected AND i.completed_at IS NULL`

// insertUniqueKeys waits for others who are about to take or free one of the keys. Sorted, so that two of them never wait
// for each other.
const insertUniqueKeys = `
INSERT INTO ironflow.unique_keys (workflow_id, workflow_type, key)
SELECT k.workflow_id, k.workflow_type, k.key
FROM unnest($1::text[], $2::text[], $3::text[]) AS k (workflow_id, workflow_type, key)
ORDER BY k.workflow_type COLLATE "C", k.key COLLATE "C"
ON CONFLICT (workflow_type, key) DO NOTHING`

// readUniqueKeys is a statement of its own after the insert, so that it sees the row that the insert ran into.
const readUniqueKeys = `
SELECT k.number, u.workflow_id
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k (workflow_type, key, number)
JOIN ironflow.unique_keys u USING (workflow_type, key)`

// insertEvents numbers the events in the order of the arrays: PostgreSQL evaluates the default of a column after the
// ORDER BY of the query that feeds the insert. The transaction has its id by then, because the instances come first;
// whoever reads in the order of the sequence relies on that.
const insertEvents = `
INSERT INTO ironflow.events (workflow_id, workflow_type, version, type, schema_version, payload, recorded_at)
SELECT e.workflow_id, e.workflow_type, e.version, e.type, e.schema_version, e.payload::json, e.recorded_at
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::int[], $6::text[], $7::timestamptz[]) WITH ORDINALITY
     AS e (workflow_id, workflow_type, version, type, schema_version, payload, recorded_at, number)
ORDER BY e.number`

const insertEffects = `
INSERT INTO ironflow.effects (workflow_id, workflow_type, version, position, kind, payload, run_at, created_at)
SELECT e.workflow_id, e.workflow_type, e.version, e.position, e.kind, e.payload::json, e.now, e.now
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::int[], $5::text[], $6::text[], $7::timestamptz[])
     AS e (workflow_id, workflow_type, version, position, kind, payload, now)`

const cancelTimers = `
DELETE FROM ironflow.timers t
USING unnest($1::text[], $2::text[], $3::text[]) AS k (workflow_id, workflow_type, key)
WHERE t.workflow_id = k.workflow_id AND t.workflow_type = k.workflow_type AND t.key = k.key`

// upsertTimers leaves the token of a timer it replaces as it is: the generation is new, and a lease names both.
const upsertTimers = `
INSERT INTO ironflow.timers (workflow_id, workflow_type, key, generation, input, payload, fire_at, run_at)
SELECT k.workflow_id, k.workflow_type, k.key, k.generation, k.input, k.payload::json, k.fire_at, k.fire_at
FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::timestamptz[])
     AS k (workflow_id, workflow_type, key, generation, input, payload, fire_at)
ON CONFLICT (workflow_id, workflow_type, key) DO UPDATE
SET generation = excluded.generation, input = excluded.input, payload = excluded.payload,
    fire_at = excluded.fire_at, run_at = excluded.run_at, attempts = 0, last_error = NULL, dead_at = NULL`

const deleteTimers = `
DELETE FROM ironflow.timers t
USING unnest($1::text[], $2::text[]) AS k (workflow_id, workflow_type)
WHERE t.workflow_id = k.workflow_id AND t.workflow_type = k.workflow_type`

const deleteUniqueKeys = `
DELETE FROM ironflow.unique_keys u
USING unnest($1::text[], $2::text[]) AS k (workflow_id, workflow_type)
WHERE u.workflow_id = k.workflow_id AND u.workflow_type = k.workflow_type`

const (
	lockMigrations = `SELECT pg_advisory_xact_lock(hashtextextended('ironflow migrate ' || $1::text, 0))`
	schemaExists   = `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1::text)`
)

const createMigrations = `
CREATE TABLE IF NOT EXISTS ironflow.schema_migrations (
    version    int PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
)`

const (
	readVersion     = `SELECT coalesce(max(version), 0) FROM ironflow.schema_migrations`
	recordMigration = `INSERT INTO ironflow.schema_migrations (version) VALUES ($1::int)`
	forgetMigration = `DELETE FROM ironflow.schema_migrations WHERE version = $1::int`
)

// queries are the statements of units of work, and of the queues, with the schema of one store.
type queries struct {
	lockInstances, readInstances     string
	insertInstances, updateInstances string
	insertUniqueKeys, readUniqueKeys string
	insertEvents, insertEffects      string
	cancelTimers, upsertTimers       string
	deleteTimers, deleteUniqueKeys   string
	effects, timers                  queueQueries
}

func newQueries(schema string) *queries {
	in := func(sql string) string { return inSchema(schema, sql) }
	return &queries{
		lockInstances:    in(lockInstances),
		readInstances:    in(readInstances),
		insertInstances:  in(insertInstances),
		updateInstances:  in(updateInstances),
		insertUniqueKeys: in(insertUniqueKeys),
		readUniqueKeys:   in(readUniqueKeys),
		insertEvents:     in(insertEvents),
		insertEffects:    in(insertEffects),
		cancelTimers:     in(cancelTimers),
		upsertTimers:     in(upsertTimers),
		deleteTimers:     in(deleteTimers),
		deleteUniqueKeys: in(deleteUniqueKeys),
		effects:          newQueueQueries(schema, effectNames),
		timers:           newQueueQueries(schema, timerNames),
	}
}

// inSchema returns SQL written for the schema ironflow with another in its place.
func inSchema(schema, sql string) string {
	return strings.ReplaceAll(sql, "ironflow.", quote(schema)+".")
}
