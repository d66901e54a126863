package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// steal claims the only effect, whoever holds it, under a lease that is over at once.
func (b *bed) steal(now, until time.Time) {
	b.Helper()
	deliveries, err := b.store.Effects().Claim(b.Context(), store.Claim{
		Kinds: []store.Kind{{Workflow: "ticket", Name: "FindAgent"}, {Workflow: "ticket", Name: "Notify"}},
		Now:   now.Add(48 * time.Hour), Until: until, Limit: 10,
	})
	if err != nil || len(deliveries) != 1 {
		b.Fatalf("got %+v, error %v", deliveries, err)
	}
}

// A zombie's lease has run out and been taken over while its handler runs. Its context ends, and what it returns is refused.
func TestZombie(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		config := b.config(c)
		config.Lease, config.EffectHandlers = 30*time.Second, 1
		working, finish := make(chan bool, 9), make(chan bool)
		cause := make(chan error, 1)
		var called atomic.Int64
		zombie := b.engine(config, findAgent(
			func(ctx context.Context, _ ticket.FindAgent, call runtime.EffectCall) (ticket.FindAgentResult, error) {
				if called.Add(1) > 1 {
					b.Errorf("called again: %+v", call)
				}
				working <- true
				<-ctx.Done()
				cause <- context.Cause(ctx)
				<-finish
				return ticket.Assigned{Agent: "zombie"}, nil
			}))
		b.open(zombie, "a")
		stopZombie := b.run(zombie)
		wait(b, "the zombie's call", working)
		b.steal(c.Now(), c.Now())

		thief := b.engine(config, findAgent(
			func(context.Context, ticket.FindAgent, runtime.EffectCall) (ticket.FindAgentResult, error) {
				return ticket.Assigned{Agent: "thief"}, nil
			}))
		stopThief := b.run(thief)
		b.eventuallyTable("payload", "events", "WHERE type = 'AgentAssigned'", `{"agent":"thief"}`)
		if err := stopThief(); err != nil {
			b.Error(err)
		}

		var why error
		b.advanceUntil(c, config.Lease, "the end of the zombie's context", func() bool {
			select {
			case why = <-cause:
				return true
			default:
				return false
			}
		})
		var lost *store.LeaseLost
		if !errors.As(why, &lost) || lost.Lease.Instance.ID != "a" || lost.Lease.Queue != store.EffectQueue {
			b.Errorf("the zombie's context ended because of %v", why)
		}
		wantError(b, why, "ticket/a", "effect 0 of version 1", "no longer leased")
		b.unchanged(func() {
			close(finish)
			if err := stopZombie(); err != nil {
				b.Error(err)
			}
		})
		b.wantTable(events, "events", "", "a 1 Opened", "a 2 AgentAssigned")
		b.wantTable("*", "effects", "")
		b.wantLog("lease lost")
	})
}

// The result of a zombie that nobody told, because its heartbeat had no time to, is refused by the fencing token alone. So
// is its failure.
func TestZombieThatDoesNotKnow(t *testing.T) {
	for name, result := range map[string]struct {
		input ticket.FindAgentResult
		err   error
	}{
		"success":   {ticket.Assigned{Agent: "zombie"}, nil},
		"failure":   {nil, errors.New("zombie")},
		"permanent": {nil, runtime.Permanent(errors.New("zombie"))},
	} {
		t.Run(name, func(t *testing.T) {
			onStores(t, func(b *bed) {
				c := newClock()
				config := b.config(c)
				config.EffectHandlers = 1
				working, finish := make(chan bool, 9), make(chan bool)
				zombie := b.engine(config, findAgent(
					func(context.Context, ticket.FindAgent, runtime.EffectCall) (ticket.FindAgentResult, error) {
						working <- true
						<-finish
						return result.input, result.err
					}))
				b.open(zombie, "a")
				stop := b.run(zombie)
				wait(b, "the zombie's call", working)
				// Whoever stole it is at work, too.
				b.steal(c.Now(), c.Now().Add(time.Hour))
				b.unchanged(func() {
					close(finish)
					if err := stop(); err != nil {
						b.Error(err)
					}
				})
				b.wantTable("attempts, token, run_at, last_error, died_at", "effects", "", "2 2 "+stamp(c.Now().Add(time.Hour))+" - -")
				b.wantLog("lease lost")
			})
		})
	}
}

// A handler may take many times its lease while another engine looks for work on the same store.
func TestHeartbeatKeepsTheLease(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		config := b.config(c)
		config.Lease = 9 * time.Second
		working, finish := make(chan bool, 9), make(chan bool)
		var called atomic.Int64
		workflow := findAgent(
			func(ctx context.Context, _ ticket.FindAgent, _ runtime.EffectCall) (ticket.FindAgentResult, error) {
				called.Add(1)
				working <- true
				<-finish
				return ticket.Assigned{Agent: "ann"}, context.Cause(ctx)
			})
		one, two := b.engine(config, workflow), b.engine(config, workflow)
		b.open(one, "a")
		b.run(one)
		b.run(two)
		wait(b, "the handler's call", working)
		for range 12 {
			b.beat(c, 3*time.Second)
			b.eventuallyTable("run_at", "effects", "", stamp(c.Now().Add(9*time.Second)))
		}
		close(finish)
		b.eventuallyTable(events, "events", "", "a 1 Opened", "a 2 AgentAssigned")
		b.wantTable("*", "effects", "")
		if called.Load() != 1 {
			b.Errorf("%d calls", called.Load())
		}
	})
}

// A heartbeat that never reaches the store ends the handler's context when the lease is over, not before.
func TestHeartbeatFails(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		config := b.config(c)
		config.Lease = 9 * time.Second
		working, ended := make(chan context.Context, 9), make(chan bool, 9)
		st := &faulty{Store: b.store}
		beats := make(chan bool, 99)
		st.setExtend(func(func() ([]runtime.Lease, error)) ([]runtime.Lease, error) {
			beats <- true
			return nil, errBroken
		})
		var called atomic.Int64
		engine := b.engineOn(st, config, findAgent(
			func(ctx context.Context, _ ticket.FindAgent, _ runtime.EffectCall) (ticket.FindAgentResult, error) {
				if called.Add(1) > 1 {
					return ticket.Assigned{Agent: "ann"}, nil
				}
				working <- ctx
				<-ctx.Done()
				ended <- true
				return nil, ctx.Err()
			}))
		b.open(engine, "a")
		b.run(engine)
		ctx := wait(b, "the handler's call", working)
		for range 2 {
			b.beat(c, 3*time.Second)
			wait(b, "a heartbeat", beats)
			if ctx.Err() != nil {
				b.Error("the handler's context ended before its lease")
			}
		}
		b.beat(c, 3*time.Second)
		wait(b, "a heartbeat", beats)
		wait(b, "the end of the handler's context", ended)
		b.wantLog("heartbeat failed", errBroken.Error())
		var lost *store.LeaseLost
		if !errors.As(context.Cause(ctx), &lost) {
			b.Errorf("the handler's context ended because of %v", context.Cause(ctx))
		}
		// The lease is over, so the effect is due again, for this engine as for any other.
		b.advanceUntil(c, time.Second, "the second attempt", func() bool { return called.Load() == 2 })
		b.eventuallyTable(events, "events", "", "a 1 Opened", "a 2 AgentAssigned")
	})
}

// A process takes work while the clock of the machine is ahead by a day, and dies. After the clock is set right, whoever is there waits
// for the end of the lease, and not for a day: both who was there before and who comes later.
func TestLeaseFromTheFuture(t *testing.T) {
	for when, before := range map[string]bool{"process was there": true, "process comes later": false} {
		t.Run(when, func(t *testing.T) {
			onStores(t, func(b *bed) {
				c := newClock()
				config := b.config(c)
				config.Lease = 30 * time.Second
				engine := b.engine(config, findAgent(
					func(context.Context, ticket.FindAgent, runtime.EffectCall) (ticket.FindAgentResult, error) {
						return ticket.Assigned{Agent: "Ann"}, nil
					}))
				c.advance(24 * time.Hour)
				b.open(engine, "a")
				b.steal(c.Now().Add(-48*time.Hour), c.Now().Add(config.Lease)) // by a process that dies
				if before {
					b.run(engine)
					b.eventually("it looks for work", func() bool { return c.sleepers(200*time.Millisecond) > 0 })
				}
				c.advance(-24 * time.Hour)
				if !before {
					b.run(engine)
				}
				wanted := func() bool { return len(b.table("*", "events", "WHERE type = 'AgentAssigned'")) == 1 }
				b.advanceUntil(c, 200*time.Millisecond, "the lease has run out", wanted)
				if passed := c.Now().Sub(epoch); passed < config.Lease || passed > time.Hour {
					b.Errorf("it took %v", passed)
				}
			})
		})
	}
}

// otherTime is a store whose database has another time than this process.
type otherTime struct {
	*postgres.Store
	off time.Duration
}

func (s otherTime) Time(ctx context.Context) (time.Time, error) {
	now, err := s.Store.Time(ctx)
	return now.Add(s.off), err
}

// Engines go by the time of the database, for decisions, for what is due and for leases, whatever time their processes see. So they
// agree on it, and none takes what another works on.
func TestEnginesGoByTheTimeOfTheDatabase(t *testing.T) {
	for name, off := range map[string]time.Duration{"behind": -24 * time.Hour, "same": 0, "ahead": 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openPostgres(t)
			store := otherTime{b.store.(*postgres.Store), off}
			config := b.realConfig()
			config.Lease = 3 * time.Second
			var calls atomic.Int32
			working, finish := make(chan bool, 9), make(chan bool)
			workflow := findAgent(func(context.Context, ticket.FindAgent, runtime.EffectCall) (ticket.FindAgentResult, error) {
				calls.Add(1)
				working <- true
				<-finish
				return ticket.Assigned{Agent: "Ann"}, nil
			})
			decides, handles, idles := b.engineOn(store, config, workflow), b.engineOn(store, config, workflow), b.engineOn(store, config, workflow)
			b.open(decides, "a")
			b.run(handles)
			wait(b, "what another engine has asked for is due", working)
			b.run(idles)
			near := fmt.Sprintf("%%s BETWEEN clock_timestamp() + interval '%d s' AND clock_timestamp() + interval '%d s'",
				int(off.Seconds())-60, int(off.Seconds())+60)
			b.wantTable("count(*)", "effects", "WHERE "+fmt.Sprintf(near, "run_at")+" AND "+fmt.Sprintf(near, "claimed_at"), "1")
			time.Sleep(config.Lease / 2)
			close(finish)
			b.eventuallyTable("type", "events", "WHERE "+fmt.Sprintf(near, "recorded_at"), "AgentAssigned", "Opened")
			if n := calls.Load(); n != 1 {
				b.Errorf("the handler was called %d times", n)
			}
		})
	}
}
