// Package otel makes OpenTelemetry traces and metrics of what an engine does. It is a module of its own, so that programs which do
// not use it have nothing of OpenTelemetry among their modules.
//
//	telemetry, err := otel.New()            // the global providers
//	engine, err := runtime.NewEngine(store, runtime.Config{Telemetry: telemetry}, workflows...)
//	stop, err := telemetry.Observe(engine)  // gauges of backlogs, projections and cache
//
// # Traces
//
// An input is a span below that of its caller, named by workflow and input. Its trace context is stored with the decision, so that
// each attempt at an effect, in whatever process and however much later, is a span of the same trace, and so is the input that its
// result becomes, and what passes between an instance and its children. A handler's context has the attempt's span. A timer begins a
// trace of its own, with a link to the decision that started it: what recurs would never end a trace. Each step of a projection is
// a trace of its own. An input without a span in its context is a part of the trace of runtime.WithTrace. Neither tracestate nor baggage
// is kept.
//
// # Metrics
//
// Their names are the constants of this package, and docs/operate/telemetry.md says what each one means. Ids of instances and inputs are in
// spans only; payloads are in neither.
package otel
