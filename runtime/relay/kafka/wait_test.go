package kafka_test

import (
	"testing"

	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/relay/internal/relaytest"
)

// A broker that is away, and one that does not answer, are waits. Health says what the relay waits for.
func TestWaits(t *testing.T) {
	createTopic(t, "waits", nil)
	if err := broker.Kill(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = broker.Restart(t.Context()) })
	engine, client := relaytest.Engine(t, memory.New(), into(t, "waits", 100))
	relaytest.Run(t, engine)
	relaytest.Add(t, client, "a", 2)
	relaytest.Waits(t, engine, "no broker answers", "connection refused")
	if err := broker.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	relaytest.Await(t, engine)
	wantOrder(t, "waits", 2)

	if err := broker.Freeze(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = broker.Thaw() })
	relaytest.Add(t, client, "a", 2)
	relaytest.Waits(t, engine, "no broker answers")
	if err := broker.Thaw(); err != nil {
		t.Fatal(err)
	}
	relaytest.Await(t, engine)
	wantOrder(t, "waits", 4)
}
