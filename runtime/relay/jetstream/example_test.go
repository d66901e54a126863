package jetstream_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/relay"
	"github.com/ironflow-gen/ironflow/runtime/relay/jetstream"
	"github.com/ironflow-gen/ironflow/runtime/relay/jetstream/jetstreamtest"
)

// Orders become messages of a stream, and messages of another stream become inputs.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	js, stop := exampleServer(ctx)
	defer stop()

	var config runtime.Config
	config.Projections = []runtime.AnyProjection{relay.Relay{
		Name:    "broker",
		Sink:    jetstream.NewSink(js, jetstream.SinkConfig{Stream: "events"}),
		Filters: []runtime.EventFilter{{Workflow: "order"}},
	}}
	engine, err := runtime.NewEngine(memory.New(), config, order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{}))
	if err != nil {
		log.Fatal(err)
	}
	running, stopRunning := context.WithCancel(ctx)
	stopped := make(chan error)
	go func() { stopped <- engine.Run(running) }()

	consumer, err := js.CreateConsumer(ctx, "orders", natsjs.ConsumerConfig{Durable: "ironflow", AckPolicy: natsjs.AckExplicitPolicy})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := js.Publish(ctx, "orders.new", []byte(`{"type": "Create", "order_id": "o-1", "cart_id": "c-1", "email": "ada@example.com",
		"card": "4242", "items": [{"sku": "tea", "quantity": 1, "price_cents": 700}]}`)); err != nil {
		log.Fatal(err)
	}
	go consume(running, js, consumer, engine)

	events, err := js.OrderedConsumer(ctx, "events", natsjs.OrderedConsumerConfig{})
	if err != nil {
		log.Fatal(err)
	}
	first, err := events.Next()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(first.Subject(), first.Headers().Get("Content-Type")+first.Headers().Get("content-type"))
	stopRunning()
	if err := <-stopped; err != nil {
		log.Fatal(err)
	}
	// Output: ironflow.order.o-1 application/cloudevents+json
}

func consume(ctx context.Context, js natsjs.JetStream, consumer natsjs.Consumer, engine *runtime.Engine) {
	inbox := relay.Inbox{Executor: engine, Workflow: "order"}
	err := jetstream.Consume(ctx, js, consumer, &inbox, jetstream.ConsumeConfig{DeadLetter: "orders.refused"})
	if !errors.Is(err, context.Canceled) {
		log.Print(err)
	}
}

// exampleServer starts a server with streams.
func exampleServer(ctx context.Context) (js natsjs.JetStream, stop func()) {
	dir, err := os.MkdirTemp("", "nats")
	if err != nil {
		log.Fatal(err)
	}
	server, err := jetstreamtest.Start(dir, 1)
	if err != nil {
		log.Fatal(err)
	}
	conn, err := nats.Connect(server.URL())
	if err != nil {
		log.Fatal(err)
	}
	if js, err = natsjs.New(conn); err != nil {
		log.Fatal(err)
	}
	for _, stream := range []natsjs.StreamConfig{
		{Name: "events", Subjects: []string{"ironflow.>"}, AllowAtomicPublish: true},
		{Name: "orders", Subjects: []string{"orders.*"}},
	} {
		if _, err := js.CreateStream(ctx, stream); err != nil {
			log.Fatal(err)
		}
	}
	return js, func() {
		conn.Close()
		server.Stop()
		_ = os.RemoveAll(dir)
	}
}
