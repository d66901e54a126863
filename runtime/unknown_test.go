package runtime_test

import (
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// What is stored and not known is said when an engine starts, and by Health: kinds of effects, inputs of timers, schedules, effects for
// workflows that are not registered, event types, and workflows.
func TestUnknownStored(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		config := b.config(c)
		decider := noted(func(d ticket.NoteDecision, _ time.Time) ticket.NoteDecision {
			return d.StartTimer(ticket.TimerFollowup{}.Key("k")).Effect(ticket.Notify{Text: "n"})
		})
		decider.OnOpen = opened(ticket.FindAgent{Subject: "s"}, ticket.Notify{Text: "n"})
		first := b.engine(config, tickets(decider, ticket.Handler{}), ledgers(ledger.Decider{}, ledger.Handler{}))
		b.open(first, "a")
		b.do(first, "ticket", `{"type":"Note","id":"a","text":"x"}`)
		added, err := ledger.NewClient(first).Add(b.Context(), ledger.Add{Account: "l", Amount: 1})
		must(b, added, err)
		b.exec("UPDATE {p}effects SET kind = 'Renamed' WHERE kind = 'Notify'")
		b.exec("UPDATE {p}timers SET kind = 'Gone' WHERE key = 'followup/k'")
		b.exec("UPDATE {p}events SET type = 'Removed' WHERE type = 'Noted'")

		c.advance(time.Hour)
		config.EffectHandlers = 1
		config.External = []string{"shipment"}
		workflow := withOptions(tickets(decider, ticket.Handler{}), "FindAgent", func(o *workflow.EffectOptions) {
			o.Starts = &workflow.Target{Workflow: "shipment", Input: "Ship"}
		})
		engine := b.engine(config, workflow)
		health, err := engine.Health(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		want := map[string]int64{
			"effect FindAgent of workflow ticket, for workflow shipment, which is not registered here": 1,
			"effect Renamed of workflow ticket":     2,
			"timer Gone of workflow ticket":         1,
			"event type Removed of workflow ticket": 1,
			"workflow ledger":                       1,
		}
		for _, u := range health.Unknown {
			if n, ok := want[u.String()]; !ok || n != u.Count {
				b.Errorf("got %s: %+v, want %d", u, u, n)
			}
			if !u.Oldest.Equal(epoch.Truncate(time.Microsecond)) && u.What != telemetry.UnknownTimer {
				b.Errorf("%s: since %v", u, u.Oldest)
			}
			delete(want, u.String())
		}
		if len(want) > 0 {
			b.Errorf("missing: %v", want)
		}
		b.run(engine)
		for _, u := range health.Unknown {
			b.wantLog("level=WARN", "that this program does not know; they wait", u.String(), "count=")
		}
	})
}
