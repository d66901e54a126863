package runtime_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// noted is a workflow whose Note takes the timers' steps that a test gives.
func noted(steps func(d ticket.NoteDecision, now time.Time) ticket.NoteDecision) ticket.Decider {
	return ticket.Decider{OnNote: func(now time.Time, _ ticket.State, in ticket.Note) ticket.NoteDecision {
		return steps(ticket.AcceptNote(ticket.Noted{Text: in.Text}), now)
	}}
}

// do sends an input as JSON that is to be accepted.
func (b *bed) do(engine *runtime.Engine, workflow, input string) {
	b.Helper()
	out, err := engine.ExecuteDynamic(b.Context(), workflow, []byte(input))
	must(b, out, err)
}

func at(d time.Duration) string { return stamp(epoch.Add(d)) }

func TestStateTimers(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		engine := b.engine(b.config(c), tickets(ticket.Decider{}, ticket.Handler{}))
		stale := func(want ...string) {
			b.Helper()
			b.wantTable("key, version, kind, due_at", "timers", "", want...)
		}
		b.do(engine, "ticket", `{"type":"Open","id":"a","subject":"s"}`)
		stale("stale 1 Expire " + at(time.Hour))
		c.advance(time.Minute)
		b.do(engine, "ticket", `{"type":"Note","id":"a","text":"x"}`) // stays in the state
		stale("stale 1 Expire " + at(time.Hour))
		b.do(engine, "ticket", `{"type":"Hold","id":"a"}`)
		stale()
		c.advance(time.Minute)
		b.do(engine, "ticket", `{"type":"Resume","id":"a"}`)
		stale("stale 4 Expire " + at(time.Hour+2*time.Minute))
		b.do(engine, "ticket", `{"type":"Solve","id":"a"}`)
		stale()
	})
}

func TestStateTimerOfDecisionThatLeavesAndReturns(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		engine := b.engine(b.config(c), tickets(ticket.Decider{
			OnHold: func(time.Time, ticket.State, ticket.Hold) ticket.HoldDecision {
				return ticket.AcceptHold(ticket.Held{}, ticket.Resumed{})
			},
			// From one of the timer's states to another: it runs on.
			OnImport: func(time.Time, ticket.State, ticket.Import) ticket.ImportDecision {
				return ticket.AcceptImport(ticket.Escalated{}, ticket.Opened{})
			},
		}, ticket.Handler{}))
		b.do(engine, "ticket", `{"type":"Import","id":"a","subject":"s"}`)
		b.wantTable("key, version, due_at", "timers", "", "stale 2 "+at(time.Hour))
		c.advance(time.Minute)
		b.do(engine, "ticket", `{"type":"Hold","id":"a"}`)
		b.wantTable("key, version, due_at", "timers", "", "stale 4 "+at(time.Hour+time.Minute))
	})
}

func TestStateTimerFires(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		engine := b.engine(b.config(c), tickets(ticket.Decider{}, ticket.Handler{}))
		b.do(engine, "ticket", `{"type":"Open","id":"a","subject":"s"}`)
		b.run(engine)
		c.advance(time.Hour - time.Millisecond)
		b.wantTable("attempts", "timers", "", "0")
		c.advance(time.Millisecond)
		b.eventuallyTable("version, type, payload, recorded_at", "events", "WHERE version = 2",
			`2 Closed {"reason":"stale"} `+stamp(c.Now()))
		b.wantTable("completed_at", "instances", "", stamp(c.Now()))
		for _, table := range []string{"timers", "effects", "unique_keys"} {
			b.wantTable("*", table, "")
		}
	})
}

func TestDecisionTimers(t *testing.T) {
	type decision = ticket.NoteDecision
	reminder, followup, stale := ticket.TimerReminder{}, ticket.TimerFollowup{}, ticket.TimerStale{}
	for name, test := range map[string]struct {
		steps func(decision, time.Time) decision
		want  []string // without stale, unless the steps are about it
	}{
		"declared time": {func(d decision, _ time.Time) decision { return d.StartTimer(followup) },
			[]string{"followup " + at(11*time.Minute)}},
		"in": {func(d decision, _ time.Time) decision { return d.StartTimer(followup.In(time.Second), reminder.In(0)) },
			[]string{"followup " + at(time.Minute+time.Second), "reminder " + at(time.Minute)}},
		"at": {func(d decision, now time.Time) decision {
			return d.StartTimer(reminder.At(now.Add(90*time.Minute+999)), followup.At(now.In(time.FixedZone("x", 3600))))
		}, []string{"followup " + at(time.Minute), "reminder " + at(91*time.Minute)}},
		"keys": {func(d decision, _ time.Time) decision {
			return d.StartTimer(followup, followup.Key("b"), followup.Key("a").In(time.Second), reminder.Key("a").In(0))
		}, []string{"followup " + at(11*time.Minute), "followup/a " + at(time.Minute+time.Second), "followup/b " + at(11*time.Minute),
			"reminder/a " + at(time.Minute)}},
		"last start wins": {func(d decision, _ time.Time) decision { return d.StartTimer(followup, followup.In(5*time.Second)) },
			[]string{"followup " + at(time.Minute+5*time.Second)}},
		"cancel wins": {func(d decision, _ time.Time) decision { return d.StartTimer(followup).CancelTimer(followup) }, nil},
		"cancel, then start": {func(d decision, _ time.Time) decision { return d.CancelTimer(followup).StartTimer(followup) },
			[]string{"followup " + at(11*time.Minute)}},
		"cancel of what does not run": {func(d decision, _ time.Time) decision { return d.CancelTimer(followup.Key("x"), reminder) }, nil},
		"cancel of another key": {func(d decision, _ time.Time) decision { return d.StartTimer(followup).CancelTimer(followup.Key("x")) },
			[]string{"followup " + at(11*time.Minute)}},
		"replace the state's": {func(d decision, _ time.Time) decision { return d.StartTimer(stale.In(time.Second)) },
			[]string{"stale " + at(time.Minute+time.Second)}},
		"cancel the state's": {func(d decision, _ time.Time) decision { return d.CancelTimer(stale) }, []string{"-"}},
	} {
		t.Run(name, func(t *testing.T) {
			onStores(t, func(b *bed) {
				c := newClock()
				engine := b.engine(b.config(c), tickets(noted(test.steps), ticket.Handler{}))
				b.do(engine, "ticket", `{"type":"Open","id":"a","subject":"s"}`)
				c.advance(time.Minute)
				b.do(engine, "ticket", `{"type":"Note","id":"a","text":"x"}`)
				want := test.want
				switch {
				case reflect.DeepEqual(want, []string{"-"}):
					want = nil
				case len(want) == 0 || !strings.HasPrefix(want[0], "stale"):
					want = append(want[:len(want):len(want)], "stale "+at(time.Hour))
				}
				b.wantTable("key, due_at", "timers", "", want...)
			})
		})
	}
}

// Times that have passed, also the zero time, fire at once.
func TestTimersInThePast(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		engine := b.engine(b.config(c), tickets(noted(func(d ticket.NoteDecision, now time.Time) ticket.NoteDecision {
			return d.StartTimer(
				ticket.TimerReminder{Input: ticket.Remind{Text: "zero"}}.Key("zero").At(time.Time{}),
				ticket.TimerFollowup{Input: ticket.Remind{Text: "past"}}.Key("past").At(now.Add(-time.Hour)),
				ticket.TimerFollowup{Input: ticket.Remind{Text: "negative"}}.Key("negative").In(-time.Hour))
		}), ticket.Handler{}))
		b.do(engine, "ticket", `{"type":"Open","id":"a","subject":"s"}`)
		b.do(engine, "ticket", `{"type":"Note","id":"a","text":"x"}`)
		b.run(engine)
		b.eventuallyTable("key", "timers", "", "stale")
		got := b.table("payload", "events", "WHERE type = 'Reminded'")
		if len(got) != 3 || !strings.Contains(got[0], "negative") || !strings.Contains(got[1], "past") || !strings.Contains(got[2], "zero") {
			b.Errorf("got %q", got)
		}
		b.wantTable("recorded_at", "events", "WHERE type = 'Reminded'", at(0), at(0), at(0))
	})
}

// A timer may start itself again from its own input; its own completion does not take that away.
func TestTimerStartsItselfAgain(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		decider := noted(func(d ticket.NoteDecision, _ time.Time) ticket.NoteDecision {
			return d.StartTimer(ticket.TimerReminder{Input: ticket.Remind{Text: "1"}}.In(time.Minute))
		})
		decider.OnRemind = func(now time.Time, _ ticket.State, in ticket.Remind) ticket.RemindDecision {
			d := ticket.AcceptRemind(ticket.Reminded{Text: in.Text, At: now})
			if len(in.Text) < 4 {
				d = d.StartTimer(ticket.TimerReminder{Input: ticket.Remind{Text: in.Text + "1"}}.In(time.Minute))
			}
			return d
		}
		engine := b.engine(b.config(c), tickets(decider, ticket.Handler{}))
		b.do(engine, "ticket", `{"type":"Open","id":"a","subject":"s"}`)
		b.do(engine, "ticket", `{"type":"Note","id":"a","text":"x"}`)
		b.run(engine)
		for n := 1; n <= 4; n++ {
			b.eventuallyTable("key, version, due_at, attempts", "timers", "WHERE key = 'reminder'",
				fmt.Sprintf("reminder %d %s 0", n+1, at(time.Duration(n)*time.Minute)))
			c.advance(time.Minute)
		}
		b.eventuallyTable("key", "timers", "", "stale")
		b.wantTable("version, payload", "events", "WHERE type = 'Reminded'",
			fmt.Sprintf(`3 {"text":"1","at":"%sZ"}`, at(1*time.Minute)), fmt.Sprintf(`4 {"text":"11","at":"%sZ"}`, at(2*time.Minute)),
			fmt.Sprintf(`5 {"text":"111","at":"%sZ"}`, at(3*time.Minute)), fmt.Sprintf(`6 {"text":"1111","at":"%sZ"}`, at(4*time.Minute)))
	})
}

// Without states, too.
func TestLedgerTicks(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		engine := b.engine(b.config(c), ledgers(ledger.Decider{
			OnAdd: func(_ time.Time, _ ledger.State, in ledger.Add) ledger.AddDecision {
				return ledger.AcceptAdd(ledger.Added{Amount: in.Amount}).StartTimer(ledger.TimerBeat{})
			},
			OnTick: func(_ time.Time, s ledger.State, _ ledger.Tick) ledger.TickDecision {
				if s.Ticks == 2 {
					return ledger.AcceptTick(ledger.LedgerClosed{}).StartTimer(ledger.TimerBeat{})
				}
				return ledger.AcceptTick(ledger.Ticked{}).StartTimer(ledger.TimerBeat{})
			},
		}, ledger.Handler{}))
		b.do(engine, "ledger", `{"type":"Add","account":"a","amount":1}`)
		b.run(engine)
		for version := 2; version <= 4; version++ {
			c.advance(time.Minute)
			b.eventuallyTable("version", "instances", "", fmt.Sprint(version))
		}
		b.wantTable("type", "events", "ORDER BY version", "Added", "Ticked", "Ticked", "LedgerClosed")
		b.wantTable("*", "timers", "")
	})
}

func TestTimerThatIsRefusedIsConsumed(t *testing.T) {
	for name, state := range map[string]string{
		"rejected":     `{"type":"Note","id":"a","text":"y"}`,
		"not accepted": `{"type":"Hold","id":"a"}`,
	} {
		t.Run(name, func(t *testing.T) {
			onStores(t, func(b *bed) {
				c := newClock()
				decider := noted(func(d ticket.NoteDecision, _ time.Time) ticket.NoteDecision {
					return d.StartTimer(ticket.TimerFollowup{}).CancelTimer(ticket.TimerStale{})
				})
				decider.OnRemind = func(time.Time, ticket.State, ticket.Remind) ticket.RemindDecision {
					return ticket.RejectRemind(ticket.Busy{Load: 1})
				}
				engine := b.engine(b.config(c), tickets(decider, ticket.Handler{}))
				b.do(engine, "ticket", `{"type":"Open","id":"a","subject":"s"}`)
				b.do(engine, "ticket", `{"type":"Note","id":"a","text":"x"}`)
				b.do(engine, "ticket", state)
				before := b.table("*", "events", "")
				b.run(engine)
				c.advance(10 * time.Minute)
				b.eventuallyTable("*", "timers", "")
				b.wantTable("*", "events", "", before...)
				b.wantLog("did not accept what was delivered", "input=Remind", "instance=a")
			})
		})
	}
}

func TestTimerDeliveryFails(t *testing.T) {
	for name, test := range map[string]struct {
		payload string // instead of what was stored
		remind  func() ticket.RemindDecision
		says    []string
	}{
		"panic":       {remind: func() ticket.RemindDecision { panic("boom") }, says: []string{"timer followup/k", "ticket/a", "Remind panicked: boom"}},
		"no decision": {remind: func() ticket.RemindDecision { return ticket.RemindDecision{} }, says: []string{"the decision is empty"}},
		"other id":    {payload: `{"type":"Remind","id":"b","text":""}`, says: []string{"timer followup/k", `names the instance "b"`}},
	} {
		t.Run(name, func(t *testing.T) {
			onStores(t, func(b *bed) {
				c := newClock()
				config := b.config(c)
				config.TimerRetry = runtime.RetryPolicy{MaxAttempts: 3, Base: time.Second, Max: time.Second}
				decider := noted(func(d ticket.NoteDecision, _ time.Time) ticket.NoteDecision {
					return d.StartTimer(ticket.TimerFollowup{}.Key("k"))
				})
				var called atomic.Int64
				decider.OnRemind = func(time.Time, ticket.State, ticket.Remind) ticket.RemindDecision {
					called.Add(1)
					return test.remind()
				}
				engine := b.engine(config, tickets(decider, ticket.Handler{}))
				b.do(engine, "ticket", `{"type":"Open","id":"a","subject":"s"}`)
				b.do(engine, "ticket", `{"type":"Note","id":"a","text":"x"}`)
				if test.payload != "" {
					b.exec("UPDATE {p}timers SET payload = '%s' WHERE key = 'followup/k'", test.payload)
				}
				b.run(engine)
				c.advance(10 * time.Minute)
				for attempt := 1; attempt <= 2; attempt++ {
					b.eventuallyTable("attempts, token, died_at", "timers", "WHERE key = 'followup/k'", fmt.Sprint(attempt, 2*attempt, " -"))
					c.advance(time.Second)
				}
				b.eventuallyTable("attempts, died_at", "timers", "WHERE key = 'followup/k' AND died_at IS NOT NULL", "3 "+stamp(c.Now()))
				last := b.table("last_error", "timers", "WHERE died_at IS NOT NULL")[0]
				for _, text := range append(test.says, "attempt 3 of 3") {
					if !strings.Contains(last, text) {
						b.Errorf("got %q, want %q in it", last, text)
					}
				}
				if test.remind != nil && called.Load() != 3 {
					b.Errorf("the decider was called %d times", called.Load())
				}
				b.wantTable(events, "events", "", "a 1 Opened", "a 2 Noted")
				// The timer that lives is delivered, and the key may be used again.
				b.do(engine, "ticket", `{"type":"Note","id":"a","text":"x"}`)
				b.wantTable("key, died_at, attempts", "timers", "WHERE key = 'followup/k'", "followup/k - 0")
			})
		})
	}
}

// A timer whose delivery kills its process ends as a dead letter, too.
func TestPoisonTimer(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		config := b.config(c)
		config.TimerRetry = runtime.RetryPolicy{MaxAttempts: 2}
		engine := b.engine(config, tickets(ticket.Decider{}, ticket.Handler{}))
		b.do(engine, "ticket", `{"type":"Open","id":"a","subject":"s"}`)
		c.advance(time.Hour)
		for range 2 {
			deliveries, err := b.store.Timers().Claim(b.Context(), store.Claim{
				Kinds: []store.Kind{{Workflow: "ticket", Name: "Expire"}}, Now: c.Now(), Until: c.Now(), Limit: 9})
			if err != nil || len(deliveries) != 1 {
				b.Fatalf("got %+v, error %v", deliveries, err)
			}
		}
		b.run(engine)
		b.eventuallyTable("attempts, died_at", "timers", "WHERE last_error LIKE 'gave up after 2 attempts%'", "3 "+stamp(c.Now()))
		b.wantTable(events, "events", "", "a 1 Opened")
	})
}

// now is neither before the time that the timer was set for nor before the last event, however the clock runs.
func TestNowNeverRunsBackwards(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		st := &faulty{Store: b.store}
		engine := b.engineOn(st, b.config(c), tickets(noted(func(d ticket.NoteDecision, _ time.Time) ticket.NoteDecision {
			return d.StartTimer(ticket.TimerFollowup{})
		}), ticket.Handler{}))
		b.do(engine, "ticket", `{"type":"Open","id":"a","subject":"s"}`)
		c.advance(-time.Hour)
		b.do(engine, "ticket", `{"type":"Note","id":"a","text":"x"}`)
		b.wantTable("version, recorded_at", "events", "ORDER BY version", "1 "+at(0), "2 "+at(0))
		b.wantTable("due_at", "timers", "WHERE key = 'followup'", at(10*time.Minute)) // from the decision's now

		c.advance(time.Hour + 15*time.Minute) // five minutes after the timer's time
		back := make(chan bool, 1)
		back <- true
		st.setClaim(func(_ store.QueueName, call func() ([]store.Delivery, error)) ([]store.Delivery, error) {
			deliveries, err := call()
			if len(deliveries) > 0 {
				select {
				case <-back:
					c.advance(-time.Hour)
				default:
				}
			}
			return deliveries, err
		})
		b.run(engine)
		b.eventuallyTable("payload, recorded_at", "events", "WHERE type = 'Reminded'",
			fmt.Sprintf(`{"text":"","at":"%sZ"} %[1]s`, at(10*time.Minute)))
		view, err := ticket.NewClient(engine).State(context.Background(), "a")
		if want := epoch.Truncate(time.Microsecond).Add(10 * time.Minute); err != nil || !view.State.Reminders[0].Equal(want) {
			b.Errorf("got %+v, error %v", view, err)
		}
		// Other instances follow the clock.
		b.do(engine, "ticket", `{"type":"Open","id":"b","subject":"t"}`)
		b.wantTable("recorded_at", "events", "WHERE instance = 'b'", at(-45*time.Minute))
	})
}

// Timers of this process fire at their times, without waiting for the poll.
func TestTimersWakeTheirWorker(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		config := b.config(c)
		config.PollInterval = 1000 * time.Hour
		engine := b.engine(config, tickets(noted(func(d ticket.NoteDecision, _ time.Time) ticket.NoteDecision {
			for n := range 5 {
				d = d.StartTimer(ticket.TimerFollowup{}.Key(fmt.Sprint(n)).In(time.Duration(n+1) * time.Minute))
			}
			return d
		}), ticket.Handler{}))
		b.run(engine)
		b.do(engine, "ticket", `{"type":"Open","id":"a","subject":"s"}`)
		b.do(engine, "ticket", `{"type":"Note","id":"a","text":"x"}`)
		for n := range 5 {
			c.advance(time.Minute)
			b.eventuallyTable("version", "instances", "", fmt.Sprint(n+3))
		}
	})
}
