package postgres_test

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
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

func TestNewRefusesAnotherVersion(t *testing.T) {
	t.Parallel()
	pool, schema := newPool(t), newSchema()
	wantVersionError(t, pool, schema, 0, "postgres.Migrate")

	newStore(t, pool, schema)
	newer := postgres.NewestVersion + 1
	record := `INSERT INTO "` + schema + `".schema_migrations (version, oldest) VALUES ($1, $1)`
	if _, err := pool.Exec(t.Context(), record, newer); err != nil {
		t.Fatal(err)
	}
	wantVersionError(t, pool, schema, newer, "upgrade the library")

	err := postgres.Migrate(t.Context(), pool, postgres.WithSchema(schema))
	var wrong *postgres.SchemaVersionError
	if !errors.As(err, &wrong) || wrong.Found != newer {
		t.Errorf("Migrate of a newer schema: %v", err)
	}
}

// next is the script of a migration to come, for the schema ironflow. It may do anything to libraries older than oldest.
func next(oldest int) string {
	return fmt.Sprintf(`INSERT INTO ironflow.schema_migrations (version, oldest) VALUES (%d, %d);`, postgres.NewestVersion+1, oldest)
}

// Versions of the library run side by side: one that is older than the schema works on it when the schema says so. Of a migration to
// come, nothing is known but what it may do: add.
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
	script := next(postgres.NewestVersion) + `CREATE TABLE ironflow.future ();`
	for _, name := range names {
		script += fmt.Sprintf(`ALTER TABLE ironflow.%s ADD COLUMN of_the_future text, ADD COLUMN with_default int NOT NULL DEFAULT 7;`, name)
	}
	newer := []postgres.Option{postgres.WithSchema(schema), postgres.WithNextMigration(script)}
	if err := postgres.Migrate(t.Context(), pool, newer...); err != nil {
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
	latest, err := postgres.New(t.Context(), pool, newer...)
	if err != nil {
		t.Fatal(err)
	}
	// The first was there already, the second has just started, the third is of the new release.
	for i, store := range []*postgres.Store{before, after, latest} {
		commit(t, store, change(order("1"), int64(i)+1), everything(fmt.Sprint("both ", i)))
		add(t, store, everything(fmt.Sprint("appended ", i)))
		for name, write := range writes {
			if err := write(t.Context(), store); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		wantVersion(t, store, order("1"), int64(i)+2)
	}
}

// A library asks for a migration on an older schema, and works after it with what was stored before. One of before, which the migration
// leaves behind, is refused then.
func TestOlderSchema(t *testing.T) {
	t.Parallel()
	pool, schema := newPool(t), newSchema()
	before := newStore(t, pool, schema)
	commit(t, before, everything("1"))
	newer := []postgres.Option{
		postgres.WithSchema(schema), postgres.WithNextMigration(next(postgres.NewestVersion+1) + `ALTER TABLE ironflow.chores RENAME TO errands;`),
	}
	_, err := postgres.New(t.Context(), pool, newer...)
	var wrong *postgres.SchemaVersionError
	if !errors.As(err, &wrong) || wrong.Found != postgres.NewestVersion || wrong.Needed != wrong.Found+1 || !strings.Contains(err.Error(), "postgres.Migrate") {
		t.Fatalf("got error %v", err)
	}
	for range 2 {
		if err := postgres.Migrate(t.Context(), pool, newer...); err != nil {
			t.Fatal(err)
		}
	}
	store, err := postgres.New(t.Context(), pool, newer...)
	if err != nil {
		t.Fatal(err)
	}
	wantVersion(t, store, everything("1").Instance, int64(len(everything("1").Events)))
	commit(t, store, everything("2"))
	wantVersionError(t, pool, schema, postgres.NewestVersion+1, "upgrade the library")
}

// A migration that fails leaves the schema at the version it had.
func TestFailedMigration(t *testing.T) {
	t.Parallel()
	pool, schema := newPool(t), newSchema()
	newStore(t, pool, schema)
	before := describeSchema(t, pool, schema)
	err := postgres.Migrate(t.Context(), pool, postgres.WithSchema(schema),
		postgres.WithNextMigration(next(postgres.NewestVersion)+`CREATE TABLE ironflow.future (); SELECT 1/0;`))
	if err == nil || !strings.Contains(err.Error(), "002_next.up.sql") {
		t.Errorf("got error %v", err)
	}
	if after := describeSchema(t, pool, schema); after != before {
		t.Errorf("the schema was changed:\n%s", after)
	}
	if _, err := postgres.New(t.Context(), pool, postgres.WithSchema(schema)); err != nil {
		t.Error(err)
	}
}

// A tool runs what Migrate does: the same SQL, with the same record. They can take turns.
func TestMigrationsByATool(t *testing.T) {
	t.Parallel()
	pool, migrated, schema := newPool(t), newSchema(), newSchema()
	newStore(t, pool, migrated)
	dropAtEnd(t, pool, schema)
	files, err := postgres.Migrations(postgres.WithSchema(schema))
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(files, "*.up.sql")
	if err != nil || len(names) != postgres.NewestVersion {
		t.Fatalf("got files %v, error %v", names, err)
	}
	for _, name := range names {
		script, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pool.Exec(t.Context(), string(script), pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if got, want := describeSchema(t, pool, schema), describeSchema(t, pool, migrated); got != want {
		t.Errorf("got the schema\n%s\nwant\n%s", got, want)
	}
	if err := postgres.Migrate(t.Context(), pool, postgres.WithSchema(schema)); err != nil {
		t.Errorf("Migrate after the files: %v", err)
	}
	store, err := postgres.New(t.Context(), pool, postgres.WithSchema(schema))
	if err != nil {
		t.Fatal(err)
	}
	commit(t, store, everything("1"))
}

// Migrations only add, unless they say that older libraries do not work on what they lead to.
func TestMigrationsAdd(t *testing.T) {
	t.Parallel()
	for script, adds := range map[string]bool{
		next(postgres.NewestVersion) + `ALTER TABLE ironflow.timers ADD COLUMN note text`:   true,
		next(postgres.NewestVersion) + `ALTER TABLE ironflow.timers DROP COLUMN trace`:      false,
		next(postgres.NewestVersion) + "ALTER TABLE ironflow.timers\nRENAME key TO name":    false,
		next(postgres.NewestVersion+1) + `ALTER TABLE ironflow.timers DROP COLUMN trace`:    true,
		`ALTER TABLE ironflow.timers ADD COLUMN note text -- with no record of its version`: false,
	} {
		if problem := problemOf(postgres.NewestVersion+1, script); (problem == "") != adds {
			t.Errorf("%q: %s", script, problem)
		}
	}
	files, err := postgres.Migrations()
	if err != nil {
		t.Fatal(err)
	}
	for version := 1; version <= postgres.NewestVersion; version++ {
		names, err := fs.Glob(files, fmt.Sprintf("%03d_*", version))
		if err != nil || len(names) != 1 {
			t.Fatalf("version %d: files %v, error %v", version, names, err)
		}
		script, err := fs.ReadFile(files, names[0])
		if err != nil {
			t.Fatal(err)
		}
		if problem := problemOf(version, string(script)); problem != "" {
			t.Errorf("%s: %s", names[0], problem)
		}
	}
}

// problemOf says what keeps a script from being the migration to a version.
func problemOf(version int, script string) string {
	record := regexp.MustCompile(`schema_migrations \(version, oldest\) VALUES \((\d+), (\d+)\)`).FindStringSubmatch(script)
	if record == nil || record[1] != strconv.Itoa(version) {
		return "it does not record its version"
	}
	takes := regexp.MustCompile(`(?i)\b(DROP\s+(TABLE|COLUMN|FUNCTION|SEQUENCE|TYPE|VIEW)|RENAME|SET\s+NOT\s+NULL|SET\s+DATA\s+TYPE|TRUNCATE)\b`)
	if found := takes.FindString(script); found != "" && record[2] != record[1] {
		return "it has " + found + ", which the library of the version before may not survive: its own version is the oldest that goes with it"
	}
	return ""
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
		"a view":                       {`CREATE VIEW %[1]s.effects AS SELECT 1`, []string{"effects"}},
		"a sequence":                   {`CREATE SEQUENCE %[1]s.events_global_sequence`, []string{"events_global_sequence"}},
		"the record of golang-migrate": {`CREATE TABLE %[1]s.schema_migrations (version bigint PRIMARY KEY, dirty boolean)`, []string{"schema_migrations"}},
		"the record of Rails":          {`CREATE TABLE %[1]s.schema_migrations (version varchar PRIMARY KEY)`, []string{"schema_migrations"}},
		"tables beside an empty record": {`CREATE TABLE %[1]s.schema_migrations (version int PRIMARY KEY, applied_at timestamptz, oldest int); CREATE TABLE %[1]s.instances ()`,
			[]string{"instances", "schema_migrations"}},
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
				"New": err, "Migrate": postgres.Migrate(t.Context(), pool, option),
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
	if wrong.Schema != schema || wrong.Found != found || wrong.Needed != postgres.NewestVersion {
		t.Errorf("got %+v", wrong)
	}
	for _, part := range []string{schema, fix} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not name %s", err, part)
		}
	}
}

// describeSchema returns everything in a schema as text, with another name for the schema.
func describeSchema(t *testing.T, pool *pgxpool.Pool, schema string) string {
	t.Helper()
	rows, err := pool.Query(t.Context(), `
		SELECT replace(line, $1::text, 'the_schema') FROM (
			SELECT format('%s %s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
			              pg_get_expr(d.adbin, d.adrelid)) AS line
			FROM pg_class c
			JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
			LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
			WHERE c.relnamespace = to_regnamespace($1::text) AND c.relkind = 'r'
			UNION ALL
			SELECT format('%s %s %s', relname, relkind, reloptions) FROM pg_class WHERE relnamespace = to_regnamespace($1::text)
			UNION ALL
			SELECT indexdef FROM pg_indexes WHERE schemaname = $1::text
			UNION ALL
			SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = to_regnamespace($1::text)
		) AS lines ORDER BY 1`, schema)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
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
		if _, err := postgres.Migrations(postgres.WithSchema(name)); err == nil {
			t.Errorf("%q is accepted by Migrations", name)
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
