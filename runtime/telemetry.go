package runtime

import (
	"context"
	"time"
)

// Telemetry is told what an engine does, while it does it: package runtime/otel makes traces and metrics of it. It is called by
// many goroutines at the same time, and what it takes is taken from the work, so it must not block. A panic in it is not caught.
//
// More methods may be added with a minor version; embed a Telemetry of package runtime/otel to go on compiling.
type Telemetry interface {
	// StartInput is told of an input before it waits for its decision; ctx is its caller's, or that of the delivery which brought
	// it. It returns the trace context (W3C traceparent) that is kept with the decision and its effects and timers, or "" for the
	// one that brought the input, and what is called once when the input has its answer; nil for nothing.
	StartInput(ctx context.Context, input InputStart) (trace string, end func(InputEnd))

	// StartDelivery is told of each attempt at an effect or timer. The context that it returns, which must be made of ctx, is what
	// the handler gets. Delivery.Trace is the trace context of the decision that asked for it. end is called once; nil for nothing.
	StartDelivery(ctx context.Context, delivery DeliveryStart) (_ context.Context, end func(DeliveryEnd))

	// Committed is told of each attempt to decide and commit.
	Committed(commit CommitReport)

	// Claimed and Settled are told of each call of a queue that takes deliveries, or ends leases.
	Claimed(claim ClaimReport)
	Settled(settlement SettlementReport)
}

// InputStart is an input on its way to a decision.
type InputStart struct {
	Instance InstanceKey
	Input    string
	InputID  string    // empty when it came without one
	Delivery *Delivery // that brought it; nil for a client's input
}

// InputEnd is what became of an input.
type InputEnd struct {
	Outcome  string // accepted, rejected, completed, or existed for a child that was there; empty with an error
	Version  int64  // of the instance after it
	Events   int    // that an accepted input led to
	Duration time.Duration
	Err      error
}

// DeliveryStart is an attempt at an effect or timer.
type DeliveryStart struct {
	*Delivery

	// Delay is how late it is: since the effect was requested, or since the timer was to fire. It is of the first attempt only.
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
	DeliveryLeft      DeliveryResult = "left"       // a newer process has to do it
)

// DeliveryEnd is what became of an attempt.
type DeliveryEnd struct {
	Result   DeliveryResult
	Again    time.Time // when it is due again, after a failure or a snooze
	Duration time.Duration
	Err      error
}

// CommitReport is about one transaction with decisions.
type CommitReport struct {
	Inputs    int  // that were decided in it
	Instances int  // they are of
	Events    int  // that are stored
	Apart     bool // one input that was served apart from the batches, or within a transaction of the caller's

	Duration time.Duration // with reading and deciding
	Err      error         // nothing is stored; ErrConflict says that it is tried again
}

// ClaimReport is about one look for due work.
type ClaimReport struct {
	Queue    QueueName
	Wanted   int // as many handlers were free
	Claimed  int
	Duration time.Duration
	Err      error
}

// SettlementReport is about one call that ends leases without an input.
type SettlementReport struct {
	Queue    QueueName
	Settled  int
	Lost     int // were not held any more
	Duration time.Duration
	Err      error
}

// startInput returns how the end of an input is reported, nil for not at all.
func (c *Config) startInput(ctx context.Context, req *request) func(result, error) {
	if c.Telemetry == nil {
		return nil
	}
	begin := time.Now()
	trace, end := c.Telemetry.StartInput(ctx, InputStart{
		Instance: req.key(), Input: req.input.name, InputID: req.inputID, Delivery: req.delivery,
	})
	if trace != "" {
		req.trace = trace
	}
	if end == nil {
		return nil
	}
	return func(r result, err error) {
		report := InputEnd{Outcome: outcomeNames[r.kind], Version: r.version, Events: len(r.events), Duration: time.Since(begin), Err: err}
		if r.kind == existed {
			report.Outcome = "existed"
		}
		end(report)
	}
}

// startDelivery returns the context of an attempt, and how its end is reported, without its duration.
func (c *Config) startDelivery(ctx context.Context, d *Delivery) (context.Context, func(DeliveryEnd)) {
	if c.Telemetry == nil {
		return ctx, func(DeliveryEnd) {}
	}
	begin := time.Now()
	start := DeliveryStart{Delivery: d}
	if d.Attempt == 1 {
		start.Delay = max(c.Clock.Now().Sub(d.Due), 0)
	}
	ctx, end := c.Telemetry.StartDelivery(ctx, start)
	return ctx, func(report DeliveryEnd) {
		if end != nil {
			report.Duration = time.Since(begin)
			end(report)
		}
	}
}

// reportCommit reports a transaction that began at a time.
func (c *Config) reportCommit(begin time.Time, report CommitReport) {
	if c.Telemetry != nil {
		report.Duration = time.Since(begin)
		c.Telemetry.Committed(report)
	}
}
