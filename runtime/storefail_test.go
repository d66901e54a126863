package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

func TestStoreFailsForACaller(t *testing.T) {
	onStores(t, func(b *bed) {
		st := &faulty{Store: b.store}
		client := ticket.NewClient(b.engineOn(st, b.config(newClock()), tickets(ticket.Decider{}, ticket.Handler{})))
		open := func() error {
			_, err := client.Open(b.Context(), ticket.Open{ID: "a", Subject: "s"})
			return err
		}
		b.unchanged(func() {
			st.setBegin(func() error { return errBroken })
			if err := open(); !errors.Is(err, errBroken) {
				b.Errorf("got error %v", err)
			} else {
				wantError(b, err, "ticket/a", "input Open")
			}
			st.setBegin(nil)
			st.setCommit(func(context.Context, func(context.Context) error) error { return errBroken })
			if err := open(); !errors.Is(err, errBroken) {
				b.Errorf("got error %v", err)
			}
		})
		// Nothing is left locked.
		st.setCommit(nil)
		if err := open(); err != nil {
			b.Error(err)
		}
		// Lost races are run again, each on what is stored by then.
		races := 3
		st.setCommit(func(ctx context.Context, commit func(context.Context) error) error {
			if races--; races >= 0 {
				return fmt.Errorf("wrapped: %w", store.ErrConflict)
			}
			return commit(ctx)
		})
		out, err := client.Note(b.Context(), ticket.Note{ID: "a"})
		must(b, out, err)
		b.wantTable(events, "events", "", "a 1 Opened", "a 2 Noted")
	})
}

// A store that fails while a result is brought in is asked again, and the handler is not. An answer that was lost after
// the commit does not apply the result twice.
func TestStoreFailsForAResult(t *testing.T) {
	fails := func(context.Context, func(context.Context) error) error { return errBroken }
	loses := func(ctx context.Context, commit func(context.Context) error) error {
		return errors.Join(errBroken, commit(ctx))
	}
	for name, test := range map[string]struct {
		fault  func(context.Context, func(context.Context) error) error
		result ticket.FindAgentResult
		want   string
	}{
		"failed commit":                   {fails, ticket.Assigned{Agent: "ann"}, "a 2 AgentAssigned"},
		"lost answer":                     {loses, ticket.Assigned{Agent: "ann"}, "a 2 AgentAssigned"},
		"lost answer that completes":      {loses, ticket.NobodyFree{}, "a 2 Closed"},
		"failed commit of the completion": {fails, ticket.NobodyFree{}, "a 2 Closed"},
	} {
		t.Run(name, func(t *testing.T) {
			onStores(t, func(b *bed) {
				store := &faulty{Store: b.store}
				config := b.realConfig()
				var called atomic.Int64
				engine := b.engineOn(store, config, findAgent(
					func(context.Context, ticket.FindAgent, runtime.EffectCall) (ticket.FindAgentResult, error) {
						called.Add(1)
						return test.result, nil
					}))
				b.open(engine, "a")
				var commits atomic.Int64
				store.setCommit(func(ctx context.Context, commit func(context.Context) error) error {
					if commits.Add(1) <= 2 {
						return test.fault(ctx, commit)
					}
					return commit(ctx)
				})
				stop := b.run(engine)
				b.eventuallyTable("*", "effects", "")
				if err := stop(); err != nil {
					b.Error(err)
				}
				b.wantTable(events, "events", "", "a 1 Opened", test.want)
				if called.Load() != 1 {
					b.Errorf("%d calls", called.Load())
				}
			})
		})
	}
}

func TestStoreFailsForWorkers(t *testing.T) {
	onStores(t, func(b *bed) {
		st := &faulty{Store: b.store}
		config := b.realConfig()
		var called atomic.Int64
		engine := b.engineOn(st, config, notify(func(context.Context, ticket.Notify, runtime.EffectCall) error {
			called.Add(1)
			return nil
		}))
		st.setClaim(func(store.QueueName, func() ([]store.Delivery, error)) ([]store.Delivery, error) {
			return nil, errBroken
		})
		b.open(engine, "a")
		b.run(engine)
		b.wantLog("claiming work failed", errBroken.Error())
		if called.Load() != 0 {
			b.Error("handled without a claim")
		}
		// Settling fails, once for good and once with a lost answer.
		var settles atomic.Int64
		st.setSettle(func(call func() ([]runtime.Lease, error)) ([]runtime.Lease, error) {
			switch settles.Add(1) {
			case 1:
				return nil, errBroken
			case 2:
				_, _ = call()
				return nil, errBroken
			}
			return call()
		})
		st.setClaim(nil)
		b.eventuallyTable("*", "effects", "")
		b.eventually("the settling is over", func() bool { return settles.Load() == 3 })
		if called.Load() != 1 {
			b.Errorf("%d calls", called.Load())
		}
	})
}

// A claim whose answer is lost has cost an attempt. What it claimed is delivered when the lease is over.
func TestClaimIsLost(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		config := b.config(c)
		config.Lease = 30 * time.Second
		st := &faulty{Store: b.store}
		lose := make(chan bool, 1)
		lose <- true
		st.setClaim(func(name store.QueueName, call func() ([]store.Delivery, error)) ([]store.Delivery, error) {
			deliveries, err := call()
			if name == store.EffectQueue && len(lose) > 0 && len(deliveries) > 0 {
				<-lose
				return nil, errors.Join(errBroken, err)
			}
			return deliveries, err
		})
		attempt := make(chan int, 9)
		engine := b.engineOn(st, config, notify(func(_ context.Context, _ ticket.Notify, call runtime.EffectCall) error {
			attempt <- call.Attempt
			return nil
		}))
		b.open(engine, "a")
		b.run(engine)
		b.wantLog("claiming work failed")
		b.wantTable("attempts, run_at", "effects", "", "1 "+at(30*time.Second))
		b.advanceUntil(c, time.Second, "the second claim", func() bool { return len(attempt) > 0 })
		if n := <-attempt; n != 2 {
			b.Errorf("got attempt %d", n)
		}
		b.eventuallyTable("*", "effects", "")
	})
}

// A store that fails at random, before or after it did what it was asked, costs time and nothing else.
func TestStoreFailsAtRandom(t *testing.T) {
	onStores(t, func(b *bed) {
		st := &faulty{Store: b.store}
		flaky := func() bool { return rand.N(8) == 0 }
		words := func(call func() ([]runtime.Lease, error)) ([]runtime.Lease, error) {
			if flaky() {
				return nil, errBroken
			}
			lost, err := call()
			if flaky() {
				return nil, errBroken
			}
			return lost, err
		}
		config := b.realConfig()
		config.Lease = 500 * time.Millisecond
		config.EffectRetry = runtime.RetryPolicy{MaxAttempts: 1000, Base: time.Millisecond, Max: 5 * time.Millisecond}
		config.TimerRetry = config.EffectRetry
		results := &sync.Map{}
		workflow := ledgers(ledger.Decider{
			OnAdd: func(_ time.Time, s ledger.State, in ledger.Add) ledger.AddDecision {
				return ledger.AcceptAdd(ledger.Added{Amount: in.Amount}).Effect(ledger.Audit{Entry: s.Total}).
					StartTimer(ledger.TimerBeat{}.In(time.Millisecond).Key(fmt.Sprint(s.Total)))
			},
		}, ledger.Handler{OnAudit: func(_ context.Context, e ledger.Audit, call runtime.EffectCall) (ledger.AuditResult, error) {
			results.Store(call.IdempotencyKey, true)
			return ledger.Audited{Entry: e.Entry}, nil
		}})
		const accounts, each = 5, 4
		quiet := b.engine(config, workflow) // its callers get through
		for n := range accounts * each {
			out, err := ledger.NewClient(quiet).Add(b.Context(), ledger.Add{Account: fmt.Sprint(n % accounts), Amount: 1})
			must(b, out, err)
		}
		st.setBegin(func() error {
			if flaky() {
				return errBroken
			}
			return nil
		})
		st.setCommit(func(ctx context.Context, commit func(context.Context) error) error {
			if flaky() {
				return errBroken
			}
			err := commit(ctx)
			if flaky() {
				return errBroken
			}
			return err
		})
		st.setExtend(words)
		st.setSettle(words)
		st.setClaim(func(_ store.QueueName, call func() ([]store.Delivery, error)) ([]store.Delivery, error) {
			if flaky() {
				return nil, errBroken
			}
			return call()
		})
		b.run(b.engineOn(st, config, workflow))
		b.run(b.engineOn(st, config, workflow))
		b.eventually("everything is delivered", func() bool {
			return len(b.table("*", "effects", ""))+len(b.table("*", "timers", "")) == 0
		})
		b.wantSerial()
		for n := range accounts {
			view, err := ledger.NewClient(quiet).State(b.Context(), fmt.Sprint(n))
			if want := (ledger.State{Total: each, Audits: each, Ticks: each}); err != nil || view.State != want {
				b.Errorf("%d: got %+v, error %v", n, view, err)
			}
		}
	})
}
