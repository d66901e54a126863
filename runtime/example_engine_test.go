package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"time"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/examples/subscription/subscription"
	"github.com/ironflow-gen/ironflow/examples/travel/booking"
	"github.com/ironflow-gen/ironflow/examples/travel/trip"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// charge is a payment provider, and a mailer that sends nothing.
type charge func(order.Charge) error

func (f charge) Charge(_ context.Context, c order.Charge) error { return f(c) }

func (f charge) SendReceipt(context.Context, string, string, int64) error { return nil }

// runEngine returns an engine on a store in memory that runs until end is called.
func runEngine(config runtime.Config, workflows ...*runtime.Workflow) (engine *runtime.Engine, end func()) {
	engine, err := runtime.NewEngine(memory.New(), config, workflows...)
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error)
	go func() { stopped <- engine.Run(ctx) }()
	return engine, func() {
		stop()
		if err := <-stopped; err != nil {
			log.Fatal(err)
		}
	}
}

// An engine accepts inputs at once. Its Run calls the handler for effects, and sends the handler's result to the instance.
func ExampleEngine() {
	ctx := context.Background()
	bank := charge(func(c order.Charge) error {
		fmt.Println("charge", c.AmountCents)
		return nil
	})
	engine, err := runtime.NewEngine(memory.New(), runtime.Config{},
		order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{Gateway: bank, Mailer: bank}))
	if err != nil {
		log.Fatal(err)
	}
	running, stop := context.WithCancel(ctx)
	stopped := make(chan error)
	go func() { stopped <- engine.Run(running) }()

	client := order.NewClient(engine)
	if _, err := client.Create(ctx, tea("o-1", "cart-1")); err != nil {
		log.Fatal(err)
	}
	until(func() bool {
		view, err := client.State(ctx, "o-1")
		return err == nil && view.Completed
	})
	stop()
	fmt.Println("stopped:", <-stopped)

	history, err := client.History(ctx, "o-1")
	if err != nil {
		log.Fatal(err)
	}
	for _, h := range history {
		fmt.Println(h.Version, h.Type)
	}
	// Output:
	// charge 700
	// stopped: <nil>
	// 1 Created
	// 2 Paid
}

// A call without an error has one of three outcomes.
func ExampleOutcome() {
	_, client, end := counter(runtime.Config{})
	defer end()
	ctx := context.Background()

	if _, err := client.Create(ctx, tea("o-1", "cart-1")); err != nil {
		log.Fatal(err)
	}
	for _, cents := range []int64{650, 700, 700} {
		out, err := client.Pay(ctx, order.Pay{OrderID: "o-1", AmountCents: cents})
		switch {
		case err != nil:
			log.Fatal(err)
		case out.Rejected():
			fmt.Printf("rejected: %+v\n", out.Rejection)
		case out.AlreadyCompleted():
			fmt.Println("too late, the order has completed")
		case out.Accepted():
			fmt.Printf("accepted: the order is at version %d\n", out.Version)
		}
	}
	// Output:
	// rejected: {MissingCents:50}
	// accepted: the order is at version 2
	// too late, the order has completed
}

// A program without the generated types sends inputs as JSON.
func ExampleEngine_ExecuteDynamic() {
	engine, _, end := counter(runtime.Config{})
	defer end()
	ctx := context.Background()

	out, err := engine.ExecuteDynamic(ctx, "order",
		[]byte(`{"type":"Create","order_id":"o-1","cart_id":"c-1","email":"","card":"","items":[{"sku":"tea","quantity":1,"price_cents":700}]}`))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(out.Events[0].Type)

	_, err = engine.ExecuteDynamic(ctx, "order", []byte(`{"type":"Create","order_id":"o-2","cart_id":"c-2","email":7,"items":[]}`))
	var invalid *runtime.InvalidInput
	if errors.As(err, &invalid) {
		for _, mistake := range invalid.Mistakes {
			fmt.Println(mistake)
		}
	}
	// Output:
	// Created
	// email: expected a string, found a number
	// card: the field is missing
}

// Today's evolver folds the stored events again, up to any version.
func ExampleLoadStateAt() {
	_, client, end := counter(runtime.Config{})
	defer end()
	ctx := context.Background()

	if _, err := client.Create(ctx, tea("o-1", "cart-1")); err != nil {
		log.Fatal(err)
	}
	if _, err := client.Pay(ctx, order.Pay{OrderID: "o-1", AmountCents: 700}); err != nil {
		log.Fatal(err)
	}
	for version := range int64(2) {
		view, err := client.StateAt(ctx, "o-1", version+1) // calls LoadStateAt
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("version", view.Version, "was", view.State.Status)
	}
	// Output:
	// version 1 was awaiting_payment
	// version 2 was paid
}

// An error of a handler is tried again. Snooze waits without using up an attempt, RetryAfter sets the next pause, and Permanent ends
// the attempts.
func ExampleSnooze() {
	answers := []error{
		runtime.Snooze(time.Millisecond),
		runtime.RetryAfter(errors.New("429 Too Many Requests"), time.Millisecond),
		runtime.Permanent(errors.New("unknown card")),
	}
	calls := 0
	bank := charge(func(c order.Charge) error {
		err := answers[calls]
		calls++
		fmt.Printf("attempt %d: %v\n", c.Attempt, err)
		return err
	})
	engine, end := runEngine(runtime.Config{Logger: slog.New(slog.DiscardHandler)},
		order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{Gateway: bank, Mailer: bank}))
	ctx := context.Background()

	if _, err := order.NewClient(engine).Create(ctx, tea("o-1", "cart-1")); err != nil {
		log.Fatal(err)
	}
	var dead []store.DeadLetterCount
	until(func() bool {
		var err error
		dead, err = engine.CountDeadLetters(ctx, runtime.DeadLetterFilter{})
		return err == nil && len(dead) > 0
	})
	end()
	fmt.Println("dead letters:", dead[0].Kind.Name, dead[0].Count)
	// Output:
	// attempt 1: snoozed for 1ms
	// attempt 1: 429 Too Many Requests
	// attempt 2: unknown card
	// dead letters: ChargeCard 1
}

// A timer delivers an input later: the declaration starts payment_timeout with the state awaiting_payment.
func ExampleEngine_Run_timer() {
	ctx := context.Background()
	st := memory.New()
	workflow := order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{
		Gateway: charge(func(order.Charge) error { return runtime.Snooze(time.Hour) }),
	})
	today, err := runtime.NewEngine(st, runtime.Config{}, workflow)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := order.NewClient(today).Create(ctx, tea("o-1", "cart-1")); err != nil {
		log.Fatal(err)
	}

	tomorrow, err := runtime.NewEngine(st, runtime.Config{Clock: &ahead{by: 24 * time.Hour}}, workflow)
	if err != nil {
		log.Fatal(err)
	}
	running, stop := context.WithCancel(ctx)
	stopped := make(chan error)
	go func() { stopped <- tomorrow.Run(running) }()
	var view runtime.View[order.State]
	until(func() bool {
		view, err = order.NewClient(tomorrow).State(ctx, "o-1")
		return err == nil && view.Completed
	})
	stop()
	fmt.Println(view.State.Status, <-stopped)
	// Output: cancelled <nil>
}

// airline sells flights, but no hotels.
type airline struct{}

func (airline) Book(_ context.Context, what, destination, _ string) (reference, refusal string, err error) {
	if what == "hotel" {
		return "", "no room in " + destination, nil
	}
	return "F-1", "", nil
}

// An effect starts a child, which is an instance of another workflow. The parent gets an input when the child has completed.
func ExampleEngine_Run_child() {
	ctx := context.Background()
	engine, end := runEngine(runtime.Config{External: []string{"refund"}}, // another program pays back
		trip.NewWorkflow(trip.Decider{}, trip.Evolver{}),
		booking.NewWorkflow(booking.Decider{}, booking.Evolver{}, booking.Handler{Provider: airline{}}))
	defer end()

	client := trip.NewClient(engine)
	if _, err := client.Plan(ctx, trip.Plan{TripID: "rome", Destination: "Rome"}); err != nil {
		log.Fatal(err)
	}
	var view runtime.View[trip.State]
	until(func() bool {
		var err error
		view, err = client.State(ctx, "rome")
		return err == nil && view.State.Status == trip.StatusRefunding
	})
	children, err := engine.CountInstances(ctx, runtime.InstanceFilter{Workflow: "booking"})
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range children {
		fmt.Println("bookings:", c.Count, c.Status)
	}
	fmt.Println("trip:", view.State.Status, view.State.Failure)
	// Output:
	// bookings: 1 booked
	// bookings: 1 refused
	// trip: refunding no room in Rome
}

// A schedule sends an input again and again, here to the instance "report" that the declaration names.
func ExampleEngine_Run_schedule() {
	ctx := context.Background()
	engine, end := runEngine(runtime.Config{},
		subscription.NewWorkflow(subscription.Decider{}, subscription.Evolver{}, subscription.Handler{}))
	defer end()

	client := subscription.NewClient(engine)
	until(func() bool {
		view, err := client.State(ctx, "report")
		return err == nil && view.State.Report >= 1
	})
	history, err := client.History(ctx, "report")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(history[0].Type)
	// Output: Counted
}

// A projection writes rows in the transaction that stores its position. In memory a row is a value under a key; runtime/postgres and
// runtime/sqlite have tables.
func ExampleProjection() {
	const revenue = "revenue"
	ctx := context.Background()
	st := memory.New()
	engine, err := runtime.NewEngine(st, runtime.Config{Logger: slog.New(slog.DiscardHandler), Projections: []runtime.AnyProjection{
		runtime.Projection[*memory.Tx]{
			Name:    revenue,
			Filters: []runtime.EventFilter{{Workflow: "order", Types: []string{"Paid"}}},
			Apply: func(_ context.Context, tx *memory.Tx, stored runtime.StoredEvent) error {
				event, err := order.DecodeEvent(stored)
				if err != nil {
					return err
				}
				total, _ := tx.Value(revenue).(int64)
				return tx.Set(revenue, total+event.(order.Paid).AmountCents)
			},
		},
	}}, order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{Gateway: charge(func(order.Charge) error { return nil }), Mailer: charge(nil)}))
	if err != nil {
		log.Fatal(err)
	}
	client := order.NewClient(engine)
	for _, id := range []string{"o-1", "o-2"} {
		if _, err := client.Create(ctx, tea(id, id)); err != nil {
			log.Fatal(err)
		}
		if _, err := client.Pay(ctx, order.Pay{OrderID: id, AmountCents: 700}); err != nil {
			log.Fatal(err)
		}
	}

	running, stop := context.WithCancel(ctx)
	stopped := make(chan error)
	go func() { stopped <- engine.Run(running) }()
	if err := engine.AwaitProjection(ctx, revenue); err != nil {
		log.Fatal(err)
	}
	fmt.Println(st.Value(revenue))
	stop()
	fmt.Println(<-stopped)
	// Output:
	// 1400
	// <nil>
}

// A subscription gets the events of all instances, and goes on after the position that its reader has stored.
func ExampleEngine_Subscribe() {
	engine, client, end := counter(runtime.Config{})
	defer end()
	ctx := context.Background()

	for _, id := range []string{"o-1", "o-2"} {
		if _, err := client.Create(ctx, tea(id, id)); err != nil {
			log.Fatal(err)
		}
	}
	var position runtime.FeedPosition
	for event, err := range engine.Subscribe(ctx, position, runtime.EventFilter{Workflow: "order"}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(event.Instance, event.Type)
		position = event.Position() // store it with your own data
		if event.Instance.ID == "o-2" {
			break
		}
	}
	// Output:
	// order/o-1 Created
	// order/o-2 Created
}
