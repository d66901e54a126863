package runtime_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
)

func TestNewEngineRefuses(t *testing.T) {
	t.Parallel()
	store, err := sqlite.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, store)
	good := tickets(ticket.Decider{}, ticket.Handler{})
	var noDecider *ticket.Decider
	var noStore *sqlite.Store
	for _, test := range []struct {
		name      string
		store     runtime.Store
		config    runtime.Config
		workflows []*runtime.Workflow
		says      []string
	}{
		{"no workflow", store, runtime.Config{}, nil, []string{"no workflow is registered"}},
		{"nil workflow", store, runtime.Config{}, []*runtime.Workflow{good, nil}, []string{"workflow is nil"}},
		{"nil store", nil, runtime.Config{}, []*runtime.Workflow{good}, []string{"store is nil"}},
		{"nil pointer to a store", noStore, runtime.Config{}, []*runtime.Workflow{good}, []string{"store is nil"}},
		{"twice", store, runtime.Config{}, []*runtime.Workflow{good, tickets(ticket.Decider{}, ticket.Handler{})},
			[]string{`"ticket" is registered twice`}},
		{"nil decider", store, runtime.Config{}, []*runtime.Workflow{ticket.NewWorkflow(nil, ticket.Evolver{}, ticket.Handler{})},
			[]string{"workflow ticket", "decider", "nil"}},
		{"nil pointer to a decider", store, runtime.Config{},
			[]*runtime.Workflow{ticket.NewWorkflow(noDecider, ticket.Evolver{}, ticket.Handler{})}, []string{"workflow ticket", "nil"}},
		{"nil evolver", store, runtime.Config{}, []*runtime.Workflow{ticket.NewWorkflow(ticket.Decider{}, nil, ticket.Handler{})},
			[]string{"workflow ticket", "nil"}},
		{"nil evolver without states", store, runtime.Config{}, []*runtime.Workflow{ledger.NewWorkflow(ledger.Decider{}, nil, ledger.Handler{})},
			[]string{"workflow ledger", "nil"}},
		{"nil handler", store, runtime.Config{}, []*runtime.Workflow{ticket.NewWorkflow(ticket.Decider{}, ticket.Evolver{}, nil)},
			[]string{"workflow ticket", "handler", "nil"}},
		{"handlers", store, runtime.Config{EffectHandlers: -1}, []*runtime.Workflow{good}, []string{"EffectHandlers", "negative"}},
		{"timer handlers", store, runtime.Config{TimerHandlers: -1}, []*runtime.Workflow{good}, []string{"TimerHandlers", "negative"}},
		{"lease", store, runtime.Config{Lease: -1}, []*runtime.Workflow{good}, []string{"Config.Lease", "negative"}},
		{"poll", store, runtime.Config{PollInterval: -1}, []*runtime.Workflow{good}, []string{"Config.PollInterval", "negative"}},
		{"timeout", store, runtime.Config{EffectTimeout: -1}, []*runtime.Workflow{good}, []string{"Config.EffectTimeout", "negative"}},
		{"stop", store, runtime.Config{StopTimeout: -1}, []*runtime.Workflow{good}, []string{"Config.StopTimeout", "negative"}},
		{"attempts", store, runtime.Config{EffectRetry: runtime.RetryPolicy{MaxAttempts: -1}}, []*runtime.Workflow{good},
			[]string{"Config.EffectRetry", "MaxAttempts"}},
		{"max below base", store, runtime.Config{TimerRetry: runtime.RetryPolicy{Base: 2, Max: 1}}, []*runtime.Workflow{good},
			[]string{"Config.TimerRetry", "Max of at least Base"}},
	} {
		engine, err := runtime.NewEngine(test.store, test.config, test.workflows...)
		if err == nil || engine != nil {
			t.Errorf("%s: no error", test.name)
			continue
		}
		for _, text := range append(test.says, "ironflow: ") {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%s: error %q does not say %q", test.name, err, text)
			}
		}
	}
	if name := good.Name(); name != "ticket" {
		t.Errorf("got name %q", name)
	}
}

// counting is a ledger whose additions are audited, which counts them too.
func counting(handle func(context.Context, ledger.Audit, runtime.EffectCall) (ledger.AuditResult, error)) *runtime.Workflow {
	return ledgers(ledger.Decider{
		OnAdd: func(_ time.Time, s ledger.State, in ledger.Add) ledger.AddDecision {
			return ledger.AcceptAdd(ledger.Added{Amount: in.Amount}).Effect(ledger.Audit{Entry: s.Total})
		},
	}, ledger.Handler{OnAudit: handle})
}

// concurrently runs n goroutines and returns when all are done.
func concurrently(n int, run func(i int)) {
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { run(i) })
	}
	group.Wait()
}

func TestConcurrentCallers(t *testing.T) {
	const callers, each = 32, 5
	for name, instances := range map[string]int{"one instance": 1, "fifty instances": 50} {
		t.Run(name, func(t *testing.T) {
			onStores(t, func(b *bed) {
				engine := b.engine(b.realConfig(), counting(nil))
				other := b.engine(b.realConfig(), counting(nil)) // another process, as far as the store can tell
				b.run(engine)
				b.run(other)
				var sent [50]atomic.Int64
				concurrently(callers, func(i int) {
					client := ledger.NewClient([]*runtime.Engine{engine, other}[i%2])
					for range each {
						n := rand.N(instances)
						out, err := client.Add(b.Context(), ledger.Add{Account: fmt.Sprint(n), Amount: 1})
						if err != nil || !out.Accepted() || len(out.Events) != 1 {
							b.Errorf("got %+v, error %v", out, err)
						}
						sent[n].Add(1)
					}
				})
				b.eventuallyTable("*", "effects", "")
				b.wantSerial()
				client := ledger.NewClient(engine)
				for n := range instances {
					want := sent[n].Load()
					if want == 0 {
						continue
					}
					view, err := client.State(b.Context(), fmt.Sprint(n))
					if err != nil || view.State.Total != want || view.State.Audits != want || view.Version != 2*want {
						b.Errorf("%d: got %+v, error %v, want %d", n, view, err, want)
					}
				}
				// Each audit asked about another entry and was applied once.
				b.wantTable("CAST(payload AS text), instance", "events", "WHERE type = 'AuditPassed' GROUP BY 1, 2 HAVING count(*) > 1")
			})
		})
	}
}

// One subject has one open ticket, whoever is first.
func TestConcurrentUniqueKey(t *testing.T) {
	onStores(t, func(b *bed) {
		client := ticket.NewClient(b.engine(b.realConfig(), tickets(ticket.Decider{}, ticket.Handler{})))
		var won, conflicts, duplicates atomic.Int64
		concurrently(20, func(i int) {
			out, err := client.Open(b.Context(), ticket.Open{ID: fmt.Sprint(i % 10), Subject: "printer"})
			switch {
			case err != nil && strings.Contains(err.Error(), "is held by"):
				conflicts.Add(1)
			case err != nil:
				b.Error(err)
			case out.Accepted():
				won.Add(1)
			default:
				duplicates.Add(1)
			}
		})
		if won.Load() != 1 || duplicates.Load() != 1 || conflicts.Load() != 18 {
			b.Errorf("%d won, %d conflicts, %d duplicates", won.Load(), conflicts.Load(), duplicates.Load())
		}
		if got := b.table("instance", "instances", ""); len(got) != 1 {
			b.Errorf("instances %v", got)
		}
		b.wantSerial()
	})
}

// No wake-up is lost: without polling, every effect is handled at once, whatever the worker was just doing.
func TestEffectsWakeTheirWorker(t *testing.T) {
	onStores(t, func(b *bed) {
		config := b.realConfig()
		config.PollInterval, config.EffectHandlers = time.Hour, 3
		var handled sync.Map
		engine := b.engine(config, counting(func(_ context.Context, e ledger.Audit, call runtime.EffectCall) (ledger.AuditResult, error) {
			if _, again := handled.LoadOrStore(call.IdempotencyKey, true); !again && e.Entry%5 == 4 {
				return nil, fmt.Errorf("once more") // retries wake it, too
			}
			return ledger.Audited{Entry: e.Entry}, nil
		}))
		b.run(engine)
		concurrently(4, func(i int) {
			for range 20 {
				out, err := ledger.NewClient(engine).Add(b.Context(), ledger.Add{Account: fmt.Sprint(i), Amount: 1})
				must(b, out, err)
			}
		})
		b.eventuallyTable("*", "effects", "")
		b.wantTable("instance, version", "instances", "", "0 40", "1 40", "2 40", "3 40")
	})
}

// An engine handles no more at once than it is told.
func TestEffectHandlersLimit(t *testing.T) {
	onStores(t, func(b *bed) {
		config := b.realConfig()
		config.EffectHandlers = 3
		var now, most atomic.Int64
		engine := b.engine(config, counting(func(_ context.Context, e ledger.Audit, _ runtime.EffectCall) (ledger.AuditResult, error) {
			n := now.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			time.Sleep(2 * time.Millisecond)
			now.Add(-1)
			return ledger.Audited{Entry: e.Entry}, nil
		}))
		for i := range 20 {
			out, err := ledger.NewClient(engine).Add(b.Context(), ledger.Add{Account: fmt.Sprint(i), Amount: 1})
			must(b, out, err)
		}
		b.run(engine)
		b.eventuallyTable("*", "effects", "")
		if most.Load() > 3 {
			b.Errorf("%d handlers at once", most.Load())
		}
	})
}
