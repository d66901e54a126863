package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

func nothing(*store.ProjectionState) error { return nil }

// openMine opens a store with a table for a projection.
func openMine(t *testing.T) *Store {
	t.Helper()
	s := openMemory(t)
	if _, err := s.DB().Exec(`CREATE TABLE mine (a INTEGER PRIMARY KEY, b TEXT, c BLOB)`); err != nil {
		t.Fatal(err)
	}
	return s
}

func rowsOf(t *testing.T, s *Store) (n int) {
	t.Helper()
	if err := s.DB().QueryRow(`SELECT count(*) FROM mine`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// What database/sql can do in a transaction, a projection can.
func TestProjectionHasAnOrdinaryTransaction(t *testing.T) {
	t.Parallel()
	s := openMine(t)
	var kept *sql.Tx
	err := s.Project(t.Context(), "board", func(ctx context.Context, tx *sql.Tx) error {
		kept = tx
		insert, err := tx.PrepareContext(ctx, `INSERT INTO mine VALUES (?, ?, ?)`)
		if err != nil {
			return err
		}
		defer insert.Close()
		for i := range 3 {
			result, err := insert.ExecContext(ctx, i, "text", []byte{1, 2, byte(i)})
			if err != nil {
				return err
			}
			if n, err := result.RowsAffected(); n != 1 || err != nil {
				t.Errorf("%d rows, error %v", n, err)
			}
		}
		rows, err := tx.QueryContext(ctx, `SELECT a, b, c FROM mine WHERE a < :limit ORDER BY a`, sql.Named("limit", 2))
		if err != nil {
			return err
		}
		defer rows.Close()
		for i := 0; rows.Next(); i++ {
			var a int
			var b string
			var c []byte
			if err := rows.Scan(&a, &b, &c); err != nil || a != i || b != "text" || len(c) != 3 || c[2] != byte(i) {
				t.Errorf("got %d, %q, %v, error %v", a, b, c, err)
			}
			// A result that is still read does not stand in the way of another statement.
			if _, err := tx.ExecContext(ctx, `UPDATE mine SET b = 'seen' WHERE a = ?`, a); err != nil {
				t.Error(err)
			}
		}
		count, err := tx.Prepare(`SELECT count(*) FROM mine WHERE b = ?`)
		if err != nil {
			return err
		}
		var seen int
		if err := count.QueryRow("seen").Scan(&seen); err != nil || seen != 2 {
			t.Errorf("got %d, error %v", seen, err)
		}
		return rows.Err()
	}, nothing)
	if err != nil {
		t.Fatal(err)
	}
	if n := rowsOf(t, s); n != 3 {
		t.Errorf("%d rows, want 3", n)
	}
	if _, err := kept.Exec(`DELETE FROM mine`); !errors.Is(err, sql.ErrTxDone) {
		t.Errorf("a transaction that is over: got error %v", err)
	}
}

func TestProjectionDoesNotEndItsTransaction(t *testing.T) {
	t.Parallel()
	s := openMine(t)
	for name, end := range map[string]func(*sql.Tx) error{"commit": (*sql.Tx).Commit, "rollback": (*sql.Tx).Rollback} {
		err := s.Project(t.Context(), "board", func(ctx context.Context, tx *sql.Tx) error {
			if _, err := tx.Exec(`INSERT INTO mine (a) VALUES (1)`); err != nil {
				return err
			}
			end(tx)
			return nil
		}, nothing)
		if !errors.Is(err, errNotYours) {
			t.Errorf("%s: got error %v", name, err)
		}
	}
	if n := rowsOf(t, s); n != 0 {
		t.Errorf("%d rows, want none", n)
	}
}
