package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Projections implements store.Projections.
func (s *Store) Projections(ctx context.Context, names ...string) ([]store.ProjectionState, error) {
	states, err := queryRows(ctx, s.pool, scanProjection, s.queries.projection.read, append([]string{}, names...))
	if err != nil {
		return nil, wrap(err, "read projections")
	}
	return states, nil
}

func scanProjection(row pgx.CollectableRow) (s store.ProjectionState, err error) {
	var eventAt, leaseUntil *time.Time
	err = row.Scan(&s.Name, &s.Status, &s.Position, &eventAt, &s.Skipped, &s.Rebuild, &s.Attempts, &s.LastError,
		&s.StoppedAt, &s.Owner, &s.Token, &leaseUntil, &s.UpdatedAt)
	s.EventAt, s.LeaseUntil, s.UpdatedAt = orZero(eventAt), orZero(leaseUntil), s.UpdatedAt.UTC()
	return s, err
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// UpdateProjection implements store.Projections.
func (s *Store) UpdateProjection(ctx context.Context, name string, update store.ProjectionUpdate) error {
	return s.inTransaction(ctx, name, "update projection", func(tx pgx.Tx, begun *bool) error {
		if _, err := tx.Exec(ctx, s.queries.projection.create, name); err != nil {
			return err
		}
		*begun = true
		if err := s.changeProjection(ctx, tx, name, update); err != nil {
			return err
		}
		return s.auditIn(ctx, tx)
	})
}

// auditIn stores the record of a context, of one change, in a transaction.
func (s *Store) auditIn(ctx context.Context, tx pgx.Tx) error {
	record := auditParam(ctx)
	if record == nil {
		return nil
	}
	_, err := tx.Exec(ctx, s.queries.audit.record, record, int64(1))
	return err
}

// Project implements store.ProjectionStore. The transaction has the isolation level READ COMMITTED.
//
// Project locks the row of the projection only at the end. If another process has taken over the projection, it finds out then and rolls
// back. The feed waits for the transaction, so it ends with ctx, even if apply does not return.
func (s *Store) Project(
	ctx context.Context, name string, apply func(context.Context, pgx.Tx) error, update store.ProjectionUpdate,
) error {
	return s.inTransaction(ctx, name, "project", func(tx pgx.Tx, begun *bool) error {
		var shown string
		var readOnly bool
		if err := tx.QueryRow(ctx, nameProjection, name).Scan(&shown, &readOnly); err != nil {
			return err
		}
		if readOnly {
			return errReadOnly
		}
		*begun = true
		if err := apply(ctx, lentTx{tx}); err != nil {
			return err
		}
		return s.changeProjection(ctx, tx, name, update)
	})
}

// inTransaction commits what run did, unless it fails, panics or ends its goroutine. run may be called again until it says that
// it has begun with what is to be done once.
func (s *Store) inTransaction(ctx context.Context, name, doing string, run func(tx pgx.Tx, begun *bool) error) error {
	begun := false
	err := s.pool.run(ctx, func(conn *lent) error {
		err := conn.note(runOn(ctx, conn, func(tx pgx.Tx) error { return run(tx, &begun) }))
		conn.refused = conn.refused && !begun
		return err
	})
	if err != nil {
		return wrap(err, "%s %q", doing, name)
	}
	return nil
}

func runOn(ctx context.Context, conn *lent, run func(pgx.Tx) error) error {
	defer closeAfter(ctx, conn)()
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: begin})
	if err != nil {
		return err
	}
	defer func() { // so that nobody who kept tx reaches the connection through it
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
		defer cancel()
		tx.Rollback(ctx)
	}()
	if err = run(tx); err == nil {
		err = tx.Commit(ctx)
	}
	return err
}

// closeAfter closes a connection to the server when ctx has ended and stop was not called soon after: what runs in its transaction
// ignores its context, and an open transaction holds up the feed. The server rolls back.
func closeAfter(ctx context.Context, conn *lent) (stop func()) {
	socket := conn.Conn.Conn().PgConn().Conn() // whose Close is safe beside what else is done with it
	stopped := make(chan struct{})
	unwatch := context.AfterFunc(ctx, func() {
		select {
		case <-stopped:
		case <-time.After(closeGrace):
			socket.Close()
		}
	})
	return func() {
		unwatch()
		close(stopped)
	}
}

// closeGrace is how long a transaction may last after its context has ended.
const closeGrace = 100 * time.Millisecond

// changeProjection locks the state, and stores what update makes of it.
func (s *Store) changeProjection(ctx context.Context, tx pgx.Tx, name string, update store.ProjectionUpdate) error {
	rows, err := tx.Query(ctx, s.queries.projection.lock, name)
	if err != nil {
		return err
	}
	state, err := pgx.CollectExactlyOneRow(rows, scanProjection)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("somebody has deleted its row: %w", store.ErrConflict)
	case err != nil:
		return err
	}
	if err := update(&state); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, s.queries.projection.write, name, string(state.Status), int64(state.Position), orNull(state.EventAt),
		state.Skipped, state.Rebuild, state.Attempts, usererr.Bound(state.LastError), int64(state.StoppedAt), state.Owner,
		state.Token, orNull(state.LeaseUntil), state.UpdatedAt)
	return err
}

// lentTx is a transaction that its user does not end.
type lentTx struct{ pgx.Tx }

var errNotYours = errors.New("postgres: a projection does not end its transaction: return nil to commit it, an error to roll it back")

// Commit refuses.
func (lentTx) Commit(context.Context) error { return errNotYours }

// Rollback refuses.
func (lentTx) Rollback(context.Context) error { return errNotYours }
