package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Projections implements [store.Projections].
func (s *Store) Projections(ctx context.Context, names ...string) ([]store.ProjectionState, error) {
	var states []store.ProjectionState
	row := func(columns []driver.Value) error {
		states = append(states, scanProjection(columns))
		return nil
	}
	err := s.readers.read(ctx, func(on *connection) error {
		if len(names) == 0 {
			return on.query(row, allProjections)
		}
		for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
			if err := on.query(row, readProjection, name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: read projections: %w", err)
	}
	return states, nil
}

func scanProjection(columns []driver.Value) store.ProjectionState {
	return store.ProjectionState{
		Name:       text(columns[0]),
		Status:     store.ProjectionStatus(text(columns[1])),
		Position:   store.FeedPosition(number(columns[2])),
		EventAt:    orZero(columns[3]),
		Skipped:    number(columns[4]),
		Rebuild:    number(columns[5]) != 0,
		Attempts:   int(number(columns[6])),
		LastError:  text(columns[7]),
		StoppedAt:  store.FeedPosition(number(columns[8])),
		Owner:      text(columns[9]),
		Token:      number(columns[10]),
		LeaseUntil: orZero(columns[11]),
		UpdatedAt:  fromMicros(number(columns[12])),
	}
}

func orZero(column driver.Value) time.Time {
	if column == nil {
		return time.Time{}
	}
	return fromMicros(number(column))
}

func orNull(t time.Time) driver.Value {
	if t.IsZero() {
		return nil
	}
	return micros(t)
}

// UpdateProjection implements [store.Projections].
func (s *Store) UpdateProjection(ctx context.Context, name string, update store.ProjectionUpdate) error {
	err := s.writer.write(ctx, func(on *connection) error {
		if err := changeProjection(on, name, update); err != nil {
			return err
		}
		return audit(ctx, on, 1)
	})
	if err != nil {
		return fmt.Errorf("sqlite: update projection %q: %w", name, err)
	}
	return nil
}

// Project implements store.ProjectionStore. While apply runs, all other writers wait.
func (s *Store) Project(
	ctx context.Context, name string, apply func(context.Context, *sql.Tx) error, update store.ProjectionUpdate,
) error {
	if err := s.project(ctx, name, apply, update); err != nil {
		return fmt.Errorf("sqlite: project %q: %w", name, err)
	}
	return nil
}

func (s *Store) project(
	ctx context.Context, name string, apply func(context.Context, *sql.Tx) error, update store.ProjectionUpdate,
) error {
	tx, err := s.writer.begin(ctx)
	if err != nil {
		return err
	}
	defer tx.rollback() // unless it is finished
	// Nobody else writes before the transaction ends, so it ends with ctx, even if apply does not return.
	defer context.AfterFunc(ctx, func() { tx.rollback() })()
	err = tx.lend(ctx, func(lent *sql.Tx) error { return apply(ctx, lent) })
	if err == nil {
		err = tx.finish(func(on *connection) error { return changeProjection(on, name, update) })
	}
	if err != nil && ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
		err = fmt.Errorf("%w (%w)", ctx.Err(), err) // it is why the transaction ended
	}
	return err
}

// changeProjection stores what update makes of the state.
func changeProjection(on *connection, name string, update store.ProjectionUpdate) error {
	state := store.ProjectionState{Name: name, Status: store.ProjectionRunning}
	row := func(columns []driver.Value) error {
		state = scanProjection(columns)
		return nil
	}
	if err := on.query(row, readProjection, name); err != nil {
		return err
	}
	if err := update(&state); err != nil {
		return err
	}
	_, err := on.exec(writeProjection, name, string(state.Status), int64(state.Position), orNull(state.EventAt), state.Skipped,
		state.Rebuild, int64(state.Attempts), usererr.Bound(state.LastError), int64(state.StoppedAt), state.Owner, state.Token,
		orNull(state.LeaseUntil), micros(state.UpdatedAt))
	return err
}
