package otel_test

import (
	"context"
	"fmt"
	"log"
	"strings"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/otel"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
)

// An order is one trace, from the customer's checkout to the receipt.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	exporter := tracetest.NewInMemoryExporter() // a program has one that sends, as that of otlptracegrpc
	tracers := trace.NewTracerProvider(trace.WithSyncer(exporter))
	meters := metric.NewMeterProvider(metric.WithReader(metric.NewManualReader()))

	// Without options, New takes the providers of otel.SetTracerProvider and otel.SetMeterProvider.
	telemetry, err := otel.New(otel.WithTracerProvider(tracers), otel.WithMeterProvider(meters))
	if err != nil {
		log.Fatal(err)
	}
	store, err := sqlite.OpenMemory(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	paid := make(chan struct{})
	engine, err := runtime.NewEngine(store, runtime.Config{Telemetry: telemetry},
		order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{Gateway: gateway{}, Mailer: mailer{paid}}))
	if err != nil {
		log.Fatal(err)
	}
	stop, err := telemetry.Observe(engine)
	if err != nil {
		log.Fatal(err)
	}
	defer stop()

	running, stopRunning := context.WithCancel(ctx)
	stopped := make(chan error)
	go func() { stopped <- engine.Run(running) }()
	_, err = order.NewClient(engine).Create(ctx, order.Create{
		OrderID: "o-1", CartID: "cart-1", Items: []order.Item{{Sku: "tea", Quantity: 2, PriceCents: 350}},
	})
	if err != nil {
		log.Fatal(err)
	}
	<-paid
	stopRunning()
	if err := <-stopped; err != nil {
		log.Fatal(err)
	}
	printTree(exporter.GetSpans(), oteltrace.SpanID{}, 0)
	// Output:
	// order Create
	//   order ChargeCard
	//     order Pay
	//       order SendReceipt
}

// printTree prints the spans below a span.
func printTree(spans tracetest.SpanStubs, parent oteltrace.SpanID, depth int) {
	for _, s := range spans {
		if s.Parent.SpanID() == parent {
			fmt.Println(strings.Repeat("  ", depth) + s.Name)
			printTree(spans, s.SpanContext.SpanID(), depth+1)
		}
	}
}

type gateway struct{}

func (gateway) Charge(context.Context, order.Charge) error { return nil }

type mailer struct{ sent chan struct{} }

func (m mailer) SendReceipt(context.Context, string, string, int64) error {
	close(m.sent)
	return nil
}
