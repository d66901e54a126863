package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// calls collects what a handler was told.
type calls struct {
	mu   sync.Mutex
	list []runtime.EffectCall
}

func (c *calls) add(call runtime.EffectCall) (number int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, call)
	return len(c.list)
}

func (c *calls) all() []runtime.EffectCall {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]runtime.EffectCall(nil), c.list...)
}

// findAgent is a workflow whose Open asks for an agent.
func findAgent(handle func(context.Context, ticket.FindAgent, runtime.EffectCall) (ticket.FindAgentResult, error)) *runtime.Workflow {
	return tickets(ticket.Decider{OnOpen: opened(ticket.FindAgent{Subject: "s"})}, ticket.Handler{OnFindAgent: handle})
}

// notify is a workflow whose Open tells the customer.
func notify(handle func(context.Context, ticket.Notify, runtime.EffectCall) error) *runtime.Workflow {
	return tickets(ticket.Decider{OnOpen: opened(ticket.Notify{Text: "t"})}, ticket.Handler{OnNotify: handle})
}

func (b *bed) open(engine *runtime.Engine, id string) {
	b.Helper()
	out, err := ticket.NewClient(engine).Open(b.Context(), ticket.Open{ID: id, Subject: id})
	must(b, out, err)
}

const events = "instance, version, type"

func TestResultIsAppliedInOneCommitWithItsEffect(t *testing.T) {
	onStores(t, func(b *bed) {
		look := func() string {
			var effects, events int
			query := fmt.Sprintf("SELECT (SELECT count(*) FROM %seffects), (SELECT count(*) FROM %[1]sevents)", b.prefix)
			if err := b.db.QueryRow(query).Scan(&effects, &events); err != nil {
				b.Error(err)
			}
			return fmt.Sprint(effects, " ", events)
		}
		store := &faulty{Store: b.store}
		var called calls
		engine := b.engineOn(store, b.config(newClock()), findAgent(
			func(_ context.Context, e ticket.FindAgent, call runtime.EffectCall) (ticket.FindAgentResult, error) {
				called.add(call)
				return ticket.Assigned{Agent: "for " + e.Subject}, nil
			}))
		b.open(engine, "a")
		before := make(chan string, 1)
		store.setCommit(func(ctx context.Context, commit func(context.Context) error) error {
			before <- look()
			return commit(ctx)
		})
		b.run(engine)
		if got := wait(b, "the commit of the result", before); got != "1 1" {
			b.Errorf("before the commit: got %s effects and events", got)
		}
		b.eventually("the commit", func() bool {
			got := look()
			if got != "1 1" && got != "0 2" {
				b.Fatalf("half a commit: %s effects and events", got)
			}
			return got == "0 2"
		})
		b.wantTable("payload", "events", "WHERE type = 'AgentAssigned'", `{"agent":"for s"}`)
		want := runtime.EffectCall{
			Instance: runtime.InstanceKey{Workflow: "ticket", ID: "a"}, Effect: "FindAgent", IdempotencyKey: "ticket/a/1/0",
			Attempt: 1, MaxAttempts: 3, RequestedAt: epoch.Truncate(time.Microsecond),
		}
		if got := called.all(); len(got) != 1 || got[0] != want {
			b.Errorf("got calls %+v, want one: %+v", got, want)
		}
	})
}

func TestRetryUntilSuccess(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		var called calls
		engine := b.engine(b.config(c), findAgent(
			func(_ context.Context, _ ticket.FindAgent, call runtime.EffectCall) (ticket.FindAgentResult, error) {
				if n := called.add(call); n < 3 {
					return nil, fmt.Errorf("nobody there, time %d", n)
				}
				return ticket.Assigned{Agent: "ann"}, nil
			}))
		b.open(engine, "a")
		b.run(engine)
		for attempt := 1; attempt <= 2; attempt++ {
			b.eventuallyTable("attempts, last_error, died_at", "effects", "",
				fmt.Sprintf("%d effect FindAgent: nobody there, time %d -", attempt, attempt))
			full := 10 * time.Millisecond << (attempt - 1)
			if at := b.table("run_at", "effects", "")[0]; at < stamp(c.Now().Add(full/2)) || at > stamp(c.Now().Add(full)) {
				b.Errorf("attempt %d at %s: the next is due at %s", attempt, stamp(c.Now()), at)
			}
			c.advance(full)
		}
		b.eventuallyTable(events, "events", "", "a 1 Opened", "a 2 AgentAssigned")
		b.wantTable("*", "effects", "")
		got := called.all()
		if len(got) != 3 {
			b.Fatalf("got %d calls", len(got))
		}
		for i, call := range got {
			if call.Attempt != i+1 || call.IdempotencyKey != got[0].IdempotencyKey || !call.RequestedAt.Equal(got[0].RequestedAt) {
				b.Errorf("call %d: %+v", i+1, call)
			}
		}
	})
}

// wantDead says that the only effect becomes a dead letter after that many calls, and is then left alone.
func (b *bed) wantDead(c *clock, called *atomic.Int64, attempts int64, says ...string) {
	b.Helper()
	b.advanceUntil(c, 10*time.Millisecond, "the dead letter", func() bool {
		return len(b.table("kind", "effects", "WHERE died_at IS NOT NULL")) == 1
	})
	row := b.table("attempts, last_error", "effects", "")[0]
	if !strings.HasPrefix(row, fmt.Sprint(attempts, " ")) {
		b.Errorf("got %q, want %d attempts", row, attempts)
	}
	for _, text := range says {
		if !strings.Contains(row, text) {
			b.Errorf("got %q, want %q in it", row, text)
		}
	}
	if n := called.Load(); n != attempts {
		b.Errorf("the handler was called %d times, want %d", n, attempts)
	}
	b.wantLog("dead letter", "ticket", "instance=a")
	b.wantTable(events, "events", "", "a 1 Opened")
}

func TestDeadLetters(t *testing.T) {
	broken := errors.New("line\x00 broken\xff")
	for name, test := range map[string]struct {
		handle   func(n int64) (ticket.FindAgentResult, error)
		attempts int64
		says     []string
	}{
		"error": {func(n int64) (ticket.FindAgentResult, error) { return nil, fmt.Errorf("failure %d", n) },
			3, []string{"attempt 3 of 3: effect FindAgent: failure 3"}},
		"panic": {func(int64) (ticket.FindAgentResult, error) { panic("boom") },
			3, []string{"the handler of FindAgent panicked: boom"}},
		"neither result nor error": {func(int64) (ticket.FindAgentResult, error) { return nil, nil },
			3, []string{"neither a result nor an error"}},
		"nil pointer": {func(int64) (ticket.FindAgentResult, error) { return (*ticket.Assigned)(nil), nil },
			3, []string{"neither a result nor an error"}},
		"pointer": {func(int64) (ticket.FindAgentResult, error) { return &ticket.Assigned{}, nil },
			3, []string{"result of effect FindAgent", "*ticket.Assigned is not an input of workflow ticket"}},
		"another instance": {func(int64) (ticket.FindAgentResult, error) { return ticket.Assigned{ID: "b"}, nil },
			3, []string{"result of effect FindAgent", `names the instance "b"`, `"a"`}},
		"permanent": {func(int64) (ticket.FindAgentResult, error) {
			return nil, fmt.Errorf("no luck: %w", runtime.Permanent(errors.New("no such desk")))
		}, 1, []string{"no luck: no such desk"}},
		"text that no database takes": {func(int64) (ticket.FindAgentResult, error) { return nil, runtime.Permanent(broken) },
			1, []string{"line"}},
		"result that cannot be encoded": {func(int64) (ticket.FindAgentResult, error) { return ticket.Assigned{Agent: "\xff"}, nil },
			3, []string{"event AgentAssigned", "agent", "UTF-8"}},
		"retry after, at the limit": {func(int64) (ticket.FindAgentResult, error) {
			return nil, runtime.RetryAfter(errors.New("slow down"), -time.Hour)
		}, 3, []string{"attempt 3 of 3", "slow down"}},
	} {
		t.Run(name, func(t *testing.T) {
			onStores(t, func(b *bed) {
				c := newClock()
				var called atomic.Int64
				engine := b.engine(b.config(c), findAgent(
					func(context.Context, ticket.FindAgent, runtime.EffectCall) (ticket.FindAgentResult, error) {
						return test.handle(called.Add(1))
					}))
				b.open(engine, "a")
				b.run(engine)
				b.wantDead(c, &called, test.attempts, test.says...)
			})
		})
	}
}

// A dead letter holds nothing up: other effects, and the instance itself, go on.
func TestDeadLetterIsLeftAlone(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		var called atomic.Int64
		engine := b.engine(b.config(c), notify(func(_ context.Context, _ ticket.Notify, call runtime.EffectCall) error {
			if call.Instance.ID == "dead" {
				called.Add(1)
				return runtime.Permanent(errors.New("no address"))
			}
			return nil
		}))
		b.open(engine, "dead")
		b.run(engine)
		b.eventuallyTable("attempts, last_error, died_at", "effects", "", "1 effect Notify: no address "+stamp(c.Now()))
		c.advance(10 * time.Minute) // not as far as the timer that ends tickets
		b.open(engine, "alive")
		b.eventuallyTable("instance", "effects", "", "dead")
		if called.Load() != 1 {
			b.Errorf("%d calls", called.Load())
		}
		out, err := ticket.NewClient(engine).Solve(b.Context(), ticket.Solve{ID: "dead"})
		must(b, out, err)
	})
}

func TestRetryAfter(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		var called atomic.Int64
		engine := b.engine(b.config(c), notify(func(context.Context, ticket.Notify, runtime.EffectCall) error {
			if called.Add(1) == 1 {
				return fmt.Errorf("wrapped: %w", runtime.RetryAfter(errors.New("slow down"), 42*time.Minute))
			}
			return nil
		}))
		b.open(engine, "a")
		b.run(engine)
		b.eventuallyTable("attempts, run_at, last_error", "effects", "",
			"1 "+stamp(c.Now().Add(42*time.Minute))+" effect Notify: wrapped: slow down")
		c.advance(42*time.Minute - time.Millisecond)
		b.wantTable("attempts", "effects", "", "1")
		c.advance(time.Millisecond)
		b.eventuallyTable("*", "effects", "")
		if called.Load() != 2 {
			b.Errorf("%d calls", called.Load())
		}
	})
}

// An effect that kills its process never reports back. Its attempts are counted when they are claimed.
func TestPoison(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		var called atomic.Int64
		engine := b.engine(b.config(c), findAgent(
			func(context.Context, ticket.FindAgent, runtime.EffectCall) (ticket.FindAgentResult, error) {
				called.Add(1)
				return ticket.Assigned{}, nil
			}))
		b.open(engine, "a")
		for attempt := 1; attempt <= 3; attempt++ {
			deliveries, err := b.store.Effects().Claim(b.Context(), store.Claim{
				Kinds: []store.Kind{{Workflow: "ticket", Name: "FindAgent"}},
				Now:   c.Now(), Until: c.Now().Add(time.Minute), Limit: 10,
			})
			if err != nil || len(deliveries) != 1 || deliveries[0].Attempt != attempt {
				b.Fatalf("got %+v, error %v", deliveries, err)
			}
			c.advance(time.Minute)
		}
		b.run(engine)
		b.eventuallyTable("attempts, died_at", "effects", "WHERE last_error LIKE 'gave up after 3 attempts; the last one did not report back%'",
			"4 "+stamp(c.Now()))
		if called.Load() != 0 {
			b.Error("the handler was called once more")
		}
		b.wantTable(events, "events", "", "a 1 Opened")
		b.wantLog("dead letter", "did not report back")
	})
}

func TestAttemptTimesOut(t *testing.T) {
	onStores(t, func(b *bed) {
		config := b.realConfig()
		config.EffectTimeout = 10 * time.Millisecond
		var called atomic.Int64
		engine := b.engine(config, notify(func(ctx context.Context, _ ticket.Notify, _ runtime.EffectCall) error {
			if called.Add(1) == 1 {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}))
		b.open(engine, "a")
		b.run(engine)
		b.eventuallyTable("*", "effects", "")
		if called.Load() != 2 {
			b.Errorf("%d calls", called.Load())
		}
		b.wantLog("attempt failed", "context deadline exceeded")
	})
}

func TestLateResults(t *testing.T) {
	for name, late := range map[string]func(*bed, *ticket.Client){
		"completed": func(b *bed, client *ticket.Client) {
			out, err := client.Solve(b.Context(), ticket.Solve{ID: "a"})
			must(b, out, err)
		},
		"not accepted": func(b *bed, client *ticket.Client) {
			out, err := client.Hold(b.Context(), ticket.Hold{ID: "a"})
			must(b, out, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			onStores(t, func(b *bed) {
				working, finish := make(chan bool, 9), make(chan bool)
				var called atomic.Int64
				engine := b.engine(b.config(newClock()), findAgent(
					func(context.Context, ticket.FindAgent, runtime.EffectCall) (ticket.FindAgentResult, error) {
						called.Add(1)
						working <- true
						<-finish
						return ticket.Assigned{}, nil
					}))
				b.open(engine, "a")
				b.run(engine)
				wait(b, "the handler's call", working)
				late(b, ticket.NewClient(engine))
				before := b.table("*", "events", "")
				close(finish)
				b.eventuallyTable("*", "effects", "")
				b.wantTable("*", "events", "", before...)
				b.wantLog("did not accept what was delivered", "input=Assigned", "instance=a")
				if called.Load() != 1 {
					b.Errorf("%d calls", called.Load())
				}
			})
		})
	}
}

// A handler is no part of the decision, so it may send inputs itself, also to its own instance.
func TestHandlerUsesTheClient(t *testing.T) {
	onStores(t, func(b *bed) {
		var engine *runtime.Engine
		engine = b.engine(b.realConfig(), findAgent(
			func(ctx context.Context, _ ticket.FindAgent, call runtime.EffectCall) (ticket.FindAgentResult, error) {
				for _, id := range []string{call.Instance.ID, "other"} {
					if _, err := engine.ExecuteDynamic(ctx, "ticket", []byte(`{"type":"Import","id":"other","subject":""}`)); err != nil {
						return nil, err
					}
					if _, err := ticket.NewClient(engine).Note(ctx, ticket.Note{ID: id, Text: "by the handler"}); err != nil {
						return nil, err
					}
				}
				return ticket.Assigned{Agent: "ann"}, nil
			}))
		b.open(engine, "a")
		b.run(engine)
		b.eventuallyTable(events, "events", "", "a 1 Opened", "a 2 Noted", "a 3 AgentAssigned",
			"other 1 Opened", "other 2 Tagged", "other 3 Noted")
	})
}

// Work of workflows and kinds that an engine does not know waits for one that does.
func TestUnknownKindsWait(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		plain := tickets(ticket.Decider{OnOpen: func(_ time.Time, _ ticket.State, in ticket.Open) ticket.OpenDecision {
			return ticket.AcceptOpen(ticket.Opened{}).Effect(ticket.Notify{}, ticket.FindAgent{}).
				StartTimer(ticket.TimerReminder{}.In(time.Second), ticket.TimerFollowup{}.In(time.Second))
		}}, ticket.Handler{})
		b.open(b.engine(b.config(c), plain), "a")
		b.exec("UPDATE {p}effects SET kind = 'Vanished' WHERE kind = 'Notify'")
		b.exec("UPDATE {p}effects SET workflow = 'vanished' WHERE kind = 'FindAgent'")
		b.exec("UPDATE {p}timers SET kind = 'Vanished' WHERE key = 'reminder'")
		b.exec("UPDATE {p}timers SET workflow = 'vanished' WHERE key = 'followup'")
		b.exec("DELETE FROM {p}timers WHERE key = 'stale'")

		st := &faulty{Store: b.store}
		claims := make(chan store.QueueName, 1000)
		st.setClaim(func(name store.QueueName, call func() ([]store.Delivery, error)) ([]store.Delivery, error) {
			claims <- name
			return call()
		})
		engine := b.engineOn(st, b.config(c), plain)
		b.unchanged(func() {
			stop := b.run(engine)
			for seen := map[store.QueueName]int{}; seen[store.EffectQueue] < 4 || seen[store.TimerQueue] < 4; {
				select {
				case name := <-claims:
					seen[name]++
				default:
					c.advance(time.Minute)
					time.Sleep(time.Millisecond)
				}
			}
			if err := stop(); err != nil {
				b.Error(err)
			}
		})
	})
}
