package postgres_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// The server's transactions are one for all of its databases, and tests run side by side. So everything here waits for what
// it wants, and what must not happen is provoked by a transaction of the test's own.

// slowWriter is a transaction that has numbered an event and does not end.
func slowWriter(t *testing.T, conn *pgx.Conn, schema, id string) pgx.Tx {
	t.Helper()
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tx.Rollback(context.Background()) })
	for _, statement := range []string{
		`INSERT INTO %s.instances VALUES ('%s', 'order', now())`,
		`INSERT INTO %s.events (instance, workflow, version, type, schema_version, payload, recorded_at, commit_id)
		 VALUES ('%s', 'order', 1, 'Noted', 1, '{}', now(), 1)`,
	} {
		if _, err := tx.Exec(t.Context(), fmt.Sprintf(statement, schema, id)); err != nil {
			t.Fatal(err)
		}
	}
	return tx
}

// connect opens a connection with a name of its own, and returns that of the server's process for it.
func connect(t *testing.T, pool *pgxpool.Pool, application string) (*pgx.Conn, int) {
	t.Helper()
	config := pool.Config().ConnConfig.Copy()
	config.RuntimeParams["application_name"] = application
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn, int(conn.PgConn().PID())
}

func idsOf(events []store.StoredEvent) string {
	var ids []string
	for _, e := range events {
		ids = append(ids, e.Instance.ID)
	}
	return strings.Join(ids, " ")
}

// feedOf reads the feed from its beginning until it has n events.
func feedOf(t *testing.T, store *postgres.Store, n int) []store.StoredEvent {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		page, err := store.EventsSince(t.Context(), 0, n+1)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Events) >= n {
			return page.Events
		}
		if time.Now().After(deadline) {
			t.Fatalf("the feed has only %q", idsOf(page.Events))
		}
	}
}

func TestFeedWaitsForWhatWasNumberedBefore(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(pgx.Tx) error{
		"commit":   func(tx pgx.Tx) error { return tx.Commit(context.Background()) },
		"rollback": func(tx pgx.Tx) error { return tx.Rollback(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, schema := newPool(t), newSchema()
			st := newStore(t, pool, schema)
			add(t, st, change(order("first"), 0))
			feedOf(t, st, 1)

			conn, pid := connect(t, pool, "slow writer")
			tx := slowWriter(t, conn, schema, "slow")
			add(t, st, change(order("fast"), 0))
			for range 50 {
				page, err := st.EventsSince(t.Context(), 0, 10)
				if err != nil {
					t.Fatal(err)
				}
				if got := idsOf(page.Events); got != "first" || page.Next != page.Settled {
					t.Fatalf("got %q, %+v", got, page)
				}
			}
			horizon, err := st.FeedHorizon(t.Context())
			if err != nil || horizon.Issued != horizon.Settled+2 {
				t.Errorf("got horizon %+v, error %v", horizon, err)
			}
			wantBlocker(t, st, func(b store.FeedBlocker) bool {
				return b.PID == pid && b.Application == "slow writer" && b.State == "idle in transaction" &&
					b.Database == "postgres" && b.User == "ironflow" && strings.Contains(b.Query, "INSERT INTO") &&
					time.Since(b.Since) < time.Minute && b.TransactionID > 0
			})

			if err := end(tx); err != nil {
				t.Fatal(err)
			}
			want := "first slow fast"
			if name == "rollback" {
				want = "first fast"
			}
			if got := idsOf(feedOf(t, st, len(strings.Fields(want)))); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// wantBlocker says that one of the blockers is as wanted. Others may be the transactions of other tests.
func wantBlocker(t *testing.T, store *postgres.Store, is func(store.FeedBlocker) bool) {
	t.Helper()
	blockers, err := store.FeedBlockers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blockers {
		if is(b) {
			return
		}
	}
	t.Errorf("got blockers %+v", blockers)
}

func TestFeedBlockedByPreparedTransaction(t *testing.T) {
	t.Parallel()
	pool, schema := newPool(t), newSchema()
	var most int
	if err := pool.QueryRow(t.Context(), `SELECT current_setting('max_prepared_transactions')::int`).Scan(&most); err != nil {
		t.Fatal(err)
	}
	if most == 0 {
		t.Skip("this server allows no prepared transactions")
	}
	st := newStore(t, pool, schema)
	conn, _ := connect(t, pool, "preparer")
	tx := slowWriter(t, conn, schema, "prepared")
	gid := "of " + schema
	if _, err := tx.Exec(t.Context(), `PREPARE TRANSACTION '`+gid+`'`); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Exec(context.Background(), `ROLLBACK PREPARED '`+gid+`'`) })
	add(t, st, change(order("fast"), 0))
	if page, err := st.EventsSince(t.Context(), 0, 10); err != nil || len(page.Events) != 0 {
		t.Fatalf("got %+v, error %v", page, err)
	}
	wantBlocker(t, st, func(b store.FeedBlocker) bool {
		return b.Prepared == gid && b.PID == 0 && b.State == "prepared" && strings.Contains(b.String(), gid)
	})
	if _, err := pool.Exec(t.Context(), `COMMIT PREPARED '`+gid+`'`); err != nil {
		t.Fatal(err)
	}
	if got := idsOf(feedOf(t, st, 2)); got != "prepared fast" {
		t.Errorf("got %q", got)
	}
}

// A transaction that only reads is no reason to wait, however old its snapshot.
func TestFeedDoesNotWaitForReaders(t *testing.T) {
	t.Parallel()
	pool, schema := newPool(t), newSchema()
	store := newStore(t, pool, schema)
	conn, pid := connect(t, pool, "reader")
	tx, err := conn.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	if _, err := tx.Exec(t.Context(), "SELECT count(*) FROM "+schema+".events"); err != nil {
		t.Fatal(err)
	}
	add(t, store, change(order("1"), 0))
	feedOf(t, store, 1)
	var holds bool
	if err := pool.QueryRow(t.Context(), `SELECT backend_xmin IS NOT NULL FROM pg_stat_activity WHERE pid = $1`, pid).Scan(&holds); err != nil {
		t.Fatal(err)
	}
	if !holds {
		t.Error("the reader holds no snapshot, so this shows nothing")
	}
}

// TestFeedIdlePollsUseUpNothing counts transaction ids, on a server that nobody else uses.
func TestFeedIdlePollsUseUpNothing(t *testing.T) {
	t.Parallel()
	server := pgserver.Own(t, pgserver.Options{Settings: map[string]string{"autovacuum": "off"}})
	pool, err := pgxpool.New(t.Context(), server.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	schema := newSchema()
	store := newStore(t, pool, schema)
	used := func(run func()) (ids int64) {
		t.Helper()
		var before, after int64
		const next = `SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint`
		if err := pool.QueryRow(t.Context(), next).Scan(&before); err != nil {
			t.Fatal(err)
		}
		run()
		if err := pool.QueryRow(t.Context(), next).Scan(&after); err != nil {
			t.Fatal(err)
		}
		return after - before
	}

	add(t, store, change(order("1"), 0))
	last := feedOf(t, store, 1)[0].Position()
	if ids := used(func() {
		for range 200 {
			if page, err := store.EventsSince(t.Context(), last, 10); err != nil || len(page.Events) > 0 {
				t.Fatal(page, err)
			}
		}
	}); ids != 0 {
		t.Errorf("200 polls of nothing used up %d transaction ids", ids)
	}

	// Readers who all find something new share what it takes.
	const readers = 50
	add(t, store, change(order("2"), 0))
	if ids := used(func() {
		var group sync.WaitGroup
		for range readers {
			group.Go(func() {
				page, err := store.EventsSince(t.Context(), last, 10)
				if err != nil || len(page.Events) != 1 {
					t.Errorf("got %+v, error %v", page, err)
				}
			})
		}
		group.Wait()
	}); ids < 1 || ids > 2 {
		t.Errorf("%d readers of one event used up %d transaction ids", readers, ids)
	}
}

// TestFeedReadsOnlyItsPage says that the cost of a page depends neither on the number of events nor on how far behind the
// reader is.
func TestFeedReadsOnlyItsPage(t *testing.T) {
	t.Parallel()
	const events = 100_000
	pool, schema := newPool(t), newSchema()
	st := newStore(t, pool, schema)
	fill := `INSERT INTO ` + schema + `.events SELECT 'i' || n % 100, 'order', n, n, 'Noted', 1, '{}', now(), 1 FROM generate_series(1, $1::int) n`
	if _, err := pool.Exec(t.Context(), fill, events); err != nil {
		t.Fatal(err)
	}
	for _, statistics := range []string{"", "ANALYZE " + schema + ".events"} {
		for _, mode := range modes {
			for _, after := range []int64{0, events / 2, events - 10} {
				none := []string{}
				before := postgres.ReadInOrder
				if statistics != "" {
					before = statistics + ";" + before
				}
				plan := explain(t, pool, before, mode, "ANALYZE, TIMING OFF", st.ReadEventsStatement(),
					after, int64(math.MaxInt64), 100, none, none, int64(store.PageBytes))
				if !strings.Contains(plan, "Index Scan using events_global_sequence_idx") || strings.Contains(plan, "Sort") ||
					strings.Contains(plan, "Removed by Filter") {
					t.Errorf("after %d, %s, %q:\n%s", after, mode, statistics, plan)
				}
				wanted := []string{"order"}
				plan = explain(t, pool, before, mode, "ANALYZE, TIMING OFF", st.ReadEventsStatement(),
					after, after+10_000, 100, wanted, []string{"Unknown"}, int64(store.PageBytes))
				if !strings.Contains(plan, "Index Scan using events_global_sequence_idx") || strings.Contains(plan, "Sort") {
					t.Errorf("with a filter, after %d, %s, %q:\n%s", after, mode, statistics, plan)
				}
			}
		}
	}
}

// A store whose database goes back in time, restored from a backup, goes back with it.
func TestFeedOfRestoredDatabase(t *testing.T) {
	t.Parallel()
	pool, schema := newPool(t), newSchema()
	store := newStore(t, pool, schema)
	for v := range int64(20) {
		add(t, store, change(order("1"), v))
	}
	feedOf(t, store, 20)
	for _, statement := range []string{
		"DELETE FROM " + schema + ".events WHERE version > 5",
		"SELECT setval('" + schema + ".events_global_sequence', 5)",
	} {
		if _, err := pool.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		horizon, err := store.FeedHorizon(t.Context())
		if err != nil || horizon.Issued != 5 {
			t.Fatalf("got horizon %+v, error %v", horizon, err)
		}
		if horizon.Settled == 5 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	add(t, store, change(order("1"), 5))
	if got := feedOf(t, store, 6); len(got) != 6 || got[5].Position() != 6 {
		t.Errorf("got %+v", got)
	}
}

// Transaction ids are the whole server's.
func TestFeedWaitsForOtherDatabases(t *testing.T) {
	t.Parallel()
	pool, schema := newPool(t), newSchema()
	st := newStore(t, pool, schema)
	if _, err := pool.Exec(t.Context(), "CREATE DATABASE "+schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := pool.Exec(context.Background(), "DROP DATABASE "+schema+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	config := pool.Config().ConnConfig.Copy()
	config.Database = schema
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	if _, err := tx.Exec(t.Context(), "CREATE TABLE mine ()"); err != nil {
		t.Fatal(err)
	}
	add(t, st, change(order("1"), 0))
	if page, err := st.EventsSince(t.Context(), 0, 10); err != nil || len(page.Events) > 0 {
		t.Errorf("got %+v, error %v", page, err)
	}
	wantBlocker(t, st, func(b store.FeedBlocker) bool { return b.Database == schema && b.PID == int(conn.PgConn().PID()) })
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	feedOf(t, st, 1)
}
