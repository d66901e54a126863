package runtime_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
)

// TestRollingDeploy lets an old and a new process work together. The new one requests an effect and stores an event that only
// it knows. Nothing may become a dead letter, and everything must end.
func TestRollingDeploy(t *testing.T) {
	onStores(t, func(b *bed) {
		handlers := func(process string, handled func(process, effect string)) ticket.Handler {
			return ticket.Handler{
				OnFindAgent: func(context.Context, ticket.FindAgent, runtime.EffectCall) (ticket.FindAgentResult, error) {
					handled(process, "FindAgent")
					return ticket.Assigned{Agent: "ada"}, nil
				},
				OnNotify: func(context.Context, ticket.Notify, runtime.EffectCall) error {
					handled(process, "Notify")
					return nil
				},
			}
		}
		decider := ticket.Decider{
			OnOpen: func(_ time.Time, _ ticket.State, in ticket.Open) ticket.OpenDecision {
				return ticket.AcceptOpen(ticket.Opened{Subject: in.Subject}).Effect(ticket.FindAgent{Subject: in.Subject})
			},
			OnNote: func(time.Time, ticket.State, ticket.Note) ticket.NoteDecision {
				return ticket.AcceptNote(ticket.Noted{Text: "n"}).Effect(ticket.Notify{Text: "new"})
			},
		}
		handled := func(process, effect string) {
			if process == "old" && effect == "Notify" {
				b.Errorf("the old process handles an effect that it does not know")
			}
		}
		config := b.realConfig()
		config.EffectRetry.MaxAttempts = 2
		oldEngine := b.engine(config, runtime.OldRelease(tickets(decider, handlers("old", handled)), "Noted", "Notify"))
		newEngine := b.engine(config, tickets(decider, handlers("new", handled)))
		oldClient, newClient := ticket.NewClient(oldEngine), ticket.NewClient(newEngine)

		b.run(oldEngine) // the new process takes inputs already, but its workers are not there yet
		const tickets = 12
		for i := range tickets {
			id := fmt.Sprint(i)
			out, err := oldClient.Open(b.Context(), ticket.Open{ID: id, Subject: id})
			must(b, out, err)
			noted, err := newClient.Note(b.Context(), ticket.Note{ID: id, Text: "n"})
			must(b, noted, err)
		}
		time.Sleep(300 * time.Millisecond) // many polls, and more attempts than there are, if they counted
		b.wantTable("count(*)", "effects", "WHERE died_at IS NOT NULL", "0")
		b.wantTable("count(*)", "effects", "WHERE kind = 'Notify' AND attempts > 0", "0")

		b.run(newEngine) // the old one still runs, and claims what is due as well
		b.eventuallyTable("*", "effects", "")
		b.wantTable("count(*)", "events", "WHERE type = 'AgentAssigned'", fmt.Sprint(tickets))
		b.wantSerial()
	})
}

// TestBlockedReachesNewProcess starts a new process when its work has been blocked for so long that its next attempt is a minute away. The clock
// stands still, so nothing becomes due by itself.
func TestBlockedReachesNewProcess(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		config := b.config(c)
		config.PollInterval = time.Second
		decider := ticket.Decider{
			OnOpen: opened(ticket.FindAgent{Subject: "s"}),
			OnNote: func(time.Time, ticket.State, ticket.Note) ticket.NoteDecision {
				return ticket.AcceptNote(ticket.Noted{Text: "n"})
			},
			OnAssigned: func(_ time.Time, _ ticket.State, in ticket.Assigned) ticket.AssignedDecision {
				return ticket.AcceptAssigned(ticket.AgentAssigned{Agent: in.Agent})
			},
		}
		handler := ticket.Handler{OnFindAgent: func(context.Context, ticket.FindAgent, runtime.EffectCall) (ticket.FindAgentResult, error) {
			return ticket.Assigned{Agent: "ada"}, nil
		}}
		oldEngine := b.engine(config, runtime.OldRelease(tickets(decider, handler), "Noted", "Notify"))
		newEngine := b.engine(config, tickets(decider, handler))
		for i := range 12 {
			id := fmt.Sprint(i)
			open, err := ticket.NewClient(newEngine).Open(b.Context(), ticket.Open{ID: id, Subject: id})
			must(b, open, err)
			noted, err := ticket.NewClient(newEngine).Note(b.Context(), ticket.Note{ID: id, Text: "n"})
			must(b, noted, err)
		}
		b.run(oldEngine)
		b.eventuallyTable("count(*)", "effects", "WHERE blocked_since IS NOT NULL AND claimed_at IS NULL", "12")
		for range 40 { // 20 minutes
			c.advance(30 * time.Second)
			time.Sleep(5 * time.Millisecond)
		}
		b.eventuallyTable("count(*)", "effects", "WHERE blocked_since IS NOT NULL AND claimed_at IS NULL", "12")
		b.run(newEngine)
		b.eventuallyTable("count(*)", "effects", "WHERE kind = 'FindAgent'", "0")
	})
}
