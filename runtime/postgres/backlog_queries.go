package postgres

// backlogQueries are the statements of store.Inspection. The words in angle brackets are explained at queueQueries.
type backlogQueries struct{ backlog, leaseHolders, waiting string }

func newBacklogQueries(in func(sql string) string) backlogQueries {
	return backlogQueries{backlog: in(readBacklog), leaseHolders: in(readLeaseHolders), waiting: in(readWaiting)}
}

// readBacklog counts what there is of each kind at $1, no further than $2. Which kinds there are is found by going from one to
// the next in the claim's index, or in that of the dead; each is then read from its two ends. Those that are leased come first
// of what is not due: leases are short. What is parked is due.
const readBacklog = kindsAlive + `, dead_kinds AS (
    (SELECT q.workflow, q.kind FROM ironflow.<queue> q WHERE q.died_at IS NOT NULL AND q.told_at IS NULL
     ORDER BY q.workflow, q.kind LIMIT 1)
    UNION ALL
    SELECT next.*
    FROM dead_kinds k
    CROSS JOIN LATERAL (
        SELECT q.workflow, q.kind FROM ironflow.<queue> q
        WHERE q.died_at IS NOT NULL AND q.told_at IS NULL AND (q.workflow, q.kind) > (k.workflow, k.kind)
        ORDER BY q.workflow, q.kind LIMIT 1
    ) next
), dead AS (
    SELECT k.workflow, k.kind, d.n
    FROM dead_kinds k
    CROSS JOIN LATERAL (
        SELECT count(*) AS n
        FROM (SELECT FROM ironflow.<queue> q
              WHERE q.workflow = k.workflow AND q.kind = k.kind AND q.died_at IS NOT NULL AND q.told_at IS NULL
              LIMIT $2::bigint) q
    ) d
), alive AS (
    SELECT k.workflow, k.kind, due.n + later.parked AS due, least(due.oldest, later.parked_from) AS oldest,
           later.leased, later.n - later.leased - later.parked AS delayed,
           blocked.n AS blocked, first.blocked_since, first.last_error
    FROM kinds k
    CROSS JOIN LATERAL (
        SELECT count(*) AS n, min(run_at) AS oldest
        FROM (SELECT q.run_at FROM ironflow.<queue> q
              WHERE q.workflow = k.workflow AND q.kind = k.kind AND q.died_at IS NULL AND q.run_at <= $1::timestamptz
              ORDER BY q.run_at LIMIT $2::bigint) q
    ) due
    CROSS JOIN LATERAL (
        SELECT count(*) AS n, count(claimed_at) AS leased,
               count(parked) AS parked, min(parked) AS parked_from
        FROM (SELECT q.claimed_at, <parked> AS parked FROM ironflow.<queue> q
              WHERE q.workflow = k.workflow AND q.kind = k.kind AND q.died_at IS NULL AND q.run_at > $1::timestamptz
              ORDER BY q.run_at LIMIT $2::bigint) q
    ) later
    CROSS JOIN LATERAL (
        SELECT count(*) AS n
        FROM (SELECT FROM ironflow.<queue> q
              WHERE q.workflow = k.workflow AND q.kind = k.kind AND q.blocked_since IS NOT NULL AND q.died_at IS NULL
              LIMIT $2::bigint) q
    ) blocked
    LEFT JOIN LATERAL (
        SELECT q.blocked_since, q.last_error FROM ironflow.<queue> q
        WHERE q.workflow = k.workflow AND q.kind = k.kind AND q.blocked_since IS NOT NULL AND q.died_at IS NULL
        ORDER BY q.blocked_since LIMIT 1
    ) first ON true
)
SELECT coalesce(a.workflow, d.workflow), coalesce(a.kind, d.kind), coalesce(a.due, 0), coalesce(a.leased, 0),
       coalesce(a.delayed, 0), coalesce(d.n, 0), a.oldest,
       coalesce(a.blocked, 0), a.blocked_since, coalesce(a.last_error, '')
FROM alive a FULL JOIN dead d ON d.workflow = a.workflow AND d.kind = a.kind
ORDER BY 1, 2`

// kindsAlive are the kinds that are not only dead.
const kindsAlive = `
WITH RECURSIVE kinds AS (
    (SELECT q.workflow, q.kind FROM ironflow.<queue> q WHERE q.died_at IS NULL
     ORDER BY q.workflow, q.kind LIMIT 1)
    UNION ALL
    SELECT next.*
    FROM kinds k
    CROSS JOIN LATERAL (
        SELECT q.workflow, q.kind FROM ironflow.<queue> q
        WHERE q.died_at IS NULL AND (q.workflow, q.kind) > (k.workflow, k.kind)
        ORDER BY q.workflow, q.kind LIMIT 1
    ) next
)`

// readLeaseHolders groups what readBacklog counts as leased at $1, no further than $2, by the holders.
const readLeaseHolders = kindsAlive + `
SELECT k.workflow, k.kind, coalesce(later.holder, ''), count(*), min(later.claimed_at), max(later.run_at)
FROM kinds k
CROSS JOIN LATERAL (
    SELECT q.holder, q.claimed_at, q.run_at FROM ironflow.<queue> q
    WHERE q.workflow = k.workflow AND q.kind = k.kind AND q.died_at IS NULL AND q.run_at > $1::timestamptz
    ORDER BY q.run_at LIMIT $2::bigint
) later
WHERE later.claimed_at IS NOT NULL
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3`

// readWaiting returns the deliveries of the instance $1, $2, at most $3.
const readWaiting = `
SELECT q.version, q.<item>::text, q.token, q.commit_id, q.kind, q.due_at, coalesce(<parked>, q.run_at) AS run_at, q.attempts,
       coalesce(q.last_error, ''), q.claimed_at, q.died_at,
       coalesce(q.holder, ''), q.told_at, q.blocked_since
FROM ironflow.<queue> q
WHERE q.instance = $1::text AND q.workflow = $2::text
ORDER BY run_at, q.version, q.<item>
LIMIT $3::bigint`
