package runtime_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// callersTx is a transaction as a user of ironflow has it.
type callersTx struct {
	store.Transaction
	exec     func(sql string) error
	commit   func() error
	rollback func() error
}

// withTransactions runs a scenario on the stores whose database a caller can open transactions on.
func withTransactions(t *testing.T, scenario func(b *bed, begin func() callersTx)) {
	t.Parallel()
	onFile := func(t *testing.T, b *bed, db *sql.DB) {
		scenario(b, func() callersTx {
			tx, err := db.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = tx.Rollback() })
			exec := func(sql string) error { _, err := tx.ExecContext(t.Context(), sql); return err }
			return callersTx{b.store.(*sqlite.Store).Tx(tx), exec, tx.Commit, tx.Rollback}
		})
	}
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		b := openFile(t)
		onFile(t, b, b.db)
	})
	t.Run("file by another handle", func(t *testing.T) {
		t.Parallel()
		b := openFile(t)
		db, err := sql.Open("sqlite", "file:"+b.url+"?_txlock=immediate&_pragma=busy_timeout(10000)")
		if err != nil {
			t.Fatal(err)
		}
		closeAtEnd(t, db)
		onFile(t, b, db)
	})
	t.Run("postgres", func(t *testing.T) { onPostgresTransactions(t, scenario) })
}

func onPostgresTransactions(t *testing.T, scenario func(b *bed, begin func() callersTx)) {
	t.Parallel()
	b := openPostgres(t)
	pool := b.anotherPool()
	scenario(b, func() callersTx {
		tx, err := pool.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
		exec := func(sql string) error { _, err := tx.Exec(t.Context(), sql); return err }
		return callersTx{b.store.(*postgres.Store).Tx(tx), exec,
			func() error { return tx.Commit(context.Background()) },
			func() error { return tx.Rollback(context.Background()) }}
	})
}

func TestWithinCallersTransaction(t *testing.T) {
	withTransactions(t, func(b *bed, begin func() callersTx) {
		notified := make(chan string, 9)
		engine := b.engine(b.realConfig(), tickets(ticket.Decider{
			OnOpen: opened(ticket.Notify{Text: "hello"}),
		}, ticket.Handler{OnNotify: func(_ context.Context, e ticket.Notify, call runtime.EffectCall) error {
			notified <- call.Instance.ID
			return nil
		}}))
		b.run(engine)
		client, ctx := ticket.NewClient(engine), b.Context()
		exec := func(tx callersTx, sql string) {
			b.Helper()
			if err := tx.exec(sql); err != nil {
				b.Fatalf("%s: %v", sql, err)
			}
		}
		table := strings.TrimSuffix(b.prefix, "ironflow_") + "bookings"

		tx := begin()
		exec(tx, "CREATE TABLE "+table+" (id text)")
		out, err := client.Open(ctx, ticket.Open{ID: "gone", Subject: "gone"}, runtime.Within(tx), runtime.WithInputID("1"))
		must(b, out, err)
		noted, err := client.Note(ctx, ticket.Note{ID: "gone", Text: "n"}, runtime.Within(tx)) // sees what the transaction did
		must(b, noted, err)
		if err := tx.rollback(); err != nil {
			b.Fatal(err)
		}
		b.wantTable("*", "instances", "")
		b.wantTable("*", "effects", "")
		b.wantTable("*", "input_outcomes", "")

		tx = begin()
		exec(tx, "CREATE TABLE "+table+" (id text)")
		out, err = client.Open(ctx, ticket.Open{ID: "a", Subject: "s"}, runtime.Within(tx), runtime.WithInputID("1"))
		must(b, out, err)
		again, err := client.Open(ctx, ticket.Open{ID: "a", Subject: "s"}, runtime.Within(tx), runtime.WithInputID("1"))
		must(b, again, err)
		if again.Version != 1 {
			b.Errorf("a repeat within the transaction: got %+v", again)
		}
		// What is refused or fails leaves the transaction usable.
		resumed, err := client.Resume(ctx, ticket.Resume{ID: "a"}, runtime.Within(tx), runtime.WithInputID("2"))
		if err != nil || !resumed.Rejected() {
			b.Errorf("got %+v, error %v", resumed, err)
		}
		_, err = client.Open(ctx, ticket.Open{ID: "b", Subject: "s"}, runtime.Within(tx))
		var taken *runtime.UniqueKeyConflict
		if !errors.As(err, &taken) || taken.Holder != "a" {
			b.Errorf("got error %v", err)
		}
		exec(tx, "INSERT INTO "+table+" VALUES ('1')")
		b.wantTable("*", "instances", "") // nobody else sees it yet
		select {
		case id := <-notified:
			b.Errorf("the effect of %s is delivered before the commit", id)
		case <-time.After(50 * time.Millisecond):
		}
		if err := tx.commit(); err != nil {
			b.Fatal(err)
		}
		engine.Wake()
		if id := wait(b, "the effect is delivered", notified); id != "a" {
			b.Errorf("got the effect of %q", id)
		}
		b.wantTable("instance, version, status", "instances", "", "a 1 open")
		b.wantTable("input_id", "input_outcomes", "ORDER BY input_id", "1", "2")

		// The engine goes on where the transaction left the instance, whatever it remembers.
		noted, err = client.Note(ctx, ticket.Note{ID: "a", Text: "after"})
		must(b, noted, err)
		if noted.Version != 2 {
			b.Errorf("got version %d", noted.Version)
		}
	})
}

// TestWithinKeepsSettings says that the caller's own statements run as before.
func TestWithinKeepsSettings(t *testing.T) {
	t.Parallel()
	b := openPostgres(t)
	client := ticket.NewClient(b.engine(b.config(newClock()), tickets(ticket.Decider{}, ticket.Handler{})))
	pool := b.anotherPool()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	settings := func() (all string) {
		t.Helper()
		const show = `SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings WHERE name ~ '^(enable_|jit|lock_|plan_)'`
		if err := tx.QueryRow(t.Context(), show).Scan(&all); err != nil {
			t.Fatal(err)
		}
		return all
	}
	if _, err := tx.Exec(t.Context(), `SET LOCAL lock_timeout = '7s'; SET LOCAL enable_seqscan = off; SET LOCAL jit = on`); err != nil {
		t.Fatal(err)
	}
	before := settings()
	within := runtime.Within(b.store.(*postgres.Store).Tx(tx))
	out, err := client.Open(t.Context(), ticket.Open{ID: "a", Subject: "s"}, within)
	must(b, out, err)
	if _, err := client.Open(t.Context(), ticket.Open{ID: "a", Subject: "s"}, within); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Open(t.Context(), ticket.Open{ID: "b", Subject: "s"}, within); err == nil {
		t.Fatal("the key is free")
	}
	if after := settings(); after != before {
		t.Errorf("got  %s\nwant %s", after, before)
	}
}

// TestReadBeforeTheInput reads in the caller's transaction, and lets another one commit, before the input: on SQLite, a transaction that
// was not begun for writing would fail then.
func TestReadBeforeTheInput(t *testing.T) {
	withTransactions(t, func(b *bed, begin func() callersTx) {
		engine := b.engine(b.realConfig(), tickets(ticket.Decider{}, ticket.Handler{}))
		client, ctx := ticket.NewClient(engine), b.Context()
		others := make(chan error, 1)
		tx := begin()
		if err := tx.exec("SELECT 1 FROM " + b.prefix + "instances"); err != nil {
			b.Fatal(err)
		}
		go func() {
			_, err := client.Open(ctx, ticket.Open{ID: "b", Subject: "b"})
			others <- err
		}()
		if _, waits := b.store.(*sqlite.Store); !waits {
			if err := wait(b, "the other input", others); err != nil {
				b.Fatal(err)
			}
			others <- nil
		}
		out, err := client.Open(ctx, ticket.Open{ID: "a", Subject: "a"}, runtime.Within(tx))
		must(b, out, err)
		if err := tx.commit(); err != nil {
			b.Fatal(err)
		}
		if err := wait(b, "the other input", others); err != nil {
			b.Error(err)
		}
		b.wantTable("instance", "instances", "", "a", "b")
	})
}

// TestCommitOfTheCallerWakes says that PostgreSQL tells the workers of the caller's commit; they look by themselves once in an hour.
func TestCommitOfTheCallerWakes(t *testing.T) {
	t.Parallel()
	b := openPostgres(t)
	config := b.realConfig()
	config.PollInterval = time.Hour
	notified := make(chan struct{}, 1)
	workflow := tickets(ticket.Decider{OnOpen: opened(ticket.Notify{Text: "hello"})},
		ticket.Handler{OnNotify: func(context.Context, ticket.Notify, runtime.EffectCall) error {
			notified <- struct{}{}
			return nil
		}})
	b.run(b.engine(config, workflow))
	client := ticket.NewClient(b.engine(config, workflow)) // of a process without workers
	out, err := client.Open(t.Context(), ticket.Open{ID: "first", Subject: "first"})
	must(b, out, err)
	wait(b, "the worker is awake", notified)
	pool := b.anotherPool()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	out, err = client.Open(t.Context(), ticket.Open{ID: "a", Subject: "a"}, runtime.Within(b.store.(*postgres.Store).Tx(tx)))
	must(b, out, err)
	select {
	case <-notified:
		t.Error("the effect is delivered before the commit")
	case <-time.After(50 * time.Millisecond):
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	wait(b, "the effect is delivered", notified)
}

// TestDeferredTransaction is one of SQLite that cannot write any more after it has read. The error says how to begin it instead.
func TestDeferredTransaction(t *testing.T) {
	t.Parallel()
	b := openFile(t)
	client, ctx := ticket.NewClient(b.engine(b.realConfig(), tickets(ticket.Decider{}, ticket.Handler{}))), t.Context()
	db, err := sql.Open("sqlite", "file:"+b.url)
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, db)
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "SELECT 1 FROM ironflow_instances"); err != nil {
		t.Fatal(err)
	}
	out, err := client.Open(ctx, ticket.Open{ID: "b", Subject: "b"})
	must(b, out, err)
	_, err = client.Open(ctx, ticket.Open{ID: "a", Subject: "a"}, runtime.Within(b.store.(*sqlite.Store).Tx(tx)))
	wantError(t, err, "ticket/a: input Open: ", "begin the transaction by the store's DB, or with _txlock=immediate")
}

// Two transactions that take two instances in the opposite order wait for each other. One of them is told so at once, and the other one
// goes on when it rolls back. One that waits for a lock is told that, and not to use another isolation level.
func TestWithinLockedInstances(t *testing.T) {
	t.Parallel()
	b := openPostgres(t)
	pool := b.anotherPool()
	engine := b.engine(b.realConfig(), tickets(ticket.Decider{}, ticket.Handler{}))
	client, ctx := ticket.NewClient(engine), t.Context()
	b.open(engine, "a")
	b.open(engine, "b")
	begin := func() (pgx.Tx, runtime.ExecuteOption) {
		tx, err := pool.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
		return tx, runtime.Within(b.store.(*postgres.Store).Tx(tx))
	}
	note := func(id string, within runtime.ExecuteOption) error {
		_, err := client.Note(ctx, ticket.Note{ID: id, Text: "n"}, within)
		return err
	}
	t.Run("deadlock", func(t *testing.T) {
		one, withinOne := begin()
		two, withinTwo := begin()
		for id, within := range map[string]runtime.ExecuteOption{"a": withinOne, "b": withinTwo} {
			if err := note(id, within); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		type end struct {
			err error
			tx  pgx.Tx
		}
		ends := make(chan end, 2)
		go func() { ends <- end{note("b", withinOne), one} }()
		go func() { ends <- end{note("a", withinTwo), two} }()
		first := wait(b, "one is told", ends)
		if !errors.Is(first.err, runtime.ErrDeadlock) || time.Since(began) > 4*time.Second {
			t.Errorf("got %v after %v", first.err, time.Since(began))
		}
		wantError(t, first.err, "run all of it again", "in the same order")
		if err := first.tx.Rollback(ctx); err != nil {
			t.Fatal(err)
		}
		second := wait(b, "the other one goes on", ends)
		if second.err != nil {
			t.Error(second.err)
		}
		_ = second.tx.Rollback(ctx)
	})
	t.Run("lock", func(t *testing.T) {
		holder, within := begin()
		if err := note("a", within); err != nil {
			t.Fatal(err)
		}
		_, waits := begin()
		err := note("a", waits)
		if !errors.Is(err, runtime.ErrLocked) || !errors.Is(err, store.ErrConflict) {
			t.Errorf("got %v", err)
		}
		wantError(t, err, "another transaction holds the lock", "run this one again")
		if strings.Contains(err.Error(), "READ COMMITTED") {
			t.Errorf("got %v", err)
		}
		_ = holder.Rollback(ctx)
	})
}
