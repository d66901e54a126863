package jetstream_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/relay"
	"github.com/ironflow-gen/ironflow/runtime/relay/internal/relaytest"
	"github.com/ironflow-gen/ironflow/runtime/relay/jetstream"
)

// A server that is away, or does not answer, and a stream without the subjects are waits. Health says what the relay waits for.
func TestWaits(t *testing.T) {
	t.Parallel()
	servers := cluster(t, 1)
	create(t, connect(t, servers), natsjs.StreamConfig{AllowAtomicPublish: true})
	if err := servers.Kill(0); err != nil {
		t.Fatal(err)
	}
	conn, err := nats.Connect(servers.URL(), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := natsjs.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	engine, client := relaytest.Engine(t, memory.New(), relay.Relay{Sink: jetstream.NewSink(js, jetstream.SinkConfig{Stream: "events", AckTimeout: time.Second}), BatchSize: 100})
	relaytest.Run(t, engine)
	relaytest.Add(t, client, "a", 2)
	relaytest.Waits(t, engine, `stream "events": `, "no connection to a server")
	if err := servers.Restart(0); err != nil {
		t.Fatal(err)
	}
	relaytest.Await(t, engine)
	wantOrder(t, js, 2)

	if err := servers.Freeze(0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = servers.Thaw(0) })
	relaytest.Add(t, client, "a", 2)
	relaytest.Waits(t, engine, `stream "events": `, "within 1s")
	if err := servers.Thaw(0); err != nil {
		t.Fatal(err)
	}
	relaytest.Await(t, engine)
	wantOrder(t, js, 4)

	for _, config := range []natsjs.StreamConfig{{Name: "events", Subjects: []string{"other.>"}}, {Name: "another", Subjects: []string{"ironflow.>"}}} {
		config.AllowAtomicPublish = true
		if _, err := js.CreateOrUpdateStream(t.Context(), config); err != nil {
			t.Fatal(err)
		}
	}
	relaytest.Add(t, client, "a", 3)
	relaytest.Waits(t, engine, `stream "events": `, "expected stream does not match")
	if err := js.DeleteStream(t.Context(), "another"); err != nil {
		t.Fatal(err)
	}
	if _, err := js.UpdateStream(t.Context(), natsjs.StreamConfig{Name: "events", Subjects: []string{"ironflow.>"}, AllowAtomicPublish: true}); err != nil {
		t.Fatal(err)
	}
	relaytest.Await(t, engine)
	wantOrder(t, js, 7)
}
