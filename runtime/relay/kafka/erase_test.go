package kafka_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/relay/internal/relaytest"
	"github.com/ironflow-gen/ironflow/runtime/relay/kafka"
)

// A tombstone comes after the events of an instance that retention deletes, and before those of a later instance with its id.
func TestErase(t *testing.T) {
	compact := "compact"
	createTopic(t, "erased", map[string]*string{"cleanup.policy": &compact})
	client, err := kgo.NewClient(options(t)...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	r := into(t, "erased", 100)
	engine, ledgers := relaytest.EngineOf(t, memory.New(), r, runtime.Retention{
		Completed: time.Microsecond, ForTests: true, Archive: kafka.Erase(client, r), Interval: time.Hour,
	})
	relaytest.Run(t, engine)
	relaytest.Add(t, ledgers, "a", 1)
	relaytest.Add(t, ledgers, "b", 1)
	if outcome, err := ledgers.Close(t.Context(), ledger.Close{Account: "a"}); err != nil || !outcome.Accepted() {
		t.Fatal(outcome, err)
	}
	relaytest.Await(t, engine)
	time.Sleep(time.Millisecond) // the instance is old enough then
	if report, err := engine.ApplyRetention(t.Context()); err != nil || report.Instances != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	relaytest.Add(t, ledgers, "a", 1)
	relaytest.Await(t, engine)
	var got []string
	for _, r := range records(t, "erased") {
		if string(r.Key) == "ledger/a" {
			got = append(got, fmt.Sprint(r.Value != nil))
		}
	}
	if want := "[true true false true]"; fmt.Sprint(got) != want {
		t.Errorf("the records have values: %v, want %s", got, want)
	}
}
