package postgres_test

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"go.uber.org/goleak"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/internal/pgserver/pgschema"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/storetest"
)

func TestMain(m *testing.M) {
	code := pgserver.Main(m)
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Fixture {
		schema := pgschema.Borrow(t)
		pool := newPool(t, func(config *pgxpool.Config) { pgschema.Use(config, schema) })
		db := stdlib.OpenDBFromPool(pool)
		t.Cleanup(func() { db.Close() })
		store := reopened(t, pool, schema)
		return storetest.Fixture{
			Store:      store,
			DB:         db,
			Prefix:     `"` + schema + `".`,
			Concurrent: true,
			Project:    projecting(store),
		}
	})
}

func projecting(store *postgres.Store) func(
	context.Context, string, func(func(string, int) error) error, store.ProjectionUpdate,
) error {
	return storetest.Projecting(store, func(ctx context.Context, tx pgx.Tx, table string, row int) error {
		_, err := tx.Exec(ctx, fmt.Sprintf("INSERT INTO %s VALUES (%d)", table, row))
		return err
	})
}

// newPool connects to the server of this package's tests, with changes to the pool's configuration.
func newPool(t testing.TB, configure ...func(*pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(pgserver.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 32
	for _, change := range configure {
		change(config)
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

var schemas atomic.Int64

// newSchema names a schema that no other test uses, nor a test of another process on the same server.
func newSchema() string {
	return fmt.Sprintf("t_%d_%d_%d", time.Now().Unix(), os.Getpid(), schemas.Add(1))
}

// newStore migrates a schema, which goes when the test ends.
func newStore(t testing.TB, pool *pgxpool.Pool, schema string) *postgres.Store {
	t.Helper()
	dropAtEnd(t, pool, schema)
	if err := postgres.Migrate(t.Context(), pool, postgres.WithSchema(schema)); err != nil {
		t.Fatal(err)
	}
	store, err := postgres.New(t.Context(), pool, postgres.WithSchema(schema))
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func dropAtEnd(t testing.TB, pool *pgxpool.Pool, schema string) {
	t.Cleanup(func() {
		if _, err := pool.Exec(context.Background(), fmt.Sprintf(`DROP SCHEMA IF EXISTS "%s" CASCADE`, schema)); err != nil {
			t.Error(err)
		}
	})
}

// now is the time of most changes.
var now = time.Date(2031, time.March, 4, 5, 6, 7, 0, time.UTC)

func order(id string) store.InstanceKey { return store.InstanceKey{Workflow: "order", ID: id} }

// change appends one event to an instance at a version.
func change(instance store.InstanceKey, version int64) store.Change {
	return store.Change{
		Instance: instance, Version: version, Now: now,
		Events: []store.NewEvent{{Type: "Noted", SchemaVersion: 1, Payload: []byte(`{}`)}},
	}
}

// ids makes the ids of the commits of tests, none of which looks at them unless it gives its own.
var ids atomic.Int64

func newID() store.CommitID { return store.CommitID(ids.Add(1)) }

func requests(instances ...store.InstanceKey) []store.ReadRequest {
	var r []store.ReadRequest
	for _, instance := range instances {
		r = append(r, store.ReadRequest{Instance: instance})
	}
	return r
}

func begin(t testing.TB, store *postgres.Store, instances ...store.InstanceKey) store.UnitOfWork {
	t.Helper()
	work, err := store.Begin(t.Context(), requests(instances...))
	if err != nil {
		t.Fatal(err)
	}
	return work
}

// commit stores changes by a unit of work, add by Append.
func commit(t testing.TB, st *postgres.Store, changes ...store.Change) {
	t.Helper()
	var instances []store.InstanceKey
	for _, c := range changes {
		instances = append(instances, c.Instance)
	}
	if err := begin(t, st, instances...).Commit(t.Context(), newID(), changes); err != nil {
		t.Fatal(err)
	}
}

func add(t testing.TB, st *postgres.Store, changes ...store.Change) {
	t.Helper()
	if err := st.Append(t.Context(), store.Batch{Commit: newID(), Changes: changes}); err != nil {
		t.Fatal(err)
	}
}

// read returns an instance with all its events.
func read(t testing.TB, st *postgres.Store, instance store.InstanceKey) store.Instance {
	t.Helper()
	instances, err := st.Read(t.Context(), []store.ReadRequest{{Instance: instance, Completed: true}})
	if err != nil {
		t.Fatal(err)
	}
	return instances[0]
}

func wantVersion(t testing.TB, store *postgres.Store, instance store.InstanceKey, version int64) {
	t.Helper()
	if got := read(t, store, instance); got.Version != version || int64(len(got.Events)) != version {
		t.Errorf("%s is at version %d with %d events, want %d", instance, got.Version, len(got.Events), version)
	}
}
