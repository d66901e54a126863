package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// withLimit gives the effect Notify of tickets a limit, which no declaration of the tests has.
func withLimit(workflow *runtime.Workflow, change func(*workflow.EffectOptions)) *runtime.Workflow {
	return withOptions(workflow, "Notify", change)
}

// TestLimitsHoldOverEngines lets three engines deliver effects of which only a few may be at work: at the same time over all of
// them, for each key, and in each process.
func TestLimitsHoldOverEngines(t *testing.T) {
	onStores(t, func(b *bed) {
		const effects, engines = 60, 3
		var mu sync.Mutex
		atWork, most := map[string]int{}, map[string]int{}
		var done sync.WaitGroup
		done.Add(effects)
		enter := func(key string, by int) {
			mu.Lock()
			defer mu.Unlock()
			atWork[key] += by
			most[key] = max(most[key], atWork[key])
		}
		var client *ticket.Client
		for n := range engines {
			process := fmt.Sprintf("process %d", n)
			engine := b.engine(b.realConfig(), withLimit(tickets(ticket.Decider{OnOpen: opened(
				ticket.Notify{Text: "a"}, ticket.Notify{Text: "a"}, ticket.Notify{Text: "b"},
			)}, ticket.Handler{OnNotify: func(_ context.Context, e ticket.Notify, _ runtime.EffectCall) error {
				for _, key := range []string{e.Text, process, "all"} {
					enter(key, 1)
					defer enter(key, -1)
				}
				time.Sleep(time.Millisecond)
				done.Done()
				return nil
			}}), func(o *workflow.EffectOptions) {
				o.Limit = &workflow.EffectLimit{Global: 4, Concurrency: 2, Key: "text", PerKey: 3}
			}))
			client = ticket.NewClient(engine)
			b.run(engine)
		}
		for i := range effects / 3 {
			out, err := client.Open(b.Context(), ticket.Open{ID: fmt.Sprint(i), Subject: fmt.Sprint(i)})
			must(b, out, err)
		}
		finished := make(chan struct{})
		go func() { done.Wait(); close(finished) }()
		wait(b, "all effects are delivered", finished)
		mu.Lock()
		defer mu.Unlock()
		for key, limit := range map[string]int{"all": 4, "a": 3, "b": 3, "process 0": 2, "process 1": 2, "process 2": 2} {
			if most[key] > limit {
				b.Errorf("%s: %d at the same time, want at most %d", key, most[key], limit)
			}
		}
	})
}

// A process is suspended for longer than its lease, and another takes the place that its effect had within the limit. The effect does not get its
// lease back: the handler's context ends, and the effect waits for its turn.
func TestLimitHoldsAfterASuspension(t *testing.T) {
	onStores(t, func(b *bed) {
		limited := func(handle func(context.Context, ticket.Notify, runtime.EffectCall) error) *runtime.Workflow {
			return withLimit(notify(handle), func(o *workflow.EffectOptions) { o.Limit = &workflow.EffectLimit{Global: 1} })
		}
		suspended, other := newClock(), newClock()
		config := b.config(suspended)
		config.Lease = 9 * time.Second
		working, ended, finish := make(chan string, 9), make(chan error, 9), make(chan bool)
		var called atomic.Int64
		first := b.engine(config, limited(func(ctx context.Context, _ ticket.Notify, call runtime.EffectCall) error {
			if called.Add(1) > 1 {
				return nil
			}
			working <- call.Instance.ID
			<-ctx.Done()
			ended <- context.Cause(ctx)
			return ctx.Err()
		}))
		b.open(first, "a")
		b.run(first)
		wait(b, "the call of the process that is suspended", working)
		b.open(first, "b")
		b.eventually("the heartbeat waits", func() bool { return suspended.sleepers(config.Lease/3) == 1 })

		other.advance(config.Lease + time.Second)
		config.Clock = other
		second := b.engine(config, limited(func(ctx context.Context, _ ticket.Notify, call runtime.EffectCall) error {
			working <- call.Instance.ID
			select {
			case <-finish:
			case <-ctx.Done():
			}
			return ctx.Err()
		}))
		b.run(second)
		if id := wait(b, "the call of the other process", working); id != "b" {
			b.Fatalf("it is for %s", id)
		}
		suspended.advance(config.Lease + time.Second)
		var lost *store.LeaseLost
		if err := wait(b, "the end of the first handler's context", ended); !errors.As(err, &lost) {
			b.Errorf("it ended because of %v", err)
		}
		b.wantTable("instance, run_at", "effects", "ORDER BY instance",
			"a "+stamp(epoch.Add(config.Lease)), "b "+stamp(other.Now().Add(config.Lease)))
		close(finish)
		b.eventuallyTable("*", "effects", "")
	})
}

// A process is suspended in the middle of a heartbeat, which reaches the store after another process has taken the place of its effect. The
// database never holds more leases than the limit allows.
func TestLimitHoldsWhenAHeartbeatComesLate(t *testing.T) {
	onStores(t, func(b *bed) {
		limited := func(handle func(context.Context, ticket.Notify, runtime.EffectCall) error) *runtime.Workflow {
			return withLimit(notify(handle), func(o *workflow.EffectOptions) { o.Limit = &workflow.EffectLimit{Global: 1} })
		}
		c := newClock()
		config := b.config(c)
		config.Lease = 9 * time.Second
		working, ended, finish := make(chan string, 9), make(chan error, 9), make(chan bool)
		beating, suspended := make(chan bool, 9), make(chan bool)
		st := &faulty{Store: b.store}
		st.setExtend(func(extend func() ([]runtime.Lease, error)) ([]runtime.Lease, error) {
			beating <- true
			<-suspended
			return extend()
		})
		var called atomic.Int64
		first := b.engineOn(st, config, limited(func(ctx context.Context, _ ticket.Notify, call runtime.EffectCall) error {
			if called.Add(1) > 1 {
				return nil
			}
			working <- call.Instance.ID
			<-ctx.Done()
			ended <- context.Cause(ctx)
			return ctx.Err()
		}))
		b.open(first, "a")
		b.run(first)
		wait(b, "the call of the process that is suspended", working)
		b.open(first, "b")
		b.beat(c, config.Lease/3)
		wait(b, "the heartbeat", beating)

		other := newClock()
		other.advance(config.Lease + time.Second)
		config.Clock = other
		second := b.engine(config, limited(func(ctx context.Context, _ ticket.Notify, call runtime.EffectCall) error {
			working <- call.Instance.ID
			select {
			case <-finish:
			case <-ctx.Done():
			}
			return ctx.Err()
		}))
		b.run(second)
		wait(b, "the call of the other process", working)
		close(suspended)
		var lost *store.LeaseLost
		if err := wait(b, "the end of the first handler's context", ended); !errors.As(err, &lost) {
			b.Errorf("it ended because of %v", err)
		}
		b.wantTable("instance, run_at", "effects", "WHERE claimed_at IS NOT NULL", "b "+stamp(other.Now().Add(config.Lease)))
		close(finish)
		b.eventuallyTable("*", "effects", "")
	})
}

// TestNoKindStarvesAnother has a kind of which there is always more to do than there are handlers. Another of the same priority has
// its turn all the same, with limits or without.
func TestNoKindStarvesAnother(t *testing.T) {
	for limited, options := range map[string]func(*runtime.Workflow) *runtime.Workflow{
		"neither": func(w *runtime.Workflow) *runtime.Workflow { return w },
		"the busy one": func(w *runtime.Workflow) *runtime.Workflow {
			return withOptions(w, "FindAgent", func(o *workflow.EffectOptions) { o.Limit = &workflow.EffectLimit{Global: 100} })
		},
		"the other": func(w *runtime.Workflow) *runtime.Workflow {
			return withOptions(w, "Notify", func(o *workflow.EffectOptions) { o.Limit = &workflow.EffectLimit{Rate: 100} })
		},
	} {
		t.Run(limited, func(t *testing.T) {
			onStores(t, func(b *bed) {
				config := b.realConfig()
				config.EffectHandlers = 2
				var busy atomic.Int32
				notified := make(chan struct{}, 1)
				engine := b.engine(config, options(tickets(ticket.Decider{OnOpen: func(_ time.Time, _ ticket.State, in ticket.Open) ticket.OpenDecision {
					if in.ID == "last" {
						return ticket.AcceptOpen(ticket.Opened{}).Effect(ticket.Notify{Text: "n"})
					}
					return ticket.AcceptOpen(ticket.Opened{}).Effect(ticket.FindAgent{})
				}}, ticket.Handler{
					OnFindAgent: func(context.Context, ticket.FindAgent, runtime.EffectCall) (ticket.FindAgentResult, error) {
						busy.Add(1)
						time.Sleep(time.Millisecond)
						return nil, runtime.Snooze(0) // it is due again at once
					},
					OnNotify: func(context.Context, ticket.Notify, runtime.EffectCall) error {
						notified <- struct{}{}
						return nil
					},
				})))
				client := ticket.NewClient(engine)
				open := func(id string) {
					out, err := client.Open(b.Context(), ticket.Open{ID: id, Subject: id})
					must(b, out, err)
				}
				for i := range 100 {
					open(fmt.Sprint(i))
				}
				b.run(engine)
				b.eventually("the handlers are busy", func() bool { return busy.Load() > 10 })
				open("last")
				wait(b, "the other kind has its turn", notified)
			})
		})
	}
}

// TestSnooze says that an effect may be put off as often as it takes.
func TestSnooze(t *testing.T) {
	onStores(t, func(b *bed) {
		var calls atomic.Int32
		engine := b.engine(b.realConfig(), tickets(ticket.Decider{OnOpen: opened(ticket.Notify{Text: "n"})},
			ticket.Handler{OnNotify: func(_ context.Context, _ ticket.Notify, call runtime.EffectCall) error {
				if call.Attempt != 1 {
					b.Errorf("attempt %d", call.Attempt)
				}
				if calls.Add(1) <= 10 { // far more than there are attempts
					return fmt.Errorf("not yet: %w", runtime.Snooze(time.Millisecond))
				}
				return nil
			}}))
		b.run(engine)
		out, err := ticket.NewClient(engine).Open(b.Context(), ticket.Open{ID: "a", Subject: "s"})
		must(b, out, err)
		b.eventuallyTable("*", "effects", "")
		if calls.Load() != 11 {
			b.Errorf("%d calls", calls.Load())
		}
	})
}

// TestCancelEffect says that a decision takes back effects that wait, and those that are being handled.
func TestCancelEffect(t *testing.T) {
	onStores(t, func(b *bed) {
		config := b.realConfig()
		config.Lease = 300 * time.Millisecond // the handler finds out with the next heartbeat
		began, ended := make(chan struct{}), make(chan error, 1)
		engine := b.engine(config, tickets(ticket.Decider{
			OnOpen: opened(ticket.FindAgent{Subject: "s"}, ticket.Notify{Text: "kept"}),
			OnNote: func(time.Time, ticket.State, ticket.Note) ticket.NoteDecision {
				return ticket.AcceptNote(ticket.Noted{Text: "n"}).CancelEffect("FindAgent")
			},
		}, ticket.Handler{
			OnFindAgent: func(ctx context.Context, _ ticket.FindAgent, _ runtime.EffectCall) (ticket.FindAgentResult, error) {
				close(began)
				<-ctx.Done()
				ended <- context.Cause(ctx)
				return ticket.Assigned{Agent: "too late"}, nil
			},
			OnNotify: func(context.Context, ticket.Notify, runtime.EffectCall) error { return nil },
		}))
		b.run(engine)
		client := ticket.NewClient(engine)
		out, err := client.Open(b.Context(), ticket.Open{ID: "a", Subject: "s"})
		must(b, out, err)
		wait(b, "the handler begins", began)
		noted, err := client.Note(b.Context(), ticket.Note{ID: "a", Text: "n"})
		must(b, noted, err)
		var lost *store.LeaseLost
		if cause := wait(b, "the handler's context ends", ended); !errors.As(cause, &lost) {
			b.Errorf("the handler's context ended with %v", cause)
		}
		b.eventuallyTable("*", "effects", "")
		b.wantTable("type", "events", "ORDER BY version", "Opened", "Noted") // and no AgentAssigned
	})
}

// Callers fill the waiting room with inputs that are served apart. Results of effects have room of their own.
func TestDeliveriesHaveRoomOfTheirOwn(t *testing.T) {
	t.Parallel()
	b := openPostgres(t)
	config := b.realConfig()
	config.MaxWaiting = 8
	open, handled := make(chan struct{}), make(chan struct{}, 1)
	alone := make(map[runtime.InstanceKey]bool)
	for i := range 12 {
		alone[runtime.InstanceKey{Workflow: "ticket", ID: fmt.Sprint(i)}] = true
	}
	engine := b.engineOn(apart{b.store, alone}, config,
		tickets(ticket.Decider{OnOpen: func(_ time.Time, _ ticket.State, in ticket.Open) ticket.OpenDecision {
			<-open
			return ticket.AcceptOpen(ticket.Opened{Subject: in.Subject})
		}}, ticket.Handler{}),
		ledgers(ledger.Decider{OnAdd: func(_ time.Time, _ ledger.State, in ledger.Add) ledger.AddDecision {
			return ledger.AcceptAdd(ledger.Added{Amount: in.Amount}).Effect(ledger.Audit{Entry: in.Amount})
		}}, ledger.Handler{OnAudit: func(_ context.Context, e ledger.Audit, _ runtime.EffectCall) (ledger.AuditResult, error) {
			handled <- struct{}{}
			return ledger.Audited{Entry: e.Entry}, nil
		}}))
	out, err := ledger.NewClient(engine).Add(b.Context(), ledger.Add{Account: "a", Amount: 1})
	must(b, out, err)
	var callers sync.WaitGroup
	for i := range 12 {
		callers.Go(func() {
			id := fmt.Sprint(i)
			if _, err := ticket.NewClient(engine).Open(b.Context(), ticket.Open{ID: id, Subject: id}); err != nil {
				b.Error(err)
			}
		})
	}
	b.eventually("the room is full", func() bool {
		health, err := engine.Health(b.Context())
		return err == nil && health.Inputs.Waiting == 8
	})
	b.run(engine)
	wait(b, "the handler is called", handled)
	b.eventuallyTable("type", "events", "WHERE instance = 'a' ORDER BY version", "Added", "AuditPassed")
	close(open)
	callers.Wait()
}
