package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// unclaimed is a store whose claims find nothing: what an engine on it delivers was leased by the commit that made it.
func unclaimed(st Store) (faults *faulty, claims *atomic.Int64) {
	faults, claims = &faulty{Store: st}, new(atomic.Int64)
	faults.setClaim(func(store.QueueName, func() ([]store.Delivery, error)) ([]store.Delivery, error) {
		claims.Add(1)
		return nil, nil
	})
	return faults, claims
}

// runIdle runs an engine, and waits until its workers have found nothing and wait for the next poll, which the clock does not reach.
func (b *bed) runIdle(engine *runtime.Engine, c *clock) (stop func() error) {
	b.Helper()
	stop = b.run(engine)
	b.idle(c)
	return stop
}

func (b *bed) idle(c *clock) {
	b.Helper()
	b.eventually("the workers wait", func() bool { return c.sleepers(200*time.Millisecond) == 2 })
}

const leases = "instance, attempts, token, holder"

// TestBornLeased has effects that are handled without a claim: decided in batches, and apart from them.
func TestBornLeased(t *testing.T) {
	for name, wrap := range map[string]func(Store) Store{"batch": func(s Store) Store { return s }, "apart": func(s Store) Store { return apart{Store: s} }} {
		t.Run(name, func(t *testing.T) {
			onStores(t, func(b *bed) {
				faults, claims := unclaimed(b.store)
				c := newClock()
				begun, goOn := make(chan runtime.EffectCall), make(chan struct{})
				config := b.config(c)
				w := &witness{}
				config.Name, config.Telemetry, config.TimerRetry.MaxAttempts = "web-1", w, 1
				engine := b.engineOn(wrap(faults), config, findAgent(
					func(_ context.Context, _ ticket.FindAgent, call runtime.EffectCall) (ticket.FindAgentResult, error) {
						begun <- call
						<-goOn
						return ticket.Assigned{Agent: "ann"}, nil
					}))
				b.runIdle(engine, c)
				before := claims.Load()
				for _, id := range []string{"a", "b"} {
					b.open(engine, id)
					call := wait(b, "the effect is handled", begun)
					if call.Instance.ID != id || call.Attempt != 1 || !call.RequestedAt.Equal(epoch.Truncate(time.Microsecond)) {
						b.Errorf("got %+v", call)
					}
				}
				b.wantTable(leases, "effects", "", "a 1 1 web-1", "b 1 1 web-1")
				b.wantTable("run_at, claimed_at", "effects", "WHERE instance = 'a'", stamp(epoch.Add(24*time.Hour))+" "+stamp(epoch))
				close(goOn)
				b.eventuallyTable("*", "effects", "")
				b.wantTable(events, "events", "", "a 1 Opened", "a 2 AgentAssigned", "b 1 Opened", "b 2 AgentAssigned")
				w.wants(b, "delivery effects FindAgent attempt 1 done again false error false", "delivery effects FindAgent attempt 1 done again false error false")
				w.wantLeased(b, 2, 0)
				if n := claims.Load() - before; n > 0 {
					b.Errorf("%d claims", n)
				}
			})
		})
	}
}

// TestTimersBornLeased has a timer that is due at once, and one that is not.
func TestTimersBornLeased(t *testing.T) {
	onStores(t, func(b *bed) {
		faults, _ := unclaimed(b.store)
		c := newClock()
		config, w := b.config(c), &witness{}
		config.Telemetry = w
		engine := b.engineOn(faults, config, ledgers(ledger.Decider{
			OnAdd: func(_ time.Time, _ ledger.State, in ledger.Add) ledger.AddDecision {
				return ledger.AcceptAdd(ledger.Added{}).StartTimer(ledger.TimerBeat{}.In(time.Duration(in.Amount)))
			},
		}, ledger.Handler{}))
		b.runIdle(engine, c)
		client := ledger.NewClient(engine)
		for amount, account := range []string{"now", "later"} {
			out, err := client.Add(b.Context(), ledger.Add{Account: account, Amount: int64(amount) * int64(time.Hour)})
			must(b, out, err)
		}
		b.eventuallyTable("instance", "events", "WHERE type = 'Ticked'", "now")
		b.wantTable("instance, attempts", "timers", "WHERE kind = 'Tick'", "later 0")
		w.wantLeased(b, 0, 1)
	})
}

// TestReservedHandlersComeBack has inputs whose commits fail in every way that there is. None of them keeps a handler.
func TestReservedHandlersComeBack(t *testing.T) {
	type commitFault = func(context.Context, func(context.Context) error) error
	for name, fault := range map[string]func(after *atomic.Int64) commitFault{
		"error": func(*atomic.Int64) commitFault {
			return func(context.Context, func(context.Context) error) error { return errBroken }
		},
		"panic": func(*atomic.Int64) commitFault {
			return func(context.Context, func(context.Context) error) error { panic(errBroken) }
		},
		"conflict":             conflicts(store.ErrConflict),
		"pause":                conflicts(&store.PausedLease{Workflow: "elsewhere"}),
		"lost, and not stored": conflicts(fmt.Errorf("%w", store.ErrOutcomeUnknown)),
		"withdrawn": func(*atomic.Int64) commitFault {
			return func(ctx context.Context, _ func(context.Context) error) error {
				time.Sleep(30 * time.Millisecond) // the caller has gone
				return errBroken
			}
		},
	} {
		for where, wrap := range map[string]func(Store) Store{"batch": func(s Store) Store { return s }, "apart": func(s Store) Store { return apart{Store: s} }} {
			if name == "panic" && where == "apart" {
				continue // a panic of a store has no recover there
			}
			t.Run(name+" "+where, func(t *testing.T) {
				onStores(t, func(b *bed) {
					faults, _ := unclaimed(b.store)
					c := newClock()
					begun, goOn := make(chan string, 10), make(chan struct{})
					config := b.config(c)
					config.EffectHandlers = 2
					config.StoreTimeout = time.Second // the clock stands, so what is repeated until then takes all of it
					engine := b.engineOn(wrap(faults), config, notify(func(_ context.Context, _ ticket.Notify, call runtime.EffectCall) error {
						begun <- call.Instance.ID
						<-goOn
						return nil
					}))
					b.runIdle(engine, c)
					client := ticket.NewClient(engine)
					for n := range 3 {
						var after atomic.Int64
						ctx, cancel := context.WithCancel(b.Context())
						fails := fault(&after)
						faults.setCommit(func(call context.Context, commit func(context.Context) error) error {
							if name == "withdrawn" {
								cancel()
							}
							return fails(call, commit)
						})
						id := fmt.Sprint("failed ", n)
						out, err := client.Open(ctx, ticket.Open{ID: id, Subject: id})
						cancel()
						if after.Load() == 0 && err == nil {
							b.Fatalf("got %+v", out)
						}
						faults.setCommit(nil)
						// What comes next for the instance is served when the other input has ended.
						if _, err := client.Note(b.Context(), ticket.Note{ID: id}); err != nil {
							b.Fatal(err)
						}
						if after.Load() > 0 { // stored at last
							must(b, out, err)
							wait(b, "the effect is handled", begun)
							goOn <- struct{}{}
							b.eventuallyTable("*", "effects", "")
						}
					}
					// Both handlers are free.
					b.eventually("no effect is held", func() bool { return b.busy(engine) == 0 })
					b.open(engine, "a")
					b.open(engine, "b")
					wait(b, "the effect is handled", begun)
					wait(b, "the effect is handled beside it", begun)
					close(goOn)
					b.eventuallyTable("*", "effects", "")
					b.eventually("no effect is held", func() bool { return b.busy(engine) == 0 })
				})
			})
		}
	}
}

// conflicts is a fault that refuses the first two commits.
func conflicts(err error) func(after *atomic.Int64) func(context.Context, func(context.Context) error) error {
	return func(after *atomic.Int64) func(context.Context, func(context.Context) error) error {
		var commits atomic.Int64
		return func(ctx context.Context, commit func(context.Context) error) error {
			if commits.Add(1) <= 2 {
				return err
			}
			after.Add(1)
			return commit(ctx)
		}
	}
}

func (b *bed) busy(engine *runtime.Engine) int {
	b.Helper()
	h, err := engine.Health(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return h.Effects.Busy
}

// TestOvertakenByTheSameInput has an input that another process stores, under its id, before the commit. What the commit was to lease
// is not handled here.
func TestOvertakenByTheSameInput(t *testing.T) {
	onStores(t, func(b *bed) {
		faults, _ := unclaimed(b.store)
		c := newClock()
		handled := make(chan string, 10)
		wf := notify(func(_ context.Context, _ ticket.Notify, call runtime.EffectCall) error {
			handled <- call.Instance.ID
			return nil
		})
		config := b.config(c)
		config.EffectHandlers = 1
		engine, other := b.engineOn(faults, config, wf), b.engine(b.config(c), wf)
		b.runIdle(engine, c)
		input := ticket.Open{ID: "a", Subject: "s"}
		faults.setCommit(func(ctx context.Context, commit func(context.Context) error) error {
			faults.setCommit(nil)
			out, err := ticket.NewClient(other).Open(ctx, input, runtime.WithInputID("1"))
			must(b, out, err)
			return commit(ctx)
		})
		out, err := ticket.NewClient(engine).Open(b.Context(), input, runtime.WithInputID("1"))
		must(b, out, err)
		b.wantTable("instance, attempts", "effects", "", "a 0")
		b.open(engine, "b") // the only handler is free
		if id := wait(b, "the effect is handled", handled); id != "b" {
			b.Errorf("%s is handled", id)
		}
	})
}

// TestRejectionReservesNoHandler says that an input that is refused has asked for no handler.
func TestRejectionReservesNoHandler(t *testing.T) {
	onStores(t, func(b *bed) {
		faults, _ := unclaimed(b.store)
		c := newClock()
		config := b.config(c)
		config.EffectHandlers = 1
		handled := make(chan string, 1)
		engine := b.engineOn(faults, config, tickets(ticket.Decider{OnOpen: func(_ time.Time, _ ticket.State, in ticket.Open) ticket.OpenDecision {
			if in.ID == "bad" {
				return ticket.RejectOpen(ticket.Duplicate{})
			}
			return ticket.AcceptOpen(ticket.Opened{}).Effect(ticket.Notify{})
		}}, ticket.Handler{OnNotify: func(_ context.Context, _ ticket.Notify, call runtime.EffectCall) error {
			handled <- call.Instance.ID
			return nil
		}}))
		b.runIdle(engine, c)
		for range 3 {
			out, err := ticket.NewClient(engine).Open(b.Context(), ticket.Open{ID: "bad", Subject: "bad"})
			if err != nil || out.Accepted() {
				b.Fatalf("got %+v, error %v", out, err)
			}
		}
		b.open(engine, "a")
		wait(b, "the effect is handled", handled)
	})
}

// unresolved is a store that does not tell what became of a commit.
type unresolved struct{ *faulty }

func (unresolved) Committed(context.Context, runtime.InstanceKey, int64, store.CommitID) (bool, error) {
	return false, errBroken
}

// TestLostCommitLeavesALease has commits that are stored while their answers are lost. When the store tells, the effects are
// handled at once. When it does not, nothing is handled: the leases end, and the attempt counts.
func TestLostCommitLeavesALease(t *testing.T) {
	lost := func(ctx context.Context, commit func(context.Context) error) error {
		return errors.Join(store.ErrOutcomeUnknown, commit(ctx))
	}
	t.Run("told", func(t *testing.T) {
		onStores(t, func(b *bed) {
			faults, _ := unclaimed(b.store)
			c := newClock()
			handled := make(chan string, 1)
			engine := b.engineOn(faults, b.config(c), notify(func(_ context.Context, _ ticket.Notify, call runtime.EffectCall) error {
				handled <- call.Instance.ID
				return nil
			}))
			b.runIdle(engine, c)
			faults.setCommit(lost)
			b.open(engine, "a")
			wait(b, "the effect is handled", handled)
			b.eventuallyTable("*", "effects", "")
		})
	})
	for name, attempts := range map[string]int{"then another attempt": 2, "then a dead letter": 1} {
		t.Run(name, func(t *testing.T) {
			onStores(t, func(b *bed) {
				faults := unresolved{&faulty{Store: b.store}}
				c := newClock()
				config := b.config(c)
				config.StoreTimeout, config.EffectHandlers = time.Second, 1
				calls := make(chan runtime.EffectCall, 10)
				wf := withOptions(notify(func(_ context.Context, _ ticket.Notify, call runtime.EffectCall) error {
					calls <- call
					return nil
				}), "Notify", func(o *workflow.EffectOptions) { o.Retry.MaxAttempts = attempts })
				engine := b.engineOn(faults, config, wf)
				b.runIdle(engine, c)
				faults.setCommit(lost)
				_, err := ticket.NewClient(engine).Open(b.Context(), ticket.Open{ID: "a", Subject: "s"})
				if !errors.Is(err, runtime.ErrOutcomeUnknown) {
					b.Fatalf("got error %v", err)
				}
				faults.setCommit(nil)
				b.wantTable("attempts, token", "effects", "", "1 1")
				b.open(engine, "b") // the only handler is free
				if call := wait(b, "the other effect is handled", calls); call.Instance.ID != "b" {
					b.Errorf("got %+v", call)
				}
				b.eventuallyTable("instance", "effects", "", "a") // the other one is settled while it is leased
				c.advance(25 * time.Hour)
				if attempts == 1 {
					b.advanceUntil(c, time.Second, "the dead letter", func() bool {
						return len(b.table("kind", "effects", "WHERE died_at IS NOT NULL")) == 1
					})
					b.wantTable("attempts", "effects", "", "2")
					b.wantLog("dead letter", "did not report back", "instance=a")
					if len(calls) > 0 {
						b.Errorf("handled: %+v", <-calls)
					}
					return
				}
				b.advanceUntil(c, time.Second, "the effect is handled", func() bool { return len(calls) == 1 })
				if call := <-calls; call.Instance.ID != "a" || call.Attempt != 2 {
					b.Errorf("got %+v", call)
				}
			})
		})
	}
}

// TestSlowCommitHandsNothingOver has a commit that takes longer than half of a lease. Its effect is given back and claimed.
func TestSlowCommitHandsNothingOver(t *testing.T) {
	onStores(t, func(b *bed) {
		faults := &faulty{Store: b.store}
		c := newClock()
		calls := make(chan runtime.EffectCall, 10)
		engine := b.engineOn(faults, b.config(c), notify(func(_ context.Context, _ ticket.Notify, call runtime.EffectCall) error {
			calls <- call
			return nil
		}))
		b.runIdle(engine, c)
		var claimed atomic.Int64
		faults.setClaim(func(name store.QueueName, call func() ([]store.Delivery, error)) ([]store.Delivery, error) {
			deliveries, err := call()
			if name == store.EffectQueue {
				claimed.Add(int64(len(deliveries)))
			}
			return deliveries, err
		})
		faults.setCommit(func(ctx context.Context, commit func(context.Context) error) error {
			faults.setCommit(nil)
			err := commit(ctx)
			c.advance(12 * time.Hour)
			b.wantTable("attempts, token", "effects", "", "1 1")
			return err
		})
		b.open(engine, "a")
		if call := wait(b, "the effect is handled", calls); call.Attempt != 1 {
			b.Errorf("got %+v", call)
		}
		b.eventuallyTable("*", "effects", "")
		if len(calls) > 0 {
			b.Error("the effect is handled twice")
		}
		if claimed.Load() != 1 {
			b.Errorf("%d effects are claimed, want the one that was given back", claimed.Load())
		}
	})
}

// TestNotBornLeased has effects that wait for a claim, as nobody may lease them: their kind is limited, their workflow paused, their
// transaction the caller's own, or the engine does not run any more.
func TestNotBornLeased(t *testing.T) {
	t.Run("limited", func(t *testing.T) {
		onStores(t, func(b *bed) {
			faults, _ := unclaimed(b.store)
			for _, limit := range []workflow.EffectLimit{{Concurrency: 5}, {Global: 5}, {Rate: 5}, {Key: "text", PerKey: 5}} {
				c := newClock()
				wf := withLimit(notify(nil), func(o *workflow.EffectOptions) { o.Limit = &limit })
				engine := b.engineOn(faults, b.config(c), wf)
				stop := b.runIdle(engine, c)
				b.open(engine, fmt.Sprint(limit))
				b.wantTable("attempts, token", "effects", "", "0 0")
				b.exec("DELETE FROM {p}effects")
				if err := stop(); err != nil {
					b.Error(err)
				}
			}
		})
	})
	t.Run("paused", func(t *testing.T) {
		onStores(t, func(b *bed) {
			faults, c := &faulty{Store: b.store}, newClock()
			handled := make(chan string, 100)
			handler := ledger.Handler{OnAudit: func(_ context.Context, e ledger.Audit, call runtime.EffectCall) (ledger.AuditResult, error) {
				handled <- call.Instance.ID
				return ledger.Audited{Entry: e.Entry}, nil
			}}
			engine := b.engineOn(faults, b.config(c), ledgers(auditing, handler),
				notify(func(_ context.Context, _ ticket.Notify, call runtime.EffectCall) error {
					handled <- call.Instance.ID
					return nil
				}))
			b.runIdle(engine, c)
			// By another process.
			if err := b.store.PauseWorkflow(b.Context(), runtime.Pause{Workflow: "ticket", At: epoch}); err != nil {
				b.Fatal(err)
			}
			var commits atomic.Int64
			faults.setCommit(func(ctx context.Context, commit func(context.Context) error) error {
				commits.Add(1)
				return commit(ctx)
			})
			const n = 5
			for i := range n {
				b.open(engine, fmt.Sprint(i))
			}
			if commits.Load() != n+1 {
				b.Errorf("%d commits for %d inputs, want one that is refused", commits.Load(), n)
			}
			out, err := ledger.NewClient(engine).Add(b.Context(), ledger.Add{Account: "other"})
			must(b, out, err)
			if id := wait(b, "what is not paused is handled", handled); id != "other" {
				b.Errorf("%s is handled", id)
			}
			b.wantTable("count(*)", "effects", "WHERE workflow = 'ticket' AND attempts = 0", fmt.Sprint(n))
			if err := engine.ResumeWorkflow(b.Context(), "ticket"); err != nil {
				b.Fatal(err)
			}
			for range n {
				wait(b, "the effects are handled after the pause", handled)
			}
			b.eventuallyTable("*", "effects", "")
		})
	})
	t.Run("within", func(t *testing.T) {
		withTransactions(t, func(b *bed, begin func() callersTx) {
			faults, _ := unclaimed(b.store)
			c := newClock()
			engine := b.engineOn(faults, b.config(c), notify(nil))
			b.runIdle(engine, c)
			tx := begin()
			out, err := ticket.NewClient(engine).Open(b.Context(), ticket.Open{ID: "a", Subject: "s"}, runtime.Within(tx))
			must(b, out, err)
			if err := tx.commit(); err != nil {
				b.Fatal(err)
			}
			b.wantTable("attempts, token", "effects", "", "0 0")
		})
	})
	t.Run("stopping", func(t *testing.T) {
		onStores(t, func(b *bed) {
			faults, _ := unclaimed(b.store)
			c := newClock()
			begun, goOn := make(chan struct{}, 10), make(chan struct{})
			engine := b.engineOn(faults, b.config(c), notify(func(context.Context, ticket.Notify, runtime.EffectCall) error {
				begun <- struct{}{}
				<-goOn
				return nil
			}))
			ctx, cancel := context.WithCancel(context.Background())
			ended := make(chan error, 1)
			go func() { ended <- engine.Run(ctx) }()
			b.idle(c)
			b.open(engine, "a")
			wait(b, "the effect is handled", begun)
			cancel()
			b.open(engine, "b")
			close(goOn)
			if err := wait(b, "Run returns", ended); err != nil {
				b.Error(err)
			}
			b.open(engine, "c")
			b.wantTable("instance, attempts, token", "effects", "", "b 0 0", "c 0 0")
			if len(begun) > 0 {
				b.Error("an effect is handled while the engine stops")
			}
		})
	})
}

// TestResultLendsItsHandler has one handler, whose result leads to another effect: it has the handler as soon as the result is stored.
func TestResultLendsItsHandler(t *testing.T) {
	onStores(t, func(b *bed) {
		faults, claims := unclaimed(b.store)
		c := newClock()
		handled := make(chan string, 10)
		config := b.config(c)
		config.EffectHandlers = 1
		engine := b.engineOn(faults, config, tickets(ticket.Decider{
			OnOpen: opened(ticket.FindAgent{}),
			OnAssigned: func(_ time.Time, _ ticket.State, in ticket.Assigned) ticket.AssignedDecision {
				return ticket.AcceptAssigned(ticket.AgentAssigned{Agent: in.Agent}).Effect(ticket.Notify{Text: in.Agent})
			},
		}, ticket.Handler{OnNotify: func(_ context.Context, e ticket.Notify, _ runtime.EffectCall) error {
			handled <- e.Text
			return nil
		}}))
		b.runIdle(engine, c)
		before := claims.Load()
		b.open(engine, "a")
		wait(b, "the second effect is handled", handled)
		b.eventuallyTable("*", "effects", "")
		if n := claims.Load() - before; n > 0 {
			b.Errorf("%d claims", n)
		}
	})
}

// TestNothingIsOvertaken has one handler. What it has no room for is claimed, and what comes later waits behind it.
func TestNothingIsOvertaken(t *testing.T) {
	onStores(t, func(b *bed) {
		faults, _ := unclaimed(b.store)
		c := newClock()
		begun, goOn := make(chan string, 10), make(chan struct{})
		config := b.config(c)
		config.EffectHandlers = 1
		engine := b.engineOn(faults, config, notify(func(_ context.Context, _ ticket.Notify, call runtime.EffectCall) error {
			begun <- call.Instance.ID
			<-goOn
			return nil
		}))
		b.runIdle(engine, c)
		faults.setClaim(func(store.QueueName, func() ([]store.Delivery, error)) ([]store.Delivery, error) {
			return nil, errBroken
		})
		b.open(engine, "first")
		wait(b, "the first effect is handled", begun)
		b.open(engine, "second")
		b.wantTable("attempts", "effects", "WHERE instance = 'second'", "0")
		goOn <- struct{}{}
		b.eventuallyTable("instance", "effects", "", "second")
		b.open(engine, "third") // the handler is free, but for claims that fail
		b.wantTable("attempts", "effects", "WHERE instance = 'third'", "0")
		faults.setClaim(nil)
		c.advance(time.Minute)
		for _, id := range []string{"second", "third"} {
			if got := wait(b, "the effect is handled", begun); got != id {
				b.Errorf("%s is handled, want %s", got, id)
			}
			goOn <- struct{}{}
		}
		b.eventuallyTable("*", "effects", "")
		b.open(engine, "fourth")
		wait(b, "the last effect is handled", begun)
		close(goOn)
	})
}

// telling is a store that counts what it tells other processes.
type telling struct {
	*faulty
	work atomic.Int64
}

func (s *telling) Notify(_ context.Context, what store.News) error {
	if what&store.NewWork != 0 {
		s.work.Add(1)
	}
	return nil
}

func (s *telling) Listen(ctx context.Context, _ func(store.News)) error {
	<-ctx.Done()
	return ctx.Err()
}

// TestOthersAreWokenForTheRest says that other processes hear of work that this one has no handler for, and of no other.
func TestOthersAreWokenForTheRest(t *testing.T) {
	onStores(t, func(b *bed) {
		faults, _ := unclaimed(b.store)
		c := newClock()
		told := &telling{faulty: faults}
		begun, goOn := make(chan string, 10), make(chan struct{})
		config := b.config(c)
		config.EffectHandlers = 1
		engine := b.engineOn(told, config, notify(func(_ context.Context, _ ticket.Notify, call runtime.EffectCall) error {
			begun <- call.Instance.ID
			<-goOn
			return nil
		}))
		b.runIdle(engine, c)
		b.open(engine, "a")
		wait(b, "the effect is handled", begun)
		if told.work.Load() > 0 {
			b.Error("others are woken for what is handled here")
		}
		b.open(engine, "b")
		b.eventually("others are woken", func() bool { return told.work.Load() > 0 })
		close(goOn)
	})
}
