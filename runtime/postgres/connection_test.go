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

	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/store"
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
func everything(id string) store.Change {
	c := change(order(id), 0)
	c.Effects = []store.NewEffect{{Kind: "Send", Payload: []byte(`{}`)}}
	c.Timers = []store.NewTimer{{Key: "a", Input: "Remind", Payload: []byte(`{}`), FireAt: now}}
	c.Cancel = []string{"b"}
	c.UniqueKey = id
	return c
}

func TestRoundTrips(t *testing.T) {
	t.Parallel()
	wire, watched := newWire()
	pool := newPool(t, watched, func(config *pgxpool.Config) { config.MaxConns = 1 })
	st := newStore(t, pool, newSchema())
	count := func(what string, want int64, run func()) {
		t.Helper()
		before := wire.roundTrips.Load()
		run()
		if got := wire.roundTrips.Load() - before; got != want {
			t.Errorf("%s takes %d round trips, want %d", what, got, want)
		}
	}
	unit := func(ids ...string) (begun store.UnitOfWork, changes []store.Change) {
		var keys []store.InstanceKey
		for _, id := range ids {
			keys = append(keys, order(id))
			changes = append(changes, everything(id))
		}
		return begin(t, st, keys...), changes
	}

	// The first time, pgx prepares the statements.
	work, changes := unit("0")
	if err := work.Commit(t.Context(), newID(), changes); err != nil {
		t.Fatal(err)
	}
	count("Begin", 1, func() { work, changes = unit("1", "2", "3") })
	count("Commit", 1, func() {
		if err := work.Commit(t.Context(), newID(), changes); err != nil {
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

	same := []store.InstanceVersion{{Instance: order("1"), Version: 1}}
	appending := func(instance string, version int64, want error) func() {
		return func() {
			next := change(order(instance), version)
			err := st.Append(t.Context(), store.Batch{Commit: newID(), Changes: []store.Change{next}, Unchanged: same})
			if !errors.Is(err, want) {
				t.Errorf("Append: error %v, want %v", err, want)
			}
		}
	}
	unchanged := func() {
		if err := st.Append(t.Context(), store.Batch{Unchanged: same}); err != nil {
			t.Error(err)
		}
	}
	appending("2", 1, nil)()
	unchanged()
	count("Append", 1, appending("2", 2, nil))
	count("Append that is refused", 1, appending("2", 2, store.ErrConflict))
	count("Append after it", 1, appending("2", 3, nil))
	count("Append without changes", 1, unchanged)
	alone := func(version int64, want error) func() {
		return func() {
			next := store.Batch{Commit: newID(), Changes: []store.Change{change(order("3"), version)}}
			if err := st.Append(t.Context(), next); !errors.Is(err, want) {
				t.Errorf("Append: error %v, want %v", err, want)
			}
		}
	}
	alone(1, nil)()
	count("Append of one change", 1, alone(2, nil))
	count("Append of one change that is refused", 1, alone(2, store.ErrConflict))
	count("Append of one change after it", 1, alone(3, nil))
	count("Append of nothing", 0, func() {
		if err := st.Append(t.Context(), store.Batch{}); err != nil {
			t.Error(err)
		}
	})

	committed := func() {
		if _, err := st.Committed(t.Context(), order("1"), 1, 1); err != nil {
			t.Error(err)
		}
	}
	committed()
	count("Committed", 1, committed)
	first := read(t, st, order("1")).Created
	save := func() {
		snapshot := store.Snapshot{Instance: order("1"), Version: 1, Commit: first, Schema: "a", State: []byte(`{}`)}
		if err := st.SaveSnapshots(t.Context(), []store.Snapshot{snapshot}); err != nil {
			t.Error(err)
		}
	}
	save()
	count("SaveSnapshots", 1, save)

	var claimed []store.Delivery
	claim := func() {
		var err error
		kinds := []store.Kind{{Workflow: "order", Name: "Send"}}
		claimed, err = st.Effects().Claim(t.Context(), store.Claim{
			Kinds: kinds, Now: now, Until: now.Add(time.Hour), Limit: 2,
		})
		if err != nil || len(claimed) != 2 {
			t.Fatalf("Claim: %d deliveries, error %v", len(claimed), err)
		}
	}
	settle := func() {
		lost, err := st.Effects().Settle(t.Context(), []store.Settlement{
			{Lease: claimed[0].Lease, Verdict: store.Done}, {Lease: claimed[1].Lease, Verdict: store.RetryLater, At: now},
		})
		if err != nil || len(lost) != 0 {
			t.Fatalf("Settle: lost %v, error %v", lost, err)
		}
	}
	claim()
	settle()
	count("Claim", 1, claim)
	count("Settle", 1, settle)
	count("Read", 1, func() {
		// Begin has prepared the statement.
		if _, err := st.Read(t.Context(), requests(order("1"), order("2"))); err != nil {
			t.Error(err)
		}
	})
}

// TestConnectionLostDuringCommitIsUnknown breaks the connection while the changes and COMMIT are on their way. The same error
// tells of a commit that is stored and of one that is not; Committed knows.
func TestConnectionLostDuringCommitIsUnknown(t *testing.T) {
	t.Parallel()
	for way, stores := range map[string]func(*testing.T, *postgres.Store) func(store.CommitID, []store.Change) error{
		"Append": func(t *testing.T, st *postgres.Store) func(store.CommitID, []store.Change) error {
			return func(id store.CommitID, changes []store.Change) error {
				return st.Append(t.Context(), store.Batch{Commit: id, Changes: changes})
			}
		},
		"Commit": func(t *testing.T, st *postgres.Store) func(store.CommitID, []store.Change) error {
			work := begin(t, st, order("new"), order("old"))
			return func(id store.CommitID, changes []store.Change) error {
				return work.Commit(t.Context(), id, changes)
			}
		},
	} {
		for when, at := range map[string]cutting{"before it is sent": beforeSend, "after it is sent": afterSend} {
			t.Run(way+" "+when, func(t *testing.T) {
				t.Parallel()
				wire, watched := newWire()
				pool := newPool(t, watched)
				st := newStore(t, pool, newSchema())
				add(t, st, change(order("old"), 0))
				// With the statements prepared, all goes out at once.
				commit(t, st, everything("warm"), change(order("old"), 1))
				add(t, st, everything("warm too"), change(order("old"), 2))
				send := stores(t, st)
				wire.cut.Store(func(string) cutting { return at })
				id := newID()
				err := send(id, []store.Change{everything("new"), change(order("old"), 3)})
				wire.cut.Store(func(string) cutting { return dontCut })
				if !errors.Is(err, store.ErrOutcomeUnknown) || !strings.Contains(err.Error(), "order/new") {
					t.Errorf("got error %v", err)
				}
				if errors.Is(err, store.ErrConflict) {
					t.Error("an unknown outcome must not be run again blindly")
				}
				stored := at == afterSend
				for instance, version := range map[string]int64{"new": 1, "old": 4} {
					if got, err := st.Committed(t.Context(), order(instance), version, id); err != nil || got != stored {
						t.Errorf("Committed of %s: %v, error %v, want %v", instance, got, err, stored)
					}
					if !stored {
						version--
					}
					wantVersion(t, st, order(instance), version)
				}
				wantIdle(t, pool)
			})
		}
	}
}

// TestConnectionLostDuringOneChangeIsUnknown says the same of a change on its own.
func TestConnectionLostDuringOneChangeIsUnknown(t *testing.T) {
	t.Parallel()
	for when, at := range map[string]cutting{"before it is sent": beforeSend, "after it is sent": afterSend} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			wire, watched := newWire()
			pool := newPool(t, watched)
			st := newStore(t, pool, newSchema())
			add(t, st, change(order("1"), 0))
			wire.cut.Store(func(string) cutting { return at })
			id := newID()
			err := st.Append(t.Context(), store.Batch{Commit: id, Changes: []store.Change{change(order("1"), 1)}})
			wire.cut.Store(func(string) cutting { return dontCut })
			if !errors.Is(err, store.ErrOutcomeUnknown) || errors.Is(err, store.ErrConflict) {
				t.Errorf("got error %v", err)
			}
			stored := at == afterSend
			if got, err := st.Committed(t.Context(), order("1"), 2, id); err != nil || got != stored {
				t.Errorf("Committed: %v, error %v, want %v", got, err, stored)
			}
			wantIdle(t, pool)
		})
	}
}

func TestServerEndsTheSession(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	schema := newSchema()
	st := newStore(t, pool, schema)
	commit(t, st, change(order("1"), 0))
	work := begin(t, st, order("1"))
	if _, err := pool.Exec(t.Context(), `
		SELECT pg_terminate_backend(l.pid) FROM pg_locks l
		WHERE l.relation = ($1 || '.instances')::regclass AND l.mode = 'RowShareLock'`, schema); err != nil {
		t.Fatal(err)
	}
	id := newID()
	err := work.Commit(t.Context(), id, []store.Change{change(order("1"), 1)})
	if err == nil || errors.Is(err, store.ErrConflict) {
		t.Errorf("got error %v", err)
	}
	if stored, err := st.Committed(t.Context(), order("1"), 2, id); err != nil || stored {
		t.Errorf("Committed: %v, error %v", stored, err)
	}
	if err := work.Rollback(t.Context()); err != nil {
		t.Errorf("Rollback after Commit: %v", err)
	}
	wantIdle(t, pool)
	commit(t, st, change(order("1"), 1))
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
