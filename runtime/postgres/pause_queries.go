package postgres

// pauseQueries are the statements of store.Pauses.
type pauseQueries struct{ pause, resume, list string }

func newPauseQueries(in func(sql string) string) pauseQueries {
	return pauseQueries{pause: in(pauseWorkflow), resume: in(resumeWorkflow), list: in(listPaused)}
}

const (
	pauseWorkflow = `
INSERT INTO ironflow.paused_workflows (workflow, paused_at, paused_by, reason, refuse_inputs)
VALUES ($1::text, $2::timestamptz, $3::text, $4::text, $5::bool)
ON CONFLICT (workflow) DO UPDATE
SET paused_at = excluded.paused_at, paused_by = excluded.paused_by, reason = excluded.reason, refuse_inputs = excluded.refuse_inputs`
	listPaused = `
SELECT workflow, paused_at, paused_by, reason, refuse_inputs FROM ironflow.paused_workflows ORDER BY workflow`
)

// resumeWorkflow ends the pause of the workflow $1, and records the action $2 if there is one.
var resumeWorkflow = `
WITH done AS (DELETE FROM ironflow.paused_workflows WHERE workflow = $1::text RETURNING 1)` + auditing("$2") + `
SELECT 1`
