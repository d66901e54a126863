// Package telemetry is what an engine reports about itself: [Telemetry] is called with the reports as they come, and [Health] sums up
// how things are. Package otel turns the reports into OpenTelemetry's metrics and traces.
package telemetry
