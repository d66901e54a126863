package postgres_test

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
)

// Databases that speak PostgreSQL's protocol and lack what the store relies on. Each is the real server with changes to statements, which
// make it answer as that database does.
func TestServersThatLackAProperty(t *testing.T) {
	t.Parallel()
	noFunction, noColumn := "no_such_function()", "no_such_column"
	for name, c := range map[string]struct {
		changes map[string]string // of statements
		missing []string
		says    string
	}{
		"CockroachDB": {
			changes: map[string]string{
				"version()": "'CockroachDB CCL v23.1.11 (x86_64-pc-linux-gnu)'", "current_setting('server_version_num')": "'130000'", "current_setting('server_version')": "'13.0.0'",
				"ctid": noColumn, "pg_current_snapshot()": noFunction, "current_setting('transaction_isolation')": "'serializable'::text",
			},
			missing: []string{"PostgreSQL 14", "ctid", "transaction ids", "READ COMMITTED"}, says: "CockroachDB",
		},
		"YugabyteDB": {
			changes: map[string]string{"version()": "'PostgreSQL 15.2-YB-2.25.1.0-b0'", "ctid": noColumn},
			missing: []string{"ctid"}, says: "YB",
		},
		"Amazon Redshift": {
			changes: map[string]string{
				"version()": "'PostgreSQL 8.0.2, Redshift 1.0.77467'", "current_setting('server_version_num')": "'80002'", "current_setting('server_version')": "'8.0.2'",
				"pg_current_snapshot()": noFunction, "current_setting('transaction_isolation')": "'serializable'::text", "ctid": noColumn,
			},
			missing: []string{"PostgreSQL 14", "ctid", "transaction ids", "READ COMMITTED"}, says: "Redshift",
		},
		"Aurora DSQL": {
			changes: map[string]string{"begin isolation level read committed read only": "begin isolation level none", "ctid": noColumn},
			missing: []string{"ctid", "READ COMMITTED"}, says: "claims find rows by it",
		},
		"PostgreSQL 13": {
			changes: map[string]string{"current_setting('server_version_num')": "'130020'", "current_setting('server_version')": "'13.20'"},
			missing: []string{"PostgreSQL 14"}, says: "the version is 13.20",
		},
		"a server that knows no version()": {
			changes: map[string]string{"version()": noFunction, "ctid": noColumn},
			missing: []string{"ctid"}, says: "unknown",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, schema := changedPool(t, pgserver.URL(t), c.changes), newSchema()
			newStore(t, newPool(t), schema) // it was moved there
			_, err := postgres.New(t.Context(), pool, postgres.WithSchema(schema))
			wantMissing(t, err, c.missing, c.says)
			other := newSchema()
			wantMissing(t, postgres.Migrate(t.Context(), pool, postgres.WithSchema(other)), c.missing, c.says)
			wantNoSchema(t, pool, other)
			wantMissing(t, postgres.Migrate(t.Context(), pool, postgres.WithSchema(other), postgres.Assume(c.missing[1:]...)), c.missing[:1], c.says)
			if _, err := postgres.New(t.Context(), pool, postgres.WithSchema(schema), postgres.Assume(c.missing...)); err != nil {
				t.Errorf("with all properties assumed: %v", err)
			}
		})
	}
}

func wantMissing(t *testing.T, err error, missing []string, says string) {
	t.Helper()
	unsupported, is := errors.AsType[*postgres.UnsupportedServerError](err)
	if !is || !slices.Equal(unsupported.Missing, missing) || !strings.Contains(err.Error(), says) {
		t.Errorf("got error %v, want one that says %q, with missing %q", err, says, missing)
	}
}

func wantNoSchema(t *testing.T, pool *pgxpool.Pool, schema string) {
	t.Helper()
	var n int
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_namespace WHERE nspname = $1", schema).Scan(&n); err != nil || n > 0 {
		t.Errorf("%d schemas of name %s, error %v", n, schema, err)
	}
}

// Tables that somebody has stored in another way.
func TestTablesThatAreNotOrdinary(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil, missing, says string
	}{
		"unlogged":    {`ALTER TABLE %s.search SET UNLOGGED`, "ordinary tables", "search is unlogged"},
		"a view":      {`ALTER TABLE %[1]s.search RENAME TO s; CREATE VIEW %[1]s.search AS SELECT * FROM %[1]s.s`, "ordinary tables", "of kind v"},
		"partitioned": {`DROP TABLE %[1]s.search; CREATE TABLE %[1]s.search (a int) PARTITION BY RANGE (a)`, "ordinary tables", "search is partitioned"},
		"cache":       {`ALTER SEQUENCE %s.events_global_sequence CACHE 100`, "one sequence", "cache 100"},
		"down":        {`ALTER SEQUENCE %s.events_global_sequence INCREMENT -1`, "one sequence", "increment -1"},
		"cycle":       {`ALTER SEQUENCE %s.events_global_sequence CYCLE`, "one sequence", "cache 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, schema := newPool(t), newSchema()
			newStore(t, pool, schema)
			if _, err := pool.Exec(t.Context(), fmt.Sprintf(c.spoil, schema)); err != nil {
				t.Fatal(err)
			}
			_, err := postgres.New(t.Context(), pool, postgres.WithSchema(schema))
			wantMissing(t, err, []string{c.missing}, c.says)
			wantMissing(t, postgres.Migrate(t.Context(), pool, postgres.WithSchema(schema)), []string{c.missing}, c.says)
			if _, err := postgres.New(t.Context(), pool, postgres.WithSchema(schema), postgres.Assume(c.missing)); err != nil {
				t.Errorf("with %q assumed: %v", c.missing, err)
			}
		})
	}
}

// Where sessions take numbers ahead, a new schema is refused before it is there.
func TestSequenceByNode(t *testing.T) {
	t.Parallel()
	schema := newSchema()
	pool := changedPool(t, pgserver.URL(t), map[string]string{
		"SELECT last_value FROM": "SELECT 99 + last_value FROM", // what a node has taken ahead counts as issued
	})
	wantMissing(t, postgres.Migrate(t.Context(), pool, postgres.WithSchema(schema)), []string{"one sequence"}, "a session got 1, and the sequence has issued 100")
	wantNoSchema(t, pool, schema)
	newStore(t, newPool(t), schema)
	pool = changedPool(t, pgserver.URL(t), map[string]string{"current_setting('ysql_sequence_cache_minval', true)": "'100'"})
	_, err := postgres.New(t.Context(), pool, postgres.WithSchema(schema))
	wantMissing(t, err, []string{"one sequence"}, "ysql_sequence_cache_minval 100")
}

// Tables that are named in the catalog of a database that distributes them. Citus has this catalog, with these columns.
func TestDistributedTables(t *testing.T) {
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), pgserver.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	newStore(t, pool, postgres.DefaultSchema)
	for _, sql := range []string{
		`SET allow_system_table_mods = on; CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass, partmethod "char")`,
		`CREATE TABLE orders (id int); INSERT INTO pg_dist_partition VALUES ('orders', 'h')`,
	} {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
		if _, err := postgres.New(t.Context(), pool); err != nil {
			t.Errorf("tables of others are distributed: %v", err)
		}
	}
	if _, err := pool.Exec(t.Context(), `INSERT INTO pg_dist_partition VALUES ('ironflow.events', 'h'), ('ironflow.effects', 'h')`); err != nil {
		t.Fatal(err)
	}
	_, err = postgres.New(t.Context(), pool)
	wantMissing(t, err, []string{"ordinary tables"}, "Citus distributes effects, events")
	wantMissing(t, postgres.Migrate(t.Context(), pool), []string{"ordinary tables"}, "Citus distributes effects, events")
	if _, err := postgres.New(t.Context(), pool, postgres.Assume("ordinary tables")); err != nil {
		t.Error(err)
	}
}

func TestAssumeTakesKnownProperties(t *testing.T) {
	t.Parallel()
	_, err := postgres.New(t.Context(), nil, postgres.Assume("ctid", "luck"))
	if err == nil || !strings.Contains(err.Error(), `unknown property "luck"`) || !strings.Contains(err.Error(), `"one sequence"`) {
		t.Errorf("got error %v", err)
	}
}

// changedPool is a pool whose statements are changed on their way to the server: each text by another.
func changedPool(t *testing.T, server string, changes map[string]string) *pgxpool.Pool {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	dir := u.Query().Get("host")
	if dir == "" {
		t.Skip("needs a server of the test's own, which listens at a socket")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer client.Close()
				server, err := net.Dial("unix", filepath.Join(dir, ".s.PGSQL.5432"))
				if err == nil {
					defer server.Close()
					changeStatements(client, server, changes)
				}
			})
		}
	})
	config, err := pgxpool.ParseConfig(fmt.Sprintf("postgres://%s@%s%s?sslmode=disable", u.User.Username(), listener.Addr(), u.Path))
	if err != nil {
		t.Fatal(err)
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		pool.Close()
		listener.Close()
		serving.Wait()
	})
	return pool
}

// changeStatements forwards what a client says, with changes, until it says no more.
func changeStatements(client, server net.Conn, changes map[string]string) {
	from, to := pgproto3.NewBackend(client, client), pgproto3.NewFrontend(server, server)
	first, err := from.ReceiveStartupMessage()
	if err != nil {
		return
	}
	to.Send(first)
	var answering sync.WaitGroup
	answering.Go(func() {
		buffer := make([]byte, 32<<10)
		for {
			n, err := server.Read(buffer)
			if _, failed := client.Write(buffer[:n]); err != nil || failed != nil {
				client.Close()
				return
			}
		}
	})
	defer answering.Wait()
	defer server.Close()
	change := func(sql string) string {
		for old, changed := range changes {
			sql = strings.ReplaceAll(sql, old, changed)
		}
		return sql
	}
	for to.Flush() == nil {
		message, err := from.Receive()
		if err != nil {
			return
		}
		switch m := message.(type) {
		case *pgproto3.Query:
			m.String = change(m.String)
		case *pgproto3.Parse:
			m.Query = change(m.Query)
		}
		to.Send(message)
	}
}
