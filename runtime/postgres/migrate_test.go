package postgres_test

import (
	"errors"
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

	err := postgres.Migrate(t.Context(), pool, postgres.WithSchema(schema))
	var wrong *postgres.SchemaVersionError
	if !errors.As(err, &wrong) || wrong.Found != newer {
		t.Errorf("Migrate of a newer schema: %v", err)
	}
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
		"", "pg_mine", "Mine", "9lives", "a-b", `a"b`, "a.b", "ä", "a\x00", "a b", "a\n", strings.Repeat("a", 64),
	} {
		err := postgres.Migrate(t.Context(), pool, postgres.WithSchema(name))
		if err == nil || !strings.Contains(err.Error(), "schema") {
			t.Errorf("%q: got error %v", name, err)
		}
		if _, err := postgres.New(t.Context(), pool, postgres.WithSchema(name)); err == nil {
			t.Errorf("%q is accepted by New", name)
		}
	}
	// A reserved word, and as long as it gets.
	for _, name := range []string{"select", "_" + strings.Repeat("z", 62)} {
		commit(t, newStore(t, pool, name), change(order("1"), 0))
	}
}
