package postgres_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/storetest"
)

// Roles belong to the whole server. The names need quotes, and would end a statement that went without.
var roles = postgres.Roles{
	Owner:  fmt.Sprintf(`o"; DROP '\ %d`, os.Getpid()),
	Worker: fmt.Sprintf(`W'orker -- %d`, os.Getpid()),
	Reader: fmt.Sprintf(`reader $roles$ %d`, os.Getpid()),
}

// granting keeps scripts apart: the server does not take two changes of one role at a time.
var granting sync.Mutex

func grant(t testing.TB, pool *pgxpool.Pool, schema string) {
	t.Helper()
	script, err := postgres.RolesScript(roles, postgres.WithSchema(schema))
	if err != nil {
		t.Fatal(err)
	}
	granting.Lock()
	defer granting.Unlock()
	if _, err := pool.Exec(t.Context(), script, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatalf("%v:\n%s", err, script)
	}
}

// as is a pool whose connections are all in a role.
func as(t testing.TB, role string) *pgxpool.Pool {
	return newPool(t, func(c *pgxpool.Config) {
		c.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, "SET ROLE "+pgx.Identifier{role}.Sanitize())
			return err
		}
	})
}

// migrated is a schema with roles.
func migrated(t testing.TB) (admin *pgxpool.Pool, schema string) {
	t.Helper()
	admin, schema = newPool(t), newSchema()
	newStore(t, admin, schema)
	grant(t, admin, schema)
	return admin, schema
}

// sameStatements are chapters of the suite that run no statement which others do not.
var sameStatements = regexp.MustCompile(`/(find|values|race|set|read)/|/(commit|completion|unique_key|timer|effects|timers|settle_in_a_change|inputs)/unit_of_work/`)

// TestWorkerCanDoEverything runs the suite of stores as a worker.
func TestWorkerCanDoEverything(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Fixture {
		if sameStatements.MatchString(t.Name()) {
			t.Skip("it runs the same statements as others")
		}
		admin, schema := migrated(t)
		// The suite's projections write to tables of their own.
		own := fmt.Sprintf("ALTER DEFAULT PRIVILEGES IN SCHEMA %s GRANT ALL ON TABLES TO %s", schema, pgx.Identifier{roles.Worker}.Sanitize())
		if _, err := admin.Exec(t.Context(), own); err != nil {
			t.Fatal(err)
		}
		store, err := postgres.New(t.Context(), as(t, roles.Worker), postgres.WithSchema(schema))
		if err != nil {
			t.Fatal(err)
		}
		db := stdlib.OpenDBFromPool(admin)
		t.Cleanup(func() { db.Close() })
		return storetest.Fixture{Store: store, DB: db, Prefix: `"` + schema + `".`, Concurrent: true, Project: projecting(store)}
	})
}

func TestRolesCanDoNoMore(t *testing.T) {
	t.Parallel()
	admin, schema := migrated(t)
	st, err := postgres.New(t.Context(), as(t, roles.Worker), postgres.WithSchema(schema))
	if err != nil {
		t.Fatal(err)
	}
	add(t, st, everything("1"))
	if err := st.Notify(t.Context(), store.NewWork); err != nil {
		t.Error(err)
	}

	rows, err := admin.Query(t.Context(), `SELECT relname FROM pg_class WHERE relnamespace = $1::text::regnamespace AND relkind = 'r'`, schema)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	worker, reader := as(t, roles.Worker), as(t, roles.Reader)
	refused := func(pool *pgxpool.Pool, who, sql string) {
		t.Helper()
		sql = strings.ReplaceAll(sql, "ironflow.", schema+".")
		_, err := pool.Exec(t.Context(), sql)
		if err == nil || !strings.Contains(err.Error(), "SQLSTATE 42501") {
			t.Errorf("%s: %s: got error %v", who, sql, err)
		}
	}
	for _, table := range tables {
		if _, err := reader.Exec(t.Context(), "SELECT * FROM "+schema+"."+table); err != nil {
			t.Errorf("reader: %v", err)
		}
		for _, sql := range []string{
			"INSERT INTO ironflow.%s DEFAULT VALUES", "DELETE FROM ironflow.%s", "TRUNCATE ironflow.%s", "DROP TABLE ironflow.%s",
			"SELECT * FROM ironflow.%s FOR UPDATE", "ALTER TABLE ironflow.%s ADD COLUMN more int", "CREATE INDEX ON ironflow.%s ((1))",
		} {
			refused(reader, "reader", fmt.Sprintf(sql, table))
		}
		for _, sql := range []string{"TRUNCATE ironflow.%s", "DROP TABLE ironflow.%s", "ALTER TABLE ironflow.%s ADD COLUMN more int"} {
			refused(worker, "worker", fmt.Sprintf(sql, table))
		}
	}
	for _, sql := range []string{
		"CREATE TABLE ironflow.more (n int)", "DROP FUNCTION ironflow.append_change", "UPDATE ironflow.events SET payload = '{}'",
		"UPDATE ironflow.discarded_letters SET reason = ''", "UPDATE ironflow.observations SET outcome = ''",
		"INSERT INTO ironflow.schema_migrations (version, oldest) VALUES (99, 99)", "SELECT setval('ironflow.events_global_sequence', 1)",
		"DROP SCHEMA " + schema + " CASCADE",
	} {
		refused(worker, "worker", sql)
		refused(reader, "reader", sql)
	}
	refused(reader, "reader", "SELECT nextval('ironflow.events_global_sequence')")
	refused(reader, "reader", "SELECT ironflow.refuse('IF001', '', '')")

	// A reader can use what of the store only reads.
	lookOn, err := postgres.New(t.Context(), reader, postgres.WithSchema(schema))
	if err != nil {
		t.Fatal(err)
	}
	wantVersion(t, lookOn, order("1"), 1)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) { // others' transactions hold the feed up
		page, err := lookOn.EventsSince(t.Context(), 0, 10)
		if err == nil && len(page.Events) == 1 {
			break
		}
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("got %+v, %v", page, err)
		}
	}
	err = postgres.Migrate(t.Context(), worker, postgres.WithSchema(schema), postgres.WithNextMigration(`CREATE TABLE ironflow.more ();`))
	if err == nil || !strings.Contains(err.Error(), "42501") {
		t.Errorf("a worker migrates: %v", err)
	}
	// A program of a worker may call Migrate when it starts: there is nothing to do.
	if err := postgres.Migrate(t.Context(), worker, postgres.WithSchema(schema)); err != nil {
		t.Error(err)
	}
}

// TestOwnerMigrates migrates on as the owner. What it makes is its own, and the others can work again after the script.
func TestOwnerMigrates(t *testing.T) {
	t.Parallel()
	admin, schema := migrated(t)
	owner := as(t, roles.Owner)
	next := postgres.WithNextMigration(next(postgres.NewestVersion) + `
		ALTER TABLE ironflow.timers ADD COLUMN note text;
		CREATE OR REPLACE FUNCTION ironflow.unpark() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';`)
	if err := postgres.Migrate(t.Context(), owner, postgres.WithSchema(schema), next); err != nil {
		t.Fatal(err)
	}
	grant(t, admin, schema)
	store, err := postgres.New(t.Context(), as(t, roles.Worker), postgres.WithSchema(schema))
	if err != nil {
		t.Fatal(err)
	}
	add(t, store, everything("1"))
}

// TestRolesKnowEverything fails for a new table or function that the script says nothing about.
func TestRolesKnowEverything(t *testing.T) {
	t.Parallel()
	admin, schema := migrated(t)
	rows, err := admin.Query(t.Context(), `
		SELECT kind || ' ' || name FROM (
			SELECT CASE relkind WHEN 'r' THEN 'table' ELSE 'sequence' END, relname, relowner
			FROM pg_class WHERE relnamespace = $1::text::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')
			UNION ALL SELECT 'function', proname, proowner FROM pg_proc WHERE pronamespace = $1::text::regnamespace
			UNION ALL SELECT 'type', typname, typowner FROM pg_type WHERE typnamespace = $1::text::regnamespace AND typtype IN ('e', 'd')
			UNION ALL SELECT 'schema', nspname, nspowner FROM pg_namespace WHERE nspname = $1
		) AS all_there_is (kind, name, owner)
		WHERE owner <> (SELECT oid FROM pg_roles WHERE rolname = $2)`, schema, roles.Owner)
	if err != nil {
		t.Fatal(err)
	}
	others, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(others) > 0 {
		t.Errorf("%v, %v belong to somebody else; roles.go has to know them", err, others)
	}
}

func TestRolesThatCannotBe(t *testing.T) {
	t.Parallel()
	for want, roles := range map[string]postgres.Roles{
		"two of the roles":      {Owner: "a", Reader: "a"},
		"pg_monitor":            {Worker: "pg_monitor"},
		strings.Repeat("a", 64): {Owner: strings.Repeat("a", 64)},
		`"a\x00"`:               {Owner: "a\x00"},
	} {
		if _, err := postgres.RolesScript(roles); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got error %v", roles, err)
		}
	}
	if _, err := postgres.RolesScript(postgres.Roles{}, postgres.WithSchema("a b")); err == nil {
		t.Error("any text is a schema")
	}
	script, err := postgres.RolesScript(postgres.Roles{}, postgres.WithSchema("orders"))
	if err != nil || !strings.Contains(script, `GRANT INSERT, DELETE ON "orders".events TO "orders_worker";`) {
		t.Errorf("%v\n%s", err, script)
	}
}
