package runtime_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
)

// The workflow is told that its effect is dead although that fails at first. The handler, which has said its last word, is not
// called again for it, and what it said is what the workflow and the dead letter say.
func TestTellingOfADeadEffectFails(t *testing.T) {
	for name, failure := range map[string]struct {
		err   error
		calls int32
		says  string
	}{
		"permanent": {runtime.Permanent(errors.New("no such subject")), 1, "effect FindAgent: no such subject"},
		"used up":   {errors.New("nobody answers"), 3, "attempt 3 of 3: effect FindAgent: nobody answers"},
	} {
		t.Run(name, func(t *testing.T) {
			onStores(t, func(b *bed) {
				var calls, told atomic.Int32
				var reason atomic.Value
				workflow := withOptions(tickets(ticket.Decider{
					OnOpen: opened(ticket.FindAgent{Subject: "s"}),
					OnNobodyFree: func(_ time.Time, _ ticket.State, in ticket.NobodyFree) ticket.NobodyFreeDecision {
						if told.Add(1) <= 5 {
							panic("not now")
						}
						reason.Store(in.Reason)
						return ticket.AcceptNobodyFree(ticket.Closed{Reason: in.Reason})
					},
				}, ticket.Handler{
					OnFindAgent: func(context.Context, ticket.FindAgent, runtime.EffectCall) (ticket.FindAgentResult, error) {
						calls.Add(1)
						return nil, failure.err
					},
				}), "FindAgent", func(o *runtime.EffectOptions) {
					o.Dead = &runtime.DeadInput{Input: "NobodyFree", Error: "reason"}
				})
				engine := b.engine(b.realConfig(), workflow)
				b.open(engine, "a")
				b.run(engine)
				b.eventuallyTable("last_error", "effects", "WHERE dead_at IS NOT NULL", failure.says)
				if n := calls.Load(); n != failure.calls {
					b.Errorf("the handler was called %d times, want %d", n, failure.calls)
				}
				if got := reason.Load(); got != failure.says {
					b.Errorf("the workflow was told %q, want %q", got, failure.says)
				}
			})
		})
	}
}
