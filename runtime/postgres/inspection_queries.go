package postgres

// inspectionQueries are the statements of runtime.Inspection. They lock nothing.
type inspectionQueries struct {
	history string
}

func newInspectionQueries(in func(sql string) string) inspectionQueries {
	return inspectionQueries{history: in(readHistory)}
}

// readHistory reads events of the instance $1, $2 after the version $3, at most $4.
const readHistory = `
SELECT version, global_sequence, type, schema_version, payload, recorded_at
FROM ironflow.events
WHERE workflow_id = $1::text AND workflow_type = $2::text AND version > $3::bigint
ORDER BY version
LIMIT $4::bigint`
