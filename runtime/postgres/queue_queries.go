package postgres

import "strings"

// The two queues differ in few columns and in nothing else, so their statements are written once, with these words for the columns:
//
//	         effects      timers
//	<item>   position     key         tells the deliveries of a decision apart
//	<parked> parked_from  NULL        when it was due, if a limit holds it back since
//
// An <item> travels as text. A lease is given as the columns $1 to $6; extend, remove and keep return the numbers of the
// leases that were held.
//
// The leases come in the order of the table's key, and useIndexes leaves no plan but to look them up one after the other, so
// that rows are locked in that order. Should two statements wait for each other all the same, the server ends one, and it
// is run again.
type queueQueries struct {
	claim, look, retryBlocked, realign, extend, remove, refuse, consume, keep, settle string
	deadLetterQueries
	backlogQueries
}

func newQueueQueries(schema string, names *strings.Replacer) queueQueries {
	in := func(sql string) string { return inSchema(schema, names.Replace(sql)) }
	return queueQueries{
		claim: in(claimQueue), look: in(lookBackQueue), retryBlocked: in(retryBlockedQueue), realign: in(realignQueue), extend: in(extendQueue), remove: in(removeQueue),
		consume: in(consumeQueue), keep: in(keepQueue), settle: in(settleQueue),
		refuse:            in(refuseQueue),
		deadLetterQueries: newDeadLetterQueries(in),
		backlogQueries:    newBacklogQueries(in),
	}
}

var (
	effectNames = strings.NewReplacer("<queue>", "effects", "<item>", "position", "<item type>", "int",
		"<order>", "q.run_at, q.version, q.position", "<parked>", "q.parked_from")
	timerNames = strings.NewReplacer("<queue>", "timers", "<item>", "key", "<item type>", "text",
		"<order>", "q.run_at", "<parked>", "NULL::timestamptz")
)

// claimQueue leases deliveries of the kinds ($1, $2) that are due at $3, until $4, at most $5, to the process $7. Of each kind it looks
// at those that are due at $6 or later.
//
// It runs after readInOrder. The LATERAL then walks along one range of the claim index for each kind. The outer LIMIT stops asking it
// for more, so that no row is locked that is not claimed. SKIP LOCKED passes by what another claim or a commit has in hand. The rows,
// locked by then, are found again by their place, which costs a sixth less than by key. Of a row that changed between the statement's
// snapshot and its lock, and is due even so, the statement does not see the new place: it is left to the next claim.
const claimQueue = `
WITH due AS (
    SELECT k.number, d.*
    FROM (` + unpausedKinds + `
    ) k
    CROSS JOIN LATERAL (
        SELECT q.ctid AS place, q.run_at AS due
        FROM ironflow.<queue> q
        WHERE q.workflow = k.workflow AND q.kind = k.kind AND q.died_at IS NULL
          AND q.run_at >= k.bound AND q.run_at <= $3::timestamptz
        ORDER BY <order>
        LIMIT $5::bigint
        FOR UPDATE SKIP LOCKED
    ) d
    LIMIT $5::bigint
), claimed AS (
    UPDATE ironflow.<queue> q
    SET attempts = q.attempts + 1, token = q.token + 1, run_at = $4::timestamptz, claimed_at = $3::timestamptz, holder = $7::text
    FROM due
    WHERE q.ctid = due.place
    RETURNING due.number, due.due, q.*
)
SELECT instance, workflow, version, <item>::text, token, commit_id, kind, payload, due_at, attempts,
       coalesce(last_error, ''), coalesce(trace, ''),
       blocked_since, due
FROM claimed
ORDER BY number, due, instance, version, <item>`

// unpausedKinds are the kinds ($1, $2) with their bounds $6, without those of paused workflows.
const unpausedKinds = `
        SELECT k.*
        FROM unnest($1::text[], $2::text[], $6::timestamptz[]) WITH ORDINALITY AS k (workflow, kind, bound, number)
        WHERE NOT EXISTS (SELECT FROM ironflow.paused_workflows p WHERE p.workflow = k.workflow)`

// lookBackQueue returns the oldest delivery of each kind that is due before the kind's bound. It walks over all dead entries of the
// index, which no claim does.
var lookBackQueue = `
SELECT k.number, d.run_at
FROM (` + strings.ReplaceAll(unpausedKinds, "$6", "$3") + `
) k
CROSS JOIN LATERAL (
    SELECT q.run_at FROM ironflow.<queue> q
    WHERE q.workflow = k.workflow AND q.kind = k.kind AND q.died_at IS NULL AND q.run_at < k.bound
    ORDER BY <order>
    LIMIT 1
) d`

// retryBlockedQueue makes blocked deliveries of the kinds ($1, $2) due at $3, at most $4. It runs after readInOrder, and finds its rows as claimQueue
// does.
const retryBlockedQueue = `
WITH blocked AS (
    SELECT d.place
    FROM unnest($1::text[], $2::text[]) AS k (workflow, kind)
    CROSS JOIN LATERAL (
        SELECT q.ctid AS place
        FROM ironflow.<queue> q
        WHERE q.workflow = k.workflow AND q.kind = k.kind AND q.blocked_since IS NOT NULL AND q.died_at IS NULL
          AND q.claimed_at IS NULL AND <parked> IS NULL AND q.run_at > $3::timestamptz
        ORDER BY q.blocked_since
        LIMIT $4::bigint
        FOR UPDATE SKIP LOCKED
    ) d
    LIMIT $4::bigint
), retried AS (
    UPDATE ironflow.<queue> q SET run_at = $3::timestamptz FROM blocked WHERE q.ctid = blocked.place
    RETURNING 1
)
SELECT count(*) FROM retried`

// realignQueue changes leases that were claimed after $2 to leases that were claimed at $1.
const realignQueue = `
WITH future AS (
    UPDATE ironflow.<queue> SET run_at = run_at - (claimed_at - $1::timestamptz), claimed_at = $1::timestamptz
    WHERE claimed_at > $2::timestamptz AND died_at IS NULL
    RETURNING 1
)
SELECT count(*) FROM future`

// ofLeases makes a statement reach the deliveries whose leases are held, and return the numbers of those. The statement may
// have more parameters with one element for each lease.
func ofLeases(moreArrays, moreNames string) string {
	return heldBy(moreArrays, moreNames) + `
RETURNING k.number`
}

// heldBy is ofLeases without an end, for more conditions and results.
func heldBy(moreArrays, moreNames string) string {
	return `unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[]` + moreArrays + `) WITH ORDINALITY
     AS k (instance, workflow, version, item_text, token, made_by` + moreNames + `, number)
WHERE q.instance = k.instance AND q.workflow = k.workflow
  AND q.version = k.version AND q.<item> = k.item_text::<item type> AND q.token = k.token AND q.commit_id = k.made_by`
}

// extendQueue moves the end of leases to $7.
var extendQueue = `
UPDATE ironflow.<queue> q
SET run_at = $7::timestamptz
FROM ` + ofLeases("", "")

// removeQueue deletes deliveries that are done.
var removeQueue = `
DELETE FROM ironflow.<queue> q
USING ` + ofLeases("", "")

// consumeQueue deletes those that caused a change, in the transaction of that change, or refuses. A lease that is given
// twice is held once.
var consumeQueue = `
WITH done AS (` + removeQueue + `
)` + refuseLess(refusedLease, "a lease is lost", `
    (SELECT '<queue> ' || min(n) FROM generate_series(1, cardinality($1::text[])) n WHERE n NOT IN (SELECT number FROM done))`)

// keepQueue ends leases whose deliveries stay, by the verdicts $7, times $8, errors $9, attempts $10 and the times $11 since which
// they are blocked. The token grows, because the lease is over: another word under it comes too late. What is due again is as
// new.
var keepQueue = `
UPDATE ironflow.<queue> q
SET token      = q.token + 1,
    claimed_at = NULL,
    holder     = NULL,
    run_at     = CASE WHEN k.verdict IN ('dead', 'told') THEN q.run_at ELSE k.at END,
    due_at     = CASE WHEN k.verdict = 'again' THEN k.at ELSE q.due_at END,
    died_at    = CASE WHEN k.verdict IN ('dead', 'told') THEN k.at END,
    told_at    = CASE WHEN k.verdict = 'told' THEN k.at END,
    attempts   = CASE k.verdict
        WHEN 'again' THEN k.attempts
        WHEN 'release' THEN q.attempts - 1
        WHEN 'wait' THEN greatest(q.attempts - 1, k.attempts)
        ELSE greatest(q.attempts, k.attempts)
    END,
    last_error = CASE k.verdict WHEN 'again' THEN nullif(k.error, '') WHEN 'release' THEN q.last_error ELSE k.error END,
    blocked_since = k.blocked_since
FROM ` + ofLeases(", $7::text[], $8::timestamptz[], $9::text[], $10::int[], $11::timestamptz[]",
	", verdict, at, error, attempts, blocked_since")

// settleQueue does so in the transaction of a change, or refuses; $12 is the number of the lease for those who are told.
var settleQueue = `
WITH done AS (` + keepQueue + `
)` + refuseLess(refusedLease, "a lease is lost", `' ' || $12::bigint`)
