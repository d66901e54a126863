package otel

import (
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

const scope = "github.com/ironflow-gen/ironflow/runtime/otel"

// Telemetry is a telemetry.Telemetry. Several engines may share one, unless they call Observe; then give each its own Telemetry
// with WithAttributes. It is safe for concurrent use.
type Telemetry struct {
	tracer trace.Tracer
	meter  metric.Meter
	instruments

	// Of what is told of each input or delivery.
	inputs, inputEnds, deliveries, deliveryEnds *labels
}

var _ telemetry.Telemetry = (*Telemetry)(nil)

// Option is an option of New.
type Option func(*options)

type options struct {
	tracers    trace.TracerProvider
	meters     metric.MeterProvider
	attributes []attribute.KeyValue
}

// WithTracerProvider sets the provider of spans, instead of the global one.
func WithTracerProvider(provider trace.TracerProvider) Option {
	return func(o *options) { o.tracers = provider }
}

// WithMeterProvider sets the provider of metrics, instead of the global one.
func WithMeterProvider(provider metric.MeterProvider) Option {
	return func(o *options) { o.meters = provider }
}

// WithAttributes sets attributes of the instrumentation scope of all spans and metrics, which distinguish several engines of one
// process.
func WithAttributes(attributes ...attribute.KeyValue) Option {
	return func(o *options) { o.attributes = append(o.attributes, attributes...) }
}

// New returns a Telemetry for Config.Telemetry. It fails if the meter refuses an instrument.
func New(opts ...Option) (*Telemetry, error) {
	o := options{tracers: otel.GetTracerProvider(), meters: otel.GetMeterProvider()}
	for _, option := range opts {
		option(&o)
	}
	t := &Telemetry{
		tracer: o.tracers.Tracer(scope, trace.WithInstrumentationAttributes(o.attributes...)),
		meter:  o.meters.Meter(scope, metric.WithInstrumentationAttributes(o.attributes...)),

		inputs:       newLabels(Workflow, Input),
		inputEnds:    newLabels(Workflow, Input, Outcome, ErrorType),
		deliveries:   newLabels(Queue, Workflow, Kind),
		deliveryEnds: newLabels(Queue, Workflow, Kind, Result, ErrorType),
	}
	var err error
	if t.instruments, err = newInstruments(t.meter); err != nil {
		return nil, err
	}
	return t, nil
}
