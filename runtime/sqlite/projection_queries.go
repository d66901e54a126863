package sqlite

const (
	readProjections = `
SELECT name, status, position, event_at, skipped, rebuild, attempts, last_error, stopped_at, owner, token, lease_until, updated_at
FROM ironflow_projections`
	readProjection = readProjections + ` WHERE name = ?`
	allProjections = readProjections + ` ORDER BY name`

	writeProjection = `
INSERT OR REPLACE INTO ironflow_projections
    (name, status, position, event_at, skipped, rebuild, attempts, last_error, stopped_at, owner, token, lease_until, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, nullif(?, ''), nullif(?, 0), nullif(?, ''), ?, ?, ?)`
)
