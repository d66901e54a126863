package sqlite

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

func TestDBIsBesideTheUnitOfWork(t *testing.T) {
	t.Parallel()
	s := openFile(t, filepath.Join(t.TempDir(), "store.db"))
	if _, err := s.DB().Exec(`CREATE TABLE mine (a)`); err != nil {
		t.Fatal(err)
	}
	u, err := s.Begin(t.Context(), only(key("1")))
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := s.DB().QueryRow(`SELECT count(*) FROM ironflow_instances WHERE created_at > ?`, -1).Scan(&n); err != nil || n != 0 {
		t.Errorf("got %d, error %v", n, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.DB().ExecContext(ctx, `INSERT INTO mine VALUES (1)`); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a write beside a unit of work: got error %v, want that it waits", err)
	}
	if err := u.Commit(t.Context(), 1, []store.Change{{Instance: key("1"), Now: now, Events: event(`{}`)}}); err != nil {
		t.Error(err)
	}
	if _, err := s.DB().Exec(`INSERT INTO mine VALUES (?)`, 3); err != nil {
		t.Error(err)
	}
	if err := s.DB().QueryRow(`SELECT a FROM mine`).Scan(&n); err != nil || n != 3 {
		t.Errorf("got %d, error %v", n, err)
	}
}
