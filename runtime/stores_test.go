package runtime_test

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"go.uber.org/goleak"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/internal/pgserver/pgschema"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

func TestMain(m *testing.M) {
	if runAsChild() {
		return
	}
	code := pgserver.Main(m)
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// onStores runs a scenario on every store, each over tables of its own.
func onStores(t *testing.T, scenario func(b *bed)) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) *bed{"file": openFile, "postgres": openPostgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scenario(open(t))
		})
	}
}

// Store is a store with every ability that both stores have.
type Store interface {
	runtime.Store
	store.InputLog
	store.Schedules
	store.Snapshots
	store.Inspection
	store.Causes
	store.DeadLetters
	store.Pauses
	store.Forgetting
	store.Limits
	store.Feed
	store.Projections
}

// bed is a store, and the way to look at its tables behind its back.
type bed struct {
	*testing.T
	store  Store
	db     *sql.DB
	prefix string // of the tables
	url    string // for another process
	log    *logbook
}

func newBed(t *testing.T, store Store, db *sql.DB, prefix, url string) *bed {
	return &bed{T: t, store: store, db: db, prefix: prefix, url: url, log: &logbook{t: t}}
}

func openFile(t *testing.T) *bed {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.SyncNormal())
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, s)
	return newBed(t, s, s.DB(), "ironflow_", path)
}

func openPostgres(t *testing.T) *bed {
	schema := pgschema.Borrow(t)
	pool := newPool(t, pgserver.URL(t), schema)
	store, err := postgres.New(t.Context(), pool, postgres.WithSchema(schema))
	if err != nil {
		t.Fatal(err)
	}
	db := stdlib.OpenDBFromPool(pool)
	closeAtEnd(t, db)
	return newBed(t, store, db, schema+".", pgserver.URL(t)+" "+schema)
}

// anotherPool is a second one for the schema of a bed on PostgreSQL.
func (b *bed) anotherPool() *pgxpool.Pool {
	url, schema, _ := strings.Cut(b.url, " ")
	return newPool(b.T, url, schema)
}

// newPool opens a pool for the schema of a bed.
func newPool(t *testing.T, url, schema string) *pgxpool.Pool {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 8
	pgschema.Use(config, schema)
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func closeAtEnd(t *testing.T, c io.Closer) {
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}

// table reads columns of a table, each row as one text with a space between columns, in the order of the rows' text
// unless the condition orders them. Times are in the format of stamp. Instances come with their version, and with the status of their last
// event.
func (b *bed) table(columns, table, condition string) []string {
	b.Helper()
	from := b.prefix + table
	if table == "instances" {
		from = strings.ReplaceAll(`(SELECT i.instance, i.workflow, created_at, completed_at, version, e.status
			FROM {p}instances i LEFT JOIN {p}events e ON e.instance = i.instance AND e.workflow = i.workflow AND version = (
				SELECT max(version) FROM {p}events e WHERE e.instance = i.instance AND e.workflow = i.workflow)) AS instances`, "{p}", b.prefix)
	}
	rows, err := b.db.QueryContext(b.Context(), "SELECT "+columns+" FROM "+from+" "+condition)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		b.Fatal(err)
	}
	list := []string{}
	for rows.Next() {
		values := make([]any, len(names))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			b.Fatal(err)
		}
		var cells []string
		for i, v := range values {
			cells = append(cells, cell(names[i], *v.(*any)))
		}
		list = append(list, strings.Join(cells, " "))
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	if !strings.Contains(condition, "ORDER BY") {
		slices.Sort(list)
	}
	return list
}

func cell(column string, v any) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case time.Time:
		return stamp(v)
	case []byte:
		return string(v)
	case int64:
		if strings.HasSuffix(column, "_at") {
			return stamp(time.UnixMicro(v))
		}
	}
	return fmt.Sprint(v)
}

// stamp is how table shows times.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.999999") }

// exec changes a table behind the store's back.
func (b *bed) exec(format string, args ...any) {
	b.Helper()
	query := fmt.Sprintf(strings.ReplaceAll(format, "{p}", b.prefix), args...)
	if _, err := b.db.ExecContext(b.Context(), query); err != nil {
		b.Fatal(err)
	}
}

var tables = []string{"instances", "events", "effects", "timers", "unique_keys"}

// dump is all that the database holds; nothing for the memory store.
func (b *bed) dump() string {
	b.Helper()
	if b.db == nil {
		return ""
	}
	var all strings.Builder
	for _, t := range tables {
		fmt.Fprintf(&all, "%s:\n%s\n", t, strings.Join(b.table("*", t, ""), "\n"))
	}
	return all.String()
}

// unchanged says that run leaves no trace in any table.
func (b *bed) unchanged(run func()) {
	b.Helper()
	before := b.dump()
	run()
	if after := b.dump(); after != before {
		b.Errorf("the tables have changed:\n%s\nbefore:\n%s", after, before)
	}
}

// wantTable says what rows of a table are.
func (b *bed) wantTable(columns, table, condition string, want ...string) {
	b.Helper()
	if got := b.table(columns, table, condition); !slices.Equal(got, want) {
		b.Errorf("%s of %s %s: got %q, want %q", columns, table, condition, got, want)
	}
}

// wantSerial says that the versions of each instance's events begin at 1 and have no gap.
func (b *bed) wantSerial() {
	b.Helper()
	// One statement, and so one moment: the server may still be at work for a process that was killed.
	events := b.prefix + "events e WHERE e.instance = i.instance AND e.workflow = i.workflow"
	wrong := b.table("i.workflow, i.instance", "instances i", "WHERE NOT EXISTS (SELECT 1 FROM "+events+
		") OR 1 <> (SELECT min(e.version) FROM "+events+") OR (SELECT count(*) FROM "+events+") <> (SELECT max(e.version) FROM "+events+")")
	for _, row := range wrong {
		b.Errorf("instance %q does not have the events of its versions", row)
	}
	orphans := b.table("e.workflow, e.instance, e.version", "events e", "WHERE NOT EXISTS (SELECT 1 FROM "+b.prefix+
		"instances i WHERE e.instance = i.instance AND e.workflow = i.workflow)")
	for _, row := range orphans {
		b.Errorf("event %q is of no instance", row)
	}
}
