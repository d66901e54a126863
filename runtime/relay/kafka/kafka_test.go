package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/relay"
	"github.com/ironflow-gen/ironflow/runtime/relay/internal/relaytest"
	"github.com/ironflow-gen/ironflow/runtime/relay/kafka"
	"github.com/ironflow-gen/ironflow/runtime/relay/kafka/kafkatest"
)

// broker is the one that all tests use.
var broker struct {
	*kafkatest.Broker
	missing string // why there is none
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "kafka")
	if err != nil {
		panic(err)
	}
	broker.Broker, err = kafkatest.Start(context.Background(), dir)
	switch {
	case errors.Is(err, kafkatest.ErrNoJava):
		broker.missing = err.Error()
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if broker.Broker != nil {
		_ = broker.Kill()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// options connect to the broker.
func options(t *testing.T, more ...kgo.Opt) []kgo.Opt {
	t.Helper()
	if broker.missing != "" {
		t.Skip(broker.missing)
	}
	return append([]kgo.Opt{kgo.SeedBrokers(broker.Seed()), kgo.ProducerBatchCompression(kgo.NoCompression())}, more...)
}

// createTopic makes a topic with 4 partitions.
func createTopic(t *testing.T, name string, settings map[string]*string) {
	t.Helper()
	client, err := kgo.NewClient(options(t)...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := kadm.NewClient(client).CreateTopic(t.Context(), 4, 1, settings, name); err != nil {
		t.Fatal(err)
	}
}

// into returns a relay that publishes into one topic.
func into(t *testing.T, topic string, batch int) relay.Relay {
	t.Helper()
	sink := kafka.NewSink(kafka.SinkConfig{ID: "relay-" + topic, Options: options(t), AckTimeout: 5 * time.Second})
	t.Cleanup(sink.Close)
	return relay.Relay{Sink: sink, Subject: topic, BatchSize: batch}
}

// records returns the committed records of a topic.
func records(t *testing.T, topic string) (list []*kgo.Record) {
	t.Helper()
	client, err := kgo.NewClient(options(t, kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		fetched := client.PollFetches(ctx)
		cancel()
		if fetched.Empty() {
			return list
		}
		list = append(list, fetched.Records()...)
	}
}

// wantOrder says that the topic has n events of ledgers, each once, and those of each instance in their order.
func wantOrder(t *testing.T, topic string, n int) {
	t.Helper()
	versions := map[string]int64{}
	list := records(t, topic)
	for _, r := range list {
		var version int64
		_, after, _ := strings.Cut(string(r.Value), `"instanceversion":`)
		if _, err := fmt.Sscanf(after, "%d", &version); err != nil {
			t.Fatal(err)
		}
		if key := string(r.Key); version != versions[key]+1 {
			t.Errorf("%s: version %d came after version %d", key, version, versions[key])
		}
		versions[string(r.Key)] = version
	}
	if len(list) != n {
		t.Errorf("the topic has %d records, want %d", len(list), n)
	}
}

// A record is a CloudEvent with the instance as its key, and after a rebuild all are published again.
func TestSink(t *testing.T) {
	createTopic(t, "plain", nil)
	engine, client := relaytest.Engine(t, memory.New(), into(t, "plain", 100))
	relaytest.Run(t, engine)
	relaytest.Add(t, client, "a", 3)
	relaytest.Await(t, engine)
	wantOrder(t, "plain", 3)
	first := records(t, "plain")[0]
	if string(first.Key) != "ledger/a" || len(first.Headers) != 1 || string(first.Headers[0].Value) != "application/cloudevents+json" {
		t.Errorf("key %q, headers %v", first.Key, first.Headers)
	}
	if err := engine.RebuildProjection(t.Context(), "broker"); err != nil {
		t.Fatal(err)
	}
	relaytest.Await(t, engine)
	if n := len(records(t, "plain")); n != 6 {
		t.Errorf("the topic has %d records, want 6", n)
	}
}

// A broker that is killed, and engines that come and go, neither lose an event nor double or invert any.
func TestBrokerIsKilled(t *testing.T) {
	createTopic(t, "killed", nil)
	const accounts, additions = 10, 200
	st := memory.New()
	first, client := relaytest.Engine(t, st, into(t, "killed", 50))
	second, _ := relaytest.Engine(t, st, into(t, "killed", 50))
	var writing sync.WaitGroup
	for a := range accounts {
		writing.Go(func() {
			for range additions {
				relaytest.Add(t, client, fmt.Sprint("account", a), 1)
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
	for i := range 3 {
		stop := relaytest.Run(t, []*runtime.Engine{first, second}[i%2])
		time.Sleep(700 * time.Millisecond)
		if i > 0 {
			if err := broker.Kill(); err != nil {
				t.Error(err)
			}
			time.Sleep(300 * time.Millisecond)
			if err := broker.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		stop()
	}
	writing.Wait()
	relaytest.Run(t, first)
	relaytest.Await(t, first)
	wantOrder(t, "killed", accounts*additions)
}

// What cannot be published now is a wait with a reason, and what can never be published stops the relay.
func TestBadTopics(t *testing.T) {
	t.Run("missing, then there", func(t *testing.T) {
		engine, client := relaytest.Engine(t, memory.New(), into(t, "later", 100))
		relaytest.Run(t, engine)
		relaytest.Add(t, client, "a", 3)
		relaytest.Waits(t, engine, "UNKNOWN_TOPIC_OR_PARTITION")
		createTopic(t, "later", nil)
		relaytest.Await(t, engine)
		wantOrder(t, "later", 3)
	})
	t.Run("too large", func(t *testing.T) {
		limit := "700"
		createTopic(t, "small", map[string]*string{"max.message.bytes": &limit})
		engine, client := relaytest.Engine(t, memory.New(), into(t, "small", 100))
		relaytest.Add(t, client, "a", 2)
		relaytest.Add(t, client, strings.Repeat("long", 125), 1)
		relaytest.Add(t, client, "a", 1)
		relaytest.Run(t, engine)
		is := relaytest.Stopped(t, engine, "MESSAGE_TOO_LARGE")
		if err := engine.SkipProjectionEvent(t.Context(), "broker", is.StoppedAt); err != nil {
			t.Fatal(err)
		}
		relaytest.Await(t, engine)
		if n := len(records(t, "small")); n != 3 {
			t.Errorf("the topic has %d records, want 3", n)
		}
	})
}

// Records become inputs, each once, and those that are refused are dead letters.
func TestConsume(t *testing.T) {
	createTopic(t, "inputs", nil)
	createTopic(t, "dead", nil)
	engine, client := relaytest.Engine(t, memory.New(), into(t, "unused", 100))
	producer, err := kgo.NewClient(options(t)...)
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	send := func(id, account, body string) {
		t.Helper()
		r := &kgo.Record{Topic: "inputs", Key: []byte(account), Value: []byte(body)}
		if id != "" {
			r.Headers = []kgo.RecordHeader{{Key: "ce_id", Value: []byte(id)}}
		}
		if err := producer.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		for i := range 20 {
			account := fmt.Sprint("a", i%2)
			send(fmt.Sprint("m-", i), account, fmt.Sprintf(`{"account": %q, "amount": 1}`, account))
		}
	}
	send("", "a0", `{"account": "a0", "amount": 100}`)
	send("wrong", "a0", `{"account": "a0", "amount": "much"}`)
	send("close", "a1", `{"type": "Close", "account": "a1"}`)
	send("late", "a1", `{"account": "a1", "amount": 1}`)

	consumer, err := kgo.NewClient(options(t, kgo.ConsumerGroup("ironflow"), kgo.ConsumeTopics("inputs"), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		inbox := relay.Inbox{Executor: engine, Workflow: "ledger", Input: "Add"}
		ended <- kafka.Consume(ctx, consumer, &inbox, kafka.ConsumeConfig{DeadLetter: "dead"})
	}()
	var dead []*kgo.Record
	for range 20 {
		if dead = records(t, "dead"); len(dead) >= 2 {
			break
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	for account, want := range map[string]int64{"a0": 110, "a1": 10} {
		if got, err := client.State(t.Context(), account); err != nil || got.State.Total != want {
			t.Errorf("%s: the total is %d, want %d (%v)", account, got.State.Total, want, err)
		}
	}
	refused := map[string]string{}
	for _, r := range dead {
		refused[string(r.Headers[0].Value)] = string(r.Headers[1].Value)
	}
	if fmt.Sprint(refused) != "map[late:Completed wrong:InvalidInput]" {
		t.Errorf("the dead letters are %v", refused)
	}
}
