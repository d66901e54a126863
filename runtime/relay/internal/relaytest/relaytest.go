// Package relaytest is what the tests of package relay and of its brokers share: an engine with a relay over ledgers.
package relaytest

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/relay"
)

// Name is the name of the relay.
const Name = "broker"

// Engine returns an engine with a relay, and a client for its ledgers.
func Engine(t *testing.T, st runtime.Store, r relay.Relay) (*runtime.Engine, *ledger.Client) {
	t.Helper()
	return EngineOf(t, st, r, runtime.Retention{})
}

// EngineOf is Engine with retention.
func EngineOf(t *testing.T, st runtime.Store, r relay.Relay, retention runtime.Retention) (*runtime.Engine, *ledger.Client) {
	t.Helper()
	r.Name = Name
	r.Retry = runtime.RetryPolicy{Base: 5 * time.Millisecond, Max: 100 * time.Millisecond}
	engine, err := runtime.NewEngine(st, runtime.Config{
		Projections: []runtime.AnyProjection{r}, PollInterval: 5 * time.Millisecond, Lease: time.Second, Retention: retention,
	}, ledger.NewWorkflow(ledger.Decider{}, ledger.Evolver{}, ledger.Handler{}))
	if err != nil {
		t.Fatal(err)
	}
	return engine, ledger.NewClient(engine)
}

// Run runs an engine until the test ends or stop is called.
func Run(t *testing.T, engine *runtime.Engine) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- engine.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// Add adds to a ledger n times.
func Add(t *testing.T, client *ledger.Client, account string, n int) {
	t.Helper()
	for range n {
		if outcome, err := client.Add(t.Context(), ledger.Add{Account: account, Amount: 1}); err != nil || !outcome.Accepted() {
			t.Fatal(outcome, err)
		}
	}
}

// Await waits until the relay has published all events.
func Await(t *testing.T, engine *runtime.Engine) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := engine.AwaitProjection(ctx, Name); err != nil {
		is, _ := engine.Projection(t.Context(), Name)
		t.Fatalf("%v; the relay is %+v", err, is)
	}
}

// State returns the relay as Health shows it, once it is as wanted.
func State(t *testing.T, engine *runtime.Engine, wanted func(runtime.ProjectionInfo) bool) runtime.ProjectionInfo {
	t.Helper()
	var is runtime.ProjectionInfo
	for range 9000 {
		health, err := engine.Health(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if is = health.Projections[0]; wanted(is) {
			return is
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("the relay is %+v", is)
	return is
}

// Stopped returns the relay once it has stopped for a reason.
func Stopped(t *testing.T, engine *runtime.Engine, reason string) runtime.ProjectionInfo {
	t.Helper()
	return State(t, engine, func(is runtime.ProjectionInfo) bool {
		return is.Status == "stopped" && strings.Contains(is.LastError, reason)
	})
}

// Waits returns the relay once it waits, for reasons that Health names.
func Waits(t *testing.T, engine *runtime.Engine, reasons ...string) runtime.ProjectionInfo {
	t.Helper()
	return State(t, engine, func(is runtime.ProjectionInfo) bool {
		for _, reason := range reasons {
			if !strings.Contains(is.LastError, reason) {
				return false
			}
		}
		return is.Status == "running" && is.Behind > 0
	})
}
