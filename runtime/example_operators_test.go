package runtime_test

import (
	"context"
	"fmt"
	"log"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/internal/enrolment"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// A plan says what a bulk run would lead to. The run sends the input to each instance once, and the audit log has it.
func ExampleEngine_RunBulk() {
	engine, _, end := shop(runtime.Config{})
	defer end()
	ctx := context.Background()
	run := runtime.Bulk{
		ID: "close the shop", By: "ann", Reason: "the shop closes",
		Filter: runtime.InstanceFilter{Workflow: "order"},
		Input:  order.PaymentFailed{Reason: "the shop is closed"}, // without the id, which each order adds
	}
	plan, err := engine.PlanBulk(ctx, run, 0)
	if err != nil {
		log.Fatal(err)
	}
	for _, g := range plan.Groups {
		fmt.Println("plan:", g.Count, g.Status, g.Outcome, g.Events)
	}
	report, err := engine.RunBulk(ctx, run)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("sent:", report.Sent, "accepted:", report.Count("accepted"))
	page, err := engine.Audit(ctx, admin.AuditQuery{})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range page.Items {
		fmt.Printf("%s: %s %s to %d orders, because %s\n", r.By, r.Operation, r.Input, r.Count, r.Reason)
	}
	// Output:
	// plan: 2 awaiting_payment accepted [Cancelled]
	// sent: 2 accepted: 2
	// ann: bulk PaymentFailed to 2 orders, because the shop closes
}

// The context of an operation says who makes it, and why.
func ExampleEngine_Audit() {
	engine, bank, end := shop(runtime.Config{Name: "web-1"})
	defer end()
	bank.open.Store(true)
	ctx := store.WithOperator(context.Background(), store.Operator{By: "ann", Reason: "the bank is open"})
	if _, err := engine.RetryDeadLettersWhere(ctx, runtime.DeadLetterFilter{Workflow: "order"}); err != nil {
		log.Fatal(err)
	}
	page, err := engine.Audit(ctx, admin.AuditQuery{})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range page.Items {
		fmt.Printf("%s: %s %s, %d deliveries, because %s\n", r.By, r.Operation, r.Workflow, r.Count, r.Reason)
	}
	// Output: ann: retry order, 2 deliveries, because the bank is open
}

// Forget deletes the key of a subject. Its personal values cannot be read any more, and the instance goes on.
func ExampleEngine_Forget() {
	ctx := context.Background()
	welcome := func(enrolment.Welcome) (string, error) { return "", nil }
	engine, end := runEngine(runtime.Config{}, enrolment.NewWorkflow(enrolment.Decider{}, enrolment.Evolver{}, enrolment.Handler{Handle: welcome}))
	defer end()
	client := enrolment.NewClient(engine)
	// The declaration says "subject: customer_id", and marks the field email as personal.
	if _, err := client.Enrol(ctx, enrolment.Enrol{EnrolmentID: "e-1", CustomerID: "c-7", Email: "ann@example.com"}); err != nil {
		log.Fatal(err)
	}
	show := func() {
		in, err := client.State(ctx, "e-1")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("customer %s, email %q\n", in.State.CustomerID, in.State.Email)
	}
	show()
	had, err := engine.Forget(ctx, store.ForgottenSubject{Subject: "c-7", By: "ann", Reason: "request 812"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("erased:", had)
	show()

	// What the instance gets of the subject from now on is stored erased.
	out, err := client.Move(ctx, enrolment.Move{EnrolmentID: "e-1", Email: "ann@example.org"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("accepted:", out.Accepted())
	show()
	// Output:
	// customer c-7, email "ann@example.com"
	// erased: true
	// customer c-7, email ""
	// accepted: true
	// customer c-7, email ""
}
