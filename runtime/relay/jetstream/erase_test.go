package jetstream_test

import (
	"testing"
	"time"

	natsjs "github.com/nats-io/nats.go/jetstream"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/relay"
	"github.com/ironflow-gen/ironflow/runtime/relay/internal/relaytest"
	"github.com/ironflow-gen/ironflow/runtime/relay/jetstream"
)

// The messages of an instance that retention deletes are purged, and no others. The relay goes on behind them.
func TestErase(t *testing.T) {
	t.Parallel()
	js := connect(t, cluster(t, 1))
	create(t, js, natsjs.StreamConfig{})
	r := relay.Relay{Sink: jetstream.NewSink(js, jetstream.SinkConfig{Stream: "events"})}
	archive, err := jetstream.Erase(js, "events", r)
	if err != nil {
		t.Fatal(err)
	}
	engine, client := relaytest.EngineOf(t, memory.New(), r, runtime.Retention{
		Completed: time.Microsecond, ForTests: true, Archive: archive, Interval: time.Hour,
	})
	stop := relaytest.Run(t, engine)
	relaytest.Add(t, client, "b", 1)
	relaytest.Add(t, client, "a", 1)
	if outcome, err := client.Close(t.Context(), ledger.Close{Account: "a"}); err != nil || !outcome.Accepted() {
		t.Fatal(outcome, err)
	}
	relaytest.Await(t, engine)
	time.Sleep(time.Millisecond) // the instance is old enough then
	if report, err := engine.ApplyRetention(t.Context()); err != nil || report.Instances != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	if list := messages(t, js, "events"); len(list) != 1 || list[0].Subject() != "ironflow.ledger.b" {
		t.Errorf("the stream has %d messages, want 1", len(list))
	}
	stop() // the next owner finds the last message purged
	relaytest.Add(t, client, "a", 1)
	relaytest.Run(t, engine)
	relaytest.Await(t, engine)
	wantOrder(t, js, 2)

	if _, err := jetstream.Erase(js, "events", relay.Relay{Subject: "ironflow.{workflow}"}); err == nil {
		t.Error("a subject that instances share can be purged")
	}
}
