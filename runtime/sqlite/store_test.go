package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/ironflow-gen/ironflow/runtime/store"
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
		s := openFile(t, filepath.Join(t.TempDir(), "store.db"), SyncNormal()) // no rule takes the power away
		return storetest.Fixture{
			Store: s, DB: s.DB(), Prefix: "ironflow_",
			Project: storetest.Projecting(s, func(ctx context.Context, tx *sql.Tx, table string, row int) error {
				_, err := tx.ExecContext(ctx, fmt.Sprintf("INSERT INTO %s VALUES (%d)", table, row))
				return err
			}),
		}
	})
}

// A store that has no ability but is a store, as the first version of another one may be, passes the rules of what every store is.
func TestWithoutAbilities(t *testing.T) {
	if testing.Short() {
		t.Skip("repeats rules of TestFile")
	}
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Fixture {
		s := openMemory(t)
		t.Cleanup(func() { closeAll(t, s) })
		return storetest.Fixture{Store: struct{ store.Store }{s}, DB: s.DB(), Prefix: "ironflow_"}
	})
}

// A store that is gone when it is closed works like any other, and shares nothing with the next.
func TestMemory(t *testing.T) {
	directory := t.TempDir()
	t.Setenv("TMPDIR", directory)
	t.Setenv("TMP", directory) // on Windows
	first, second := openMemory(t), openMemory(t)
	if err := appendOne(t.Context(), first, key("1")); err != nil {
		t.Fatal(err)
	}
	for s, want := range map[*Store]int64{first: 1, second: 0} {
		if version, err := versionNow(t.Context(), s, key("1")); err != nil || version != want {
			t.Errorf("version %d, want %d; error %v", version, want, err)
		}
	}
	closeAll(t, first, second)
	if left, err := os.ReadDir(directory); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, error %v", left, err)
	}
	t.Setenv("TMPDIR", filepath.Join(directory, "missing"))
	t.Setenv("TMP", filepath.Join(directory, "missing"))
	if _, err := OpenMemory(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a directory for temporary files: got error %v", err)
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
