package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
)

func TestOpenAgainKeepsAll(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	for round := range int64(4) {
		s := openFile(t, path, SyncNormal())
		version, err := versionNow(t.Context(), s, key("1"))
		if err != nil || version != round {
			t.Fatalf("got version %d, want %d; error %v", version, round, err)
		}
		if err := appendOne(t.Context(), s, key("1")); err != nil {
			t.Fatal(err)
		}
		closeAll(t, s, s) // closing twice is no mistake
	}
}

func TestAnyFileName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"with space.db", "question?mode=memory", "hash#fragment", "percent%20%zz%", "amper&and=equals", "quote'\".db",
		"ünïcode 日本", "colon:db", "plus+plus", "back\\slash", "file:uri", ".hidden", "semi;colon", " edges ",
	} {
		path := filepath.Join(t.TempDir(), name, name)
		if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		s := openFile(t, path)
		if err := appendOne(t.Context(), s, key("1")); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if version, err := versionNow(t.Context(), s, key("1")); err != nil || version != 1 {
			t.Errorf("%q: a reader sees version %d, error %v", name, version, err)
		}
		closeAll(t, s)
		files, err := os.ReadDir(filepath.Dir(path))
		if err != nil || len(files) != 1 || files[0].Name() != name {
			t.Errorf("%q: the directory holds %v, error %v", name, files, err)
		}
	}
}

func TestRelativePath(t *testing.T) {
	t.Chdir(t.TempDir())
	closeAll(t, openFile(t, "store.db"))
	if _, err := os.Stat("store.db"); err != nil {
		t.Error(err)
	}
}

func TestOpenExplainsWhyItCannot(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	text := filepath.Join(directory, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("no database ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"":                                       "path is empty",
		":memory:":                               "use OpenMemory",
		directory:                                "not a regular file",
		filepath.Join(directory, "no", "s.db"):   "no such file or directory",
		filepath.Join(text, "s.db"):              "not a directory",
		text:                                     "something else than an SQLite database",
		filepath.Join(directory, "nul\x00 byte"): "invalid",
	} {
		s, err := Open(t.Context(), path)
		if err == nil {
			closeAll(t, s)
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), fmt.Sprintf("%q", path)) {
			t.Errorf("Open(%q): got error %v, want one that says %q", path, err, want)
		}
	}
	if _, err := Open(t.Context(), filepath.Join(directory, "no", "s.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, which is not fs.ErrNotExist", err)
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	s := openFile(t, path)
	if _, err := s.DB().Exec(`INSERT INTO ironflow_schema VALUES (1000)`); err != nil {
		t.Fatal(err)
	}
	closeAll(t, s)
	_, err := Open(t.Context(), path)
	if err == nil || !strings.Contains(err.Error(), "schema version 1000") {
		t.Errorf("got error %v", err)
	}
}

func TestTablesOfOthersStay(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	s := openFile(t, path)
	for _, statement := range []string{`CREATE TABLE mine (a)`, `PRAGMA user_version = 42`} {
		if _, err := s.DB().Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	closeAll(t, s)
	s = openFile(t, path)
	var version, rows int
	err := s.DB().QueryRow(`SELECT user_version, (SELECT count(*) FROM mine) FROM pragma_user_version`).Scan(&version, &rows)
	if err != nil || version != 42 {
		t.Errorf("got user_version %d, error %v", version, err)
	}
}

func TestManyOpenANewFileAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	var group sync.WaitGroup
	for n := range 12 {
		group.Go(func() {
			if n%4 == 0 {
				if output, err := child(t, "open", path).CombinedOutput(); err != nil {
					t.Errorf("child: %v: %s", err, output)
				}
				return
			}
			s, err := Open(t.Context(), path)
			if err != nil {
				t.Error(err)
				return
			}
			if err := errors.Join(appendOne(t.Context(), s, key("1")), s.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func TestCloseWaitsForTheUnitOfWork(t *testing.T) {
	t.Parallel()
	s := openFile(t, filepath.Join(t.TempDir(), "store.db"))
	u, err := s.Begin(t.Context(), only(key("1")))
	if err != nil {
		t.Fatal(err)
	}
	waiting, closed := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := s.Begin(t.Context(), only(key("2")))
		waiting <- err
	}()
	go func() { closed <- s.Close() }()
	if err := <-waiting; !errors.Is(err, errClosed) {
		t.Errorf("the one that waits got error %v, want that the store is closed", err)
	}
	select {
	case err := <-closed:
		t.Fatalf("closed under an open unit of work: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	if err := u.Commit(t.Context(), 1, []runtime.Change{{Instance: key("1"), Now: now, Events: event(`{}`)}}); err != nil {
		t.Errorf("Commit: %v", err)
	}
	if err := <-closed; err != nil {
		t.Errorf("Close: %v", err)
	}
	if _, err := s.Begin(t.Context(), nil); !errors.Is(err, errClosed) {
		t.Errorf("got error %v, want that the store is closed", err)
	}
}

// A lock that another process keeps is waited for as long as the caller has time, not longer.
func TestWaitForTheFileEndsWithTheContext(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	s, other := openFile(t, path), openFile(t, path)
	u, err := other.Begin(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := s.Begin(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want context.DeadlineExceeded", err)
	}
	if err := u.Rollback(t.Context()); err != nil {
		t.Error(err)
	}
	if err := appendOne(t.Context(), s, key("1")); err != nil {
		t.Error(err)
	}
}
