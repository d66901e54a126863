package relay_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/relay"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

func received(id, account, body string) relay.Received {
	return relay.Received{ID: id, Key: account, Body: []byte(body)}
}

// A message is decided once, however often it is delivered, and one that is refused says why.
func TestInbox(t *testing.T) {
	onStores(t, func(t *testing.T, st runtime.Store) {
		engine, client := relaying(t, st, relay.Relay{Sink: (&broker{}).sink()})
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
			for i, v := range inbox.Receive(t.Context(), batch) {
				name := ""
				if v.Refused != nil {
					name = v.Refused.Name
				}
				if name != want[i] || v.Err != nil {
					t.Errorf("%s: refused as %q, want %q (%+v)", batch[i].ID, name, want[i], v)
				}
			}
		}
		again := inbox.Receive(t.Context(), []relay.Received{received("m-1", "a", `{"account": "a", "amount": 2}`)})
		if again[0].Refused == nil || again[0].Refused.Name != "InputIDReused" {
			t.Errorf("another input with the id: %+v", again[0])
		}
		ledger, err := client.State(t.Context(), "a")
		if err != nil || ledger.State.Total != 11 {
			t.Errorf("the ledger is %+v, %v", ledger, err)
		}
	})
}

// A rejection's name and its fields come back.
func TestInboxRejects(t *testing.T) {
	t.Parallel()
	inbox := relay.Inbox{Executor: executor(func() (runtime.Outcome[runtime.Encoded, runtime.Encoded], error) {
		return workflow.RejectedOutcome[runtime.Encoded](3, runtime.Encoded{Type: "Negative", Payload: []byte(`{"amount":-5}`)}), nil
	}), Workflow: "ledger"}
	v := inbox.Receive(t.Context(), []relay.Received{received("m", "b", `{}`)})[0]
	if v.Err != nil || v.Refused == nil || *v.Refused != (relay.Refusal{Name: "Negative", Reason: `{"amount":-5}`}) {
		t.Errorf("the result is %+v", v)
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
	results := inbox.Receive(t.Context(), []relay.Received{
		received("1", "a", ""), received("2", "a", ""), received("3", "b", ""), received("4", "panic", ""),
	})
	for _, v := range results[:3] {
		if !errors.Is(v.Err, broken) {
			t.Errorf("the result is %+v", v)
		}
	}
	if r := results[3].Refused; r == nil || r.Name != "Unreadable" || !strings.Contains(r.Reason, "panic") {
		t.Errorf("the result is %+v", results[3])
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
		engine, client := relaying(t, st, relay.Relay{Sink: (&broker{}).sink()})
		inbox := relay.Inbox{Executor: engine, Workflow: "ledger", Input: "Add"}
		var batch []relay.Received
		for i := range 200 {
			account := fmt.Sprint("account", i%20)
			batch = append(batch, received(fmt.Sprint(i), account, fmt.Sprintf(`{"account": %q, "amount": 1}`, account)))
		}
		for _, v := range inbox.Receive(t.Context(), batch) {
			if v.Err != nil || v.Refused != nil {
				t.Fatalf("the result is %+v", v)
			}
		}
		got, err := client.State(t.Context(), "account7")
		if err != nil || got.State.Total != 10 {
			t.Errorf("the ledger is %+v, %v", got, err)
		}
	})
}
