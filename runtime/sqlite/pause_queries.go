package sqlite

// The statements of [store.Pauses]. Few workflows are ever paused, so that the list reads the whole table.
const (
	pauseWorkflow = `
INSERT OR REPLACE INTO ironflow_paused_workflows (workflow, paused_at, paused_by, reason, refuse_inputs) VALUES (?, ?, ?, ?, ?)`
	resumeWorkflow = `DELETE FROM ironflow_paused_workflows WHERE workflow = ?`
	isPaused       = `SELECT 1 FROM ironflow_paused_workflows WHERE workflow = ?`
	listPaused     = `
SELECT workflow, paused_at, paused_by, reason, refuse_inputs FROM ironflow_paused_workflows ORDER BY workflow`
)
