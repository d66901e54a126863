package postgres

// readInOrder leaves the planner nothing but to walk along an index in its order until it has enough, whatever it believes
// about the number of rows behind a position. Sorting what it found by another way would cost the more the further a reader
// is behind, and again with each page.
const readInOrder = `SELECT set_config('enable_bitmapscan', 'off', true), set_config('enable_sort', 'off', true)`

// readEvents returns at most $3 events after $1 and up to $2. Without filters ($4, $5) all are wanted; one with an empty
// type wants all types. The OR keeps the filters from becoming a join, which would not keep the order.
const readEvents = `
SELECT e.global_sequence, e.workflow_type, e.workflow_id, e.version, e.type, e.schema_version, e.payload, e.recorded_at, e.commit_id
FROM ironflow.events e
WHERE e.global_sequence > $1::bigint AND e.global_sequence <= $2::bigint
  AND (cardinality($4::text[]) = 0 OR EXISTS (
      SELECT FROM unnest($4::text[], $5::text[]) AS f (workflow_type, type)
      WHERE f.workflow_type = e.workflow_type AND (f.type = '' OR f.type = e.type)))
ORDER BY e.global_sequence
LIMIT $3::bigint`

// takeTicket is explained at the type horizon. The two things that the function does must happen one after the other, which
// the expressions of one statement need not.
const takeTicket = `SELECT issued, ticket FROM ironflow.feed_ticket($1::bigint)`

const oldestTransaction = `SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint`

// feedBlockers returns the transactions that are older than $1. Only those with an id of their own count, that is, those
// that write: neither a long query nor a snapshot that somebody holds, as a replica or a replication slot may, keeps the
// oldest transaction from moving on.
const feedBlockers = `
SELECT $1::bigint - (age(b.xid) - age(xid($1::bigint::text::xid8))),
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
WHERE age(b.xid) > age(xid($1::bigint::text::xid8))
ORDER BY age(b.xid) DESC
LIMIT 10`
