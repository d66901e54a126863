package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ironflow-gen/ironflow/runtime/relay"
	"github.com/ironflow-gen/ironflow/runtime/relay/kafka"
	"github.com/ironflow-gen/ironflow/runtime/relay/kafka/kafkatest"
)

// kafkaTarget is a broker.
type kafkaTarget struct {
	broker *kafkatest.Broker // nil in a child
	seed   string
}

func startKafka(ctx context.Context, dir string, _ size) (target, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	broker, err := kafkatest.Start(ctx, dir)
	if err != nil {
		return nil, err
	}
	return &kafkaTarget{broker: broker, seed: broker.Seed()}, nil
}

func (t *kafkaTarget) name() string    { return "kafka" }
func (t *kafkaTarget) address() string { return t.seed }
func (t *kafkaTarget) stop()           { _ = t.broker.Kill() }

func (t *kafkaTarget) sink(_ context.Context, topic string) (relay.Sink, func(), error) {
	config := kafka.SinkConfig{ID: "relay-" + topic, Options: []kgo.Opt{kgo.SeedBrokers(t.seed), kgo.AllowAutoTopicCreation()}}
	if t.broker == nil { // the broker is killed meanwhile
		config.AckTimeout = 10 * time.Second
	}
	sink := kafka.NewSink(config)
	return sink, sink.Close, nil
}

func (t *kafkaTarget) disturb(ctx context.Context) error {
	if err := t.broker.Kill(); err != nil {
		return err
	}
	time.Sleep(rand.N(time.Second))
	if err := t.broker.Restart(ctx); err != nil {
		return err
	}
	time.Sleep(time.Second + rand.N(2*time.Second))
	return ctx.Err()
}

func (t *kafkaTarget) read(ctx context.Context, topic string, each func(string, int64)) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(t.seed), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return err
	}
	defer client.Close()
	for {
		reading, cancel := context.WithTimeout(ctx, 3*time.Second)
		fetched := client.PollFetches(reading)
		cancel()
		if fetched.Empty() && ctx.Err() == nil {
			return nil
		}
		if err := fetched.Err(); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		for _, r := range fetched.Records() {
			if err := seeBody(r.Value, each); err != nil {
				return err
			}
		}
	}
}
