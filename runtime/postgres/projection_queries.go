package postgres

const projectionColumns = `name, status, position, event_at, skipped, rebuild, attempts, coalesce(last_error, ''),
       coalesce(stopped_at, 0), coalesce(owner, ''), token, lease_until, updated_at`

// readProjections returns those of the names $1, or all without names.
const readProjections = `
SELECT ` + projectionColumns + `
FROM ironflow.projections
WHERE cardinality($1::text[]) = 0 OR name = ANY ($1::text[])
ORDER BY name`

// createProjection makes a row to be locked and filled in.
const createProjection = `
INSERT INTO ironflow.projections (name, status, position, updated_at)
VALUES ($1::text, 'running', 0, to_timestamp(0))
ON CONFLICT (name) DO NOTHING`

// lockProjection returns the state after the wait for the lock, not that of before.
const lockProjection = `
SELECT ` + projectionColumns + `
FROM ironflow.projections
WHERE name = $1::text
FOR UPDATE`

const writeProjection = `
UPDATE ironflow.projections
SET status = $2::text, position = $3::bigint, event_at = $4::timestamptz, skipped = $5::bigint, rebuild = $6::bool,
    attempts = $7::int, last_error = nullif($8::text, ''), stopped_at = nullif($9::bigint, 0), owner = nullif($10::text, ''),
    token = $11::bigint, lease_until = $12::timestamptz, updated_at = $13::timestamptz
WHERE name = $1::text`

// nameProjection shows in pg_stat_activity, and so to FeedBlockers, whose transaction it is. A name is cut off after 63 bytes.
// It also tells whether the transaction may write, before code of the user's finds out.
const nameProjection = `
SELECT set_config('application_name', 'ironflow projection ' || $1::text, true), current_setting('transaction_read_only') = 'on'`

type projectionQueries struct {
	read, create, lock, write string
}

func newProjectionQueries(in func(sql string) string) projectionQueries {
	return projectionQueries{
		read: in(readProjections), create: in(createProjection), lock: in(lockProjection), write: in(writeProjection),
	}
}
