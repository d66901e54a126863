package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
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

// alter runs statements on a file by a store that is closed again.
func alter(t *testing.T, path string, statements ...string) {
	t.Helper()
	s := openFile(t, path)
	for _, statement := range statements {
		if _, err := s.DB().Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	closeAll(t, s)
}

func TestNewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	alter(t, path, `INSERT INTO ironflow_schema (version, oldest) VALUES (1000, 900)`)
	_, err := Open(t.Context(), path)
	var wrong *SchemaVersionError
	if !errors.As(err, &wrong) || wrong.Found != 1000 || wrong.Oldest != 900 || !strings.Contains(err.Error(), "schema version 1000") {
		t.Errorf("got error %v", err)
	}
}

// A library works on the tables of a newer one that only added to them, while that is open, too.
func TestSideBySideWithANewerVersion(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	before := openFile(t, path)
	if err := appendOne(t.Context(), before, key("1")); err != nil {
		t.Fatal(err)
	}
	rows, err := before.DB().Query(`SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'ironflow_%'`)
	if err != nil {
		t.Fatal(err)
	}
	var statements []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		statements = append(statements, `ALTER TABLE `+name+` ADD COLUMN of_the_future TEXT`,
			`ALTER TABLE `+name+` ADD COLUMN with_default INTEGER NOT NULL DEFAULT 7`)
	}
	rows.Close()
	newer := withNextMigration(newest+1, newest, append(statements, `CREATE TABLE ironflow_future (a)`)...)
	latest := openFile(t, path, newer)
	after := openFile(t, path)
	for i, s := range []*Store{before, after, latest} {
		if err := appendOne(t.Context(), s, key("1")); err != nil {
			t.Error(err)
		}
		if version, err := versionNow(t.Context(), s, key("1")); err != nil || version != int64(i)+2 {
			t.Errorf("version %d, error %v", version, err)
		}
	}
	closeAll(t, before, after, latest)
}

// A file of an older version is brought up to date, with what is in it. The library of before is refused then, if the migration leaves it
// behind.
func TestOlderSchema(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	s := openFile(t, path)
	if err := appendOne(t.Context(), s, key("1")); err != nil {
		t.Fatal(err)
	}
	closeAll(t, s)
	newer := withNextMigration(newest+1, newest+1, `ALTER TABLE ironflow_chores RENAME TO ironflow_errands`)
	for round := range int64(2) {
		s := openFile(t, path, newer)
		var version, oldest int
		err := s.DB().QueryRow(`SELECT version, oldest FROM ironflow_schema ORDER BY version DESC`).Scan(&version, &oldest)
		if err != nil || version != newest+1 || oldest != newest+1 {
			t.Errorf("version %d takes libraries from %d on, error %v", version, oldest, err)
		}
		if version, err := versionNow(t.Context(), s, key("1")); err != nil || version != round+1 {
			t.Errorf("version %d, error %v", version, err)
		}
		if err := appendOne(t.Context(), s, key("1")); err != nil {
			t.Error(err)
		}
		closeAll(t, s)
	}
	_, err := Open(t.Context(), path)
	var wrong *SchemaVersionError
	if !errors.As(err, &wrong) || wrong.Found != newest+1 || wrong.Needed != newest {
		t.Errorf("got error %v", err)
	}
}

// A migration that fails leaves the file at the version it had.
func TestFailedMigration(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	alter(t, path)
	if s, err := Open(t.Context(), path, withNextMigration(newest+1, newest, `CREATE TABLE ironflow_future (a)`, `nonsense`)); err == nil {
		closeAll(t, s)
		t.Fatal("it is no error")
	}
	s := openFile(t, path)
	var tables int
	err := s.DB().QueryRow(`SELECT count(*) FROM sqlite_master WHERE name = 'ironflow_future'`).Scan(&tables)
	if err != nil || tables != 0 {
		t.Errorf("%d tables are left of it, error %v", tables, err)
	}
}

// newest is the version of the tables.
var newest = func() int {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		panic(err)
	}
	return len(files)
}()

// withNextMigration makes a library of the next version of the tables.
func withNextMigration(version, oldest int, statements ...string) Option {
	statements = append(statements, fmt.Sprintf(`INSERT INTO ironflow_schema (version, oldest) VALUES (%d, %d)`, version, oldest))
	next := fstest.MapFS{fmt.Sprintf("migrations/%04d_next.sql", version): {Data: []byte(strings.Join(statements, ";\n"))}}
	for n := 1; n < version; n++ {
		files, _ := fs.Glob(migrations, fmt.Sprintf("migrations/%04d_*.sql", n))
		script, _ := fs.ReadFile(migrations, files[0])
		next[files[0]] = &fstest.MapFile{Data: script}
	}
	return func(s *settings) { s.migrations = next }
}

// Migrations only add, unless they say that older libraries do not work on what they lead to.
func TestMigrationsAdd(t *testing.T) {
	t.Parallel()
	record := func(oldest int) string {
		return fmt.Sprintf("INSERT INTO ironflow_schema (version, oldest) VALUES (7, %d);", oldest)
	}
	for script, adds := range map[string]bool{
		record(6) + `ALTER TABLE ironflow_timers ADD COLUMN note TEXT`:                      true,
		record(6) + `ALTER TABLE ironflow_timers DROP COLUMN trace`:                         false,
		record(6) + "ALTER TABLE ironflow_timers\nRENAME COLUMN trace TO context":           false,
		record(7) + `ALTER TABLE ironflow_timers DROP COLUMN trace`:                         true,
		`ALTER TABLE ironflow_timers ADD COLUMN note TEXT -- with no record of its version`: false,
	} {
		if problem := problemOf(7, script); (problem == "") != adds {
			t.Errorf("%q: %s", script, problem)
		}
	}
	for version := 1; version <= newest; version++ {
		files, err := fs.Glob(migrations, fmt.Sprintf("migrations/%04d_*.sql", version))
		if err != nil || len(files) != 1 {
			t.Fatalf("version %d: files %v, error %v", version, files, err)
		}
		script, err := fs.ReadFile(migrations, files[0])
		if err != nil {
			t.Fatal(err)
		}
		if problem := problemOf(version, string(script)); problem != "" {
			t.Errorf("%s: %s", files[0], problem)
		}
	}
}

// problemOf says what keeps a script from being the migration to a version.
func problemOf(version int, script string) string {
	record := regexp.MustCompile(`ironflow_schema \(version, oldest\) VALUES \((\d+), (\d+)\)`).FindStringSubmatch(script)
	if record == nil || record[1] != strconv.Itoa(version) {
		return "it does not record its version"
	}
	takes := regexp.MustCompile(`(?i)\b(DROP\s+(TABLE|COLUMN|VIEW)|RENAME)\b`)
	if found := takes.FindString(script); found != "" && record[2] != record[1] {
		return "it has " + found + ", which the library of the version before may not survive: its own version is the oldest that goes with it"
	}
	return ""
}

// Tables of another program under the names of ours are named, and left as they are.
func TestForeignTables(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		statements, tables []string
	}{
		"the same tables": {[]string{`CREATE TABLE ironflow_events (id)`, `CREATE TABLE orders (id)`}, []string{"ironflow_events"}},
		"another record":  {[]string{`CREATE TABLE ironflow_schema (name TEXT)`}, []string{"ironflow_schema"}},
		"an empty record": {[]string{`CREATE TABLE ironflow_schema (version INTEGER, oldest INTEGER)`, `CREATE TABLE ironflow_timers (id)`},
			[]string{"ironflow_schema", "ironflow_timers"}},
		"a view of theirs": {[]string{`CREATE VIEW ironflow_effects AS SELECT 1`}, []string{"ironflow_effects"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "store.db")
			db, err := sql.Open("sqlite", "file:"+path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			for _, statement := range test.statements {
				if _, err := db.Exec(statement); err != nil {
					t.Fatal(err)
				}
			}
			_, err = Open(t.Context(), path)
			var foreign *ForeignTablesError
			if !errors.As(err, &foreign) || !slices.Equal(foreign.Tables, test.tables) || !strings.Contains(err.Error(), path) {
				t.Errorf("got error %v", err)
			}
			var count int
			if err := db.QueryRow(`SELECT count(*) FROM sqlite_master`).Scan(&count); err != nil || count != len(test.statements) {
				t.Errorf("there are %d tables, error %v", count, err)
			}
		})
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
	if err := u.Commit(t.Context(), 1, []store.Change{{Instance: key("1"), Now: now, Events: event(`{}`)}}); err != nil {
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

// A full disk is a store that is unavailable: nothing is stored, and all is well when there is room again.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	s := openFile(t, filepath.Join(t.TempDir(), "store.db"))
	limit := func(pages int) {
		t.Helper()
		err := s.writer.step(func(on *connection) error { return on.script(fmt.Sprintf("PRAGMA max_page_count = %d", pages)) })
		if err != nil {
			t.Fatal(err)
		}
	}
	large := []store.Change{{Instance: key("1"), Now: now, Events: event(`"` + strings.Repeat("x", 1<<20) + `"`)}}
	limit(1) // which means as many as there are
	var unavailable *store.Unavailable
	if err := s.Append(t.Context(), store.Batch{Commit: 1, Changes: large}); !errors.As(err, &unavailable) {
		t.Errorf("got error %v", err)
	}
	if version, err := versionNow(t.Context(), s, key("1")); err != nil || version != 0 {
		t.Errorf("version %d, error %v", version, err)
	}
	limit(1 << 30)
	if err := s.Append(t.Context(), store.Batch{Commit: 1, Changes: large}); err != nil {
		t.Error(err)
	}
	closeAll(t, s)
}

// With Existing nothing is written unless the file is a store.
func TestOpenExisting(t *testing.T) {
	file := filepath.Join(t.TempDir(), "50% #1?.db")
	if _, err := Open(t.Context(), file, Existing()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: error %v", err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), file, Existing()); !errors.Is(err, ErrNoStore) {
		t.Errorf("an empty file: error %v", err)
	}
	if info, err := os.Stat(file); err != nil || info.Size() != 0 {
		t.Errorf("the empty file has changed: %v, error %v", info, err)
	}
	for _, options := range [][]Option{nil, {Existing()}} {
		st, err := Open(t.Context(), file, options...)
		if err != nil {
			t.Fatal(err)
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A store that is opened for reading answers what it can read, and writes nothing: neither rows nor tables.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	if _, err := Open(t.Context(), path, ReadOnly()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	s := openFile(t, path)
	if err := s.PauseWorkflow(t.Context(), store.Pause{Workflow: "order", By: "ann", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	reading, err := Open(t.Context(), path, ReadOnly())
	if err != nil {
		t.Fatal(err)
	}
	if pauses, err := reading.PausedWorkflows(t.Context()); err != nil || len(pauses) != 1 || !reading.ReadOnly() || s.ReadOnly() {
		t.Errorf("got %+v, error %v", pauses, err)
	}
	if err := reading.ResumeWorkflow(t.Context(), "order"); err == nil {
		t.Error("it writes")
	}
	if _, err := reading.DB().ExecContext(t.Context(), "DELETE FROM ironflow_paused_workflows"); err == nil {
		t.Error("its handle writes")
	}
	closeAll(t, reading)
	if _, err := s.DB().ExecContext(t.Context(), "DELETE FROM ironflow_schema"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DB().ExecContext(t.Context(), "INSERT INTO ironflow_schema (version, oldest) VALUES (99, 99)"); err != nil {
		t.Fatal(err)
	}
	var wrong *SchemaVersionError
	if _, err := Open(t.Context(), path, ReadOnly()); !errors.As(err, &wrong) || wrong.Found != 99 {
		t.Errorf("newer tables: %v", err)
	}
	closeAll(t, s)
}
