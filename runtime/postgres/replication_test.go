package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

func poolOn(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// A server that crashes must not give numbers and transaction ids again that the feed has passed by: they were not flushed with any
// commit, because the transactions that took them were rolled back.
func TestCrashGivesNoSettledNumberAgain(t *testing.T) {
	for _, synchronousCommit := range []string{"on", "off"} {
		t.Run("synchronous_commit "+synchronousCommit, func(t *testing.T) {
			// Nothing else writes the log.
			server := pgserver.Own(t, pgserver.Options{Settings: map[string]string{
				"wal_writer_delay": "10s", "synchronous_commit": synchronousCommit, "autovacuum": "off",
			}})
			pool, schema := poolOn(t, server.URL()), newSchema()
			st := newStore(t, pool, schema)
			add(t, st, change(order("1"), 0))
			for range 5 {
				_, err := pool.Exec(t.Context(), fmt.Sprintf(
					"BEGIN; SELECT pg_current_xact_id(); SELECT nextval('%s.events_global_sequence') FROM generate_series(1, 100); ROLLBACK", schema))
				if err != nil {
					t.Fatal(err)
				}
			}
			var before store.FeedHorizon
			for deadline := time.Now().Add(10 * time.Second); before.Settled < 501; time.Sleep(time.Millisecond) {
				var err error
				if before, err = st.FeedHorizon(t.Context()); err != nil || time.Now().After(deadline) {
					t.Fatalf("got %+v, error %v", before, err)
				}
			}
			nextID := func() (id int64) {
				t.Helper()
				if err := pool.QueryRow(t.Context(), "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint").Scan(&id); err != nil {
					t.Fatal(err)
				}
				return id
			}
			ids := nextID()
			page, err := st.EventsSince(t.Context(), 0, 10)
			if err != nil || len(page.Events) != 1 || page.Next != page.Events[0].Position() {
				t.Errorf("got %+v, error %v", page, err)
			}

			if err := errors.Join(server.Crash(t.Context()), server.Restart(t.Context())); err != nil {
				t.Fatal(err)
			}
			pool.Reset()
			again := reopened(t, pool, schema)
			after, err := again.FeedHorizon(t.Context())
			if err != nil || after.Issued < before.Settled {
				t.Errorf("the feed was settled up to %d, and numbers are issued from %d on, error %v", before.Settled, after.Issued, err)
			}
			if got := nextID(); got < ids {
				t.Errorf("transaction ids are given from %d on, again up to %d", got, ids)
			}
			// The store that was there before goes on.
			add(t, st, change(order("2"), 0))
			if got := idsOf(feedOf(t, st, 2)); got != "1 2" {
				t.Errorf("got %q", got)
			}
		})
	}
}

// reopened is a store on tables that are there.
func reopened(t *testing.T, pool *pgxpool.Pool, schema string) *postgres.Store {
	t.Helper()
	store, err := postgres.New(t.Context(), pool, postgres.WithSchema(schema))
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func TestSequenceBehindItsEvents(t *testing.T) {
	t.Parallel()
	pool, schema := newPool(t), newSchema()
	st := newStore(t, pool, schema)
	for v := range int64(9) {
		add(t, st, change(order("1"), v))
	}
	feedOf(t, st, 9)
	if _, err := pool.Exec(t.Context(), "SELECT setval('"+schema+".events_global_sequence', 4)"); err != nil {
		t.Fatal(err)
	}
	var behind *store.SequenceBehind
	wants := func(what string, err error) {
		t.Helper()
		if !errors.As(err, &behind) || behind.Issued != 4 || behind.Stored != 9 || !strings.Contains(err.Error(), "SELECT setval(") {
			t.Errorf("%s: got error %v", what, err)
		}
	}
	_, err := postgres.New(t.Context(), pool, postgres.WithSchema(schema))
	wants("New", err)
	_, err = st.FeedHorizon(t.Context())
	wants("FeedHorizon", err)
	_, err = st.EventsSince(t.Context(), 9, 10)
	wants("EventsSince", err)
	wants("Append", st.Append(t.Context(), store.Batch{Commit: newID(), Changes: []store.Change{change(order("2"), 0)}}))
	_, err = st.Begin(t.Context(), []store.ReadRequest{{Instance: order("2")}})
	wants("Begin", err)

	if _, err := pool.Exec(t.Context(), behind.Repair); err != nil {
		t.Fatal(err)
	}
	add(t, st, change(order("2"), 0))
	if got := feedOf(t, st, 10); got[9].Position() != 10 {
		t.Errorf("got %+v", got)
	}
	reopened(t, pool, schema)
}

// A synchronous standby that is silent holds up commits. The wait is never cancelled, whoever loses patience, and until it has ended
// nobody is told that the commit is there, nor reads it.
func TestSilentSynchronousStandby(t *testing.T) {
	primary := pgserver.Own(t, pgserver.Options{Settings: map[string]string{"synchronous_commit": "on", "synchronous_standby_names": "*"}})
	standby, err := primary.Standby(t.Context(), pgserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { standby.Stop() })
	pool, schema := poolOn(t, primary.URL()), newSchema()
	st := newStore(t, pool, schema)
	add(t, st, change(order("1"), 0))
	feedOf(t, st, 1)
	standby.CutOff()

	const id = 77
	waiting := func(t *testing.T) (n int) {
		const query = `SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`
		if err := pool.QueryRow(t.Context(), query).Scan(&n); err != nil {
			t.Error(err)
		}
		return n
	}
	for what, timeout := range map[string]time.Duration{
		"the connection breaks": time.Minute,
		"the wait is too long":  5 * time.Second, // enough to come to the wait on a machine that is busy
	} {
		t.Run(what, func(t *testing.T) {
			instance := order(strings.ReplaceAll(what, " ", "-"))
			defer postgres.SetCommitTimeout(timeout)()
			breakable, cut := breakablePool(t, primary.URL())
			before := waiting(t)
			appended := make(chan error, 1)
			again := reopened(t, breakable, schema)
			go func() {
				appended <- again.Append(context.Background(), store.Batch{Commit: id, Changes: []store.Change{change(instance, 0)}})
			}()
			if timeout == time.Minute {
				for deadline := time.Now().Add(timeout); waiting(t) <= before && time.Now().Before(deadline); {
					time.Sleep(5 * time.Millisecond)
				}
				cut()
			}
			if err := <-appended; !errors.Is(err, store.ErrOutcomeUnknown) {
				t.Fatalf("got error %v", err)
			}
			if n := waiting(t); n <= before {
				t.Errorf("%d transactions wait for the standby, as before: the wait was cancelled", n)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if stored, err := st.Committed(ctx, instance, 1, id); err == nil {
				t.Errorf("Committed says %v while the standby is silent", stored)
			}
			if n := waiting(t); n <= before {
				t.Errorf("%d transactions wait for the standby, as before: Committed has cancelled the wait", n)
			}
			if got := read(t, st, instance); got.Version != 0 {
				t.Errorf("what no standby has is read: %+v", got)
			}
		})
	}

	// What was settled is still read, and the feed says what it waits for.
	if page, err := st.EventsSince(t.Context(), 0, 1); err != nil || len(page.Events) != 1 {
		t.Errorf("got %+v, error %v", page, err)
	}
	begin := time.Now()
	horizon, err := st.FeedHorizon(t.Context())
	if err != nil || time.Since(begin) > 20*time.Second || horizon.Settled >= horizon.Issued {
		t.Errorf("got %+v after %v, error %v", horizon, time.Since(begin), err)
	}
	if blockers, err := st.FeedBlockers(t.Context()); err != nil || len(blockers) == 0 {
		t.Errorf("got blockers %v, error %v", blockers, err)
	}

	standby.Reconnect()
	for _, what := range []string{"the-connection-breaks", "the-wait-is-too-long"} {
		if stored, err := st.Committed(t.Context(), order(what), 1, id); err != nil || !stored {
			t.Errorf("%s: stored %v, error %v, after the standby is back", what, stored, err)
		}
	}
	feedOf(t, st, 3)
}

// A cancelled wait for the standby commits on the primary alone. Committed waits in its place.
func TestCommittedWaitsForTheStandby(t *testing.T) {
	primary := pgserver.Own(t, pgserver.Options{Settings: map[string]string{"synchronous_commit": "on", "synchronous_standby_names": "*"}})
	standby, err := primary.Standby(t.Context(), pgserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { standby.Stop() })
	pool, schema := poolOn(t, primary.URL()), newSchema()
	st := newStore(t, pool, schema)
	standby.CutOff()
	committed := make(chan error, 1)
	go func() {
		committed <- st.Append(context.Background(), store.Batch{Commit: 5, Changes: []store.Change{change(order("1"), 0)}})
	}()
	const cancel = `SELECT count(*) FILTER (WHERE pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		var n int
		if err := pool.QueryRow(t.Context(), cancel).Scan(&n); err != nil || time.Now().After(deadline) {
			t.Fatalf("%d commits wait, error %v", n, err)
		}
		if n > 0 {
			break
		}
	}
	<-committed // as an operator's cancel, or another library's, ends it
	ctx, stop := context.WithTimeout(t.Context(), time.Second)
	defer stop()
	if stored, err := st.Committed(ctx, order("1"), 1, 5); err == nil {
		t.Errorf("Committed says %v while the standby has nothing", stored)
	}
	standby.Reconnect()
	if stored, err := st.Committed(t.Context(), order("1"), 1, 5); err != nil || !stored {
		t.Errorf("stored %v, error %v", stored, err)
	}
}

// breakablePool is a pool whose connections a test can break.
func breakablePool(t *testing.T, url string) (pool *pgxpool.Pool, cut func()) {
	t.Helper()
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var conns []net.Conn
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		mu.Lock()
		defer mu.Unlock()
		conns = append(conns, conn)
		return conn, err
	}
	if pool, err = pgxpool.NewWithConfig(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool, func() {
		mu.Lock()
		defer mu.Unlock()
		for _, conn := range conns {
			conn.Close()
		}
	}
}
