package otel

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/ironflow-gen/ironflow/runtime"
)

const scope = "github.com/ironflow-gen/ironflow/runtime/otel"

// Telemetry is a runtime.Telemetry. Any number of engines may share it. Safe for concurrent use.
type Telemetry struct {
	tracer trace.Tracer
	meter  metric.Meter
	instruments
}

var _ runtime.Telemetry = (*Telemetry)(nil)

// Option sets where New gets its tracer and meter.
type Option func(*options)

type options struct {
	tracers trace.TracerProvider
	meters  metric.MeterProvider
}

// WithTracerProvider makes spans with a provider instead of the global one.
func WithTracerProvider(provider trace.TracerProvider) Option {
	return func(o *options) { o.tracers = provider }
}

// WithMeterProvider makes metrics with a provider instead of the global one.
func WithMeterProvider(provider metric.MeterProvider) Option {
	return func(o *options) { o.meters = provider }
}

// New makes a Telemetry for Config.Telemetry. It fails when the meter does not take an instrument.
func New(opts ...Option) (*Telemetry, error) {
	o := options{tracers: otel.GetTracerProvider(), meters: otel.GetMeterProvider()}
	for _, option := range opts {
		option(&o)
	}
	t := &Telemetry{tracer: o.tracers.Tracer(scope), meter: o.meters.Meter(scope)}
	var err error
	if t.instruments, err = newInstruments(t.meter); err != nil {
		return nil, err
	}
	return t, nil
}

const traceparent = "traceparent"

// StartInput implements runtime.Telemetry.
func (t *Telemetry) StartInput(ctx context.Context, in runtime.InputStart) (string, func(runtime.InputEnd)) {
	attributes := []attribute.KeyValue{
		attribute.String(Workflow, in.Instance.Workflow), attribute.String(Instance, in.Instance.ID), attribute.String(Input, in.Input),
	}
	if in.InputID != "" {
		attributes = append(attributes, attribute.String(InputID, in.InputID))
	}
	ctx, span := t.tracer.Start(ctx, in.Instance.Workflow+" "+in.Input, trace.WithAttributes(attributes...))
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier[traceparent], func(end runtime.InputEnd) {
		outcome := end.Outcome
		if end.Err != nil {
			outcome = failed
			fail(span, end.Err)
		} else {
			span.SetAttributes(attribute.Int64(Version, end.Version), attribute.Int(Events, end.Events))
		}
		span.SetAttributes(attribute.String(Outcome, outcome))
		span.End()
		t.inputDuration.Record(ctx, end.Duration.Seconds(), metric.WithAttributes(
			attribute.String(Workflow, in.Instance.Workflow), attribute.String(Input, in.Input), attribute.String(Outcome, outcome)))
	}
}

// failed is the outcome of what ended with an error, stored that of a commit.
const (
	failed   = "error"
	stored   = "stored"
	conflict = "conflict"
)

func fail(span trace.Span, err error) {
	span.RecordError(err)
	span.SetStatus(codes.Error, err.Error())
}

// expected are ends of attempts that come with an error and are none.
var expected = map[runtime.DeliveryResult]bool{
	runtime.DeliverySnoozed: true, runtime.DeliveryReleased: true, runtime.DeliveryLeft: true,
}

// StartDelivery implements runtime.Telemetry.
func (t *Telemetry) StartDelivery(ctx context.Context, d runtime.DeliveryStart) (context.Context, func(runtime.DeliveryEnd)) {
	queue := attribute.String(Queue, string(d.Lease.Queue))
	kind := attribute.NewSet(queue, attribute.String(Workflow, d.Kind.Workflow), attribute.String(Kind, d.Kind.Name))
	attributes := append(kind.ToSlice(), attribute.String(Instance, d.Lease.Instance.ID), attribute.Int(Attempt, d.Attempt))
	if d.Lease.Key != "" {
		attributes = append(attributes, attribute.String(Timer, d.Lease.Key))
	}
	options := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(attributes...)}
	asked := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{traceparent: d.Trace})
	switch decision := trace.SpanContextFromContext(asked); {
	case !decision.IsValid():
		options = append(options, trace.WithNewRoot())
	case d.Lease.Queue == runtime.TimerQueue:
		options = append(options, trace.WithNewRoot(), trace.WithLinks(trace.Link{SpanContext: decision}))
	default:
		ctx = trace.ContextWithRemoteSpanContext(ctx, decision)
	}
	ctx, span := t.tracer.Start(ctx, d.Kind.Workflow+" "+d.Kind.Name, options...)
	t.deliveryActive.Add(ctx, 1, metric.WithAttributeSet(kind))
	if d.Attempt == 1 {
		t.deliveryDelay.Record(ctx, d.Delay.Seconds(), metric.WithAttributeSet(kind))
	}
	return ctx, func(end runtime.DeliveryEnd) {
		if end.Err != nil && !expected[end.Result] {
			fail(span, end.Err)
		}
		result := attribute.String(Result, string(end.Result))
		span.SetAttributes(result)
		span.End()
		t.deliveryActive.Add(ctx, -1, metric.WithAttributeSet(kind))
		t.deliveryDuration.Record(ctx, end.Duration.Seconds(), metric.WithAttributeSet(kind), metric.WithAttributes(result))
	}
}

// Committed implements runtime.Telemetry.
func (t *Telemetry) Committed(c runtime.CommitReport) {
	ctx := context.Background()
	outcome := outcomeOf(c.Err)
	t.commitDuration.Record(ctx, c.Duration.Seconds(), metric.WithAttributes(outcome, attribute.Bool(Apart, c.Apart)))
	if c.Err == nil {
		t.commitInputs.Record(ctx, int64(c.Inputs))
		t.commitEvents.Add(ctx, int64(c.Events))
	}
}

// Claimed implements runtime.Telemetry.
func (t *Telemetry) Claimed(c runtime.ClaimReport) {
	ctx, queue := context.Background(), attribute.String(Queue, string(c.Queue))
	t.claimDuration.Record(ctx, c.Duration.Seconds(), metric.WithAttributes(queue, outcomeOf(c.Err)))
	t.claimDeliveries.Add(ctx, int64(c.Claimed), metric.WithAttributes(queue))
}

// Settled implements runtime.Telemetry.
func (t *Telemetry) Settled(s runtime.SettlementReport) {
	ctx, queue := context.Background(), attribute.String(Queue, string(s.Queue))
	t.settlementDuration.Record(ctx, s.Duration.Seconds(), metric.WithAttributes(queue, outcomeOf(s.Err)))
	t.settlementSettled.Add(ctx, int64(s.Settled), metric.WithAttributes(queue))
	t.settlementLost.Add(ctx, int64(s.Lost), metric.WithAttributes(queue))
}

func outcomeOf(err error) attribute.KeyValue {
	switch {
	case err == nil:
		return attribute.String(Outcome, stored)
	case errors.Is(err, runtime.ErrConflict):
		return attribute.String(Outcome, conflict)
	default:
		return attribute.String(Outcome, failed)
	}
}
