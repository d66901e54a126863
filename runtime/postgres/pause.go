package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime"
)

// pauseQueries are the statements of runtime.Pauses.
type pauseQueries struct{ pause, resume, list string }

func newPauseQueries(in func(sql string) string) pauseQueries {
	return pauseQueries{pause: in(pauseWorkflow), resume: in(resumeWorkflow), list: in(listPaused)}
}

const (
	pauseWorkflow = `
INSERT INTO ironflow.paused_workflows (workflow_type, paused_at, paused_by, reason, refuse_inputs)
VALUES ($1::text, $2::timestamptz, $3::text, $4::text, $5::bool)
ON CONFLICT (workflow_type) DO UPDATE
SET paused_at = excluded.paused_at, paused_by = excluded.paused_by, reason = excluded.reason, refuse_inputs = excluded.refuse_inputs`
	resumeWorkflow = `DELETE FROM ironflow.paused_workflows WHERE workflow_type = $1::text`
	listPaused     = `
SELECT workflow_type, paused_at, paused_by, reason, refuse_inputs FROM ironflow.paused_workflows ORDER BY workflow_type`
)

// PauseWorkflow implements runtime.Pauses.
func (s *Store) PauseWorkflow(ctx context.Context, pause runtime.Pause) error {
	err := transact(ctx, s.pool, func(batch *pgx.Batch) {
		batch.Queue(s.queries.pauses.pause, pause.Workflow, pause.At, storableError(pause.By), storableError(pause.Reason), pause.RefuseInputs)
	})
	if err != nil {
		return wrap(err, "pause workflow %s", pause.Workflow)
	}
	return nil
}

// ResumeWorkflow implements runtime.Pauses.
func (s *Store) ResumeWorkflow(ctx context.Context, workflow string) error {
	err := transact(ctx, s.pool, func(batch *pgx.Batch) { batch.Queue(s.queries.pauses.resume, workflow) })
	if err != nil {
		return wrap(err, "resume workflow %s", workflow)
	}
	return nil
}

// PausedWorkflows implements runtime.Pauses.
func (s *Store) PausedWorkflows(ctx context.Context) ([]runtime.Pause, error) {
	rows, err := s.pool.Query(ctx, s.queries.pauses.list)
	if err != nil {
		return nil, wrap(err, "list paused workflows")
	}
	pauses, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p runtime.Pause, err error) {
		err = row.Scan(&p.Workflow, &p.At, &p.By, &p.Reason, &p.RefuseInputs)
		p.At = p.At.UTC()
		return p, err
	})
	if err != nil {
		return nil, wrap(err, "list paused workflows")
	}
	return pauses, nil
}
