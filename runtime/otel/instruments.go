package otel

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// instruments are what is counted as it happens.
type instruments struct {
	inputDuration, commitDuration, deliveryDuration, deliveryDelay, claimDuration, settlementDuration metric.Float64Histogram
	projectionDuration, retentionDuration                                                             metric.Float64Histogram

	commitInputs                                       metric.Int64Histogram
	inputRepeats                                       metric.Int64Counter
	commitEvents, commitObservations, commitLeased     metric.Int64Counter
	claimDeliveries, settlementSettled, settlementLost metric.Int64Counter
	deadLettersRetried, deadLettersDiscarded           metric.Int64Counter
	projectionEvents, retentionDeleted, retentionKept  metric.Int64Counter
	deliveryActive                                     metric.Int64UpDownCounter
}

func newInstruments(meter metric.Meter) (i instruments, err error) {
	var errs []error
	seconds := func(name, description string) metric.Float64Histogram {
		// From half a millisecond, a commit on a good disk, to minutes, a handler that waits for somebody.
		buckets := metric.WithExplicitBucketBoundaries(.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300)
		h, err := meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description), buckets)
		errs = append(errs, err)
		return h
	}
	count := func(name, unit, description string) metric.Int64Counter {
		c, err := meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
		errs = append(errs, err)
		return c
	}
	i.inputDuration = seconds(InputDuration, "Time from the call of an input to its answer.")
	i.inputRepeats = count(InputRepeats, "{input}", "Inputs that were sent before with the same id.")
	i.commitDuration = seconds(CommitDuration, "Time of one attempt to read, decide and commit.")
	i.commitLeased = count(CommitLeased, "{delivery}", "New deliveries that were leased to this process by the commit that made them.")
	i.commitEvents = count(CommitEvents, "{event}", "Events that were stored.")
	i.commitObservations = count(CommitObservations, "{observation}", "Observations of inputs that were stored.")
	i.deliveryDuration = seconds(DeliveryDuration, "Time of one attempt at an effect or timer.")
	i.deliveryDelay = seconds(DeliveryDelay, "Time from when a delivery was due to its first attempt.")
	i.claimDuration = seconds(ClaimDuration, "Time of one claim of due deliveries.")
	i.claimDeliveries = count(ClaimDeliveries, "{delivery}", "Deliveries that were claimed.")
	i.settlementDuration = seconds(SettlementDuration, "Time of one call that ends leases.")
	i.settlementSettled = count(SettlementSettled, "{delivery}", "Leases that were ended without an input.")
	i.settlementLost = count(SettlementLost, "{delivery}", "Leases that were lost before they were ended.")
	i.deadLettersRetried = count(DeadLettersRetried, "{delivery}", "Dead letters that were retried.")
	i.deadLettersDiscarded = count(DeadLettersDiscarded, "{delivery}", "Dead letters that were discarded.")
	i.projectionDuration = seconds(ProjectionDuration, "Time of one step of a projection.")
	i.projectionEvents = count(ProjectionEvents, "{event}", "Events that a projection has applied.")
	i.retentionDuration = seconds(RetentionDuration, "Time of one pass of retention.")
	i.retentionDeleted = count(RetentionDeleted, "{record}", "Records, or instances, that retention has deleted.")
	i.retentionKept = count(RetentionKept, "{instance}", "Instances that Retention.Archive returned in keep.")
	i.commitInputs, err = meter.Int64Histogram(CommitInputs, metric.WithUnit("{input}"),
		metric.WithDescription("Inputs that were decided in one commit."),
		metric.WithExplicitBucketBoundaries(1, 2, 4, 8, 16, 32, 64, 128, 256, 512))
	errs = append(errs, err)
	i.deliveryActive, err = meter.Int64UpDownCounter(DeliveryActive, metric.WithUnit("{delivery}"),
		metric.WithDescription("Attempts in progress in this process."))
	return i, errors.Join(append(errs, err)...)
}

// Committed implements telemetry.Telemetry.
func (t *Telemetry) Committed(c telemetry.CommitReport) {
	ctx := context.Background()
	t.commitDuration.Record(ctx, c.Duration.Seconds(), metric.WithAttributes(outcomeOf(c.Err), attribute.Bool(Apart, c.Apart)))
	if c.Err == nil {
		t.commitInputs.Record(ctx, int64(c.Inputs))
		t.commitEvents.Add(ctx, int64(c.Events))
		t.commitObservations.Add(ctx, int64(c.Observations))
		t.commitLeased.Add(ctx, int64(c.Leased.Effects), metric.WithAttributes(attribute.String(Queue, string(store.EffectQueue))))
		t.commitLeased.Add(ctx, int64(c.Leased.Timers), metric.WithAttributes(attribute.String(Queue, string(store.TimerQueue))))
	}
}

// Claimed implements telemetry.Telemetry.
func (t *Telemetry) Claimed(c telemetry.ClaimReport) {
	ctx, queue := context.Background(), attribute.String(Queue, string(c.Queue))
	t.claimDuration.Record(ctx, c.Duration.Seconds(), metric.WithAttributes(queue, outcomeOf(c.Err)))
	t.claimDeliveries.Add(ctx, int64(c.Claimed), metric.WithAttributes(queue))
}

// Settled implements telemetry.Telemetry.
func (t *Telemetry) Settled(s telemetry.SettlementReport) {
	ctx, queue := context.Background(), attribute.String(Queue, string(s.Queue))
	t.settlementDuration.Record(ctx, s.Duration.Seconds(), metric.WithAttributes(queue, outcomeOf(s.Err)))
	t.settlementSettled.Add(ctx, int64(s.Settled), metric.WithAttributes(queue))
	t.settlementLost.Add(ctx, int64(s.Lost), metric.WithAttributes(queue))
}

// DeadLettersEnded implements telemetry.Telemetry.
func (t *Telemetry) DeadLettersEnded(d telemetry.DeadLettersReport) {
	t.deadLettersRetried.Add(context.Background(), int64(d.Retried))
	t.deadLettersDiscarded.Add(context.Background(), int64(d.Discarded))
}

// Deleted implements telemetry.Telemetry.
func (t *Telemetry) Deleted(d telemetry.DeletionReport) {
	ctx, of := context.Background(), []attribute.KeyValue{attribute.String(Records, string(d.Records))}
	if d.Workflow != "" {
		of = append(of, attribute.String(Workflow, d.Workflow))
		t.retentionKept.Add(ctx, d.Kept, metric.WithAttributes(of[1]))
	}
	t.retentionDeleted.Add(ctx, d.Deleted, metric.WithAttributes(of...))
	t.retentionDuration.Record(ctx, d.Duration.Seconds(), metric.WithAttributes(append(of, outcomeOf(d.Err))...))
}
