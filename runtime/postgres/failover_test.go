package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/internal/silentpeer"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// TestFailover takes an engine through a failover: what it can still do, what it says meanwhile, and that it goes on by itself.
func TestFailover(t *testing.T) {
	primary := pgserver.Own(t, pgserver.Options{})
	standby, err := primary.Standby(t.Context(), pgserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer standby.Stop()

	open := func(url string, options ...postgres.Option) (*ticket.Client, *runtime.Engine, error) {
		pool, err := pgxpool.New(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		store, err := postgres.New(t.Context(), pool, options...)
		if err != nil {
			return nil, nil, err
		}
		engine, err := runtime.NewEngine(store, runtime.Config{}, ticket.NewWorkflow(ticket.Decider{}, ticket.Evolver{}, ticket.Handler{}))
		if err != nil {
			t.Fatal(err)
		}
		return ticket.NewClient(engine), engine, nil
	}
	pool, err := pgxpool.New(t.Context(), primary.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := postgres.Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	client, engine, err := open(pgserver.AnyURL("read-write", primary, standby))
	if err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- engine.Run(running) }()
	note := func(ctx context.Context) error {
		_, err := client.Note(ctx, ticket.Note{ID: "a"})
		return err
	}
	if _, err := client.Open(t.Context(), ticket.Open{ID: "a", Subject: "s"}); err != nil {
		t.Fatal(err)
	}

	// The standby: reading has to be declared.
	eventually(t, "the standby has the tables", func() bool {
		_, _, err = open(standby.URL(), postgres.ReadOnly())
		return err == nil
	})
	_, _, err = open(standby.URL())
	wantUnavailable(t, err)
	reader, readEngine, err := open(standby.URL(), postgres.ReadOnly())
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the standby has the instance", func() bool {
		view, err := reader.State(t.Context(), "a")
		return err == nil && view.Version == 1
	})
	if _, err := reader.Note(t.Context(), ticket.Note{ID: "a"}); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("an input on a store for reading: %v", err)
	}
	if page, err := readEngine.Instances(t.Context(), runtime.InstanceQuery{}); err != nil || len(page.Items) != 1 {
		t.Errorf("%d instances, error %v", len(page.Items), err)
	}
	if _, err := readEngine.Inspect(t.Context(), store.InstanceKey{Workflow: ticket.WorkflowName, ID: "a"}); err != nil {
		t.Error(err)
	}
	_, err = readEngine.EventsSince(t.Context(), 0, 1)
	wantUnavailable(t, err)
	_, err = readEngine.Health(t.Context())
	wantUnavailable(t, err)
	if err := readEngine.Run(t.Context()); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("Run on a store for reading: %v", err)
	}

	forgetful, _, err := open(pgserver.AnyURL("read-write", primary, standby))
	if err != nil {
		t.Fatal(err)
	}
	if err := primary.Crash(t.Context()); err != nil {
		t.Fatal(err)
	}
	// This client remembers nothing of the instance. It fails to read it, so nothing was sent.
	short, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if _, err := forgetful.Note(short, ticket.Note{ID: "a"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without a server: %v", err)
	} else {
		wantUnavailable(t, err)
	}
	if view, err := reader.State(t.Context(), "a"); err != nil || view.Version != 1 {
		t.Errorf("the standby, without its primary: version %d, error %v", view.Version, err)
	}

	patient, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	noted := make(chan error, 1)
	go func() { noted <- note(patient) }()
	if err := standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	promoted := time.Now()
	if err := <-noted; err != nil {
		t.Error(err)
	}
	t.Logf("the first input came through %v after the promotion", time.Since(promoted))
	if view, err := client.State(t.Context(), "a"); err != nil || view.Version != 2 {
		t.Errorf("version %d, error %v, want 2", view.Version, err)
	}

	// Whoever listens has moved too.
	after, err := pgxpool.New(t.Context(), standby.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer after.Close()
	eventually(t, "Listen moves with the pool", func() bool {
		var listening bool
		err := after.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'LISTEN %')`).Scan(&listening)
		return err == nil && listening
	})
	t.Logf("the listener had moved %v after the promotion", time.Since(promoted))
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// A connection that listens and has gone silent is found when a connection of the pool breaks, not only when somebody notices
// that notifications stay away.
func TestListenNoticesASilentServer(t *testing.T) {
	t.Parallel()
	proxy, url := silentpeer.Postgres(t, pgserver.URL(t))
	pool, schema := newPool(t), newSchema()
	newStore(t, pool, schema)
	st, err := postgres.New(t.Context(), pool, postgres.WithSchema(schema), postgres.WithListenURL(url))
	if err != nil {
		t.Fatal(err)
	}
	listening, ended := make(chan struct{}, 1), make(chan error, 1)
	go func() {
		ended <- st.Listen(t.Context(), func(store.News) {
			select {
			case listening <- struct{}{}:
			default:
			}
		})
	}()
	<-listening
	proxy.Silence()
	deadline := time.After(25 * time.Second)
	for {
		onEach(t, pool, "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
		add(t, st, change(order(fresh()), 0)) // it closes them
		select {
		case err := <-ended:
			if err == nil {
				t.Error("no error")
			}
			return
		case <-deadline:
			t.Fatal("it still listens to a silent server")
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Within a transaction of the caller's, the loss of its connection is the same error.
func TestWithinLosesItsConnection(t *testing.T) {
	t.Parallel()
	pool, schema := newPool(t), newSchema()
	st := newStore(t, pool, schema)
	for name, call := range map[string]func(store.Transaction) error{
		"Begin": func(tx store.Transaction) error {
			_, err := tx.Begin(t.Context(), requests(order("1")))
			return err
		},
		"InputOutcomes": func(tx store.Transaction) error {
			_, err := tx.InputOutcomes(t.Context(), []store.InputKey{{Instance: order("1"), ID: "1"}})
			return err
		},
		"RecordInputs": func(tx store.Transaction) error { return tx.RecordInputs(t.Context(), store.InputRecords{}) },
	} {
		t.Run(name, func(t *testing.T) {
			tx, err := pool.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer tx.Rollback(context.Background())
			if _, err := pool.Exec(t.Context(), "SELECT pg_terminate_backend($1)", tx.Conn().PgConn().PID()); err != nil {
				t.Fatal(err)
			}
			wantUnavailable(t, call(st.Tx(tx)))
		})
	}
}
