// Package telemetry defines what an engine reports about itself: [Telemetry] receives reports as things happen, [Health] has
// current figures, and [Explanation] says why a decision was made. Package otel turns the reports into OpenTelemetry's metrics
// and traces.
package telemetry
