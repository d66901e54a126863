package runtime_test

import (
	"context"
	"fmt"
	"log"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/admin"
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
