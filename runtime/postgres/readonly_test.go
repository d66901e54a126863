package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// writes are calls that write, each of which could be done any number of times. The instance order/1 is at version 1.
var writes = map[string]func(context.Context, *postgres.Store) error{
	"Append of a change": func(ctx context.Context, s *postgres.Store) error {
		return s.Append(ctx, store.Batch{Commit: newID(), Changes: []store.Change{change(order(fresh()), 0)}})
	},
	"Append of a batch": func(ctx context.Context, s *postgres.Store) error {
		return s.Append(ctx, store.Batch{Commit: newID(), Changes: []store.Change{everything(fresh()), everything(fresh())}})
	},
	"unit of work": func(ctx context.Context, s *postgres.Store) error {
		id := order(fresh())
		work, err := s.Begin(ctx, requests(id))
		if err != nil {
			return err
		}
		return work.Commit(ctx, newID(), []store.Change{change(id, 0)})
	},
	"Committed": func(ctx context.Context, s *postgres.Store) error {
		_, err := s.Committed(ctx, order("1"), 1, 1)
		return err
	},
	"RecordInputs": func(ctx context.Context, s *postgres.Store) error {
		return s.RecordInputs(ctx, store.InputRecords{Outcomes: []store.InputOutcome{
			{Input: store.InputKey{Instance: order("1"), ID: fresh()}, Outcome: []byte(`{}`), RecordedAt: now},
		}})
	},
	"Claim": func(ctx context.Context, s *postgres.Store) error {
		kinds := []store.Kind{{Workflow: "order", Name: "Send"}}
		_, err := s.Effects().Claim(ctx, store.Claim{Kinds: kinds, Now: now, Until: now, Limit: 1})
		return err
	},
	"PutSchedules": func(ctx context.Context, s *postgres.Store) error {
		return s.PutSchedules(ctx, []store.StoredSchedule{{Workflow: "order", Name: fresh(), Definition: []byte(`{}`), Next: now}})
	},
	"SaveSnapshots": func(ctx context.Context, s *postgres.Store) error {
		return s.SaveSnapshots(ctx, []store.Snapshot{{Instance: order("1"), Version: 1, Schema: fresh(), State: []byte(`{}`)}})
	},
	"PauseWorkflow": func(ctx context.Context, s *postgres.Store) error {
		return s.PauseWorkflow(ctx, store.Pause{Workflow: fresh(), At: now})
	},
	"UpdateProjection": func(ctx context.Context, s *postgres.Store) error {
		return s.UpdateProjection(ctx, "p", func(*store.ProjectionState) error { return nil })
	},
	"Project": func(ctx context.Context, s *postgres.Store) error {
		// The error of a write is the user's, who may hide it.
		return s.Project(ctx, "p", func(ctx context.Context, tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "CREATE TABLE IF NOT EXISTS made_by_a_projection ()"); err != nil {
				return errors.New("hidden")
			}
			return nil
		}, func(*store.ProjectionState) error { return nil })
	},
}

func fresh() string { return fmt.Sprint("new ", newID()) }

// readOnlyDatabase is a database of its own, with a store that has worked.
func readOnlyDatabase(t *testing.T) (pool *pgxpool.Pool, store *postgres.Store, admin func(sql string)) {
	t.Helper()
	url := pgserver.Database(t)
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	store = newStore(t, pool, postgres.DefaultSchema)
	add(t, store, change(order("1"), 0))
	if err := writes["UpdateProjection"](t.Context(), store); err != nil {
		t.Fatal(err)
	}
	return pool, store, func(sql string) {
		t.Helper()
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		for _, sql := range []string{"SET default_transaction_read_only = off", sql} {
			if _, err := conn.Exec(t.Context(), sql); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// onEach runs a statement on every connection that the pool may have, all of which stay in the pool.
func onEach(t *testing.T, pool *pgxpool.Pool, sql string) {
	t.Helper()
	var all []*pgxpool.Conn
	for range pool.Config().MaxConns {
		conn, err := pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, conn)
		if _, err := conn.Exec(t.Context(), sql); err != nil && !strings.Contains(sql, "terminate") {
			t.Fatal(err)
		}
	}
	for _, conn := range all {
		conn.Release()
	}
}

// A connection whose server says that it cannot write is closed, so that the next call gets another.
func TestConnectionsThatCannotWriteAreClosed(t *testing.T) {
	t.Parallel()
	pool, store, admin := readOnlyDatabase(t)
	database := pgx.Identifier{pool.Config().ConnConfig.Database}.Sanitize()
	for name, spoil := range map[string]func(){
		"sessions set to read only": func() { onEach(t, pool, "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY") },
		"a database that was read-only": func() {
			admin("ALTER DATABASE " + database + " SET default_transaction_read_only = on")
			pool.Reset()
			onEach(t, pool, "SELECT 1") // what the pool has now stays read-only
			admin("ALTER DATABASE " + database + " RESET default_transaction_read_only")
		},
	} {
		for call, write := range writes {
			t.Run(name+"/"+call, func(t *testing.T) {
				spoil()
				if err := write(t.Context(), store); err != nil {
					t.Error(err)
				}
			})
		}
	}
	pool.Reset()
}

// The engine comes by without an error when the server ends the sessions of the pool.
func TestEndedSessions(t *testing.T) {
	t.Parallel()
	pool, st, admin := readOnlyDatabase(t)
	onEach(t, pool, "SELECT 1")
	admin(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	var err error
	for range pool.Config().MaxConns + 1 {
		if _, err = st.InputOutcomes(t.Context(), []store.InputKey{{Instance: order("1"), ID: "1"}}); err == nil {
			break
		}
		wantUnavailable(t, err)
	}
	if err != nil {
		t.Error(err)
	}
}

// While a server is read-only, by whatever setting, every write is refused with an error of one type, and nothing is stored.
func TestReadOnlyServer(t *testing.T) {
	t.Parallel()
	pool, store, admin := readOnlyDatabase(t)
	database := pgx.Identifier{pool.Config().ConnConfig.Database}.Sanitize()
	admin("ALTER DATABASE " + database + " SET default_transaction_read_only = on")
	pool.Reset()
	for call, write := range writes {
		t.Run(call, func(t *testing.T) { wantUnavailable(t, write(t.Context(), store)) })
	}
	t.Run("Migrate", func(t *testing.T) {
		wantUnavailable(t, postgres.Migrate(t.Context(), pool, postgres.WithSchema("another")))
	})
	wantVersion(t, store, order("1"), 1) // it can still be read
	admin("ALTER DATABASE " + database + " RESET default_transaction_read_only")
	for call, write := range writes {
		if err := write(t.Context(), store); err != nil {
			t.Errorf("%s: %v", call, err)
		}
	}
}

func wantUnavailable(t *testing.T, err error) {
	t.Helper()
	var unavailable *store.Unavailable
	if !errors.As(err, &unavailable) || errors.Is(err, store.ErrOutcomeUnknown) || errors.Is(err, store.ErrConflict) {
		t.Errorf("got error %v, want *runtime.Unavailable", err)
	}
}

// The errors of a server that say that the connection is of no use, among those that do not.
func TestErrorsOfAServerThatCannotServe(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]bool{
		"25006": true, "57P01": true, "57P02": true, "57P03": true, "57P04": true, "57P05": true,
		"08000": true, "08003": true, "08006": true, "08P01": true,
		"53000": true, "53100": true, "53200": true, "53300": true, "58030": true,
		"40001": false, "40P01": false, "55P03": false, "57014": false, "23505": false, "42P01": false, "25P02": false, "22021": false,
		"0A000": false, "55000": false, "XX000": false, "IF001": false,
	} {
		if got := postgres.WhyUnavailable(&pgconn.PgError{Code: code, Message: "m"}) != ""; got != want {
			t.Errorf("%s: unavailable is %t, want %t", code, got, want)
		}
	}
	for _, code := range []string{"0A000", "55000", "XX000"} { // which a standby says to some statements
		if postgres.WhyUnavailable(&pgconn.PgError{Code: code, Message: "cannot do this during recovery"}) == "" {
			t.Errorf("%s during recovery is not said to be unavailable", code)
		}
	}
}
