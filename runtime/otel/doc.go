// Package otel reports what an engine does as OpenTelemetry traces and metrics. It is a module of its own, so that programs that
// do not use it do not depend on OpenTelemetry.
//
//	telemetry, err := otel.New()            // the global providers
//	engine, err := runtime.NewEngine(store, runtime.Config{Telemetry: telemetry}, workflows...)
//	stop, err := telemetry.Observe(engine)  // gauges of backlogs, projections and cache
//
// # Traces
//
// An input is a span below the span of its caller, named by workflow and input. Its trace context is stored with the decision. So
// each attempt at an effect of the decision is a span of the same trace, in whatever process and however much later. The input
// made from the effect's result belongs to the trace too, and so do inputs between an instance and its children. The context of a
// handler has the span of the attempt. A timer begins a new trace, with a link to the decision that started it; otherwise the
// trace of a recurring timer would never end. Each step of a projection is a trace of its own. An input without a span in its
// context belongs to the trace of runtime.WithTrace. tracestate and baggage are not stored.
//
// # Metrics
//
// The names of metrics are constants of this package; docs/operate/telemetry.md explains each. Ids of instances and inputs are
// only in spans. Payloads are never reported.
package otel
