package relay_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/relay"
)

type lines struct{ to io.Writer }

func (lines) Open(context.Context) (lastID string, err error) { return "", nil }

func (l lines) Publish(_ context.Context, messages []relay.Message) (acknowledged int, err error) {
	for i, m := range messages {
		if _, err := fmt.Fprintln(l.to, m.Subject, m.Event.Type); err != nil {
			return i, err
		}
	}
	return len(messages), nil
}

// A Sink is two methods.
func Example() {
	ctx := context.Background()
	engine, err := runtime.NewEngine(memory.New(), runtime.Config{
		Projections: []runtime.AnyProjection{relay.Relay{Name: "lines", Sink: lines{os.Stdout}}},
	}, order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{}))
	if err != nil {
		log.Fatal(err)
	}
	_, err = order.NewClient(engine).Create(ctx, order.Create{OrderID: "o-1", CartID: "c-1", Items: []order.Item{{Sku: "tea", Quantity: 1, PriceCents: 700}}})
	if err != nil {
		log.Fatal(err)
	}
	relayUntilDone(ctx, engine, "lines")
	// Output: ironflow.order.o-1 Created
}

// An Inbox decides on a message once.
func ExampleInbox() {
	ctx := context.Background()
	engine, err := runtime.NewEngine(memory.New(), runtime.Config{}, order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{}))
	if err != nil {
		log.Fatal(err)
	}
	inbox := relay.Inbox{Executor: engine, Workflow: "order"}
	create := relay.Received{ID: "m-1", Key: "o-1", Body: []byte(`{"type": "Create", "order_id": "o-1", "cart_id": "c-1", "email": "ada@example.com",
		"card": "4242", "items": [{"sku": "tea", "quantity": 1, "price_cents": 700}]}`)}
	pay := relay.Received{ID: "m-2", Key: "o-1", Body: []byte(`{"type": "Pay", "order_id": "o-1", "amount_cents": 1}`)}
	deadLetter := func(_ context.Context, message int, refused *relay.Refusal) error {
		fmt.Println("message", message, "is refused:", refused.Name, refused.Reason)
		return nil
	}
	for _, err := range inbox.Receive(ctx, []relay.Received{create, pay, create}, deadLetter) {
		fmt.Println(err)
	}
	view, err := order.NewClient(engine).State(ctx, "o-1")
	fmt.Println("version", view.Version, err)
	// Output:
	// message 1 is refused: Underpaid {"missing_cents":699}
	// <nil>
	// <nil>
	// <nil>
	// version 1 <nil>
}

// relayUntilDone runs an engine until a relay has published all events. A program runs it until it ends.
func relayUntilDone(ctx context.Context, engine *runtime.Engine, name string) {
	running, stop := context.WithCancel(ctx)
	stopped := make(chan error)
	go func() { stopped <- engine.Run(running) }()
	err := engine.AwaitProjection(ctx, name)
	stop()
	if stopped := <-stopped; err != nil || stopped != nil {
		log.Fatal(err, stopped)
	}
}
