package postgres_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
)

// wire watches the connections of a pool and breaks them.
type wire struct {
	roundTrips atomic.Int64
	cut        atomic.Value // func(sent string) cutting
}

type cutting int

const (
	dontCut    cutting = iota
	beforeSend         // the server does not get what is sent
	afterSend          // the server gets it, its answer is lost
)

type wireConn struct {
	net.Conn
	wire    *wire
	written atomic.Bool
	deaf    atomic.Bool
}

var errCut = errors.New("the cable was cut")

func (c *wireConn) Write(data []byte) (int, error) {
	when := dontCut
	if cut, _ := c.wire.cut.Load().(func(string) cutting); cut != nil {
		when = cut(string(data))
	}
	if when == beforeSend {
		c.Conn.Close()
		return 0, errCut
	}
	c.written.Store(true)
	c.deaf.Store(when == afterSend)
	return c.Conn.Write(data)
}

func (c *wireConn) Read(data []byte) (int, error) {
	if c.written.Swap(false) {
		c.wire.roundTrips.Add(1)
	}
	if c.deaf.Load() {
		// Wait for the answer first, so that the server is done.
		c.Conn.Read(data)
		c.Conn.Close()
		return 0, errCut
	}
	return c.Conn.Read(data)
}

// newWire returns a configuration for newPool.
func newWire() (*wire, func(*pgxpool.Config)) {
	w := &wire{}
	return w, func(config *pgxpool.Config) {
		config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
			var dialer net.Dialer
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &wireConn{Conn: conn, wire: w}, nil
		}
	}
}

// everything is a change to a new instance that needs every statement a commit has.
func everything(id string) runtime.Change {
	c := change(order(id), 0)
	c.Effects = []runtime.NewEffect{{Kind: "Send", Payload: []byte(`{}`)}}
	c.Timers = []runtime.NewTimer{{Key: "a", Input: "Remind", Payload: []byte(`{}`), FireAt: now}}
	c.Cancel = []string{"b"}
	c.UniqueKey = id
	return c
}

func TestRoundTrips(t *testing.T) {
	t.Parallel()
	wire, watched := newWire()
	pool := newPool(t, watched, func(config *pgxpool.Config) { config.MaxConns = 1 })
	store := newStore(t, pool, newSchema())
	count := func(what string, want int64, run func()) {
		t.Helper()
		before := wire.roundTrips.Load()
		run()
		if got := wire.roundTrips.Load() - before; got != want {
			t.Errorf("%s takes %d round trips, want %d", what, got, want)
		}
	}
	unit := func(ids ...string) (begun runtime.UnitOfWork, changes []runtime.Change) {
		var keys []runtime.InstanceKey
		for _, id := range ids {
			keys = append(keys, order(id))
			changes = append(changes, everything(id))
		}
		return begin(t, store, keys...), changes
	}

	// The first time, pgx prepares the statements.
	work, changes := unit("0")
	if err := work.Commit(t.Context(), changes); err != nil {
		t.Fatal(err)
	}
	count("Begin", 1, func() { work, changes = unit("1", "2", "3") })
	count("Commit", 2, func() {
		if err := work.Commit(t.Context(), changes); err != nil {
			t.Error(err)
		}
	})
	work, _ = unit("4")
	count("Rollback", 1, func() {
		if err := work.Rollback(t.Context()); err != nil {
			t.Error(err)
		}
	})
	count("Rollback again", 0, func() {
		if err := work.Rollback(t.Context()); err != nil {
			t.Error(err)
		}
	})

	var claimed []runtime.Delivery
	claim := func() {
		var err error
		kinds := []runtime.Kind{{Workflow: "order", Name: "Send"}}
		claimed, err = store.Effects().Claim(t.Context(), runtime.Claim{
			Kinds: kinds, Now: now, Until: now.Add(time.Hour), Limit: 2,
		})
		if err != nil || len(claimed) != 2 {
			t.Fatalf("Claim: %d deliveries, error %v", len(claimed), err)
		}
	}
	settle := func() {
		lost, err := store.Effects().Settle(t.Context(), []runtime.Settlement{
			{Lease: claimed[0].Lease, Verdict: runtime.Done}, {Lease: claimed[1].Lease, Verdict: runtime.RetryLater, At: now},
		})
		if err != nil || len(lost) != 0 {
			t.Fatalf("Settle: lost %v, error %v", lost, err)
		}
	}
	claim()
	settle()
	count("Claim", 1, claim)
	count("Settle", 1, settle)
	count("Load", 1, func() {
		// Begin has prepared the statement.
		if _, err := store.Load(t.Context(), order("1")); err != nil {
			t.Error(err)
		}
	})
}

func TestConnectionLostBeforeCommitStoresNothing(t *testing.T) {
	t.Parallel()
	for name, when := range map[string]cutting{"before": beforeSend, "after": afterSend} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wire, watched := newWire()
			pool := newPool(t, watched)
			store := newStore(t, pool, newSchema())
			work := begin(t, store, order("1"))
			wire.cut.Store(func(string) cutting { return when })
			err := work.Commit(t.Context(), []runtime.Change{everything("1")})
			wire.cut.Store(func(string) cutting { return dontCut })
			if err == nil || errors.Is(err, runtime.ErrOutcomeUnknown) || !strings.Contains(err.Error(), "order/1") {
				t.Errorf("got error %v", err)
			}
			wantVersion(t, store, order("1"), 0)
			wantIdle(t, pool)
		})
	}
}

func TestConnectionLostDuringCommitIsUnknown(t *testing.T) {
	t.Parallel()
	// The same error tells of both, and one is stored.
	for name, test := range map[string]struct {
		when    cutting
		version int64
	}{
		"before it is sent": {beforeSend, 0},
		"after it is sent":  {afterSend, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wire, watched := newWire()
			pool := newPool(t, watched)
			store := newStore(t, pool, newSchema())
			work := begin(t, store, order("1"))
			wire.cut.Store(func(sent string) cutting {
				if strings.Contains(sent, "COMMIT") {
					return test.when
				}
				return dontCut
			})
			err := work.Commit(t.Context(), []runtime.Change{everything("1")})
			wire.cut.Store(func(string) cutting { return dontCut })
			if !errors.Is(err, runtime.ErrOutcomeUnknown) || !strings.Contains(err.Error(), "order/1") {
				t.Errorf("got error %v", err)
			}
			if errors.Is(err, runtime.ErrConflict) {
				t.Error("an unknown outcome must not be run again blindly")
			}
			wantVersion(t, store, order("1"), test.version)
			wantIdle(t, pool)
		})
	}
}

func TestServerEndsTheSession(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	schema := newSchema()
	store := newStore(t, pool, schema)
	commit(t, store, change(order("1"), 0))
	work := begin(t, store, order("1"))
	if _, err := pool.Exec(t.Context(), `
		SELECT pg_terminate_backend(l.pid) FROM pg_locks l
		WHERE l.relation = ($1 || '.instances')::regclass AND l.mode = 'RowShareLock'`, schema); err != nil {
		t.Fatal(err)
	}
	err := work.Commit(t.Context(), []runtime.Change{change(order("1"), 1)})
	if err == nil || errors.Is(err, runtime.ErrOutcomeUnknown) {
		t.Errorf("got error %v", err)
	}
	if err := work.Rollback(t.Context()); err != nil {
		t.Errorf("Rollback after Commit: %v", err)
	}
	wantIdle(t, pool)
	commit(t, store, change(order("1"), 1))
}

func TestRollbackOfABrokenConnection(t *testing.T) {
	t.Parallel()
	wire, watched := newWire()
	pool := newPool(t, watched)
	store := newStore(t, pool, newSchema())
	work := begin(t, store, order("1"))
	wire.cut.Store(func(string) cutting { return beforeSend })
	if err := work.Rollback(t.Context()); err == nil {
		t.Error("no error")
	}
	wire.cut.Store(func(string) cutting { return dontCut })
	wantIdle(t, pool)
}

func wantVersion(t *testing.T, store *postgres.Store, instance runtime.InstanceKey, version int64) {
	t.Helper()
	got, err := store.Load(t.Context(), instance)
	if err != nil || got.Version != version {
		t.Errorf("%s is at version %d, want %d; error %v", instance, got.Version, version, err)
	}
}

// wantIdle says that no connection is lent out, and that none of the idle ones is in a transaction.
func wantIdle(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	// The pool takes its time to bury a broken connection.
	for deadline := time.Now().Add(10 * time.Second); pool.Stat().AcquiredConns() != 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d connections were not given back", pool.Stat().AcquiredConns())
		}
	}
	for _, conn := range pool.AcquireAllIdle(t.Context()) {
		if status := conn.Conn().PgConn().TxStatus(); status != 'I' {
			t.Errorf("a connection of the pool is in transaction status %c", status)
		}
		conn.Release()
	}
}
