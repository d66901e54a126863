package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// scheduled are ledgers with one schedule.
func scheduled(d ledger.Decider, s workflow.ScheduledInput) *runtime.Workflow {
	return runtime.WithSchedules(ledgers(d, ledger.Handler{}), s)
}

// A process of the release before fires a schedule by the definition of the release that started last, though it declares
// another one; what it does not know, it leaves alone.
func TestScheduleOfANewerRelease(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		every := func(interval, input, instance string) workflow.ScheduledInput {
			return workflow.ScheduledInput{
				Name: "count", Input: input, Recurrence: workflow.Recurrence{Schedule: "@every " + interval}, Instance: instance,
			}
		}
		config := b.config(c)
		config.PollInterval = time.Second
		b.run(b.engine(config, scheduled(ledger.Decider{}, every("1h", "Tick", "old"))))
		stored := func(payload string) {
			b.eventuallyTable("payload", "timers", "", payload)
		}
		stored(`{"input":"Tick","schedule":"@every 1h","instance":"old"}`)
		release := func(s workflow.ScheduledInput, payload string) {
			stop := b.run(b.engine(config, scheduled(ledger.Decider{}, s)))
			stored(payload)
			if err := stop(); err != nil {
				b.Fatal(err)
			}
		}

		release(every("4h", "Add", "new"), `{"input":"Add","schedule":"@every 4h","instance":"new"}`)
		c.advance(4 * time.Hour)
		b.advanceUntil(c, time.Second, "the schedule fires", func() bool {
			return len(b.table("*", "instances", "")) > 0
		})
		b.wantTable("instance, type", "events", "", "new Added")
		b.wantTable("due_at", "timers", "", stamp(epoch.Add(8*time.Hour)))

		release(every("30m", "Unheard", "newer"), `{"input":"Unheard","schedule":"@every 30m","instance":"newer"}`)
		b.advanceUntil(c, 30*time.Second, "it is left alone", func() bool {
			return b.log.contains("waits for a process that can", "no input Unheard")
		})
		b.wantTable("instance, type", "events", "", "new Added")
		b.wantTable("died_at", "timers", "", "-")
	})
}

// TestMissedFirings lets nobody run for five hours, and then three processes at once. Each firing has an instance that is called by its
// time, and one event.
func TestMissedFirings(t *testing.T) {
	name := func(hours time.Duration) string {
		return "tick-" + epoch.Add(hours*time.Hour).Format("20060102T150405Z") + " Ticked"
	}
	for _, test := range []struct {
		missed       workflow.Missed
		first, later []string // after the pause, and an hour later
	}{
		{workflow.MissedSkip, nil, []string{name(6)}},
		{workflow.MissedLatest, []string{name(5)}, []string{name(5), name(6)}},
		{workflow.MissedAll, []string{name(1), name(2), name(3), name(4), name(5)}, []string{name(1), name(2), name(3), name(4), name(5), name(6)}},
	} {
		t.Run(string("missed "+test.missed), func(t *testing.T) {
			onStores(t, func(b *bed) {
				c := newClock()
				config := b.config(c)
				config.PollInterval = time.Second
				process := func() (stop func() error) {
					return b.run(b.engine(config, scheduled(ledger.Decider{}, workflow.ScheduledInput{
						Name: "count", Input: "Tick", Instance: "tick-{time}",
						Recurrence: workflow.Recurrence{Schedule: "@every 1h", Missed: test.missed},
					})))
				}
				stop := process()
				b.eventuallyTable("due_at", "timers", "", stamp(epoch.Add(time.Hour)))
				if err := stop(); err != nil {
					b.Fatal(err)
				}
				c.advance(5*time.Hour + 2*time.Minute)
				for range 3 {
					process()
				}
				b.eventuallyTable("due_at, claimed_at", "timers", "", stamp(epoch.Add(6*time.Hour))+" -")
				b.wantTable("instance, type", "events", "", test.first...)
				c.advance(58 * time.Minute)
				b.advanceUntil(c, time.Second, "the next one fires", func() bool {
					return len(b.table("*", "events", "")) == len(test.later)
				})
				b.eventuallyTable("due_at, claimed_at", "timers", "", stamp(epoch.Add(7*time.Hour))+" -")
				b.wantTable("instance, type", "events", "", test.later...)
				b.wantTable("*", "effects", "")
			})
		})
	}
}

// A firing whose attempts are used up without a report, as when its decider kills the process, is skipped with its reason, and is no
// dead letter. The next firing has one attempt: when that succeeds, the schedule is as new; when it does not report back either, the
// schedule is a dead letter and kills no more processes.
func TestFiringThatKillsItsProcess(t *testing.T) {
	for name, again := range map[string]bool{"once": false, "again": true} {
		t.Run(name, func(t *testing.T) {
			onStores(t, func(b *bed) {
				c := newClock()
				config := b.config(c)
				config.PollInterval, config.TimerRetry.MaxAttempts = time.Second, 3
				workflow := scheduled(ledger.Decider{}, workflow.ScheduledInput{
					Name: "count", Input: "Tick", Recurrence: workflow.Recurrence{Schedule: "@every 1h"}, Instance: "a",
				})
				stop := b.run(b.engine(config, workflow))
				b.eventually("it is scheduled", func() bool { return len(b.table("*", "timers", "")) == 1 })
				if err := stop(); err != nil {
					b.Fatal(err)
				}
				b.exec("UPDATE {p}timers SET attempts = 3, token = token + 3") // three processes claimed it and died
				c.advance(time.Hour)
				stop = b.run(b.engine(config, workflow))
				b.advanceUntil(c, time.Second, "the firing is skipped", func() bool {
					return len(b.table("*", "timers", "WHERE attempts = 4 AND died_at IS NULL AND claimed_at IS NULL")) == 1
				})
				b.wantTable("*", "events", "")
				b.wantLog("a firing is skipped", "did not report back")
				if last := b.table("last_error", "timers", "")[0]; !strings.Contains(last, "did not report back") || b.log.contains("dead letter") {
					b.Errorf("got %q", last)
				}
				if again {
					if err := stop(); err != nil {
						b.Fatal(err)
					}
					b.exec("UPDATE {p}timers SET attempts = 5, token = token + 1") // the one attempt at the next firing
					b.run(b.engine(config, workflow))
					b.advanceUntil(c, time.Minute, "it is dead", func() bool { return len(b.table("*", "timers", "WHERE died_at IS NOT NULL")) == 1 })
					b.wantLog("ironflow: dead letter", "as in the firing before")
					b.wantTable("*", "events", "")
					return
				}
				b.advanceUntil(c, time.Minute, "the next one fires", func() bool {
					return len(b.table("*", "events", "WHERE type = 'Ticked'")) == 1
				})
				b.wantTable("attempts, last_error, died_at", "timers", "", "0 - -")
			})
		})
	}
}

// An operator lists schedules, pauses, resumes and triggers them, and has them fire for times that have passed.
func TestOperateSchedules(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		config := b.config(c)
		config.PollInterval = time.Second
		engine := b.engine(config, scheduled(ledger.Decider{}, workflow.ScheduledInput{
			Name: "count", Input: "Tick", Recurrence: workflow.Recurrence{Schedule: "@every 1h"}, Instance: "a",
		}))
		b.run(engine)
		ctx := store.WithOperator(b.Context(), store.Operator{By: "ann", Reason: "a test"})
		events := func(n int) func() bool { return func() bool { return len(b.table("*", "events", "")) == n } }
		b.eventuallyTable("due_at", "timers", "", stamp(epoch.Add(time.Hour)))
		is := func(paused bool, next time.Time) {
			b.Helper()
			s, err := engine.Schedules(ctx, "ledger")
			if err != nil || len(s) != 1 || s[0].Name != "count" || s[0].Paused != paused || !s[0].Next.Equal(store.StoredTime(next)) ||
				s[0].Declared == nil || s[0].Declared.Input != "Tick" {
				b.Errorf("got %+v, error %v", s, err)
			}
		}
		is(false, epoch.Add(time.Hour))
		do := func(change func(ctx context.Context, workflow, name string) error) {
			b.Helper()
			if err := change(ctx, "ledger", "count"); err != nil {
				b.Fatal(err)
			}
		}
		do(engine.PauseSchedule)
		is(true, epoch.Add(time.Hour))
		c.advance(90 * time.Minute)
		c.advance(time.Second)
		time.Sleep(20 * time.Millisecond) // the worker looks
		b.wantTable("*", "events", "")
		if s, err := engine.Schedules(ctx, "ledger"); err != nil || s[0].Missed != 1 {
			b.Errorf("after 90 minutes of pause: %+v, error %v", s, err)
		}
		do(engine.ResumeSchedule)
		b.advanceUntil(c, time.Second, "the missed firing comes", events(1))
		b.eventuallyTable("due_at", "timers", "", stamp(epoch.Add(2*time.Hour)))
		do(engine.TriggerSchedule)
		b.advanceUntil(c, time.Second, "it fires", events(2))
		b.advanceUntil(c, time.Minute, "it goes on", events(3))

		unknown := (*admin.UnknownSchedule)(nil)
		if err := engine.PauseSchedule(ctx, "ledger", "cuont"); !errors.As(err, &unknown) || !slices.Equal(unknown.Known, []string{"count"}) {
			b.Errorf("got %v", err)
		}
		if _, err := engine.BackfillSchedule(ctx, "ledger", "cuont", epoch, epoch); !errors.As(err, &unknown) {
			b.Errorf("got %v", err)
		}
		if _, err := engine.BackfillSchedule(ctx, "ledger", "count", epoch.Add(-20000*time.Hour), epoch); err == nil {
			b.Error("20,000 firings are made")
		}
		before := len(b.table("*", "events", ""))
		for range 2 { // the second call finds all done
			if n, err := engine.BackfillSchedule(ctx, "ledger", "count", epoch.Add(-5*time.Hour), epoch); err != nil || n != 5 {
				b.Errorf("%d were accepted, error %v", n, err)
			}
			b.wantTable("count(*)", "events", "", fmt.Sprint(before+5))
		}
		var got []string
		for _, r := range b.audits(engine, store.AuditFilter{By: "ann"}) {
			got = append(got, fmt.Sprintf("%s %d", r.Operation, r.Count))
		}
		slices.Sort(got)
		want := []string{"backfill schedule 5", "backfill schedule 5", "pause schedule 1", "resume schedule 1", "trigger schedule 1"}
		if !slices.Equal(got, want) {
			b.Errorf("got %q, want %q", got, want)
		}
	})
}
