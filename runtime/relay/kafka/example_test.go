package kafka_test

import (
	"context"
	"fmt"
	"log"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/relay"
	"github.com/ironflow-gen/ironflow/runtime/relay/internal/relaytest"
	"github.com/ironflow-gen/ironflow/runtime/relay/kafka"
)

// TestGuide runs what docs/operate/relay.md shows. It is no Example because not every machine has a broker.
func TestGuide(t *testing.T) {
	createTopic(t, "ironflow.order", nil)
	createTopic(t, "orders", nil)
	createTopic(t, "orders-refused", nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	seed, config := broker.Seed(), runtime.Config{}

	sink := kafka.NewSink(kafka.SinkConfig{ID: "order-relay", Options: []kgo.Opt{kgo.SeedBrokers(seed)}})
	defer sink.Close()
	published := relay.Relay{
		Name:      "broker",
		Sink:      sink,
		Subject:   "ironflow.{workflow}",
		BatchSize: 20_000,
	}
	config.Projections = []runtime.AnyProjection{published}

	eraser, err := kgo.NewClient(kgo.SeedBrokers(seed))
	if err != nil {
		t.Fatal(err)
	}
	defer eraser.Close()
	config.Retention = runtime.Retention{Completed: 90 * 24 * time.Hour, Archive: kafka.Erase(eraser, published)}
	engine, err := runtime.NewEngine(memory.New(), config, order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{}))
	if err != nil {
		t.Fatal(err)
	}
	defer relaytest.Run(t, engine)()
	client, err := kgo.NewClient(kgo.SeedBrokers(seed), kgo.ConsumerGroup("orders"), kgo.ConsumeTopics("orders"), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	inbox := relay.Inbox{Executor: engine, Workflow: "order"}
	go consume(ctx, client, inbox)
	for n := range 3 {
		body := fmt.Appendf(nil, `{"type": "Create", "order_id": "o-%[1]d", "cart_id": "c-%[1]d", "email": "ada@example.com", "card": "4242",
			"items": [{"sku": "tea", "quantity": 1, "price_cents": 700}]}`, n)
		if err := client.ProduceSync(ctx, &kgo.Record{Topic: "orders", Value: body}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		if len(records(t, "ironflow.order")) >= 3 {
			return
		}
	}
	t.Error("the orders are not in the topic")
}

func consume(ctx context.Context, client *kgo.Client, inbox relay.Inbox) {
	err := kafka.Consume(ctx, client, &inbox, kafka.ConsumeConfig{DeadLetter: "orders-refused"})
	if ctx.Err() == nil {
		log.Print(err)
	}
}
