package postgres

import "strings"

// The two queues differ in what their columns are called and in nothing else, so their statements are written once, with
// these words for the columns:
//
//	        effects     timers
//	<name>  kind        input       what a worker registers for
//	<since> version     generation  of the instance after the decision that made the delivery
//	<item>  position    key         tells the deliveries of a decision apart
//	<due>   created_at  fire_at     when it was due first
//
// An <item> travels as text. A lease is given as the columns $1 to $5; extend, remove and keep return the numbers of the
// leases that were held.
//
// They lock in a known order first; the rows are then changed by the same statement. They are found again by key, not by
// ctid: of a row that changed between the statement's snapshot and its lock, the newest version has a ctid that the
// statement does not see yet.
type queueQueries struct {
	claim, extend, remove, keep string
}

func newQueueQueries(schema string, names *strings.Replacer) queueQueries {
	in := func(sql string) string { return inSchema(schema, names.Replace(sql)) }
	return queueQueries{claim: in(claimQueue), extend: in(extendQueue), remove: in(removeQueue), keep: in(keepQueue)}
}

var (
	effectNames = strings.NewReplacer("<queue>", "effects", "<name>", "kind", "<due>", "created_at",
		"<since>", "version", "<item>", "position", "<item type>", "int")
	timerNames = strings.NewReplacer("<queue>", "timers", "<name>", "input", "<due>", "fire_at",
		"<since>", "generation", "<item>", "key", "<item type>", "text")
)

// claimQueue leases deliveries of the kinds ($1, $2) that are due at $3, until $4, at most $5.
//
// The LATERAL reads one range of the claim index for each kind. The outer LIMIT stops asking it for more, so that no row
// is locked that is not claimed. SKIP LOCKED passes by what another claim or a commit has in hand.
const claimQueue = `
WITH due AS (
    SELECT k.number, d.*
    FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k (workflow_type, name, number)
    CROSS JOIN LATERAL (
        SELECT q.workflow_id, q.workflow_type, q.<since>, q.<item>, q.run_at AS due
        FROM ironflow.<queue> q
        WHERE q.workflow_type = k.workflow_type AND q.<name> = k.name AND q.dead_at IS NULL AND q.run_at <= $3::timestamptz
        ORDER BY q.run_at
        LIMIT $5::bigint
        FOR UPDATE SKIP LOCKED
    ) d
    LIMIT $5::bigint
), claimed AS (
    UPDATE ironflow.<queue> q
    SET attempts = q.attempts + 1, token = q.token + 1, run_at = $4::timestamptz
    FROM due
    WHERE q.workflow_id = due.workflow_id AND q.workflow_type = due.workflow_type
      AND q.<since> = due.<since> AND q.<item> = due.<item>
    RETURNING due.number, due.due, q.*
)
SELECT workflow_id, workflow_type, <since>, <item>::text, token, <name>, payload, <due>, attempts, coalesce(last_error, '')
FROM claimed
ORDER BY number, due, workflow_id, <since>, <item>`

// heldLeases begins a statement about leases with a table of those that are held, in which each delivery is locked. The
// statement may have more parameters with one element for each lease.
func heldLeases(moreArrays, moreNames string) string {
	return `
WITH held AS (
    SELECT k.*, q.<since>, q.<item>
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[]` + moreArrays + `) WITH ORDINALITY
         AS k (workflow_id, workflow_type, since, item_text, token` + moreNames + `, number)
    JOIN ironflow.<queue> q
      ON q.workflow_id = k.workflow_id AND q.workflow_type = k.workflow_type
     AND q.<since> = k.since AND q.<item> = k.item_text::<item type> AND q.token = k.token
    ORDER BY q.workflow_id, q.workflow_type, q.<since>, q.<item>
    FOR UPDATE OF q
)`
}

// byHeld ends it.
const byHeld = `
WHERE q.workflow_id = held.workflow_id AND q.workflow_type = held.workflow_type
  AND q.<since> = held.<since> AND q.<item> = held.<item>
RETURNING held.number`

// extendQueue moves the end of leases to $6.
var extendQueue = heldLeases("", "") + `
UPDATE ironflow.<queue> q
SET run_at = $6::timestamptz
FROM held` + byHeld

// removeQueue deletes deliveries that are done or consumed.
var removeQueue = heldLeases("", "") + `
DELETE FROM ironflow.<queue> q
USING held` + byHeld

// keepQueue ends leases whose deliveries stay, by the verdicts $6, times $7 and errors $8. The token grows, because the
// lease is over: another word under it comes too late.
var keepQueue = heldLeases(", $6::text[], $7::timestamptz[], $8::text[]", ", verdict, at, error") + `
UPDATE ironflow.<queue> q
SET token      = q.token + 1,
    run_at     = CASE WHEN held.verdict = 'dead' THEN q.run_at ELSE held.at END,
    dead_at    = CASE WHEN held.verdict = 'dead' THEN held.at END,
    attempts   = CASE WHEN held.verdict = 'release' THEN q.attempts - 1 ELSE q.attempts END,
    last_error = CASE WHEN held.verdict = 'release' THEN q.last_error ELSE held.error END
FROM held` + byHeld
