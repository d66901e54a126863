package sqlite

import (
	"context"
	"database/sql"
	"io"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/ironflow-gen/ironflow/runtime/storetest"
)

func TestMain(m *testing.M) {
	if runAsChild() {
		return
	}
	goleak.VerifyTestMain(m)
}

func TestFile(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Fixture {
		s := openFile(t, filepath.Join(t.TempDir(), "store.db"))
		return fixture(s)
	})
}

func TestMemory(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Fixture {
		s := openMemory(t)
		return fixture(s)
	})
}

func fixture(s *Store) storetest.Fixture {
	return storetest.Fixture{
		Store: s, DB: s.DB(), Prefix: "ironflow_",
		Project: storetest.Projecting(s, func(ctx context.Context, tx *sql.Tx, statement string) error {
			_, err := tx.ExecContext(ctx, statement)
			return err
		}),
	}
}

func openMemory(t *testing.T) *Store {
	t.Helper()
	s, err := OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeAll(t, s) })
	return s
}

func openFile(t *testing.T, path string, options ...Option) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeAll(t, s) })
	return s
}

func closeAll(t *testing.T, closers ...io.Closer) {
	t.Helper()
	for _, c := range closers {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}
