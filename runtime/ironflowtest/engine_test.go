package ironflowtest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/ironflowtest/postgrestest"
	"github.com/ironflow-gen/ironflow/runtime/ironflowtest/sqlitetest"
	"github.com/ironflow-gen/ironflow/runtime/memory"
)

// onEach runs a test on each kind of store, twice, because the second one must find nothing of the first.
func onEach(t *testing.T, test func(t *testing.T, store runtime.Store)) {
	for name, open := range map[string]func(t *testing.T) runtime.Store{
		"memory":   func(*testing.T) runtime.Store { return memory.New() },
		"sqlite":   func(t *testing.T) runtime.Store { return sqlitetest.Open(t) },
		"postgres": func(t *testing.T) runtime.Store { return postgrestest.Open(t) },
	} {
		for range 2 {
			t.Run(name, func(t *testing.T) { test(t, open(t)) })
		}
	}
}

type failing struct{}

func (failing) Charge(context.Context, order.Charge) error { return errors.New("no answer") }

func engineOn(t *testing.T, store runtime.Store, gateway order.Gateway) *runtime.Engine {
	t.Helper()
	engine, err := runtime.NewEngine(store, runtime.Config{}, order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{Gateway: gateway}))
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

func TestRequire(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, store runtime.Store) {
		engine := engineOn(t, store, failing{})
		client := order.NewClient(engine)
		if outcome, err := client.Create(t.Context(), create); err != nil || !outcome.Accepted() {
			t.Fatalf("%+v, %v", outcome, err)
		}
		if effect := kit.RequireEffect(t, engine, "o-1", order.EffectChargeCard); effect.Attempts != 0 || effect.Kind.Name != "ChargeCard" {
			t.Errorf("got %+v", effect)
		}
		timer := kit.RequireTimer(t, engine, "o-1", "payment_timeout")
		if in := time.Until(timer.RunAt); in <= 0 || in > 3*time.Second {
			t.Errorf("the timer fires in %v", in)
		}
		wantFailure(t, failures(func(r *recorder) { kit.RequireEffect(r, engine, "o-1", order.EffectSendReceipt) }),
			"order/o-1: no effect SendReceipt waits; these wait: ChargeCard")
		wantFailure(t, failures(func(r *recorder) { kit.RequireTimer(r, engine, "o-1", "x") }), "these wait: payment_timeout")
		wantFailure(t, failures(func(r *recorder) { kit.RequireTimer(r, engine, "o-2", "x") }), "o-2")
	})
}

func TestAwaitState(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		engine := engineOn(t, memory.New(), failing{})
		ctx, stop := context.WithCancel(t.Context())
		stopped := make(chan error)
		go func() { stopped <- engine.Run(ctx) }()
		go func() {
			time.Sleep(time.Second)
			if _, err := order.NewClient(engine).Create(ctx, create); err != nil {
				t.Error(err)
			}
		}()
		view := kit.AwaitState(t, engine, "o-1", func(s order.State) bool { return s.Status == order.StatusCancelled })
		if !view.Completed || view.Version != 2 {
			t.Errorf("got %+v", view)
		}
		wantFailure(t, failures(func(r *recorder) {
			kit.AwaitState(r, engine, "o-1", func(s order.State) bool { return s.Status == order.StatusPaid })
		}), `order/o-1 is not as wanted after 10s; version 2, status "cancelled"`)
		wantFailure(t, failures(func(r *recorder) { kit.AwaitState(r, engine, "o-2", func(order.State) bool { return true }) }), "after 10s", "o-2")
		stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
}

// Each test has a schema of its own, whatever an earlier one has put beside the store's tables. The log says how long the fastest took to open.
func TestPostgresIsEmpty(t *testing.T) {
	best := time.Hour
	for range 5 {
		t.Run("", func(t *testing.T) {
			start := time.Now()
			_, pool := postgrestest.OpenPool(t)
			best = min(best, time.Since(start))
			if _, err := pool.Exec(t.Context(), "CREATE TABLE mine (n int)"); err != nil {
				t.Fatal(err)
			}
		})
	}
	t.Logf("an empty store takes %v", best)
}
