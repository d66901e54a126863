package relay_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/relay"
	"github.com/ironflow-gen/ironflow/runtime/relay/internal/relaytest"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

func received(id, account, body string) relay.Received {
	return relay.Received{ID: id, Key: account, Body: []byte(body)}
}

// receive returns what an inbox says of each message.
func receive(t *testing.T, inbox *relay.Inbox, messages ...relay.Received) (refused []relay.Refusal, errs []error) {
	var mu sync.Mutex
	refused = make([]relay.Refusal, len(messages))
	return refused, inbox.Receive(t.Context(), messages, func(_ context.Context, message int, r *relay.Refusal) error {
		mu.Lock()
		defer mu.Unlock()
		refused[message] = *r
		return nil
	})
}

// A message is decided once, however often it is delivered, and one that is refused says why.
func TestInbox(t *testing.T) {
	onStores(t, func(t *testing.T, st runtime.Store) {
		engine, client := relaytest.Engine(t, st, relay.Relay{Sink: (&broker{}).sink()})
		inbox := relay.Inbox{Executor: engine, Workflow: "ledger", Input: "Add"}
		batch := []relay.Received{
			received("m-1", "a", `{"account": "a", "amount": 1}`),
			received("m-2", "a", `{"type": "Add", "account": "a", "amount": 10}`),
			received("m-3", "b", `{"type": "Correct", "account": "b", "total": -5}`),
			received("m-4", "b", `{"account": "b", "amount": "much"}`),
			received("m-5", "c", `no JSON`),
			received("", "d", `{"account": "d", "amount": 1}`),
			received("m-6", "a", `{"type": "Close", "account": "a"}`),
			received("m-7", "a", `{"account": "a", "amount": 100}`),
		}
		want := []string{"", "", "OperatorOnly", "InvalidInput", "InvalidInput", "InvalidInput", "", "Completed"}
		for range 2 {
			refused, errs := receive(t, &inbox, batch...)
			for i, r := range refused {
				if r.Name != want[i] || errs[i] != nil {
					t.Errorf("%s: refused as %+v, want %q (%v)", batch[i].ID, r, want[i], errs[i])
				}
			}
		}
		refused, errs := receive(t, &inbox, received("m-1", "a", `{"account": "a", "amount": 2}`))
		if refused[0].Name != "InputIDReused" || errs[0] != nil {
			t.Errorf("another input with the id: %+v, %v", refused[0], errs[0])
		}
		ledger, err := client.State(t.Context(), "a")
		if err != nil || ledger.State.Total != 11 {
			t.Errorf("the ledger is %+v, %v", ledger, err)
		}
	})
}

// A rejection's name and its fields come back. A long reason is cut between two characters.
func TestInboxRejects(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]string{
		`{"amount":-5}`: `{"amount":-5}`, "a" + strings.Repeat("ä", 800): "a" + strings.Repeat("ä", 499),
	} {
		inbox := relay.Inbox{Executor: executor(func() (runtime.Outcome[runtime.Encoded, runtime.Encoded], error) {
			return workflow.RejectedOutcome[runtime.Encoded](3, runtime.Encoded{Type: "Negative", Payload: []byte(reason)}), nil
		}), Workflow: "ledger"}
		refused, errs := receive(t, &inbox, received("m", "b", `{}`))
		if errs[0] != nil || refused[0] != (relay.Refusal{Name: "Negative", Reason: want}) {
			t.Errorf("the result is %+v, %v", refused[0], errs[0])
		}
	}
}

// A message whose dead letter cannot be published is delivered again, and so are the later ones with its key.
func TestInboxKeepsDeadLetters(t *testing.T) {
	t.Parallel()
	full := errors.New("the dead-letter topic is full")
	inbox := relay.Inbox{Executor: executor(func() (runtime.Outcome[runtime.Encoded, runtime.Encoded], error) {
		return workflow.RejectedOutcome[runtime.Encoded](3, runtime.Encoded{Type: "Negative"}), nil
	}), Workflow: "ledger"}
	messages := []relay.Received{received("1", "a", `{}`), received("2", "a", `{}`), received("3", "b", `{}`)}
	var published atomic.Int64
	errs := inbox.Receive(t.Context(), messages, func(_ context.Context, message int, _ *relay.Refusal) error {
		if published.Add(1); messages[message].Key == "a" {
			return full
		}
		return nil
	})
	if !errors.Is(errs[0], full) || !errors.Is(errs[1], full) || errs[2] != nil || published.Load() != 2 {
		t.Errorf("the results are %v; %d dead letters were tried", errs, published.Load())
	}
}

// After a failure, later messages with the same key wait for the next delivery, and others do not.
func TestInboxKeepsOrder(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	broken := errors.New("the store is away")
	inbox := relay.Inbox{
		Executor: executor(func() (outcome runtime.Outcome[runtime.Encoded, runtime.Encoded], err error) {
			calls.Add(1)
			return outcome, broken
		}),
		Read: func(m relay.Received) (workflow, input string, body []byte, err error) {
			if m.Key == "panic" {
				panic("no")
			}
			return "ledger", "Add", m.Body, nil
		},
	}
	refused, errs := receive(t, &inbox, received("1", "a", ""), received("2", "a", ""), received("3", "b", ""), received("4", "panic", ""))
	for i, err := range errs[:3] {
		if !errors.Is(err, broken) || refused[i].Name != "" {
			t.Errorf("the result is %+v, %v", refused[i], err)
		}
	}
	if r := refused[3]; r.Name != "Unreadable" || !strings.Contains(r.Reason, "panic") || errs[3] != nil {
		t.Errorf("the result is %+v, %v", r, errs[3])
	}
	if n := calls.Load(); n != 2 {
		t.Errorf("%d inputs were tried, want 2", n)
	}
}

// executor answers every input alike.
type executor func() (runtime.Outcome[runtime.Encoded, runtime.Encoded], error)

func (e executor) ExecuteDynamicAs(
	context.Context, string, string, []byte, ...runtime.ExecuteOption,
) (runtime.Outcome[runtime.Encoded, runtime.Encoded], error) {
	return e()
}

// Messages of a batch with many keys are decided at the same time, those of one key in their order.
func TestInboxIsQuick(t *testing.T) {
	onStores(t, func(t *testing.T, st runtime.Store) {
		engine, client := relaytest.Engine(t, st, relay.Relay{Sink: (&broker{}).sink()})
		inbox := relay.Inbox{Executor: engine, Workflow: "ledger", Input: "Add"}
		var batch []relay.Received
		for i := range 200 {
			account := fmt.Sprint("account", i%20)
			batch = append(batch, received(fmt.Sprint(i), account, fmt.Sprintf(`{"account": %q, "amount": 1}`, account)))
		}
		refused, errs := receive(t, &inbox, batch...)
		for i, err := range errs {
			if err != nil || refused[i].Name != "" {
				t.Fatalf("the result is %+v, %v", refused[i], err)
			}
		}
		got, err := client.State(t.Context(), "account7")
		if err != nil || got.State.Total != 10 {
			t.Errorf("the ledger is %+v, %v", got, err)
		}
	})
}
