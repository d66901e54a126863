// Package postgrestest gives each test an empty store on PostgreSQL.
//
// The first call starts a server from the binaries that are installed on the machine (initdb, pg_ctl and postgres; on Debian the package
// postgresql). It listens on a socket in a temporary directory, without fsync, and is gone when the process ends, in whatever way. If
// IRONFLOW_TEST_DATABASE_URL names a server, that one is used, and its user needs the right to create schemas.
//
// The package is apart from ironflowtest, so that only tests on PostgreSQL link its driver.
package postgrestest

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/internal/pgserver/pgschema"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
)

// Open returns an empty store in a schema of its own, which no other test uses until this one has ended. Tests may run in parallel. Stop
// engines before the test ends, as with t.Cleanup. Without a server the test fails, and under -short it is skipped.
func Open(t testing.TB) *postgres.Store {
	t.Helper()
	store, _ := OpenPool(t)
	return store
}

// OpenPool is Open for a test that writes with SQL beside the store: the search path of the pool is the store's schema. Tables that the test
// creates are dropped at its end.
func OpenPool(t testing.TB) (*postgres.Store, *pgxpool.Pool) {
	t.Helper()
	schema := pgschema.Borrow(t)
	config, err := pgxpool.ParseConfig(pgserver.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	config.ConnConfig.RuntimeParams["search_path"] = schema
	pgschema.Use(config, schema)
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	store, err := postgres.New(t.Context(), pool, postgres.WithSchema(schema))
	if err != nil {
		t.Fatal(err)
	}
	return store, pool
}
