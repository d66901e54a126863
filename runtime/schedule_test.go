package runtime_test

import (
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
)

// scheduled are ledgers with one schedule.
func scheduled(d ledger.Decider, s runtime.ScheduledInput) *runtime.Workflow {
	return runtime.WithSchedules(ledgers(d, ledger.Handler{}), s)
}

// A process of the release before fires a schedule by the definition of the release that started last, though it declares
// another one; what it does not know, it leaves alone.
func TestScheduleOfANewerRelease(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		every := func(interval, input, instance string) runtime.ScheduledInput {
			return runtime.ScheduledInput{
				Name: "count", Input: input, Recurrence: runtime.Recurrence{Schedule: "@every " + interval}, Instance: instance,
			}
		}
		config := b.config(c)
		config.PollInterval = time.Second
		b.run(b.engine(config, scheduled(ledger.Decider{}, every("1h", "Tick", "old"))))
		stored := func(payload string) {
			b.eventuallyTable("payload", "timers", "", payload)
		}
		stored(`{"input":"Tick","schedule":"@every 1h","instance":"old"}`)
		release := func(s runtime.ScheduledInput, payload string) {
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
		b.wantTable("workflow_id, type", "events", "", "new Added")
		b.wantTable("fire_at", "timers", "", stamp(epoch.Add(8*time.Hour)))

		release(every("30m", "Unheard", "newer"), `{"input":"Unheard","schedule":"@every 30m","instance":"newer"}`)
		b.advanceUntil(c, 30*time.Second, "it is left alone", func() bool {
			return b.log.contains("left to a newer process", "input=Unheard")
		})
		b.wantTable("workflow_id, type", "events", "", "new Added")
		b.wantTable("dead_at", "timers", "", "-")
	})
}
