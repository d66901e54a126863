package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// PauseWorkflow implements [store.Pauses].
func (s *Store) PauseWorkflow(ctx context.Context, pause store.Pause) error {
	err := s.writer.write(ctx, func(on *connection) error {
		_, err := on.exec(pauseWorkflow, pause.Workflow, micros(pause.At), usererr.Bound(pause.By), usererr.Bound(pause.Reason), pause.RefuseInputs)
		return errors.Join(err, audit(ctx, on, 1))
	})
	if err != nil {
		return fmt.Errorf("sqlite: pause workflow %s: %w", pause.Workflow, err)
	}
	return nil
}

// ResumeWorkflow implements [store.Pauses].
func (s *Store) ResumeWorkflow(ctx context.Context, workflow string) error {
	err := s.writer.write(ctx, func(on *connection) error {
		ended, err := on.exec(resumeWorkflow, workflow)
		return errors.Join(err, audit(ctx, on, int(ended)))
	})
	if err != nil {
		return fmt.Errorf("sqlite: resume workflow %s: %w", workflow, err)
	}
	return nil
}

// PausedWorkflows implements [store.Pauses].
func (s *Store) PausedWorkflows(ctx context.Context) (pauses []store.Pause, err error) {
	row := func(columns []driver.Value) error {
		pauses = append(pauses, store.Pause{
			Workflow: text(columns[0]), At: fromMicros(number(columns[1])), By: text(columns[2]), Reason: text(columns[3]),
			RefuseInputs: number(columns[4]) != 0,
		})
		return nil
	}
	if err = s.readers.read(ctx, func(on *connection) error { return on.query(row, listPaused) }); err != nil {
		return nil, fmt.Errorf("sqlite: list paused workflows: %w", err)
	}
	return pauses, nil
}
