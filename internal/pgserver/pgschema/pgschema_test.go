package pgschema

import (
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
)

func TestMain(m *testing.M) { os.Exit(pgserver.Main(m)) }

// lent runs statements in a schema that is borrowed for them, and returns its name.
func lent(t *testing.T, statements ...string) (name string) {
	t.Helper()
	t.Run("borrower", func(t *testing.T) {
		name = Borrow(t)
		config, err := pgxpool.ParseConfig(pgserver.URL(t))
		if err != nil {
			t.Fatal(err)
		}
		Use(config, name)
		config.ConnConfig.RuntimeParams["search_path"] = name
		pool, err := pgxpool.NewWithConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		for _, sql := range statements {
			if _, err := pool.Exec(t.Context(), sql); err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
		}
	})
	return name
}

func TestNextBorrowerFindsNothing(t *testing.T) {
	first := lent(t, "INSERT INTO chores (name, run_at, token) VALUES ('left', now(), 1)", "SELECT nextval('events_global_sequence')")
	second := lent(t,
		"SELECT 1 / (count(*) = 0)::int FROM chores",
		"SELECT 1 / (NOT is_called AND last_value = 1)::int FROM events_global_sequence",
		"SELECT 1 / (count(*) = 1)::int FROM schema_migrations",
	)
	if first != second {
		t.Errorf("%s is not lent again, but %s", first, second)
	}
}

func TestTwoAtOnceGetTwo(t *testing.T) {
	if first, second := Borrow(t), Borrow(t); first == second {
		t.Errorf("two borrowers have %s", first)
	}
}

func TestChangedSchemaIsNotLentAgain(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a server")
	}
	for _, change := range []string{
		"CREATE TABLE mine ()", "ALTER TABLE events ADD COLUMN more int", "DROP INDEX events_global_sequence_idx", "DROP TABLE snapshots",
		"ALTER TABLE effects DISABLE TRIGGER USER", "GRANT SELECT ON events TO PUBLIC", "ALTER TABLE events SET (fillfactor = 50)",
		"CREATE OR REPLACE FUNCTION unpark() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
	} {
		changed := lent(t, change)
		if next := lent(t); next == changed {
			t.Errorf("%s is lent again after %s", changed, change)
		}
	}
}

// TestNotLentWhileASessionLasts holds a session back that could still write.
func TestNotLentWhileASessionLasts(t *testing.T) {
	name := Borrow(t)
	config, err := pgxpool.ParseConfig(pgserver.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	Use(config, name)
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if err := pool.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := waitForSessions(name, 10*time.Millisecond); err == nil {
		t.Error("the wait is over while a session lasts")
	}
	pool.Close()
	if err := waitForSessions(name, time.Minute); err != nil {
		t.Error(err)
	}
}
