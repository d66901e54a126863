package runtime_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

func TestPayloadsAreLimited(t *testing.T) {
	const limit = 200
	// The JSON of each of these takes its text and some bytes more.
	small, large := strings.Repeat("x", limit/2), strings.Repeat("x", limit)
	for name, test := range map[string]struct {
		decision ticket.OpenDecision
		want     runtime.PayloadName
	}{
		"event": {
			ticket.AcceptOpen(ticket.Opened{Subject: large}),
			runtime.PayloadName{Workflow: "ticket", Kind: workflow.EventPayload, Name: "Opened"},
		},
		"effect": {
			ticket.AcceptOpen(ticket.Opened{}).Effect(ticket.Notify{Text: small}, ticket.Notify{Text: large}),
			runtime.PayloadName{Workflow: "ticket", Kind: workflow.EffectPayload, Name: "Notify"},
		},
		"all is well": {ticket.AcceptOpen(ticket.Opened{Subject: small}).Effect(ticket.Notify{Text: small}), runtime.PayloadName{}},
	} {
		t.Run(name, func(t *testing.T) {
			onStores(t, func(b *bed) {
				config := b.config(newClock())
				config.MaxPayloadBytes = limit
				client := ticket.NewClient(b.engine(config, tickets(ticket.Decider{
					OnOpen: func(time.Time, ticket.State, ticket.Open) ticket.OpenDecision { return test.decision },
				}, ticket.Handler{})))
				if test.want.Name == "" {
					out, err := client.Open(b.Context(), ticket.Open{ID: "a", Subject: "s"})
					must(b, out, err)
					return
				}
				b.unchanged(func() {
					_, err := client.Open(b.Context(), ticket.Open{ID: "a", Subject: "s"})
					var tooLarge *runtime.PayloadTooLarge
					if !errors.As(err, &tooLarge) {
						b.Fatalf("got error %v", err)
					}
					if tooLarge.PayloadName != test.want || tooLarge.Limit != limit || tooLarge.Size <= limit {
						b.Errorf("got %+v", tooLarge)
					}
					wantError(b, err, "ticket/a", "Open", test.want.Name, "Config.MaxPayloadBytes", fmt.Sprint(limit))
				})
			})
		})
	}
}

func TestInputsAsJSONAreLimited(t *testing.T) {
	onStores(t, func(b *bed) {
		config := b.config(newClock())
		config.MaxPayloadBytes = 100
		engine := b.engine(config, tickets(ticket.Decider{}, ticket.Handler{}))
		input := `{"type":"Open","id":"a","subject":"%s"}`
		b.unchanged(func() {
			_, err := engine.ExecuteDynamic(b.Context(), "ticket", fmt.Appendf(nil, input, strings.Repeat("x", 100)))
			var tooLarge *runtime.PayloadTooLarge
			if !errors.As(err, &tooLarge) || tooLarge.Kind != workflow.InputPayload || tooLarge.Size != 137 {
				b.Errorf("got error %v", err)
			}
		})
	})
}

// An effect's result that leads to a decision that is too large is a failure of the attempt, which is kept.
func TestTooLargeResultOfAnEffect(t *testing.T) {
	onStores(t, func(b *bed) {
		config := b.realConfig()
		config.MaxPayloadBytes = 100
		engine := b.engine(config, tickets(ticket.Decider{
			OnOpen: opened(ticket.FindAgent{}),
			OnAssigned: func(time.Time, ticket.State, ticket.Assigned) ticket.AssignedDecision {
				return ticket.AcceptAssigned(ticket.AgentAssigned{Agent: strings.Repeat("x", 100)})
			},
		}, ticket.Handler{}))
		client := ticket.NewClient(engine)
		out, err := client.Open(b.Context(), ticket.Open{ID: "a", Subject: "s"})
		must(b, out, err)
		b.run(engine)
		b.eventually("the effect dies of its result", func() bool {
			rows := b.table("last_error", "effects", "WHERE died_at IS NOT NULL")
			return len(rows) == 1 && strings.Contains(rows[0], "event AgentAssigned of ticket has 112 bytes")
		})
		b.wantTable("version", "instances", "", "1")
	})
}
