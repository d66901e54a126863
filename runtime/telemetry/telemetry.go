package telemetry

import (
	"context"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Telemetry is told what an engine does, while it does it: package runtime/otel makes traces and metrics of it. It is called by
// many goroutines at the same time, and what it takes is taken from the work, so it must not block. A panic in it is logged, and means that nothing is reported.
//
// More methods may be added with a minor version; embed NoTelemetry to go on compiling.
type Telemetry interface {
	// StartInput is told of an input before it waits for its decision; ctx is its caller's, or that of the delivery which brought
	// it. It returns the trace context (W3C traceparent) that is kept with the decision and its effects and timers, or "" for the
	// one that the input came with, and what is called once when the input has its answer; nil for nothing.
	StartInput(ctx context.Context, input InputStart) (trace string, end func(InputEnd))

	// StartDelivery is told of each attempt at an effect or timer. The context that it returns, which must be made of ctx, is what
	// the handler gets. Delivery.Trace is the trace context of the decision that asked for it. end is called once; nil for nothing.
	StartDelivery(ctx context.Context, delivery DeliveryStart) (_ context.Context, end func(DeliveryEnd))

	// StartProjection is told of each attempt of a projection to make a step. The context that it returns, which must be made of
	// ctx, is what the projection gets. end is called once; nil for nothing.
	StartProjection(ctx context.Context, step ProjectionStart) (_ context.Context, end func(ProjectionEnd))

	// Committed is told of each attempt to decide and commit.
	Committed(commit CommitReport)

	// Claimed and Settled are told of each call of a queue that takes deliveries, or ends leases.
	Claimed(claim ClaimReport)
	Settled(settlement SettlementReport)

	// DeadLettersEnded is told when somebody retries or discards dead letters by this engine.
	DeadLettersEnded(letters DeadLettersReport)

	// Deleted is told of each pass of retention over records of one kind.
	Deleted(deletion DeletionReport)
}

// NoTelemetry is a Telemetry that does nothing, to be embedded by those that want to hear of some things only.
type NoTelemetry struct{}

var _ Telemetry = NoTelemetry{}

// StartInput implements Telemetry.
func (NoTelemetry) StartInput(context.Context, InputStart) (string, func(InputEnd)) { return "", nil }

// StartDelivery implements Telemetry.
func (NoTelemetry) StartDelivery(ctx context.Context, _ DeliveryStart) (context.Context, func(DeliveryEnd)) {
	return ctx, nil
}

// StartProjection implements Telemetry.
func (NoTelemetry) StartProjection(ctx context.Context, _ ProjectionStart) (context.Context, func(ProjectionEnd)) {
	return ctx, nil
}

// Committed implements Telemetry.
func (NoTelemetry) Committed(CommitReport) {}

// Claimed implements Telemetry.
func (NoTelemetry) Claimed(ClaimReport) {}

// Settled implements Telemetry.
func (NoTelemetry) Settled(SettlementReport) {}

// DeadLettersEnded implements Telemetry.
func (NoTelemetry) DeadLettersEnded(DeadLettersReport) {}

// Deleted implements Telemetry.
func (NoTelemetry) Deleted(DeletionReport) {}

// InputStart is an input on its way to a decision.
type InputStart struct {
	Instance store.InstanceKey
	Input    string
	InputID  string          // empty when it came without one
	Trace    string          // that it came with: by WithTrace, or of its delivery; empty for none
	Delivery *store.Delivery // that brought it; nil for a client's input
}

// InputEnd is what became of an input.
type InputEnd struct {
	Outcome  string // accepted, rejected or completed; of the engine's own inputs also existed, missing or replaced; empty with an error
	Version  int64  // of the instance after it
	Events   int    // that an accepted input led to
	Repeated bool   // it had come before under its id, and has the first outcome
	Duration time.Duration
	Err      error
}

// DeliveryStart is an attempt at an effect or timer.
type DeliveryStart struct {
	*store.Delivery

	// Delay is how late it is: since the effect was requested, or since the timer was to fire. It is of the first attempt only; one
	// that snoozes costs none, so that the next is the first again.
	Delay time.Duration
}

// DeliveryResult says how an attempt at a delivery ended.
type DeliveryResult string

const (
	DeliveryDone      DeliveryResult = "done"
	DeliveryRetried   DeliveryResult = "retry"      // it failed and is due again
	DeliverySnoozed   DeliveryResult = "snoozed"    // its handler asked for it to come later
	DeliveryDied      DeliveryResult = "dead"       // it failed for the last time
	DeliveryLeaseLost DeliveryResult = "lease_lost" // it is someone else's now
	DeliveryReleased  DeliveryResult = "released"   // the engine stops; it was given back
	DeliveryCancelled DeliveryResult = "cancelled"  // its instance cancelled, replaced or dropped it meanwhile
	DeliveryLeft      DeliveryResult = "left"       // this process cannot take it, it waits for one that can
	DeliverySkipped   DeliveryResult = "skipped"    // a firing of what recurs is left out: it was missed, or failed for the last time
)

// DeliveryEnd is what became of an attempt.
type DeliveryEnd struct {
	Result   DeliveryResult
	Again    time.Time // when it is due again; zero when that is not known, or never
	Duration time.Duration
	Err      error
}

// CommitReport is about one transaction with decisions.
type CommitReport struct {
	Inputs    int  // that were decided in it
	Instances int  // they are of
	Events    int  // that are stored
	Apart     bool // one input that was served apart from the batches, or within a transaction of the caller's

	// Observations are those that Config.Observe asked for and that are stored, also of inputs that were not accepted.
	Observations int

	Duration time.Duration // with reading and deciding
	Err      error         // nothing is stored; ErrConflict says that it is tried again
}

// ClaimReport is about one look for due work.
type ClaimReport struct {
	Queue    store.QueueName
	Wanted   int // as many handlers were free
	Claimed  int
	Duration time.Duration
	Err      error
}

// SettlementReport is about one call that ends leases without an input.
type SettlementReport struct {
	Queue    store.QueueName
	Settled  int
	Lost     int // were not held any more
	Duration time.Duration
	Err      error
}

// ProjectionStart is an attempt of a projection to make a step: to apply some events, or to begin again.
type ProjectionStart struct {
	Projection string
	Events     int                // 0 for a reset
	Position   store.FeedPosition // of the last of them
	Reset      bool               // it is a reset for a rebuild
}

// ProjectionEnd is what became of a step.
type ProjectionEnd struct {
	Duration time.Duration
	Err      error // nothing of it is stored
	Lost     bool  // because the projection was taken over, paused or stopped meanwhile, or the engine stops
}

// DeadLettersReport says how many dead letters are none any more.
type DeadLettersReport struct {
	Retried, Discarded int
}

// DeletionReport is about one pass of retention over records of one kind.
type DeletionReport struct {
	Records  store.RecordKind // InstanceRecords too
	Workflow string           // of instances; empty for other records
	Deleted  int64
	Kept     int64 // instances that the archive wants to keep
	Duration time.Duration
	Err      error // the pass is not complete
}
