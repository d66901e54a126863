package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/httpapi"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// One input goes to all instances that the flags select: first as a plan, then in a run that is interrupted and continues.
func TestBulk(t *testing.T) {
	onStores(t, func(b *bench) {
		const orders = 1300
		engine, err := runtime.NewEngine(b.store, runtime.Config{Logger: slog.New(slog.DiscardHandler)},
			order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{Gateway: &shop{}, Mailer: &shop{}}))
		if err != nil {
			b.Fatal(err)
		}
		client := order.NewClient(engine)
		for n := range orders {
			id := fmt.Sprint("o-", n)
			out, err := client.Create(b.Context(), order.Create{OrderID: id, CartID: id, Items: []order.Item{{Quantity: 1, PriceCents: 900}}})
			if err != nil || !out.Accepted() {
				b.Fatalf("got %+v, %v", out, err)
			}
		}
		server := httptest.NewServer(http.StripPrefix("/operator", httpapi.NewOperatorHandler(engine, func(*http.Request) (string, error) { return "ann", nil })))
		defer server.Close()
		b.flags = []string{"-server", server.URL + "/operator"}
		events := func(kind string) (n int) {
			b.Helper()
			for id := range orders {
				all, err := engine.History(b.Context(), store.InstanceKey{Workflow: "order", ID: fmt.Sprint("o-", id)}, 0, 10)
				if err != nil {
					b.Fatal(err)
				}
				for _, e := range all {
					if e.Type == kind {
						n++
					}
				}
			}
			return n
		}
		fail := `{"order_id": "", "reason": "the shop closed"}`
		b.want(b.feed(exitOK, fail, "bulk", "-status", "awaiting_payment", "order", "PaymentFailed"),
			"1300", "awaiting_payment", "accepted", "Cancelled", "1300 instances were asked, and nothing was sent")
		b.want(b.feed(exitOK, fail, "bulk", "-limit", "7", "order", "PaymentFailed"), "the newest 7 instances were asked")
		b.want(b.feed(exitOK, fail, "bulk", "-status", "paid", "order", "PaymentFailed"), "0 instances were asked")
		b.want(b.feed(exitOK, fail, "bulk", "-created-before", "2020-01-01T00:00:00Z", "order", "PaymentFailed"), "0 instances were asked")
		if n := events("Cancelled"); n != 0 {
			b.Errorf("a plan cancelled %d orders", n)
		}

		b.want(b.feed(exitUsage, fail, "bulk", "-write", "-id", "close", "order", "PaymentFailed"), "needs -reason")
		b.want(b.feed(exitUsage, fail, "bulk", "-write", "-reason", "closed", "order", "PaymentFailed"), "needs -id")
		b.want(b.feed(exitUsage, fail, "bulk", "-created-before", "monday", "order", "PaymentFailed"), "created-before")
		b.want(b.feed(exitUsage, "{", "bulk", "order", "PaymentFailed"), "not JSON")
		b.want(b.feed(exitUsage, `{"order_id": ""}`, "bulk", "order", "PaymentFailed"), "reason")
		b.want(b.feed(exitUsage, `{"order_id": "o-1", "reason": "x"}`, "bulk", "order", "PaymentFailed"), "leave its id empty")
		b.want(b.feed(exitUsage, fail, "bulk", "order", "PaymentFialed"), "not an input of the workflow")
		b.want(b.feed(exitUsage, fail, "bulk", "-rate", "-1", "order", "PaymentFailed"), "not negative")
		b.want(b.feed(exitFound, fail, "bulk", "cart", "PaymentFailed"), `no workflow "cart"`)

		run := []string{"bulk", "-write", "-reason", "the shop closed", "-id", "close", "order", "PaymentFailed"}
		text := b.feed(exitStore, fail, append(run, "-rate", "700", "-timeout", "1s")...)
		b.want(text, "run the command again with the same -id to continue")
		if n := events("Cancelled"); n == 0 || n == orders {
			b.Errorf("the interrupted run cancelled %d of %d orders", n, orders)
		}
		for range 2 { // the second time, it has ended
			b.want(b.feed(exitOK, fail, run...), "1300 instances have decided", "accepted", "Cancelled")
		}
		b.want(b.feed(exitOK, fail, append(run, "-json")...), `"sent":1300`, `"ended":true`, `"outcome":"accepted"`)
		if n := events("Cancelled"); n != orders {
			b.Errorf("%d orders were cancelled, want %d", n, orders)
		}
		b.want(b.feed(exitUsage, strings.Replace(fail, "closed", "burned", 1), run...), "choose another ID")

		page, err := engine.Audit(b.Context(), admin.AuditQuery{})
		if err != nil || len(page.Items) != 1 || page.Items[0].By != "ann" || page.Items[0].Reason != "the shop closed" || page.Items[0].Operation != store.OpBulk ||
			page.Items[0].Count != orders || page.Items[0].EndedAt.IsZero() {
			b.Errorf("got %+v, error %v", page.Items, err)
		}
		server.Close()
		b.want(b.feed(exitStore, fail, run...), "does not answer")
		b.flags = nil
		b.want(b.feed(exitUsage, fail, run...), "needs -server")
	})
}
