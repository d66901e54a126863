package postgres

// readOutcomes returns the outcomes that are known of the inputs ($1, $2, $3), with their numbers.
const readOutcomes = `
SELECT k.number, o.outcome
FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS k (instance, workflow, input_id, number)
JOIN ironflow.input_outcomes o USING (instance, workflow, input_id)`

// insertOutcomes refuses when there is an outcome under one of the ids already. Two inputs with one id are inserted by two
// transactions that wait for each other here, in the order of the key.
var insertOutcomes = touchAll(`
INSERT INTO ironflow.input_outcomes (instance, workflow, input_id, outcome, recorded_at)
SELECT k.instance, k.workflow, k.input_id, k.outcome::json, k.at
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
     AS k (instance, workflow, input_id, outcome, at)
ORDER BY k.instance COLLATE "C", k.workflow COLLATE "C", k.input_id COLLATE "C"
ON CONFLICT (instance, workflow, input_id) DO NOTHING
RETURNING 1`, refusedInputID, "an input id has an outcome already", "''")

const insertObservations = `
INSERT INTO ironflow.observations
    (instance, workflow, observed_at, input, input_id, payload, outcome, version, rejection, rejection_payload)
SELECT k.instance, k.workflow, k.at, k.input, nullif(k.input_id, ''), k.payload::json, k.outcome, k.version,
       nullif(k.rejection, ''), nullif(k.rejection_payload, '')::json
FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[],
            $9::text[], $10::text[]) WITH ORDINALITY
     AS k (instance, workflow, at, input, input_id, payload, outcome, version, rejection, rejection_payload, number)
ORDER BY k.number`

// readObservations reads those of the instance $2 of the workflow $1, or of all instances, or of all workflows, before $3, $5. The
// planner chooses the index: the key for one instance, the time for all. They are at most $4, and a page by their $6 bytes.
var readObservations = pageByBytes(`
SELECT instance, workflow, observed_at, number, input, coalesce(input_id, '') AS input_id, payload, outcome, version,
       coalesce(rejection, '') AS rejection, rejection_payload
FROM ironflow.observations
WHERE ($1::text = '' OR workflow = $1::text) AND ($2::text = '' OR instance = $2::text)
  AND (observed_at, number) < ($3::timestamptz, $5::bigint)
ORDER BY observed_at DESC, number DESC
LIMIT $4::bigint`, "observed_at DESC, number DESC", "$6", "payload", "rejection_payload")

// changeSchedule moves the schedule $2 of the workflow $1: to the nominal time $3, unless that is NULL, and delivers it at $4, or at its
// nominal time when that is NULL. It records the action $5.
var changeSchedule = `
WITH done AS (
    UPDATE ironflow.timers t
    SET due_at = coalesce($3::timestamptz, t.due_at), run_at = coalesce($4::timestamptz, $3::timestamptz, t.due_at),
        token = t.token + 1, attempts = 0, last_error = NULL, died_at = NULL, told_at = NULL,
        claimed_at = NULL, holder = NULL, blocked_since = NULL
    WHERE t.instance = '' AND t.workflow = $1::text AND t.key = $2::text
    RETURNING 1
)` + auditing("$5") + `
SELECT count(*) FROM done`

// upsertSchedules leaves a schedule alone whose definition is what it was. One that is defined anew starts anew, and a lease on
// the old one is lost.
const upsertSchedules = `
INSERT INTO ironflow.timers AS t (instance, workflow, key, version, kind, payload, due_at, run_at)
SELECT '', k.workflow, k.key, 1, k.kind, k.payload::json, k.due_at, k.due_at
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[]) AS k (workflow, key, kind, payload, due_at)
ORDER BY k.workflow COLLATE "C", k.key COLLATE "C"
ON CONFLICT (instance, workflow, key) DO UPDATE
SET version = t.version + 1, kind = excluded.kind, payload = excluded.payload,
    due_at = excluded.due_at, run_at = excluded.run_at,
    attempts = 0, last_error = NULL, died_at = NULL, told_at = NULL,
    claimed_at = NULL, holder = NULL, blocked_since = NULL
WHERE t.payload::text <> excluded.payload::text`
