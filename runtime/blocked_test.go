package runtime_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// What this program cannot take is not carried out: it waits, ever longer, for a process that can, with the reason in sight, and costs
// no attempt. As soon as somebody can take it, it is done; after Config.BlockedTimeout it is a dead letter.
func TestBlockedDelivery(t *testing.T) {
	const unknownEvent = `UPDATE {p}events SET type = 'Renamed' WHERE version = 1`
	const knownEvent = `UPDATE {p}events SET type = 'Opened' WHERE version = 1`
	for name, test := range map[string]struct {
		timer         bool // and not the effect
		breaks, mends string
		says          string
	}{
		"effect, event type": {false, unknownEvent, knownEvent, "event Renamed of version 1"},
		"effect, event of a newer schema": {false, `UPDATE {p}events SET schema_version = 2 WHERE version = 1`,
			`UPDATE {p}events SET schema_version = 1 WHERE version = 1`, "schema version 2"},
		"effect, event that cannot be decoded": {false, `UPDATE {p}events SET payload = '{"subject":7}' WHERE version = 1`,
			`UPDATE {p}events SET payload = '{"subject":"s"}' WHERE version = 1`, "event Opened of version 1"},
		"effect, event that leads nowhere": {false, `UPDATE {p}events SET type = 'Resumed' WHERE version = 1`, knownEvent, "leads nowhere"},
		"effect, payload": {false, `UPDATE {p}effects SET payload = '{"subject":7}'`,
			`UPDATE {p}effects SET payload = '{"subject":"s"}'`, "subject"},
		"timer, event type": {true, unknownEvent, knownEvent, "event Renamed of version 1"},
		"timer, payload": {true, `UPDATE {p}timers SET payload = '{"id":"a","text":7}' WHERE key = 'reminder/k'`,
			`UPDATE {p}timers SET payload = '{"id":"a","text":"x"}' WHERE key = 'reminder/k'`, "text"},
	} {
		t.Run(name, func(t *testing.T) {
			onStores(t, func(b *bed) {
				c := newClock()
				config := b.config(c)
				config.PollInterval, config.BlockedTimeout = time.Second, 6*time.Hour
				config.EffectRetry.MaxAttempts, config.TimerRetry.MaxAttempts = 3, 3
				var calls atomic.Int32
				workflow := func() *runtime.Workflow {
					return tickets(ticket.Decider{
						OnOpen: func(_ time.Time, _ ticket.State, in ticket.Open) ticket.OpenDecision {
							opened := ticket.AcceptOpen(ticket.Opened{Subject: in.Subject})
							if test.timer {
								return opened.StartTimer(ticket.TimerReminder{}.Key("k").In(0))
							}
							return opened.Effect(ticket.FindAgent{Subject: in.Subject})
						},
						OnAssigned: func(_ time.Time, _ ticket.State, in ticket.Assigned) ticket.AssignedDecision {
							return ticket.AcceptAssigned(ticket.AgentAssigned{Agent: in.Agent})
						},
						OnRemind: func(now time.Time, _ ticket.State, in ticket.Remind) ticket.RemindDecision {
							calls.Add(1)
							return ticket.AcceptRemind(ticket.Reminded{Text: in.Text, At: now})
						},
					}, ticket.Handler{
						OnFindAgent: func(context.Context, ticket.FindAgent, runtime.EffectCall) (ticket.FindAgentResult, error) {
							calls.Add(1)
							return ticket.Assigned{Agent: "ann"}, nil
						},
					})
				}
				b.open(b.engine(config, workflow()), "a")
				b.exec(test.breaks)
				engine := b.engine(config, workflow()) // another process, which remembers nothing
				b.run(engine)

				table, queue := "effects", "kind = 'FindAgent'"
				if test.timer {
					table, queue = "timers", "key = 'reminder/k'"
				}
				// As long as the clock stands, nobody looks at the delivery before its next time.
				blocked := func() bool {
					next := b.table("run_at", table, "WHERE "+queue+" AND blocked_since IS NOT NULL AND claimed_at IS NULL AND attempts = 0 AND token < 200")
					return len(next) == 1 && next[0] > stamp(c.Now())
				}
				b.eventually("it is blocked", blocked)
				for range 40 { // 20 minutes: the timer stale has an hour
					c.advance(30 * time.Second)
					time.Sleep(time.Millisecond)
				}
				// A worker that read the clock before it moved may sleep for longer than it should.
				b.advanceUntil(c, 100*time.Millisecond, "it is blocked, without attempts, after few looks", blocked)
				if n := calls.Load(); n != 0 {
					b.Errorf("%d calls of user code for what cannot be taken", n)
				}
				if n := b.log.count("cannot take the delivery", "instance=a", test.says); n != 1 {
					b.Errorf("%d log lines, want 1", n)
				}
				ctx := b.Context()
				health, err := engine.Health(ctx)
				total := health.Effects.Total()
				if test.timer {
					total = health.Timers.Total()
				}
				if err != nil || total.Blocked != 1 || !strings.Contains(total.BlockedError, test.says) || total.OldestBlocked.After(epoch.Add(time.Minute)) {
					b.Errorf("got %+v, error %v", total, err)
				}
				report, err := engine.Inspect(ctx, ticketKey("a"))
				if err != nil {
					b.Fatal(err)
				}
				states := fmt.Sprint(len(report.Effects), len(report.Timers))
				for _, d := range append(report.Effects, report.Timers...) {
					if d.Kind.Name == "FindAgent" || d.Lease.Key == "reminder/k" {
						if d.StateAt(c.Now()) != store.DeliveryBlocked || !strings.Contains(d.LastError, test.says) {
							b.Errorf("got %+v, %s", d, states)
						}
					}
				}

				b.exec(test.mends)
				b.advanceUntil(c, time.Second, "it is done", func() bool { return len(b.table("*", table, "WHERE "+queue)) == 0 })
				if calls.Load() != 1 {
					b.Errorf("%d calls", calls.Load())
				}
			})
		})
	}
}

// An effect without a result needs nothing of its instance but the effect itself.
func TestEffectWithoutResultOfAnUnreadableInstance(t *testing.T) {
	onStores(t, func(b *bed) {
		handled := make(chan string, 1)
		config := b.config(newClock())
		workflow := tickets(ticket.Decider{OnOpen: opened(ticket.Notify{Text: "hello"})}, ticket.Handler{
			OnNotify: func(_ context.Context, e ticket.Notify, _ runtime.EffectCall) error {
				handled <- e.Text
				return nil
			},
		})
		b.open(b.engine(config, workflow), "a")
		b.exec(`UPDATE {p}events SET type = 'Renamed' WHERE version = 1`)
		b.run(b.engine(config, workflow)) // another process, which remembers nothing
		b.eventually("it is done", func() bool { return len(b.table("*", "effects", "")) == 0 })
		if text := <-handled; text != "hello" {
			b.Errorf("got %q", text)
		}
	})
}

// What no process can take in time is a dead letter. Its attempts did not count.
func TestBlockedForTooLong(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		config := b.config(c)
		config.PollInterval, config.BlockedTimeout = time.Second, 6*time.Hour
		workflow := withOptions(tickets(ticket.Decider{OnOpen: opened(ticket.FindAgent{Subject: "s"})}, ticket.Handler{}),
			"FindAgent", func(o *workflow.EffectOptions) { o.Dead = &workflow.DeadInput{Input: "NobodyFree", Error: "reason"} })
		b.open(b.engine(config, workflow), "a")
		b.exec(`UPDATE {p}events SET type = 'Renamed' WHERE version = 1`)
		b.run(b.engine(config, workflow))
		b.eventually("it is blocked", func() bool { return len(b.table("*", "effects", "WHERE blocked_since IS NOT NULL")) == 1 })
		b.advanceUntil(c, time.Minute, "it is dead", func() bool { return len(b.table("*", "effects", "WHERE died_at IS NOT NULL")) == 1 })
		if waited := c.Now().Sub(epoch); waited < 6*time.Hour {
			b.Errorf("dead after %v", waited)
		}
		last := b.table("last_error", "effects", "")[0]
		if !strings.Contains(last, "no process could take it within 6h0m0s") || !strings.Contains(last, "event Renamed") {
			b.Errorf("got %q", last)
		}
	})
}
