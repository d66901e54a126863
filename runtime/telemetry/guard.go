package telemetry

import (
	"context"
	"log/slog"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
)

// guarded protects the engine from a Telemetry that panics or ends its goroutine.
type guarded struct {
	to     Telemetry
	logger *slog.Logger
}

// Guard returns a Telemetry that passes calls to another one, each on a separate goroutine. If a call panics or ends its
// goroutine, that is logged, and the engine goes on. Guard returns nil for nil.
func Guard(to Telemetry, logger *slog.Logger) Telemetry {
	if _, is := to.(guarded); is || to == nil {
		return to
	}
	return guarded{to, logger}
}

// call calls a method of the Telemetry.
func (t guarded) call(method string, f func()) {
	err := usererr.Apart(func() error {
		defer func() {
			if v := recover(); v != nil {
				t.logger.Error("ironflow: Config.Telemetry panicked", "method", method, "panic", usererr.ValueText(v))
			}
		}()
		f()
		return nil
	})
	if err != nil {
		t.logger.Error("ironflow: Config.Telemetry ended its goroutine", "method", method, "error", err)
	}
}

// StartInput implements Telemetry.
func (t guarded) StartInput(ctx context.Context, input InputStart) (trace string, end func(InputEnd)) {
	t.call("StartInput", func() { trace, end = t.to.StartInput(ctx, input) })
	return trace, guardEnd(t, "the end of StartInput", end)
}

// StartDelivery implements Telemetry.
func (t guarded) StartDelivery(ctx context.Context, delivery DeliveryStart) (with context.Context, end func(DeliveryEnd)) {
	t.call("StartDelivery", func() { with, end = t.to.StartDelivery(ctx, delivery) })
	return orContext(with, ctx), guardEnd(t, "the end of StartDelivery", end)
}

// StartProjection implements Telemetry.
func (t guarded) StartProjection(ctx context.Context, step ProjectionStart) (with context.Context, end func(ProjectionEnd)) {
	t.call("StartProjection", func() { with, end = t.to.StartProjection(ctx, step) })
	return orContext(with, ctx), guardEnd(t, "the end of StartProjection", end)
}

// Committed implements Telemetry.
func (t guarded) Committed(commit CommitReport) {
	t.call("Committed", func() { t.to.Committed(commit) })
}

// Claimed implements Telemetry.
func (t guarded) Claimed(claim ClaimReport) {
	t.call("Claimed", func() { t.to.Claimed(claim) })
}

// Settled implements Telemetry.
func (t guarded) Settled(settlement SettlementReport) {
	t.call("Settled", func() { t.to.Settled(settlement) })
}

// DeadLettersEnded implements Telemetry.
func (t guarded) DeadLettersEnded(letters DeadLettersReport) {
	t.call("DeadLettersEnded", func() { t.to.DeadLettersEnded(letters) })
}

// Deleted implements Telemetry.
func (t guarded) Deleted(deletion DeletionReport) {
	t.call("Deleted", func() { t.to.Deleted(deletion) })
}

func guardEnd[E any](t guarded, method string, end func(E)) func(E) {
	if end == nil {
		return nil
	}
	return func(report E) { t.call(method, func() { end(report) }) }
}

func orContext(made, otherwise context.Context) context.Context {
	if made == nil {
		return otherwise
	}
	return made
}
