package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// PauseWorkflow implements store.Pauses.
func (s *Store) PauseWorkflow(ctx context.Context, pause store.Pause) error {
	err := transact(ctx, s.pool, func(batch *pgx.Batch) {
		batch.Queue(s.queries.pauses.pause, pause.Workflow, pause.At, usererr.Bound(pause.By), usererr.Bound(pause.Reason), pause.RefuseInputs)
		queueAudit(ctx, batch, s.queries, 1)
	})
	if err != nil {
		return wrap(err, "pause workflow %s", pause.Workflow)
	}
	return nil
}

// ResumeWorkflow implements store.Pauses.
func (s *Store) ResumeWorkflow(ctx context.Context, workflow string) error {
	err := transact(ctx, s.pool, func(batch *pgx.Batch) { batch.Queue(s.queries.pauses.resume, workflow, auditParam(ctx)) })
	if err != nil {
		return wrap(err, "resume workflow %s", workflow)
	}
	return nil
}

// PausedWorkflows implements store.Pauses.
func (s *Store) PausedWorkflows(ctx context.Context) ([]store.Pause, error) {
	pauses, err := queryRows(ctx, s.pool, scanPause, s.queries.pauses.list)
	if err != nil {
		return nil, wrap(err, "list paused workflows")
	}
	return pauses, nil
}

func scanPause(row pgx.CollectableRow) (p store.Pause, err error) {
	err = row.Scan(&p.Workflow, &p.At, &p.By, &p.Reason, &p.RefuseInputs)
	p.At = p.At.UTC()
	return p, err
}
