package jetstream_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/relay"
	"github.com/ironflow-gen/ironflow/runtime/relay/internal/relaytest"
	"github.com/ironflow-gen/ironflow/runtime/relay/jetstream"
)

// Messages become inputs, each once, and those that are refused are dead letters.
func TestConsume(t *testing.T) {
	t.Parallel()
	js := connect(t, cluster(t, 1))
	create(t, js, natsjs.StreamConfig{Name: "inputs", Subjects: []string{"inputs.*"}, Duplicates: time.Second})
	create(t, js, natsjs.StreamConfig{Name: "dead", Subjects: []string{"dead"}})
	engine, client := relaytest.Engine(t, memory.New(), relay.Relay{Sink: jetstream.NewSink(js, jetstream.SinkConfig{Stream: "events"}), BatchSize: 100})
	consumer, err := js.CreateConsumer(t.Context(), "inputs", natsjs.ConsumerConfig{Durable: "ironflow", AckPolicy: natsjs.AckExplicitPolicy})
	if err != nil {
		t.Fatal(err)
	}
	send := func(id, account, body string) {
		t.Helper()
		m := nats.NewMsg("inputs." + account)
		m.Data = []byte(body)
		if id != "" {
			m.Header.Set("ce-id", id) // the server does not drop repeats of it
		}
		if _, err := js.PublishMsg(t.Context(), m); err != nil {
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

	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		inbox := relay.Inbox{Executor: engine, Workflow: "ledger", Input: "Add"}
		ended <- jetstream.Consume(ctx, js, consumer, &inbox, jetstream.ConsumeConfig{DeadLetter: "dead"})
	}()
	deadline := time.Now().Add(30 * time.Second)
	for {
		info, err := consumer.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if info.NumPending == 0 && info.NumAckPending == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d messages wait", info.NumPending)
		}
		time.Sleep(20 * time.Millisecond)
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
	var dead []string
	for _, m := range messages(t, js, "dead") {
		dead = append(dead, m.Headers().Get("ce-id")+" "+m.Headers().Get("Ironflow-Refused")+" "+m.Headers().Get("Ironflow-Subject"))
	}
	slices.Sort(dead) // those of different keys come in any order
	if fmt.Sprint(dead) != "[late Completed inputs.a1 wrong InvalidInput inputs.a0]" {
		t.Errorf("the dead letters are %q", dead)
	}
}

// Messages whose inputs fail are delivered again.
func TestConsumeAgain(t *testing.T) {
	t.Parallel()
	js := connect(t, cluster(t, 1))
	create(t, js, natsjs.StreamConfig{Name: "inputs", Subjects: []string{"inputs.*"}})
	engine, client := relaytest.Engine(t, memory.New(), relay.Relay{Sink: jetstream.NewSink(js, jetstream.SinkConfig{Stream: "events"}), BatchSize: 100})
	consumer, err := js.CreateConsumer(t.Context(), "inputs", natsjs.ConsumerConfig{Durable: "ironflow", AckPolicy: natsjs.AckExplicitPolicy})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "inputs.a", []byte(`{"account": "a", "amount": 1}`)); err != nil {
		t.Fatal(err)
	}
	if err := engine.PauseWorkflow(t.Context(), runtime.Pause{Workflow: "ledger", By: "ann", RefuseInputs: true}); err != nil {
		t.Fatal(err)
	}
	go func() {
		inbox := relay.Inbox{Executor: engine, Workflow: "ledger", Input: "Add"}
		_ = jetstream.Consume(t.Context(), js, consumer, &inbox, jetstream.ConsumeConfig{DeadLetter: "dead"})
	}()
	time.Sleep(300 * time.Millisecond)
	if err := engine.ResumeWorkflow(t.Context(), "ledger"); err != nil {
		t.Fatal(err)
	}
	for range 500 {
		if got, err := client.State(t.Context(), "a"); err == nil && got.State.Total == 1 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("the input was not decided")
}
