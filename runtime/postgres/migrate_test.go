package postgres_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/runtime/postgres"
)

func TestMigrateTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	pool, schema := newPool(t), newSchema()
	store := newStore(t, pool, schema)
	commit(t, store, change(order("1"), 0))
	if err := postgres.Migrate(t.Context(), pool, postgres.WithSchema(schema)); err != nil {
		t.Fatal(err)
	}
	wantVersion(t, store, order("1"), 1)
}

func TestManyProcessesMigrateAtOnce(t *testing.T) {
	t.Parallel()
	pool, schema := newPool(t), newSchema()
	dropAtEnd(t, pool, schema)
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			if err := postgres.Migrate(t.Context(), pool, postgres.WithSchema(schema)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if _, err := postgres.New(t.Context(), pool, postgres.WithSchema(schema)); err != nil {
		t.Error(err)
	}
}

func TestMigrateDownAndUpAgain(t *testing.T) {
	t.Parallel()
	pool, schema := newPool(t), newSchema()
	newStore(t, pool, schema)
	if err := postgres.MigrateDown(t.Context(), pool, 0, postgres.WithSchema(schema)); err != nil {
		t.Fatal(err)
	}
	rows, err := pool.Query(t.Context(), `
		SELECT relname FROM pg_class WHERE relnamespace = $1::text::regnamespace AND relkind IN ('r', 'S')`, schema)
	if err != nil {
		t.Fatal(err)
	}
	left, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 1 || left[0] != "schema_migrations" {
		t.Errorf("left after MigrateDown: %v", left)
	}
	wantVersionError(t, pool, schema, 0, "postgres.Migrate")
	if err := postgres.Migrate(t.Context(), pool, postgres.WithSchema(schema)); err != nil {
		t.Fatal(err)
	}
	if err := postgres.MigrateDown(t.Context(), pool, postgres.SchemaVersion+1, postgres.WithSchema(schema)); err == nil {
		t.Error("MigrateDown goes up")
	}
}

func TestNewRefusesAnotherVersion(t *testing.T) {
	t.Parallel()
	pool, schema := newPool(t), newSchema()
	wantVersionError(t, pool, schema, 0, "postgres.Migrate")

	newStore(t, pool, schema)
	newer := postgres.SchemaVersion + 1
	if _, err := pool.Exec(t.Context(), `INSERT INTO "`+schema+`".schema_migrations VALUES ($1)`, newer); err != nil {
		t.Fatal(err)
	}
	wantVersionError(t, pool, schema, newer, "upgrade the library")
	if _, err := pool.Exec(t.Context(), `UPDATE "`+schema+`".schema_migrations SET oldest = $1 WHERE version = $1`, newer); err != nil {
		t.Fatal(err)
	}
	wantVersionError(t, pool, schema, newer, "upgrade the library")

	err := postgres.Migrate(t.Context(), pool, postgres.WithSchema(schema))
	var wrong *postgres.SchemaVersionError
	if !errors.As(err, &wrong) || wrong.Found != newer {
		t.Errorf("Migrate of a newer schema: %v", err)
	}
}

// Versions of the library run side by side: one that is older than the schema works on it when the schema says so. The library that
// is needed for what it does on a schema to come is simulated by what such a migration may do: add.
func TestSideBySideWithANewerVersion(t *testing.T) {
	t.Parallel()
	pool, schema := newPool(t), newSchema()
	before := newStore(t, pool, schema)
	commit(t, before, change(order("1"), 0))
	if err := writes["UpdateProjection"](t.Context(), before); err != nil {
		t.Fatal(err)
	}
	tables, err := pool.Query(t.Context(), `SELECT tablename::text FROM pg_tables WHERE schemaname = $1`, schema)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(tables, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	for _, name := range names {
		fmt.Fprintf(&script, `ALTER TABLE "%s".%s ADD COLUMN of_the_future text, ADD COLUMN with_default int NOT NULL DEFAULT 7;`, schema, name)
	}
	fmt.Fprintf(&script, `CREATE TABLE "%s".future (); INSERT INTO "%s".schema_migrations (version, oldest) VALUES (%d, %d);`,
		schema, schema, postgres.SchemaVersion+2, postgres.SchemaVersion)
	if _, err := pool.Exec(t.Context(), script.String()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a release that was taken back migrates when it starts
		if err := postgres.Migrate(t.Context(), pool, postgres.WithSchema(schema)); err != nil {
			t.Fatal(err)
		}
	}
	after, err := postgres.New(t.Context(), pool, postgres.WithSchema(schema))
	if err != nil {
		t.Fatal(err)
	}
	for i, store := range []*postgres.Store{before, after} { // one was there already, the other has just started
		commit(t, store, change(order("1"), int64(i)+1), everything(fmt.Sprint("both ", i)))
		add(t, store, everything(fmt.Sprint("appended ", i)))
		for name, write := range writes {
			if err := write(t.Context(), store); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		wantVersion(t, store, order("1"), int64(i)+2)
	}
	if err := postgres.MigrateDown(t.Context(), pool, 0, postgres.WithSchema(schema)); err == nil {
		t.Error("MigrateDown takes back what it does not know")
	}
}

// The library asks for a migration on every older schema, and works after it with what was stored before.
func TestOlderSchema(t *testing.T) {
	t.Parallel()
	pool, schema := newPool(t), newSchema()
	newStore(t, pool, schema)
	for _, version := range []int{postgres.SchemaVersions()[len(postgres.SchemaVersions())-2], 8, 1} {
		if err := postgres.MigrateDown(t.Context(), pool, version, postgres.WithSchema(schema)); err != nil {
			t.Fatal(err)
		}
		wantVersionError(t, pool, schema, version, "postgres.Migrate")
	}
	if err := postgres.Migrate(t.Context(), pool, postgres.WithSchema(schema)); err != nil {
		t.Fatal(err)
	}
	store, err := postgres.New(t.Context(), pool, postgres.WithSchema(schema))
	if err != nil {
		t.Fatal(err)
	}
	commit(t, store, everything("1"))
}

// Migrations only add, unless they say that older libraries do not go with them.
func TestMigrationsAdd(t *testing.T) {
	t.Parallel()
	takes := regexp.MustCompile(`(?i)\b(DROP\s+(TABLE|COLUMN|FUNCTION|SEQUENCE|TYPE|VIEW)|RENAME|SET\s+NOT\s+NULL|SET\s+DATA\s+TYPE|TRUNCATE)\b`)
	for version, up := range postgres.MigrationsThatAdd() {
		if found := takes.FindString(up); found != "" {
			t.Errorf("migration %d has %s, which the library of the version before may not survive: list it in breaking", version, found)
		}
	}
}

// Every function means the same, whoever calls it.
func TestFunctionsSetTheirSearchPath(t *testing.T) {
	t.Parallel()
	pool, schema := newPool(t), newSchema()
	newStore(t, pool, schema)
	rows, err := pool.Query(t.Context(), `
		SELECT proname::text FROM pg_proc
		WHERE pronamespace = to_regnamespace($1::text) AND NOT 'search_path=pg_catalog, pg_temp' = ANY (coalesce(proconfig, '{}'))`, schema)
	if err != nil {
		t.Fatal(err)
	}
	if names, err := pgx.CollectRows(rows, pgx.RowTo[string]); err != nil || len(names) > 0 {
		t.Errorf("%v do not set it, error %v", names, err)
	}
}

// Tables of another program under the names of ours are named, and left as they are.
func TestForeignSchema(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	for name, test := range map[string]struct {
		script string
		tables []string
	}{
		"the same tables": {`CREATE TABLE %[1]s.events (id bigint); CREATE TABLE %[1]s.timers (id bigint); CREATE TABLE %[1]s.outbox ()`,
			[]string{"events", "timers"}},
		"a view":                        {`CREATE VIEW %[1]s.effects AS SELECT 1`, []string{"effects"}},
		"a sequence":                    {`CREATE SEQUENCE %[1]s.events_global_sequence`, []string{"events_global_sequence"}},
		"the record of golang-migrate":  {`CREATE TABLE %[1]s.schema_migrations (version bigint PRIMARY KEY, dirty boolean)`, []string{"schema_migrations"}},
		"the record of Rails":           {`CREATE TABLE %[1]s.schema_migrations (version varchar PRIMARY KEY)`, []string{"schema_migrations"}},
		"tables beside an empty record": {`CREATE TABLE %[1]s.schema_migrations (version int PRIMARY KEY, applied_at timestamptz); CREATE TABLE %[1]s.instances ()`, []string{"instances"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			schema := newSchema()
			dropAtEnd(t, pool, schema)
			quoted := pgx.Identifier{schema}.Sanitize()
			if _, err := pool.Exec(t.Context(), `CREATE SCHEMA `+quoted+`; `+fmt.Sprintf(test.script, quoted)); err != nil {
				t.Fatal(err)
			}
			before := describeSchema(t, pool, schema)
			option := postgres.WithSchema(schema)
			_, err := postgres.New(t.Context(), pool, option)
			for call, err := range map[string]error{
				"New": err, "Migrate": postgres.Migrate(t.Context(), pool, option), "MigrateDown": postgres.MigrateDown(t.Context(), pool, 0, option),
			} {
				var foreign *postgres.ForeignSchemaError
				if !errors.As(err, &foreign) || foreign.Schema != schema || !slices.Equal(foreign.Tables, test.tables) ||
					!strings.Contains(err.Error(), "postgres.WithSchema") {
					t.Errorf("%s: got error %v", call, err)
				}
			}
			if after := describeSchema(t, pool, schema); after != before {
				t.Errorf("the schema was changed:\n%s", after)
			}
		})
	}
	t.Run("other tables are no harm", func(t *testing.T) {
		t.Parallel()
		schema := newSchema()
		if _, err := pool.Exec(t.Context(), fmt.Sprintf(`CREATE SCHEMA "%[1]s"; CREATE TABLE "%[1]s".orders ()`, schema)); err != nil {
			t.Fatal(err)
		}
		newStore(t, pool, schema)
	})
}

// wantVersionError says that New fails, naming the schema, the version found and what to do.
func wantVersionError(t *testing.T, pool *pgxpool.Pool, schema string, found int, fix string) {
	t.Helper()
	_, err := postgres.New(t.Context(), pool, postgres.WithSchema(schema))
	var wrong *postgres.SchemaVersionError
	if !errors.As(err, &wrong) {
		t.Fatalf("got error %v", err)
	}
	if wrong.Schema != schema || wrong.Found != found || wrong.Needed != postgres.SchemaVersion {
		t.Errorf("got %+v", wrong)
	}
	for _, part := range []string{schema, fix} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not name %s", err, part)
		}
	}
}

func TestSchemaNames(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	for _, name := range []string{
		"", "pg_mine", "pg_catalog", "pg_", "information_schema", "Mine", "9lives", "a-b", `a"b`, "a.b", "ä", "a\x00", "a b", "a\n", strings.Repeat("a", 64),
	} {
		err := postgres.Migrate(t.Context(), pool, postgres.WithSchema(name))
		if err == nil || !strings.Contains(err.Error(), "schema") {
			t.Errorf("%q: got error %v", name, err)
		}
		if _, err := postgres.New(t.Context(), pool, postgres.WithSchema(name)); err == nil {
			t.Errorf("%q is accepted by New", name)
		}
		if _, err := postgres.WriteMigrations(t.TempDir(), postgres.MigrationFiles{Format: postgres.PlainMigrations}, postgres.WithSchema(name)); err == nil {
			t.Errorf("%q is accepted by WriteMigrations", name)
		}
		if _, err := postgres.RolesScript(postgres.Roles{}, postgres.WithSchema(name)); err == nil {
			t.Errorf("%q is accepted by RolesScript", name)
		}
	}
	// A reserved word, and as long as it gets.
	for _, name := range []string{"select", "_" + strings.Repeat("z", 62)} {
		commit(t, newStore(t, pool, name), change(order("1"), 0))
	}
}
