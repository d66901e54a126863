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

func TestStopWaitsForHandlers(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		working, finish := make(chan context.Context, 9), make(chan bool)
		engine := b.engine(b.config(c), findAgent(
			func(ctx context.Context, _ ticket.FindAgent, _ runtime.EffectCall) (ticket.FindAgentResult, error) {
				working <- ctx
				<-finish
				return ticket.Assigned{Agent: "ann"}, ctx.Err()
			}))
		b.open(engine, "a")
		ctx, cancel := context.WithCancel(b.Context())
		stopped := make(chan error, 1)
		go func() { stopped <- engine.Run(ctx) }()
		handler := wait(b, "the handler's call", working)
		cancel()
		b.open(engine, "b") // inputs are still welcome, but their effects wait
		select {
		case err := <-stopped:
			b.Fatalf("Run returned %v while a handler is at work", err)
		default:
		}
		if handler.Err() != nil {
			b.Error("the handler's context ended at once")
		}
		close(finish)
		if err := wait(b, "Run returns", stopped); err != nil {
			b.Error(err)
		}
		b.wantTable(events, "events", "WHERE instance = 'a'", "a 1 Opened", "a 2 AgentAssigned")
		b.wantTable("instance, attempts", "effects", "", "b 0")
	})
}

// After the deadline handlers are cancelled, and their attempts were none.
func TestStopCancelsHandlers(t *testing.T) {
	onStores(t, func(b *bed) {
		config := b.config(newClock())
		config.StopTimeout = 10 * time.Millisecond
		working := make(chan bool, 9)
		var called atomic.Int64
		cause := make(chan error, 9)
		engine := b.engine(config, findAgent(
			func(ctx context.Context, _ ticket.FindAgent, call runtime.EffectCall) (ticket.FindAgentResult, error) {
				if call.Attempt != 1 {
					b.Errorf("attempt %d", call.Attempt)
				}
				if called.Add(1) > 1 {
					return ticket.Assigned{Agent: "ann"}, nil
				}
				working <- true
				<-ctx.Done()
				cause <- context.Cause(ctx)
				return nil, ctx.Err()
			}))
		b.open(engine, "a")
		stop := b.run(engine)
		wait(b, "the handler's call", working)
		if err := stop(); err != nil {
			b.Error(err)
		}
		wantError(b, <-cause, "the engine is stopping")
		// A claim that was under way when the engine was told to stop gives it back once more, which raises the token.
		b.wantTable("attempts, last_error, died_at, run_at", "effects", "", "0 - - "+at(0))

		b.run(engine) // again
		b.eventuallyTable(events, "events", "", "a 1 Opened", "a 2 AgentAssigned")
	})
}

// A handler that has its result in time keeps it, though the deadline has passed.
func TestResultAfterTheStopDeadline(t *testing.T) {
	onStores(t, func(b *bed) {
		config := b.config(newClock())
		config.StopTimeout = time.Millisecond
		working := make(chan bool, 9)
		engine := b.engine(config, findAgent(
			func(ctx context.Context, _ ticket.FindAgent, _ runtime.EffectCall) (ticket.FindAgentResult, error) {
				working <- true
				<-ctx.Done()
				return ticket.Assigned{Agent: "ann"}, nil
			}))
		b.open(engine, "a")
		stop := b.run(engine)
		wait(b, "the handler's call", working)
		if err := stop(); err != nil {
			b.Error(err)
		}
		b.wantTable(events, "events", "", "a 1 Opened", "a 2 AgentAssigned")
		b.wantTable("*", "effects", "")
	})
}

// Run does not wait for ever for a handler that ignores its context, and says which one.
func TestStopNamesStuckHandlers(t *testing.T) {
	onStores(t, func(b *bed) {
		config := b.config(newClock())
		config.StopTimeout = time.Millisecond
		working, finish := make(chan bool, 9), make(chan bool)
		engine := b.engine(config, findAgent(
			func(context.Context, ticket.FindAgent, runtime.EffectCall) (ticket.FindAgentResult, error) {
				working <- true
				<-finish
				return nil, errors.New("too late")
			}))
		b.open(engine, "a")
		b.open(engine, "b")
		stop := b.run(engine)
		wait(b, "the first call", working)
		wait(b, "the second call", working)
		wantError(b, stop(), "2 handlers ignore their cancelled context", "ticket/a FindAgent, ticket/b FindAgent")
		b.wantTable("attempts", "effects", "", "1", "1")

		// When they return after all, their attempts are given back.
		close(finish)
		b.eventuallyTable("attempts", "effects", "", "0", "0")
	})
}

func TestRunTwice(t *testing.T) {
	onStores(t, func(b *bed) {
		working := make(chan bool, 9)
		engine := b.engine(b.config(newClock()), notify(func(context.Context, ticket.Notify, runtime.EffectCall) error {
			working <- true
			return nil
		}))
		for _, id := range []string{"a", "b"} {
			stop := b.run(engine)
			b.open(engine, id)
			wait(b, "the handler's call", working)
			wantError(b, engine.Run(b.Context()), "while the engine is running")
			b.eventuallyTable("*", "effects", "")
			if err := stop(); err != nil {
				b.Error(err)
			}
		}
		ended, cancel := context.WithCancel(b.Context())
		cancel()
		b.open(engine, "c")
		if err := engine.Run(ended); err != nil {
			b.Error(err)
		}
		b.wantTable("instance, attempts", "effects", "", "c 0")
	})
}
