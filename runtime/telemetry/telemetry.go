package telemetry

import (
	"context"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Telemetry is told what an engine does, as it does it. Package runtime/otel makes traces and metrics of it. It is called on
// many goroutines at the same time, and the work waits for it: it must not block. A panic or a runtime.Goexit is logged, and the call
// counts as not made.
//
// A minor version may add methods. Embed NoTelemetry to go on compiling.
type Telemetry interface {
	// StartInput is told of an input before it waits for its decision. ctx is the caller's, or that of the delivery that brought the
	// input. trace is the trace context (W3C traceparent) to store with the decision, its effects and its timers; "" means the one
	// that the input came with. end is called once, when the input has its answer; nil means no call.
	StartInput(ctx context.Context, input InputStart) (trace string, end func(InputEnd))

	// StartDelivery is told of each attempt at an effect or timer. The handler gets the context that it returns, which must be
	// derived from ctx. Delivery.Trace is the trace context of the decision that asked for the effect or timer. end is called once;
	// nil means no call.
	StartDelivery(ctx context.Context, delivery DeliveryStart) (_ context.Context, end func(DeliveryEnd))

	// StartProjection is told of each attempt of a projection to make a step. The projection gets the context that it returns, which
	// must be derived from ctx. end is called once; nil means no call.
	StartProjection(ctx context.Context, step ProjectionStart) (_ context.Context, end func(ProjectionEnd))

	// Committed is told of each attempt to decide and commit.
	Committed(commit CommitReport)

	// Claimed is told of each call that claims deliveries, Settled of each call that ends leases.
	Claimed(claim ClaimReport)
	Settled(settlement SettlementReport)

	// DeadLettersEnded is told when somebody retries or discards dead letters by this engine.
	DeadLettersEnded(letters DeadLettersReport)

	// Deleted is told of each pass of retention over records of one kind.
	Deleted(deletion DeletionReport)
}

// NoTelemetry is a Telemetry that does nothing. A Telemetry that needs only some of the reports embeds it.
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
	Events   int    // of an accepted input
	Repeated bool   // the input had come before under its id, and has the first outcome
	Duration time.Duration
	Err      error
}

// DeliveryStart is an attempt at an effect or timer.
type DeliveryStart struct {
	*store.Delivery

	// Delay is how late the first attempt is: since the effect was requested, or since the timer was to fire. It is 0 for later
	// attempts. An attempt that snoozes does not count, so that the next is the first again.
	Delay time.Duration
}

// DeliveryResult says how an attempt at a delivery ended.
type DeliveryResult string

const (
	DeliveryDone      DeliveryResult = "done"
	DeliveryRetried   DeliveryResult = "retry"      // it failed and is due again
	DeliverySnoozed   DeliveryResult = "snoozed"    // its handler snoozed it
	DeliveryDied      DeliveryResult = "dead"       // it failed for the last time
	DeliveryLeaseLost DeliveryResult = "lease_lost" // another process has the lease now
	DeliveryReleased  DeliveryResult = "released"   // it was given back because the engine stops
	DeliveryCancelled DeliveryResult = "cancelled"  // its instance cancelled, replaced or dropped it meanwhile
	DeliveryLeft      DeliveryResult = "left"       // this process cannot take it; it waits for one that can
	DeliverySkipped   DeliveryResult = "skipped"    // the firing of a recurring timer or schedule is left out: it was missed, or failed for the last time
)

// DeliveryEnd is what became of an attempt.
type DeliveryEnd struct {
	Result   DeliveryResult
	Again    time.Time // when it is due again; zero when it is not, or that is not known
	Duration time.Duration
	Err      error
}

// CommitReport is about one transaction with decisions.
type CommitReport struct {
	Inputs       int  // that were decided
	Instances    int  // of these inputs
	Events       int  // that are stored
	Observations int  // that are stored, see Config.Observe; also those of inputs that were not accepted
	Apart        bool // a single input that was served apart from the batches, or within a transaction of the caller's

	Duration time.Duration // reading and deciding included
	Err      error         // not nil when nothing is stored; after ErrConflict the inputs are decided again
}

// ClaimReport is about one look for due work.
type ClaimReport struct {
	Queue    store.QueueName
	Wanted   int // how many handlers were free
	Claimed  int
	Duration time.Duration
	Err      error
}

// SettlementReport is about one call that ends leases without an input.
type SettlementReport struct {
	Queue    store.QueueName
	Settled  int
	Lost     int // leases that were not held any more
	Duration time.Duration
	Err      error
}

// ProjectionStart is an attempt of a projection to make a step: to apply some events, or to begin again.
type ProjectionStart struct {
	Projection string
	Events     int                // 0 for a reset
	Position   store.FeedPosition // of the last event
	Reset      bool               // the step is a reset for a rebuild
}

// ProjectionEnd is what became of a step.
type ProjectionEnd struct {
	Duration time.Duration
	Err      error // not nil when nothing of the step is stored
	Lost     bool  // the step failed because the projection was taken over, paused or stopped meanwhile, or the engine stops
}

// DeadLettersReport says how many dead letters were retried, and how many discarded.
type DeadLettersReport struct {
	Retried, Discarded int
}

// DeletionReport is about one pass of retention over records of one kind.
type DeletionReport struct {
	Records  store.RecordKind // InstanceRecords too
	Workflow string           // of instances; empty for other records
	Deleted  int64
	Kept     int64 // instances that the archive kept
	Duration time.Duration
	Err      error // not nil when the pass is not complete
}
