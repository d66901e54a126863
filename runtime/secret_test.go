package runtime_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// ears keep the texts of all errors that a Telemetry is told of.
type ears struct {
	telemetry.NoTelemetry
	mu   sync.Mutex
	said []string
}

func (e *ears) hear(err error) {
	if err != nil {
		e.mu.Lock()
		e.said = append(e.said, err.Error())
		e.mu.Unlock()
	}
}

func (e *ears) StartInput(context.Context, telemetry.InputStart) (string, func(telemetry.InputEnd)) {
	return "", func(end telemetry.InputEnd) { e.hear(end.Err) }
}

func (e *ears) StartDelivery(ctx context.Context, _ telemetry.DeliveryStart) (context.Context, func(telemetry.DeliveryEnd)) {
	return ctx, func(end telemetry.DeliveryEnd) { e.hear(end.Err) }
}

func (e *ears) Committed(commit telemetry.CommitReport) { e.hear(commit.Err) }

// No byte of a payload is in what is logged, kept or reported, wherever it cannot be read or is refused.
func TestNoPayloadInErrors(t *testing.T) {
	const secret = "s3cr3t"
	onStores(t, func(b *bed) {
		var heard ears
		config := b.realConfig()
		config.Telemetry = &heard
		config.TimerRetry.MaxAttempts = 1
		workflow := tickets(ticket.Decider{
			OnOpen: func(_ time.Time, _ ticket.State, in ticket.Open) ticket.OpenDecision {
				return ticket.AcceptOpen(ticket.Opened{Subject: in.Subject}).Effect(ticket.Notify{Text: "t"}).
					StartTimer(ticket.TimerFollowup{}.In(time.Millisecond))
			},
		}, ticket.Handler{})
		engine := b.engine(config, workflow)
		client := ticket.NewClient(engine)
		var said []string
		note := func(err error) {
			b.Helper()
			if err == nil {
				b.Error("no error")
				return
			}
			said = append(said, err.Error())
		}

		b.open(engine, "effect")
		b.open(engine, "event")
		b.exec(`UPDATE {p}effects SET payload = '{"text":{"s3cr3t":"s3cr3t"}}'`)
		b.exec(`UPDATE {p}timers SET payload = '{"id":["s3cr3t"],"text":"s3cr3t"}'`)
		b.exec(`UPDATE {p}events SET payload = '{"subject":["s3cr3t"]}' WHERE instance = 'event'`)

		_, err := client.Open(b.Context(), ticket.Open{ID: "first", Subject: secret})
		if err != nil {
			b.Fatal(err)
		}
		_, err = client.Open(b.Context(), ticket.Open{ID: "second", Subject: secret})
		note(err)
		_, err = client.Open(b.Context(), ticket.Open{ID: secret + "\xff", Subject: "x"})
		note(err)
		_, err = client.Open(b.Context(), ticket.Open{ID: "third", Subject: secret + "\x00"})
		note(err)
		_, err = b.engine(config, workflow).StateDynamic(b.Context(), "ticket", "event")
		note(err)
		for _, input := range []string{
			`{"type":"s3cr3t"}`, `{"type":"Open","id":["s3cr3t"],"subject":"s3cr3t`, `{"s3cr3t":1,"type":"Open"}`, `s3cr3t`,
			`{"type":"Open","id":"x","subject":s3cr3t}`,
		} {
			_, err := engine.ExecuteDynamic(b.Context(), "ticket", []byte(input))
			note(err)
		}
		b.run(engine)
		b.eventually("what cannot be read says why", func() bool {
			return len(b.table("kind", "effects", "WHERE last_error IS NOT NULL")) >= 2 && len(b.table("kind", "timers", "WHERE last_error IS NOT NULL")) >= 1
		})
		said = append(said, b.table("last_error", "effects", "WHERE last_error IS NOT NULL")...)
		said = append(said, b.table("last_error", "timers", "WHERE last_error IS NOT NULL")...)
		heard.mu.Lock()
		defer heard.mu.Unlock()
		b.log.mu.Lock()
		defer b.log.mu.Unlock()
		for _, text := range append(append(said, heard.said...), b.log.lines...) {
			if strings.Contains(text, "s3c") {
				b.Errorf("it has a part of a payload: %s", text)
			}
		}
		if len(heard.said) == 0 || len(b.log.lines) == 0 {
			b.Error("nothing was heard")
		}
	})
}
