package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
)

// TestEveryProtocolMode forgets the session before each transaction, as if a pooler in transaction mode had put another
// connection in its place. The modes are those that do without statements prepared on the server.
func TestEveryProtocolMode(t *testing.T) {
	t.Parallel()
	for _, mode := range []pgx.QueryExecMode{
		pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
	} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			pool := newPool(t, func(config *pgxpool.Config) {
				config.ConnConfig.DefaultQueryExecMode = mode
				config.PrepareConn = func(ctx context.Context, conn *pgx.Conn) (bool, error) {
					_, err := conn.Exec(ctx, "DISCARD ALL")
					return err == nil, err
				}
			})
			store := newStore(t, pool, newSchema())
			useEverything(t, store)
			wantIdle(t, pool)
		})
	}
}

// TestNoTraceInTheSession says that what a transaction sets ends with it.
func TestNoTraceInTheSession(t *testing.T) {
	t.Parallel()
	pool := newPool(t, func(config *pgxpool.Config) { config.MaxConns = 1 })
	settings := func() (all string) {
		t.Helper()
		err := pool.QueryRow(t.Context(), `SELECT string_agg(name || '=' || setting, ',' ORDER BY name) FROM pg_settings`).Scan(&all)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	before := settings()
	useEverything(t, newStore(t, pool, newSchema()))
	if settings() != before {
		t.Error("the settings of the session are not what they were")
	}
}

// useEverything runs each statement of a store at least once.
func useEverything(t *testing.T, store *postgres.Store) {
	t.Helper()
	const payload = `{"quote":"it's \\ \"$1\"", "nul":"\u0000", "wide":"ä😀"}`
	c := everything("it's \\ $1")
	c.Events[0].Payload = []byte(payload)
	c.Effects[0].Payload = []byte(payload)
	c.Timers[0].Payload = []byte(payload)
	commit(t, store, c)
	wantVersion(t, store, c.Instance, 1)

	for name, queue := range map[string]runtime.Queue{"Send": store.Effects(), "Remind": store.Timers()} {
		claim := func() runtime.Delivery {
			t.Helper()
			deliveries, err := queue.Claim(t.Context(), runtime.Claim{
				Kinds: []runtime.Kind{{Workflow: "order", Name: name}}, Now: now, Until: now.Add(time.Hour), Limit: 10,
			})
			if err != nil || len(deliveries) != 1 {
				t.Fatalf("Claim: %d deliveries, error %v", len(deliveries), err)
			}
			return deliveries[0]
		}
		delivery := claim()
		if string(delivery.Payload) != payload || !delivery.Due.Equal(now) || delivery.Kind.Name != name {
			t.Errorf("claimed %+v", delivery)
		}
		lost, err := queue.Extend(t.Context(), []runtime.Lease{delivery.Lease}, now.Add(time.Hour))
		if err != nil || len(lost) != 0 {
			t.Fatalf("Extend: lost %v, error %v", lost, err)
		}
		retry := runtime.Settlement{Lease: delivery.Lease, Verdict: runtime.RetryLater, At: now, Error: "it's\x00\xff"}
		if lost, err := queue.Settle(t.Context(), []runtime.Settlement{retry}); err != nil || len(lost) != 0 {
			t.Fatalf("Settle: lost %v, error %v", lost, err)
		}
		delivery = claim()
		if delivery.Attempt != 2 || delivery.LastError != "it's\uFFFD\uFFFD" {
			t.Errorf("claimed %+v", delivery)
		}
		instance := delivery.Lease.Instance
		work := begin(t, store, instance)
		next := change(instance, work.Instances()[0].Version)
		next.Consume = &delivery.Lease
		next.Complete = next.Version == 2
		if err := work.Commit(t.Context(), []runtime.Change{next}); err != nil {
			t.Fatal(err)
		}
	}
	instance, err := store.Load(t.Context(), c.Instance)
	if err != nil || !instance.Completed || instance.Version != 3 || string(instance.Events[0].Payload) != payload {
		t.Errorf("loaded %+v, error %v", instance, err)
	}
}

func TestAnotherDefaultIsolation(t *testing.T) {
	t.Parallel()
	for _, level := range []string{"repeatable read", "serializable"} {
		t.Run(level, func(t *testing.T) {
			t.Parallel()
			pool := newPool(t, func(config *pgxpool.Config) {
				config.ConnConfig.RuntimeParams["default_transaction_isolation"] = level
			})
			store := newStore(t, pool, newSchema())
			commit(t, store, change(order("1"), 0))
			// The second to lock must see what the first commits while it waits.
			first, second := begin(t, store, order("1")), make(chan error, 1)
			go func() {
				work, err := store.Begin(t.Context(), []runtime.InstanceKey{order("1")})
				if err == nil {
					err = work.Commit(t.Context(), []runtime.Change{change(order("1"), work.Instances()[0].Version)})
				}
				second <- err
			}()
			time.Sleep(50 * time.Millisecond)
			if err := first.Commit(t.Context(), []runtime.Change{change(order("1"), 1)}); err != nil {
				t.Error(err)
			}
			if err := <-second; err != nil {
				t.Error(err)
			}
			wantVersion(t, store, order("1"), 3)
		})
	}
}
