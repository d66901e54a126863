package sqlite

// The statements of [runtime.Inspection].

const readHistory = `
SELECT version, global_sequence, type, schema_version, payload, recorded_at FROM ironflow_events
WHERE workflow_id = ? AND workflow_type = ? AND version > ? ORDER BY version LIMIT ?`
