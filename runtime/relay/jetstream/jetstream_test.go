package jetstream_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/relay"
	"github.com/ironflow-gen/ironflow/runtime/relay/internal/relaytest"
	"github.com/ironflow-gen/ironflow/runtime/relay/jetstream"
	"github.com/ironflow-gen/ironflow/runtime/relay/jetstream/jetstreamtest"
)

func TestMain(m *testing.M) {
	jetstreamtest.RunNode()
	os.Exit(m.Run())
}

// cluster starts servers.
func cluster(t *testing.T, servers int) *jetstreamtest.Cluster {
	t.Helper()
	dir, err := os.MkdirTemp("", "nats")
	if err != nil {
		t.Fatal(err)
	}
	c, err := jetstreamtest.Start(dir, servers)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Stop()
		_ = os.RemoveAll(dir)
	})
	return c
}

func connect(t *testing.T, c *jetstreamtest.Cluster) natsjs.JetStream {
	t.Helper()
	conn, err := nats.Connect(c.URL(), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := natsjs.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// create makes the stream "events", once the cluster can.
func create(t *testing.T, js natsjs.JetStream, config natsjs.StreamConfig) {
	t.Helper()
	if config.Name == "" {
		config.Name = "events"
	}
	if len(config.Subjects) == 0 {
		config.Subjects = []string{"ironflow.>"}
	}
	var err error
	for range 100 {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_, err = js.CreateStream(ctx, config)
		cancel()
		if err == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal(err)
}

// messages returns the messages of the stream. Servers that were restarted may need time.
func messages(t *testing.T, js natsjs.JetStream, stream string) (list []natsjs.Msg) {
	t.Helper()
	var err error
	for range 20 {
		if list, err = read(t.Context(), js, stream); err == nil {
			return list
		}
		time.Sleep(200 * time.Millisecond)
	}
	t.Fatal(err)
	return nil
}

func read(ctx context.Context, js natsjs.JetStream, stream string) (list []natsjs.Msg, err error) {
	s, err := js.Stream(ctx, stream)
	if err != nil {
		return nil, err
	}
	consumer, err := s.OrderedConsumer(ctx, natsjs.OrderedConsumerConfig{})
	if err != nil {
		return nil, err
	}
	for uint64(len(list)) < s.CachedInfo().State.Msgs {
		batch, err := consumer.Fetch(500, natsjs.FetchMaxWait(2*time.Second))
		if err != nil {
			return nil, err
		}
		n := len(list)
		for m := range batch.Messages() {
			list = append(list, m)
		}
		if len(list) == n {
			return nil, fmt.Errorf("%d of %d messages came: %w", n, s.CachedInfo().State.Msgs, batch.Error())
		}
	}
	return list, nil
}

// wantOrder says that the stream has n events of ledgers, each once, and those of each instance in their order.
func wantOrder(t *testing.T, js natsjs.JetStream, n int) {
	t.Helper()
	versions := map[string]int64{}
	list := messages(t, js, "events")
	for _, m := range list {
		version, err := versionOf(m.Data())
		if err != nil {
			t.Fatal(err)
		}
		if version != versions[m.Subject()]+1 {
			t.Errorf("%s: version %d came after version %d", m.Subject(), version, versions[m.Subject()])
		}
		versions[m.Subject()] = version
	}
	if len(list) != n {
		t.Errorf("the stream has %d messages, want %d", len(list), n)
	}
}

func versionOf(body []byte) (version int64, err error) {
	_, after, _ := strings.Cut(string(body), `"instanceversion":`)
	_, err = fmt.Sscanf(after, "%d", &version)
	return version, err
}

// A message is a CloudEvent under the subject of its instance.
func TestSink(t *testing.T) {
	t.Parallel()
	js := connect(t, cluster(t, 1))
	create(t, js, natsjs.StreamConfig{})
	engine, client := relaytest.Engine(t, memory.New(), relay.Relay{Sink: jetstream.NewSink(js, jetstream.SinkConfig{Stream: "events"}), BatchSize: 100})
	relaytest.Run(t, engine)
	relaytest.Add(t, client, "a.1", 3)
	relaytest.Await(t, engine)
	wantOrder(t, js, 3)
	first := messages(t, js, "events")[0]
	if first.Subject() != "ironflow.ledger.a_2E1" || first.Headers().Get("content-type") != "application/cloudevents+json" {
		t.Errorf("subject %q, headers %v", first.Subject(), first.Headers())
	}
	if id := first.Headers().Get("Nats-Msg-Id"); !strings.Contains(string(first.Data()), `"id":"`+id+`"`) {
		t.Errorf("id %q, body %s", id, first.Data())
	}
}

// Servers that are killed, and engines that come and go, neither lose an event nor double or invert any.
func TestServersAreKilled(t *testing.T) {
	for name, atomic := range map[string]bool{"single": false, "atomic": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			servers := cluster(t, 3)
			create(t, connect(t, servers), natsjs.StreamConfig{Replicas: 3, AllowAtomicPublish: atomic})
			const accounts, additions = 20, 300
			st := memory.New()
			var engines []*runtime.Engine
			var client *ledger.Client
			for range 2 {
				var engine *runtime.Engine
				engine, client = relaytest.Engine(t, st, relay.Relay{Sink: jetstream.NewSink(connect(t, servers), jetstream.SinkConfig{
					Stream: "events", Window: 64, AckTimeout: time.Second,
				}), BatchSize: 200})
				engines = append(engines, engine)
			}
			var writing sync.WaitGroup
			for a := range accounts {
				writing.Go(func() {
					for range additions {
						relaytest.Add(t, client, fmt.Sprint("account", a), 1)
						time.Sleep(20 * time.Millisecond)
					}
				})
			}
			for i := range 5 {
				stop := relaytest.Run(t, engines[i%2])
				n := rand.IntN(3)
				time.Sleep(300 * time.Millisecond)
				if err := servers.Kill(n); err != nil {
					t.Error(err)
				}
				time.Sleep(600 * time.Millisecond)
				stop()
				if err := servers.Restart(n); err != nil {
					t.Error(err)
				}
				time.Sleep(400 * time.Millisecond)
			}
			writing.Wait()
			relaytest.Run(t, engines[0])
			relaytest.Await(t, engines[0])
			wantOrder(t, connect(t, servers), accounts*additions)
		})
	}
}

// What cannot be published now is a wait with a reason, and what can never be published stops the relay.
func TestBadStreams(t *testing.T) {
	t.Parallel()
	js := connect(t, cluster(t, 1))
	t.Run("missing, then there", func(t *testing.T) {
		engine, client := relaytest.Engine(t, memory.New(), relay.Relay{Sink: jetstream.NewSink(js, jetstream.SinkConfig{Stream: "events"}), BatchSize: 100})
		relaytest.Run(t, engine)
		relaytest.Add(t, client, "a", 3)
		relaytest.Waits(t, engine, "stream not found")
		create(t, js, natsjs.StreamConfig{Subjects: []string{"other.>"}})
		relaytest.Waits(t, engine, "no responders")
		if _, err := js.UpdateStream(t.Context(), natsjs.StreamConfig{Name: "events", Subjects: []string{"ironflow.>"}}); err != nil {
			t.Fatal(err)
		}
		relaytest.Await(t, engine)
		wantOrder(t, js, 3)

		// Messages of others stop it.
		if _, err := js.Publish(t.Context(), "ironflow.ledger.x", nil); err != nil {
			t.Fatal(err)
		}
		relaytest.Add(t, client, "a", 1)
		relaytest.Stopped(t, engine, "nothing but the relay may publish there")
	})
	t.Run("full", func(t *testing.T) {
		create(t, js, natsjs.StreamConfig{Name: "full", Subjects: []string{"full.>"}, MaxMsgs: 2, Discard: natsjs.DiscardNew})
		engine, client := relaytest.Engine(t, memory.New(), relay.Relay{
			Sink: jetstream.NewSink(js, jetstream.SinkConfig{Stream: "full"}), Subject: "full.{workflow}",
		})
		relaytest.Run(t, engine)
		relaytest.Add(t, client, "a", 3)
		if is := relaytest.Waits(t, engine, "maximum messages exceeded"); is.Position == 0 {
			t.Errorf("the relay is %+v", is)
		}
		if _, err := js.UpdateStream(t.Context(), natsjs.StreamConfig{Name: "full", Subjects: []string{"full.>"}, MaxMsgs: 9, Discard: natsjs.DiscardNew}); err != nil {
			t.Fatal(err)
		}
		relaytest.Await(t, engine)
	})
	t.Run("too large", func(t *testing.T) {
		create(t, js, natsjs.StreamConfig{Name: "small", Subjects: []string{"small.>"}, MaxMsgSize: 1500})
		engine, client := relaytest.Engine(t, memory.New(), relay.Relay{
			Sink: jetstream.NewSink(js, jetstream.SinkConfig{Stream: "small"}), Subject: "small.{workflow}",
		})
		relaytest.Add(t, client, "a", 2)
		relaytest.Add(t, client, strings.Repeat("long", 125), 1)
		relaytest.Add(t, client, "a", 1)
		relaytest.Run(t, engine)
		is := relaytest.Stopped(t, engine, "too large")
		if n := len(messages(t, js, "small")); n != 2 {
			t.Fatalf("the stream has %d messages, want 2", n)
		}
		if err := engine.SkipProjectionEvent(t.Context(), "broker", is.StoppedAt); err != nil {
			t.Fatal(err)
		}
		relaytest.Await(t, engine)
		if n := len(messages(t, js, "small")); n != 3 {
			t.Errorf("the stream has %d messages, want 3", n)
		}
	})
}

// After a rebuild the stream has all events again, and after its messages are gone, the relay goes on behind them.
func TestRebuildAndPurge(t *testing.T) {
	t.Parallel()
	js := connect(t, cluster(t, 1))
	create(t, js, natsjs.StreamConfig{})
	engine, client := relaytest.Engine(t, memory.New(), relay.Relay{Sink: jetstream.NewSink(js, jetstream.SinkConfig{Stream: "events"}), BatchSize: 100})
	relaytest.Run(t, engine)
	relaytest.Add(t, client, "a", 3)
	relaytest.Await(t, engine)
	if err := engine.RebuildProjection(t.Context(), "broker"); err != nil {
		t.Fatal(err)
	}
	relaytest.Await(t, engine)
	if n := len(messages(t, js, "events")); n != 6 {
		t.Errorf("the stream has %d messages, want 6", n)
	}
	stream, err := js.Stream(t.Context(), "events")
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	relaytest.Add(t, client, "a", 2)
	relaytest.Await(t, engine)
	if n := len(messages(t, js, "events")); n != 2 {
		t.Errorf("the stream has %d messages, want 2", n)
	}
}
