package postgres_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

func nothing(*store.ProjectionState) error { return nil }

// newProjection makes a store with a projection and a table of its own.
func newProjection(t *testing.T) (*pgxpool.Pool, string, func(apply func(context.Context, pgx.Tx) error) error) {
	t.Helper()
	pool, schema := newPool(t), newSchema()
	store := newStore(t, pool, schema)
	if err := store.UpdateProjection(t.Context(), "board", nothing); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), "CREATE TABLE "+schema+".mine (a int PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	return pool, schema, func(apply func(context.Context, pgx.Tx) error) error {
		return store.Project(t.Context(), "board", apply, nothing)
	}
}

func TestProjectionDoesNotEndItsTransaction(t *testing.T) {
	t.Parallel()
	pool, schema, project := newProjection(t)
	var kept pgx.Tx
	err := project(func(ctx context.Context, tx pgx.Tx) error {
		if tx.Commit(ctx) == nil || tx.Rollback(ctx) == nil {
			t.Error("the transaction was ended")
		}
		nested, err := tx.Begin(ctx) // savepoints are welcome
		if err != nil {
			return err
		}
		if _, err := nested.Exec(ctx, "INSERT INTO "+schema+".mine VALUES (1)"); err != nil {
			return err
		}
		if err := nested.Rollback(ctx); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "INSERT INTO "+schema+".mine VALUES (2)")
		kept = tx
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kept.Exec(t.Context(), "INSERT INTO "+schema+".mine VALUES (3)"); !errors.Is(err, pgx.ErrTxClosed) {
		t.Errorf("a transaction that is over: got error %v", err)
	}
	var rows []int32
	if err := pool.QueryRow(t.Context(), "SELECT array_agg(a) FROM "+schema+".mine").Scan(&rows); err != nil || len(rows) != 1 || rows[0] != 2 {
		t.Errorf("got rows %v, error %v", rows, err)
	}
}

// A statement that failed has ended the transaction, whether or not anybody looked at its error.
func TestProjectionWithAnIgnoredError(t *testing.T) {
	t.Parallel()
	pool, schema, project := newProjection(t)
	err := project(func(ctx context.Context, tx pgx.Tx) error {
		tx.Exec(ctx, "INSERT INTO "+schema+".mine VALUES (1)")
		tx.Exec(ctx, "INSERT INTO "+schema+".mine VALUES (1)")
		return nil
	})
	if err == nil {
		t.Error("no error")
	}
	var n int
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM "+schema+".mine").Scan(&n); err != nil || n != 0 {
		t.Errorf("got %d rows, error %v", n, err)
	}
}

// Two that wait for each other are a conflict, and none of the events' fault.
func TestProjectionInADeadlock(t *testing.T) {
	t.Parallel()
	pool, schema, project := newProjection(t)
	if _, err := pool.Exec(t.Context(), "INSERT INTO "+schema+".mine VALUES (1), (2)"); err != nil {
		t.Fatal(err)
	}
	lock := func(ctx context.Context, tx pgx.Tx, row int) error {
		_, err := tx.Exec(ctx, "SELECT FROM "+schema+".mine WHERE a = $1 FOR UPDATE", row)
		return err
	}
	other, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Rollback(context.Background())
	if err := lock(t.Context(), other, 1); err != nil {
		t.Fatal(err)
	}
	theirs := make(chan error, 1)
	err = project(func(ctx context.Context, tx pgx.Tx) error {
		if err := lock(ctx, tx, 2); err != nil {
			return err
		}
		go func() { theirs <- lock(ctx, other, 2) }()
		return lock(ctx, tx, 1)
	})
	if err == nil { // the server chose the other one, and then this one's locks were free
		err = <-theirs
		if err == nil {
			t.Error("nobody failed")
		}
		return
	}
	if !errors.Is(err, store.ErrConflict) {
		t.Errorf("got error %v", err)
	}
	if err := <-theirs; err != nil {
		t.Error(err)
	}
}

// The feed waits for a projection as for any other writer, and says for which.
func TestProjectionThatStallsTheFeed(t *testing.T) {
	t.Parallel()
	pool, schema := newPool(t), newSchema()
	st := newStore(t, pool, schema)
	const name = "a board"
	if err := st.UpdateProjection(t.Context(), name, nothing); err != nil {
		t.Fatal(err)
	}
	add(t, st, change(order("1"), 0))
	feedOf(t, st, 1)
	var application string
	err := st.Project(t.Context(), name, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "CREATE TABLE "+schema+".mine ()"); err != nil {
			return err
		}
		add(t, st, change(order("1"), 1))
		if page, err := st.EventsSince(ctx, 0, 10); err != nil || len(page.Events) != 1 {
			t.Errorf("got %+v, error %v", page, err)
		}
		wantBlocker(t, st, func(b store.FeedBlocker) bool { return b.Application == "ironflow projection a board" })
		return tx.QueryRow(ctx, "SELECT current_setting('application_name')").Scan(&application)
	}, nothing)
	if err != nil || application != "ironflow projection a board" {
		t.Errorf("got %q, error %v", application, err)
	}
	feedOf(t, st, 2)
	rows, err := pool.Query(t.Context(), "SELECT pid FROM pg_stat_activity WHERE application_name = 'ironflow projection a board'")
	if err != nil {
		t.Fatal(err)
	}
	if left, err := pgx.CollectRows(rows, pgx.RowTo[int32]); err != nil || len(left) > 0 {
		t.Errorf("the connection has kept its name: %v, error %v", left, err)
	}
}
