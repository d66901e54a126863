package telemetry

import (
	"context"
	"log/slog"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
)

// guarded logs the panics of a Telemetry: a watcher must not end the process.
type guarded struct {
	to     Telemetry
	logger *slog.Logger
}

// Guard returns a Telemetry that passes calls on, and logs panics instead of passing them back. It returns nil for nil.
func Guard(to Telemetry, logger *slog.Logger) Telemetry {
	if _, is := to.(guarded); is || to == nil {
		return to
	}
	return guarded{to, logger}
}

// recover is deferred around each call.
func (t guarded) recover(method string) {
	if v := recover(); v != nil {
		t.logger.Error("ironflow: Config.Telemetry panicked", "method", method, "panic", usererr.ValueText(v))
	}
}

// StartInput implements Telemetry.
func (t guarded) StartInput(ctx context.Context, input InputStart) (trace string, end func(InputEnd)) {
	defer t.recover("StartInput")
	trace, end = t.to.StartInput(ctx, input)
	return trace, guardEnd(t, "the end of StartInput", end)
}

// StartDelivery implements Telemetry.
func (t guarded) StartDelivery(ctx context.Context, delivery DeliveryStart) (with context.Context, end func(DeliveryEnd)) {
	with = ctx
	defer t.recover("StartDelivery")
	made, end := t.to.StartDelivery(ctx, delivery)
	return orContext(made, ctx), guardEnd(t, "the end of StartDelivery", end)
}

// StartProjection implements Telemetry.
func (t guarded) StartProjection(ctx context.Context, step ProjectionStart) (with context.Context, end func(ProjectionEnd)) {
	with = ctx
	defer t.recover("StartProjection")
	made, end := t.to.StartProjection(ctx, step)
	return orContext(made, ctx), guardEnd(t, "the end of StartProjection", end)
}

// Committed implements Telemetry.
func (t guarded) Committed(commit CommitReport) {
	defer t.recover("Committed")
	t.to.Committed(commit)
}

// Claimed implements Telemetry.
func (t guarded) Claimed(claim ClaimReport) {
	defer t.recover("Claimed")
	t.to.Claimed(claim)
}

// Settled implements Telemetry.
func (t guarded) Settled(settlement SettlementReport) {
	defer t.recover("Settled")
	t.to.Settled(settlement)
}

// DeadLettersEnded implements Telemetry.
func (t guarded) DeadLettersEnded(letters DeadLettersReport) {
	defer t.recover("DeadLettersEnded")
	t.to.DeadLettersEnded(letters)
}

// Deleted implements Telemetry.
func (t guarded) Deleted(deletion DeletionReport) {
	defer t.recover("Deleted")
	t.to.Deleted(deletion)
}

func guardEnd[E any](t guarded, method string, end func(E)) func(E) {
	if end == nil {
		return nil
	}
	return func(report E) {
		defer t.recover(method)
		end(report)
	}
}

func orContext(made, otherwise context.Context) context.Context {
	if made == nil {
		return otherwise
	}
	return made
}
