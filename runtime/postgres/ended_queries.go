package postgres

// insertEnded is the beginning of the statements that keep records of deliveries that are over.
const insertEnded = `
INSERT INTO ironflow.ended_deliveries
    (instance, workflow, queue, version, item, kind, ending, ended_at, attempts, by_instance, by_workflow, by_version, reason)`

const onceEnded = `
ON CONFLICT (instance, workflow, version, queue, item) DO NOTHING`

// recordEnded keeps records that the engine made.
const recordEnded = insertEnded + `
SELECT k.instance, k.workflow, k.queue, k.version, k.item, k.kind, k.ending, k.at, k.attempts, k.by_instance, k.by_workflow,
       k.by_version, k.reason
FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::int[],
            $10::text[], $11::text[], $12::bigint[], $13::text[])
     AS k (instance, workflow, queue, version, item, kind, ending, at, attempts, by_instance, by_workflow, by_version, reason)` + onceEnded

// cancelEffects gives up effects of the kinds $3 and keeps records of them: by the decisions $4, at $5.
//
// It does not say died_at IS NULL, which is the condition of the claim's index: the planner would take it for a reason to read
// that index, and so the whole outbox, in place of the key.
const cancelEffects = `
WITH gone AS (
    DELETE FROM ironflow.effects e
    USING unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::timestamptz[])
          AS k (instance, workflow, kind, by_version, at)
    WHERE e.instance = k.instance AND e.workflow = k.workflow AND e.kind = k.kind
      AND coalesce(e.died_at, timestamptz 'infinity') = timestamptz 'infinity'
    RETURNING e.*, k.by_version, k.at
)` + insertEnded + `
SELECT instance, workflow, 'effects', version, position::text, kind, 'cancelled', at, attempts, instance, workflow,
       by_version, ''
FROM gone` + onceEnded

// refuseQueue deletes deliveries whose inputs were refused and keeps records of them: at $7, because of $8. It returns the numbers of
// the leases that were held.
var refuseQueue = `
WITH gone AS (
    DELETE FROM ironflow.<queue> q
    USING ` + heldBy(", $7::timestamptz[], $8::text[]", ", at, reason") + `
    RETURNING k.number, k.at, k.reason, q.*
), recorded AS (` + insertEnded + `
    SELECT instance, workflow, '<queue>', version, <item>::text, kind, 'refused', at, attempts, '', '', 0, reason
    FROM gone
    WHERE instance <> ''` + onceEnded + `
)
SELECT number FROM gone`

// readEnded returns records of the instance $1, $2 from the version $3 on, at most $4.
const readEnded = `
SELECT queue, version, item, kind, ending, ended_at, attempts, by_instance, by_workflow, by_version, reason
FROM ironflow.ended_deliveries
WHERE instance = $1::text AND workflow = $2::text AND version >= $3::bigint
ORDER BY version, queue, item
LIMIT $4::bigint`
