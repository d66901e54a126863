package postgres

import (
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// forgetQueries are the statements of store.Forgetting.
type forgetQueries struct {
	finished, deleteInstances string
	deleteRecords             map[store.RecordKind]string
	takeChore, moveChore      string
}

func newForgetQueries(in func(sql string) string) forgetQueries {
	records := func(table, time string) string {
		return in(strings.NewReplacer("<table>", table, "<time>", time).Replace(deleteRecords))
	}
	return forgetQueries{
		finished: in(finishedInstances), deleteInstances: in(deleteInstances),
		deleteRecords: map[store.RecordKind]string{
			store.ObservationRecords:  records("observations", "observed_at"),
			store.InputOutcomeRecords: records("input_outcomes", "recorded_at"),
			store.DiscardedRecords:    records("discarded_letters", "discarded_at"),
			store.AuditRecords:        records("audit_log", "recorded_at"),
		},
		takeChore: in(takeChore), moveChore: in(moveChore),
	}
}

// deletable says that an instance i, which has completed with the event l, has no effects left, but for dead ones that it was told of.
// Neither effects nor events come any more: it takes no input.
const deletable = `
  NOT EXISTS (
      SELECT FROM ironflow.effects q
      WHERE q.instance = i.instance AND q.workflow = i.workflow AND q.told_at IS NULL)
  AND l.global_sequence <= `

// finishedInstances returns instances of the workflow $1 that completed before $2, with events up to $3, behind the place ($4, $5),
// at most $6. An instance that completed before a time was created before it, which is what the index knows.
var finishedInstances = `
SELECT i.instance, i.workflow, l.version, coalesce(i.status, ''), i.created_at, i.completed_at, i.completed_at
FROM ironflow.instances i
CROSS JOIN LATERAL (` + lastEvent("e.version, e.global_sequence", "i") + `
) l
WHERE ` + isCompleted + ` AND i.workflow = $1::text
  AND (i.created_at, i.instance) > ($4::timestamptz, $5::text) AND i.created_at < $2::timestamptz
  AND i.completed_at < $2::timestamptz AND` + deletable + `$3::bigint
ORDER BY i.created_at, i.instance
LIMIT $6::bigint`

// deleteInstances deletes those of the instances ($1, $2) that are at the version $3 and can be deleted when all have read up to
// $4, and returns their numbers. They are locked in the order of the key.
var deleteInstances = `
WITH doomed AS (
    SELECT i.instance, i.workflow, k.number
    FROM unnest($1::text[], $2::text[], $3::bigint[]) WITH ORDINALITY AS k (instance, workflow, version, number)
    JOIN ironflow.instances i USING (instance, workflow)
    CROSS JOIN LATERAL (` + lastEvent("e.version, e.global_sequence", "i") + `
    ) l
    WHERE l.version = k.version AND i.completed_at IS NOT NULL AND` + deletable + `$4::bigint
    ORDER BY i.instance, i.workflow
    FOR UPDATE OF i
), effects AS (
    DELETE FROM ironflow.effects t USING doomed d WHERE t.instance = d.instance AND t.workflow = d.workflow
), events AS (
    DELETE FROM ironflow.events t USING doomed d WHERE t.instance = d.instance AND t.workflow = d.workflow
), search AS (
    DELETE FROM ironflow.search t USING doomed d WHERE t.instance = d.instance AND t.workflow = d.workflow
), snapshots AS (
    DELETE FROM ironflow.snapshots t USING doomed d WHERE t.instance = d.instance AND t.workflow = d.workflow
), observations AS (
    DELETE FROM ironflow.observations t USING doomed d WHERE t.instance = d.instance AND t.workflow = d.workflow
), ended AS (
    DELETE FROM ironflow.ended_deliveries t USING doomed d WHERE t.instance = d.instance AND t.workflow = d.workflow
), instances AS (
    DELETE FROM ironflow.instances t USING doomed d WHERE t.instance = d.instance AND t.workflow = d.workflow
)
SELECT number FROM doomed`

// deleteRecords deletes records that are older than $1, at most $2, and returns how many.
const deleteRecords = `
WITH old AS (
    DELETE FROM ironflow.<table>
    WHERE ctid = ANY (ARRAY(SELECT ctid FROM ironflow.<table> WHERE <time> < $1::timestamptz ORDER BY <time> LIMIT $2::bigint))
      AND <time> < $1::timestamptz
    RETURNING 1
)
SELECT count(*) FROM old`

// takeChore takes the chore $1 when it is due at $2, and has it be due again at $3.
const takeChore = `
INSERT INTO ironflow.chores AS c (name, run_at, token) VALUES ($1::text, $3::timestamptz, 1)
ON CONFLICT (name) DO UPDATE SET run_at = excluded.run_at, token = c.token + 1 WHERE c.run_at <= $2::timestamptz
RETURNING c.token`

// moveChore has the chore $1 be due at $3 while its token is $2.
const moveChore = `
WITH moved AS (
    UPDATE ironflow.chores SET run_at = $3::timestamptz WHERE name = $1::text AND token = $2::bigint RETURNING 1
)
SELECT count(*) FROM moved`
