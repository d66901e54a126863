package otel_test

import (
	"fmt"
	"log/slog"
	"testing"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/otel"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
)

// What an input costs without Telemetry, with one that samples nothing, and with all of it.
func BenchmarkInput(b *testing.B) {
	for _, c := range []struct {
		name    string
		sampler trace.Sampler
	}{{"off", nil}, {"not sampled", trace.NeverSample()}, {"sampled", trace.AlwaysSample()}} {
		b.Run(c.name, func(b *testing.B) {
			config := runtime.Config{Logger: slog.New(slog.DiscardHandler)}
			if c.sampler != nil {
				telemetry, err := otel.New(otel.WithTracerProvider(trace.NewTracerProvider(trace.WithSampler(c.sampler))),
					otel.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))))
				if err != nil {
					b.Fatal(err)
				}
				config.Telemetry = telemetry
			}
			store, err := sqlite.OpenMemory(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			defer store.Close()
			engine, err := runtime.NewEngine(store, config, ledger.NewWorkflow(ledger.Decider{}, ledger.Evolver{}, ledger.Handler{}))
			if err != nil {
				b.Fatal(err)
			}
			client := ledger.NewClient(engine)
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if out, err := client.Add(b.Context(), ledger.Add{Account: fmt.Sprint(n % 100), Amount: 1}); err != nil || !out.Accepted() {
					b.Fatalf("got %v, %v", out, err)
				}
			}
		})
	}
}
