package otel

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

const traceparent = "traceparent"

// inject returns the trace context of ctx as it is stored.
func inject(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier[traceparent]
}

// extract reads a stored trace context; one that is not valid is that of no span.
func extract(stored string) trace.SpanContext {
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{traceparent: stored})
	return trace.SpanContextFromContext(ctx)
}

// StartInput implements telemetry.Telemetry.
func (t *Telemetry) StartInput(ctx context.Context, in telemetry.InputStart) (string, func(telemetry.InputEnd)) {
	attributes := []attribute.KeyValue{
		attribute.String(Workflow, in.Instance.Workflow), attribute.String(Instance, in.Instance.ID), attribute.String(Input, in.Input),
	}
	if in.InputID != "" {
		attributes = append(attributes, attribute.String(InputID, in.InputID))
	}
	if in.Trace != "" && !trace.SpanContextFromContext(ctx).IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, extract(in.Trace))
	}
	ctx, span := t.tracer.Start(ctx, in.Instance.Workflow+" "+in.Input, trace.WithAttributes(attributes...))
	return inject(ctx), func(end telemetry.InputEnd) {
		outcome := end.Outcome
		if end.Err != nil {
			outcome = failed
			fail(span, end.Err)
		}
		if span.IsRecording() {
			span.SetAttributes(attribute.String(Outcome, outcome))
			if end.Err == nil {
				span.SetAttributes(attribute.Int64(Version, end.Version), attribute.Int(Events, end.Events))
			}
			if end.Repeated {
				span.SetAttributes(attribute.Bool(Repeated, true))
			}
		}
		span.End()
		if end.Repeated {
			t.inputRepeats.Add(ctx, 1, t.inputs.of(values{in.Instance.Workflow, in.Input}).add...)
		}
		ended := values{in.Instance.Workflow, in.Input, outcome, errorType(end.Err)}
		t.inputDuration.Record(ctx, end.Duration.Seconds(), t.inputEnds.of(ended).record...)
	}
}

// expected are ends of attempts that come with an error and are none.
var expected = map[telemetry.DeliveryResult]bool{
	telemetry.DeliverySnoozed: true, telemetry.DeliveryReleased: true, telemetry.DeliveryLeft: true,
}

// StartDelivery implements telemetry.Telemetry.
func (t *Telemetry) StartDelivery(ctx context.Context, d telemetry.DeliveryStart) (context.Context, func(telemetry.DeliveryEnd)) {
	of := values{string(d.Lease.Queue), d.Kind.Workflow, d.Kind.Name}
	kind := t.deliveries.of(of)
	attributes := append(kind.ToSlice(), attribute.String(Instance, d.Lease.Instance.ID), attribute.Int(Attempt, d.Attempt))
	if d.Lease.Key != "" {
		attributes = append(attributes, attribute.String(Timer, d.Lease.Key))
	}
	options := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(attributes...)}
	switch decision := extract(d.Trace); {
	case !decision.IsValid():
		options = append(options, trace.WithNewRoot())
	case d.Lease.Queue == store.TimerQueue:
		options = append(options, trace.WithNewRoot(), trace.WithLinks(trace.Link{SpanContext: decision}))
	default:
		ctx = trace.ContextWithRemoteSpanContext(ctx, decision)
	}
	ctx, span := t.tracer.Start(ctx, d.Kind.Workflow+" "+d.Kind.Name, options...)
	t.deliveryActive.Add(ctx, 1, kind.add...)
	if d.Attempt == 1 {
		t.deliveryDelay.Record(ctx, d.Delay.Seconds(), kind.record...)
	}
	return ctx, func(end telemetry.DeliveryEnd) {
		of[3] = string(end.Result)
		if end.Err != nil && !expected[end.Result] {
			of[4] = errorType(end.Err)
			fail(span, end.Err)
		}
		if span.IsRecording() {
			span.SetAttributes(attribute.String(Result, of[3]))
		}
		span.End()
		t.deliveryActive.Add(ctx, -1, kind.add...)
		t.deliveryDuration.Record(ctx, end.Duration.Seconds(), t.deliveryEnds.of(of).record...)
	}
}

// StartProjection implements telemetry.Telemetry.
func (t *Telemetry) StartProjection(ctx context.Context, p telemetry.ProjectionStart) (context.Context, func(telemetry.ProjectionEnd)) {
	name, of := "project ", attribute.String(Projection, p.Projection)
	if p.Reset {
		name = "reset "
	}
	ctx, span := t.tracer.Start(ctx, name+p.Projection, trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(of, attribute.Int(Events, p.Events), attribute.Int64(Position, int64(p.Position))))
	return ctx, func(end telemetry.ProjectionEnd) {
		outcome := outcomeOf(end.Err)
		if end.Lost {
			outcome = attribute.String(Outcome, lost)
		}
		attributes := []attribute.KeyValue{of, outcome}
		if end.Err != nil && !end.Lost {
			attributes = append(attributes, attribute.String(ErrorType, errorType(end.Err)))
			fail(span, end.Err)
		}
		span.SetAttributes(outcome)
		span.End()
		t.projectionDuration.Record(ctx, end.Duration.Seconds(), metric.WithAttributes(attributes...))
		if end.Err == nil {
			t.projectionEvents.Add(ctx, int64(p.Events), metric.WithAttributes(of))
		}
	}
}
