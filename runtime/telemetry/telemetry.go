package telemetry

import (
	"context"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Telemetry receives reports of what an engine does, while the engine does it. Package runtime/otel turns them into traces and
// metrics. The methods are called by many goroutines at the same time and must not block, because the engine waits for them. If a
// method panics or calls runtime.Goexit, that is logged, and the engine goes on as if it had not been called.
//
// A minor version may add methods. Embed NoTelemetry, so that your type still compiles then.
type Telemetry interface {
	// StartInput is called before an input waits for its decision. ctx is the context of the caller, or of the delivery that
	// brought the input. The result trace is the trace context (W3C traceparent) to store with the decision, its effects and its
	// timers; "" means the trace context that the input came with. end is called once, when the outcome or the error is known; it
	// may be nil.
	StartInput(ctx context.Context, input InputStart) (trace string, end func(InputEnd))

	// StartDelivery is called before each attempt at an effect or timer. The handler gets the returned context, which must be
	// derived from ctx. Delivery.Trace is the trace context of the decision that requested the effect or timer. end is called
	// once, after the attempt; it may be nil.
	StartDelivery(ctx context.Context, delivery DeliveryStart) (_ context.Context, end func(DeliveryEnd))

	// StartProjection is called before each step of a projection. The projection gets the returned context, which must be derived
	// from ctx. end is called once, after the step; it may be nil.
	StartProjection(ctx context.Context, step ProjectionStart) (_ context.Context, end func(ProjectionEnd))

	// Committed is called after each attempt to decide and commit.
	Committed(commit CommitReport)

	// Claimed is called after each claim of deliveries, Settled after each call that ends leases.
	Claimed(claim ClaimReport)
	Settled(settlement SettlementReport)

	// DeadLettersEnded is called after dead letters were retried or discarded by this engine.
	DeadLettersEnded(letters DeadLettersReport)

	// Deleted is called after each pass of retention over records of one kind.
	Deleted(deletion DeletionReport)
}

// NoTelemetry is a Telemetry that does nothing. Embed it in a Telemetry that needs only some of the reports.
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
	InputID  string          // empty if it has none
	Trace    string          // trace context that it came with, by WithTrace or its delivery; empty for none
	Delivery *store.Delivery // the delivery that brought it; nil for a client's input
}

// InputEnd says how an input ended.
type InputEnd struct {
	Outcome  string // accepted, rejected or completed; for inputs of the engine itself also existed, missing or replaced; empty after an error
	Version  int64  // of the instance after the input
	Events   int    // of an accepted input
	Repeated bool   // the input was sent before with the same id, and this is its first outcome
	Duration time.Duration
	Err      error
}

// DeliveryStart is the beginning of an attempt at an effect or timer.
type DeliveryStart struct {
	*store.Delivery

	// Delay is the time from the request of the effect, or from the due time of the timer, to the first attempt. It is 0 for
	// later attempts. A snoozed attempt does not count, so the attempt after it may be the first again.
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
	DeliveryReleased  DeliveryResult = "released"   // it was returned to the queue because the engine stops
	DeliveryCancelled DeliveryResult = "cancelled"  // its instance cancelled or replaced it, or completed, meanwhile
	DeliveryLeft      DeliveryResult = "left"       // this process cannot take it; it waits for a process that can
	DeliverySkipped   DeliveryResult = "skipped"    // a recurring timer or schedule skipped this firing: it was missed, or failed for the last time
)

// DeliveryEnd says how an attempt at a delivery ended.
type DeliveryEnd struct {
	Result   DeliveryResult
	Again    time.Time // when it is due again; zero if it is not, or if that is unknown
	Duration time.Duration
	Err      error
}

// CommitReport describes one transaction with decisions.
type CommitReport struct {
	Inputs       int // how many were decided
	Instances    int // how many they belong to
	Events       int // that are stored
	Observations int // how many were stored, see Config.Observe; including those of inputs that were not accepted
	Leased       Leased
	Apart        bool // a single input that was decided outside of the batches, or in a transaction of the caller

	Duration time.Duration // including reading and deciding
	Err      error         // not nil if nothing was stored; after ErrConflict the inputs are decided again
}

// Leased is how many new effects and timers a commit has leased to this process, which handles them without a claim. All that a process has
// leased is these and ClaimReport.Claimed.
type Leased struct {
	Effects, Timers int
}

// ClaimReport describes one claim of due deliveries.
type ClaimReport struct {
	Queue    store.QueueName
	Wanted   int // how many handlers were free
	Claimed  int
	Duration time.Duration
	Err      error
}

// SettlementReport describes one call that ends leases without an input.
type SettlementReport struct {
	Queue    store.QueueName
	Settled  int
	Lost     int // leases that this process did not hold any more
	Duration time.Duration
	Err      error
}

// ProjectionStart is the beginning of a step of a projection: it applies some events, or resets the projection.
type ProjectionStart struct {
	Projection string
	Events     int                // 0 for a reset
	Position   store.FeedPosition // of the last event
	Reset      bool               // the step is a reset for a rebuild
}

// ProjectionEnd says how a step of a projection ended.
type ProjectionEnd struct {
	Duration time.Duration
	Err      error // not nil if nothing of the step was stored
	Lost     bool  // the step failed because another engine took the projection over, it was paused or stopped, or this engine stops
}

// DeadLettersReport says how many dead letters were retried, and how many discarded.
type DeadLettersReport struct {
	Retried, Discarded int
}

// DeletionReport describes one pass of retention over records of one kind.
type DeletionReport struct {
	Records  store.RecordKind // may be InstanceRecords
	Workflow string           // workflow of the instances; empty for other records
	Deleted  int64
	Kept     int64 // instances that Retention.Archive returned in keep
	Duration time.Duration
	Err      error // not nil if the pass was not completed
}
