package postgres_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/runtime/postgres"
)

// halves cuts a file as the tool of its format does.
var halves = map[postgres.MigrationFormat]func(t *testing.T, dir, file string) (up, down string){
	postgres.PlainMigrations: func(t *testing.T, dir, file string) (string, string) {
		return content(t, dir, file), content(t, dir, strings.Replace(file, ".up.", ".down.", 1))
	},
	postgres.GooseMigrations: func(t *testing.T, dir, file string) (string, string) {
		up, down, _ := strings.Cut(content(t, dir, file), "-- +goose Down\n")
		up, ok := strings.CutPrefix(up, "-- +goose Up\n")
		if !ok {
			t.Fatalf("%s does not begin with its way up", file)
		}
		for _, half := range []string{up, down} {
			if strings.Count(half, "-- +goose StatementBegin\n") != 1 || strings.Count(half, "-- +goose StatementEnd\n") != 1 {
				t.Errorf("%s: a half is not one statement:\n%s", file, half)
			}
		}
		return up, down
	},
	postgres.TernMigrations: func(t *testing.T, dir, file string) (string, string) {
		up, down, _ := strings.Cut(content(t, dir, file), "---- create above / drop below ----\n")
		if strings.Contains(up+down, "{{") {
			t.Errorf("%s has what tern takes for a template", file)
		}
		return up, down
	},
	postgres.AtlasMigrations: func(t *testing.T, dir, file string) (string, string) {
		return content(t, dir, file), content(t, dir, "down/"+file)
	},
}

func content(t *testing.T, dir, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestMigrationFilesDoWhatMigrateDoes runs the files of each format up and down, as far as that can be seen from the SQL. The
// tools themselves run them in internal/migrationtools.
func TestMigrationFilesDoWhatMigrateDoes(t *testing.T) {
	t.Parallel()
	pool, migrated := newPool(t), newSchema()
	newStore(t, pool, migrated)
	want := describeSchema(t, pool, migrated)
	for format, cut := range halves {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			dir, schema := t.TempDir(), newSchema()
			dropAtEnd(t, pool, schema)
			if _, err := postgres.WriteMigrations(dir, postgres.MigrationFiles{Format: format}, postgres.WithSchema(schema)); err != nil {
				t.Fatal(err)
			}
			var ups, downs []string
			for _, file := range sqlFiles(t, dir) {
				if !strings.Contains(file, ".down.") {
					up, down := cut(t, dir, file)
					ups, downs = append(ups, up), append(downs, down)
				}
			}
			run := func(script string) {
				t.Helper()
				if _, err := pool.Exec(t.Context(), script, pgx.QueryExecModeSimpleProtocol); err != nil {
					t.Fatalf("%v:\n%s", err, script)
				}
			}
			for range 2 {
				for _, up := range ups {
					run(up)
				}
				if got := describeSchema(t, pool, schema); got != want {
					t.Errorf("got the schema\n%s\nwant\n%s", got, want)
				}
				if _, err := postgres.New(t.Context(), pool, postgres.WithSchema(schema)); err != nil {
					t.Error(err)
				}
				if err := postgres.Migrate(t.Context(), pool, postgres.WithSchema(schema)); err != nil {
					t.Errorf("Migrate after the files: %v", err)
				}
				for _, down := range slices.Backward(downs) {
					run(down)
				}
				if left := describeSchema(t, pool, schema); left != "" {
					t.Errorf("left after the way down:\n%s", left)
				}
				wantVersionError(t, pool, schema, 0, "postgres.Migrate")
			}
		})
	}
}

// TestMigrationFilesTakeOver begins with Migrate and goes on with files.
func TestMigrationFilesTakeOver(t *testing.T) {
	t.Parallel()
	pool, schema := newPool(t), newSchema()
	newStore(t, pool, schema)
	const to = 1
	if err := postgres.MigrateDown(t.Context(), pool, to, postgres.WithSchema(schema)); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files := postgres.MigrationFiles{Format: postgres.PlainMigrations, After: to, First: 20310304050607}
	paths, err := postgres.WriteMigrations(dir, files, postgres.WithSchema(schema))
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "20310304050607_ironflow_append_change.up.sql"); paths[0] != want {
		t.Errorf("the first file is %s, want %s", paths[0], want)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, ".up.sql") {
			if _, err := pool.Exec(t.Context(), content(t, "", path), pgx.QueryExecModeSimpleProtocol); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := postgres.New(t.Context(), pool, postgres.WithSchema(schema)); err != nil {
		t.Error(err)
	}
}

func TestMigrationFilesAreNotOverwritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := postgres.MigrationFiles{Format: postgres.GooseMigrations}
	paths, err := postgres.WriteMigrations(dir, files)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := postgres.WriteMigrations(dir, files); err != nil || !slices.Equal(again, paths) {
		t.Errorf("written again: %v, %v", again, err)
	}
	if err := os.Remove(paths[1]); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(paths[0], []byte("mine"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := postgres.WriteMigrations(dir, files); err == nil || !strings.Contains(err.Error(), paths[0]) {
		t.Errorf("got error %v", err)
	}
	if _, err := os.Stat(paths[1]); err == nil || content(t, "", paths[0]) != "mine" {
		t.Error("something was written")
	}
}

func TestMigrationFilesOfNothing(t *testing.T) {
	t.Parallel()
	for want, files := range map[string]postgres.MigrationFiles{
		"plain":      {Format: "flyway"},
		"version 99": {Format: postgres.TernMigrations, After: 99},
		"number -1":  {Format: postgres.TernMigrations, First: -1},
	} {
		if _, err := postgres.WriteMigrations(t.TempDir(), files); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got error %v", files, err)
		}
	}
	if _, err := postgres.WriteMigrations(t.TempDir(), postgres.MigrationFiles{Format: "plain"}, postgres.WithSchema("a;b")); err == nil {
		t.Error("any text is a schema")
	}
	newest := postgres.MigrationFiles{Format: postgres.PlainMigrations, After: postgres.SchemaVersion}
	if paths, err := postgres.WriteMigrations(t.TempDir(), newest); err != nil || len(paths) > 0 {
		t.Errorf("got %v, %v", paths, err)
	}
}

func sqlFiles(t *testing.T, dir string) (names []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.sql")) // sorted
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d files, %v", len(paths), err)
	}
	for _, path := range paths {
		names = append(names, filepath.Base(path))
	}
	return names
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
