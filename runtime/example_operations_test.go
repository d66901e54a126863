package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
)

// bank is a payment provider that may be closed.
type bank struct{ open atomic.Bool }

func (b *bank) Charge(context.Context, order.Charge) error {
	if !b.open.Load() {
		return runtime.Permanent(errors.New("the bank is closed"))
	}
	return nil
}

func (b *bank) SendReceipt(context.Context, string, string, int64) error { return nil }

// shop is an engine on a store in memory, with two orders whose payment has failed because the bank is closed.
func shop(config runtime.Config) (engine *runtime.Engine, b *bank, end func()) {
	ctx, stop := context.WithCancel(context.Background())
	store, err := sqlite.OpenMemory(ctx)
	if err != nil {
		log.Fatal(err)
	}
	b = new(bank)
	workflow := order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{Gateway: b, Mailer: b})
	config.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	engine, err = runtime.NewEngine(store, config, workflow)
	if err != nil {
		log.Fatal(err)
	}
	// Another engine, of another process in real life, delivers effects and timers.
	worker, err := runtime.NewEngine(store, runtime.Config{Logger: config.Logger}, workflow)
	if err != nil {
		log.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- worker.Run(ctx) }()
	for _, id := range []string{"o-1", "o-2"} {
		_, err := order.NewClient(engine).Create(ctx, order.Create{
			OrderID: id, CartID: id, Items: []order.Item{{Sku: "tea", Quantity: 1, PriceCents: 700}},
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	until(func() bool {
		counts, err := engine.CountDeadLetters(ctx, runtime.DeadLetterFilter{})
		return err == nil && len(counts) == 1 && counts[0].Count == 2
	})
	return engine, b, func() {
		stop()
		<-done
		store.Close()
	}
}

// until waits for something that happens in the background.
func until(happened func() bool) {
	for !happened() {
		time.Sleep(time.Millisecond)
	}
}

func ExampleEngine_DeadLetters() {
	engine, bank, end := shop(runtime.Config{})
	defer end()
	ctx := context.Background()

	filter := runtime.DeadLetterFilter{Workflow: "order", ErrorContains: "closed"}
	page, err := engine.DeadLetters(ctx, runtime.DeadLetterQuery{DeadLetterFilter: filter})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(page.Items), "dead letters:", page.Items[0].Kind.Name, page.Items[0].Error)

	bank.open.Store(true)
	retried, err := engine.RetryDeadLettersWhere(ctx, filter)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(retried, "retried")
	until(func() bool {
		counts, err := engine.CountInstances(ctx, runtime.InstanceFilter{Workflow: "order", Status: "paid"})
		return err == nil && counts.Total() == 2
	})
	fmt.Println("both are paid")
	// Output:
	// 2 dead letters: ChargeCard effect ChargeCard: the bank is closed
	// 2 retried
	// both are paid
}

func ExampleEngine_DiscardDeadLetters() {
	engine, _, end := shop(runtime.Config{})
	defer end()
	ctx := context.Background()

	page, err := engine.DeadLetters(ctx, runtime.DeadLetterQuery{DeadLetterFilter: runtime.DeadLetterFilter{Instance: "o-1"}})
	if err != nil {
		log.Fatal(err)
	}
	discard := runtime.Discard{By: "ann", Reason: "the customer paid in cash"}
	if _, err := engine.DiscardDeadLetters(ctx, discard, page.Items[0].Lease); err != nil {
		log.Fatal(err)
	}
	records, err := engine.DiscardedLetters(ctx, runtime.DiscardedQuery{Workflow: "order"})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range records.Items {
		fmt.Printf("%s of %s was discarded by %s: %s\n", r.Kind.Name, r.Lease.Instance, r.Discard.By, r.Discard.Reason)
	}
	// Output: ChargeCard of order/o-1 was discarded by ann: the customer paid in cash
}

func ExampleEngine_Instances() {
	engine, _, end := shop(runtime.Config{})
	defer end()
	ctx := context.Background()

	query := runtime.InstanceQuery{
		InstanceFilter: runtime.InstanceFilter{Workflow: "order", Activity: runtime.OnlyActive},
		Limit:          1,
	}
	for {
		page, err := engine.Instances(ctx, query)
		if err != nil {
			log.Fatal(err)
		}
		for _, i := range page.Items {
			fmt.Println(i.Key, i.Status, "at version", i.Version)
		}
		if page.Next == "" {
			break
		}
		query.Cursor = page.Next
	}
	// Output:
	// order/o-2 awaiting_payment at version 1
	// order/o-1 awaiting_payment at version 1
}

func ExampleEngine_Inspect() {
	engine, _, end := shop(runtime.Config{})
	defer end()

	r, err := engine.Inspect(context.Background(), runtime.InstanceKey{Workflow: "order", ID: "o-1"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Key, "is", r.Status, "and accepts")
	for _, t := range r.Accepts {
		fmt.Println(" ", t.Input)
	}
	for _, w := range append(r.Effects, r.Timers...) {
		fmt.Println(w.Kind.Name, "is", w.StateAt(r.At))
	}
	fmt.Print(r.Mermaid())
	// Output:
	// order/o-1 is awaiting_payment and accepts
	//   Pay
	//   PaymentFailed
	//   PaymentTimeout
	// ChargeCard is dead
	// PaymentTimeout is delayed
	// stateDiagram-v2
	//     state "new" as s0
	//     state "awaiting#95;payment<br/>after 3s#58; PaymentTimeout" as s1
	//     state "paid" as s2
	//     state "cancelled" as s3
	//     [*] --> s0
	//     s0 --> s1: Create → Created<br/>+ ChargeCard
	//     s1 --> s2: Pay → Paid<br/>+ SendReceipt
	//     s1 --> s3: PaymentFailed → Cancelled<br/>PaymentTimeout → Cancelled
	//     s2 --> [*]
	//     s3 --> [*]
	//     classDef current fill:#ffd866,stroke:#8a6d00,color:#000,font-weight:bold
	//     class s1 current
}

func ExampleEngine_Health() {
	engine, _, end := shop(runtime.Config{})
	defer end()

	h, err := engine.Health(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	for _, k := range h.Effects.Kinds {
		fmt.Printf("%s of %s: %d due, %d dead\n", k.Kind.Name, k.Kind.Workflow, k.Due, k.Dead)
	}
	fmt.Println("timers that wait:", h.Timers.Total().Delayed)
	// Output:
	// ChargeCard of order: 0 due, 2 dead
	// timers that wait: 2
}

func ExampleEngine_PauseWorkflow() {
	engine, _, end := shop(runtime.Config{})
	defer end()
	ctx := context.Background()

	pause := runtime.Pause{Workflow: "order", By: "ann", Reason: "the bank moves house", RefuseInputs: true}
	if err := engine.PauseWorkflow(ctx, pause); err != nil {
		log.Fatal(err)
	}
	_, err := order.NewClient(engine).Pay(ctx, order.Pay{OrderID: "o-1", AmountCents: 700})
	if paused, ok := errors.AsType[*runtime.WorkflowPaused](err); ok {
		fmt.Println("no payments:", paused.Pause.Reason)
	}
	if err := engine.ResumeWorkflow(ctx, "order"); err != nil {
		log.Fatal(err)
	}
	out, err := order.NewClient(engine).Pay(ctx, order.Pay{OrderID: "o-1", AmountCents: 700})
	fmt.Println("accepted:", out.Accepted(), err)
	// Output:
	// no payments: the bank moves house
	// accepted: true <nil>
}

// ahead is a clock that can be set ahead.
type ahead struct{ by time.Duration }

func (a *ahead) Now() time.Time                         { return time.Now().Add(a.by) }
func (a *ahead) After(d time.Duration) <-chan time.Time { return time.After(d) }

func ExampleRetention() {
	clock := new(ahead)
	engine, _, end := shop(runtime.Config{
		Clock: clock,
		Retention: runtime.Retention{
			Completed: 90 * 24 * time.Hour,
			Archive: func(_ context.Context, instances []runtime.ArchivedInstance) ([]runtime.InstanceKey, error) {
				for _, i := range instances {
					fmt.Println("archived", i.Key, "with", len(i.Events), "events")
				}
				return nil, nil
			},
		},
	})
	defer end()
	ctx := context.Background()

	if _, err := order.NewClient(engine).Internal().PaymentFailed(ctx, order.PaymentFailed{OrderID: "o-1"}); err != nil {
		log.Fatal(err)
	}
	clock.by = 91 * 24 * time.Hour
	report, err := engine.ApplyRetention(ctx)
	fmt.Println(report.Instances, "deleted: its effect is a dead letter", err)

	discard := runtime.Discard{Reason: "the order is cancelled"}
	if _, err := engine.DiscardDeadLettersWhere(ctx, discard, runtime.DeadLetterFilter{Instance: "o-1"}); err != nil {
		log.Fatal(err)
	}
	report, err = engine.ApplyRetention(ctx)
	fmt.Println(report.Instances, "deleted", err)
	// Output:
	// 0 deleted: its effect is a dead letter <nil>
	// archived order/o-1 with 2 events
	// 1 deleted <nil>
}
