package postgres

import "strings"

// readInOrder leaves the planner nothing but to walk along an index in its order until it has enough, whatever it believes
// about the number of rows behind a position. Sorting what it found by another way would cost the more the further a reader
// is behind, and again with each page.
const readInOrder = `SELECT set_config('enable_bitmapscan', 'off', true), set_config('enable_sort', 'off', true)`

// readEvents returns at most $3 events, and a page by their $6 bytes, after $1 and up to $2. Without filters ($4, $5) all are wanted;
// one with an empty type wants all types. The OR keeps the filters from becoming a join, which would not keep the order.
var readEvents = pageByBytes(`
SELECT e.global_sequence, e.workflow, e.instance, e.version, e.type, e.schema_version, e.payload, e.recorded_at, e.commit_id
FROM ironflow.events e
WHERE e.global_sequence > $1::bigint AND e.global_sequence <= $2::bigint
  AND (cardinality($4::text[]) = 0 OR EXISTS (
      SELECT FROM unnest($4::text[], $5::text[]) AS f (workflow, type)
      WHERE f.workflow = e.workflow AND (f.type = '' OR f.type = e.type)))
ORDER BY e.global_sequence
LIMIT $3::bigint`, "global_sequence", "$6", "payload")

// readFiltered is readEvents for at least one filter, which looks at no more than $7 events.
var readFiltered = strings.Replace(readEvents, "e.global_sequence <= $2::bigint", `e.global_sequence <= (
      SELECT max(w.global_sequence)
      FROM (SELECT l.global_sequence FROM ironflow.events l
            WHERE l.global_sequence > $1::bigint AND l.global_sequence <= $2::bigint
            ORDER BY l.global_sequence
            LIMIT $7::bigint) w)`, 1)

// serverRun tells the runs of servers apart, see store.FeedPage: the timeline is another one after a promotion, the time after each
// start. Every role may read both.
const serverRun = `
SELECT CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END
       || ' ' || pg_postmaster_start_time()::text`

// newestEvent is 0 when there is none.
const newestEvent = `SELECT coalesce(max(global_sequence), 0) FROM ironflow.events`

// lastNumber is what the sequence has issued.
const lastNumber = `SELECT last_value - CASE WHEN is_called THEN 0 ELSE 1 END FROM ironflow.events_global_sequence`

const firstEventAfter = `
SELECT recorded_at FROM ironflow.events WHERE global_sequence > $1::bigint ORDER BY global_sequence LIMIT 1`

// filterEnd returns the number of the last event that a read with filters looks at, of those after $1 and up to $2, and whether there
// may be more. It counts events, because there may be any number of numbers without one.
const filterEnd = `
SELECT coalesce(max(w.global_sequence), $1::bigint), count(*) = $3::bigint
FROM (
    SELECT e.global_sequence FROM ironflow.events e
    WHERE e.global_sequence > $1::bigint AND e.global_sequence <= $2::bigint
    ORDER BY e.global_sequence
    LIMIT $3::bigint
) w`

// takeTicket is explained at the type horizon. The two things that the function does must happen one after the other, which
// the expressions of one statement need not.
const takeTicket = `SELECT issued, ticket FROM ironflow.feed_ticket($1::bigint)`

const oldestTransaction = `SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint`

// feedBlockers returns the transactions that are older than $1; 0 asks for all. Only those with an id of their own count, that is, those
// that write: neither a long query nor a snapshot that somebody holds, as a replica or a replication slot may, keeps the
// oldest transaction from moving on.
const feedBlockers = `
WITH ticket AS (SELECT coalesce(nullif($1::bigint, 0), pg_snapshot_xmax(pg_current_snapshot())::text::bigint) AS id)
SELECT (SELECT id FROM ticket) - (age(b.xid) - age(xid((SELECT id FROM ticket)::text::xid8))),
       b.pid, b.gid, b.database, b.usename, b.application, b.client, b.state, b.query, b.since
FROM (
    SELECT a.backend_xid AS xid, a.pid, '' AS gid, coalesce(a.datname::text, '') AS database,
           coalesce(a.usename::text, '') AS usename, coalesce(a.application_name, '') AS application,
           coalesce(host(a.client_addr), '') AS client, coalesce(a.state, '') AS state,
           coalesce(left(a.query, 200), '') AS query, a.xact_start AS since
    FROM pg_stat_activity a
    WHERE a.backend_xid IS NOT NULL
    UNION ALL
    SELECT p.transaction, 0, p.gid, p.database::text, p.owner::text, '', '', 'prepared', '', p.prepared
    FROM pg_prepared_xacts p
) b
WHERE $1::bigint = 0 OR age(b.xid) > age(xid((SELECT id FROM ticket)::text::xid8))
ORDER BY age(b.xid) DESC
LIMIT 10`
