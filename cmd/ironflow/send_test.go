package main

import (
	"errors"
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
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// An operator sends an input to a running program, which decides, and records who sent it and why.
func TestSend(t *testing.T) {
	t.Setenv(authorizationVariable, "Bearer of-ann")
	b := sqliteBench(t)
	engine, err := runtime.NewEngine(b.store, runtime.Config{Logger: slog.New(slog.DiscardHandler)},
		order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{Gateway: &shop{}, Mailer: &shop{}}))
	if err != nil {
		t.Fatal(err)
	}
	b.create(order.NewClient(engine))
	server := httptest.NewServer(http.StripPrefix("/operator", httpapi.NewOperatorHandler(engine, func(r *http.Request) (string, error) {
		if r.Header.Get("Authorization") != "Bearer of-ann" {
			return "", errors.New("who is that?")
		}
		return "ann", nil
	})))
	defer server.Close()
	b.flags = []string{"-server", server.URL + "/operator/"}
	fail := `{"order_id": "o-17", "reason": "no money"}`
	b.want(b.feed(2, fail, "send", "order", "PaymentFailed"), "add -write")
	b.want(b.feed(2, fail, "send", "-write", "order", "PaymentFailed"), "needs -reason")
	b.want(b.feed(1, fail, "send", "-write", "-reason", "x", "cart", "PaymentFailed"), `no workflow "cart"`)
	b.want(b.feed(2, `{"order_id": 7}`, "send", "-write", "-reason", "x", "order", "PaymentFailed"), "order_id")
	b.want(b.feed(2, fail, "send", "-write", "-reason", "x", "order", "PaymentFialed"), "not an input of the workflow")
	b.want(b.feed(0, fail, "send", "-write", "-reason", "the bank says so, “never”", "-id", "1", "order", "PaymentFailed"), "accepted, version 2")
	b.want(b.feed(0, fail, "send", "-write", "-reason", "the bank says so, “never”", "-id", "1", "order", "PaymentFailed"), "accepted, version 2")
	b.want(b.feed(1, fail, "send", "-write", "-reason", "x", "order", "PaymentFailed"), "completed")

	page, err := engine.Audit(t.Context(), admin.AuditQuery{AuditFilter: store.AuditFilter{Operation: store.OpSend}})
	if err != nil || len(page.Items) != 2 || page.Items[1].By != "ann" || page.Items[1].Reason != "the bank says so, “never”" || page.Items[1].Input != "PaymentFailed" ||
		page.Items[1].Count != 1 || page.Items[0].Count != 0 {
		t.Errorf("got %+v, error %v", page.Items, err)
	}
	toProgram := remote(server.URL + "/operator/")
	input := admin.OperatorInput{Instance: store.InstanceKey{Workflow: "order", ID: "o-18"}, Input: "PaymentFailed", ID: "form-1", Reason: "no money"}
	if out, err := order.NewClient(engine).Create(t.Context(), order.Create{OrderID: "o-18", CartID: "c-18", Items: []order.Item{{Quantity: 1, PriceCents: 900}}}); err != nil || !out.Accepted() {
		t.Fatalf("got %+v, %v", out, err)
	}
	input.Fields = []byte(`{"order_id": "o-18", "reason": "no money"}`)
	if plan, err := toProgram.PlanInput(t.Context(), input); err != nil || plan.Outcome != "accepted" || plan.Next != "cancelled" || !plan.Completes || len(plan.Events) != 1 ||
		plan.Events[0].Type != "Cancelled" {
		t.Errorf("got %+v, %v", plan, err)
	}
	if state, err := order.NewClient(engine).State(t.Context(), "o-18"); err != nil || state.Version != 1 {
		t.Errorf("after a plan: %+v, %v", state, err)
	}
	with := func(fields string) error {
		input.Fields = []byte(fields)
		_, err := toProgram.SendInput(t.Context(), input)
		return err
	}
	invalid := (*workflow.InvalidInput)(nil)
	planned := func(fields string) error {
		input.Fields = []byte(fields)
		_, err := toProgram.PlanInput(t.Context(), input)
		return err
	}
	for fields, want := range map[string]string{`{"order_id": "o-18", "reason": 7}`: "reason", `{"order_id": "o-19", "reason": "x"}`: "o-19"} {
		if err := planned(fields); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", fields, err)
		}
	}
	if err := with(`{"order_id": "o-18", "reason": 7}`); !errors.As(err, &invalid) || len(invalid.Mistakes) != 1 || !strings.Contains(invalid.Mistakes[0].Error(), "reason: ") {
		t.Errorf("got %v", err)
	}
	for range 2 {
		input.Fields = []byte(`{"order_id": "o-18", "reason": "no money"}`)
		if out, err := toProgram.SendInput(t.Context(), input); err != nil || !out.Accepted() || out.Version != 2 || out.Events[0].Type != "Cancelled" {
			t.Errorf("got %+v, %v", out, err)
		}
	}
	reused := (*store.InputIDReused)(nil)
	if err := with(`{"order_id": "o-18", "reason": "x"}`); !errors.As(err, &reused) {
		t.Errorf("got %v", err)
	}
	input.ID = "form-2"
	if out, err := toProgram.SendInput(t.Context(), input); err != nil || !out.AlreadyCompleted() {
		t.Errorf("got %+v, %v", out, err)
	}
	if input.Instance.Workflow = "cart"; !errors.Is(with(`{}`), errors.ErrUnsupported) {
		t.Errorf("got %v", with(`{}`))
	}
	if err := planned(`{}`); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
	t.Setenv(authorizationVariable, "Bearer of-eve")
	if text := b.feed(2, fail, "send", "-write", "-reason", "x", "order", "PaymentFailed"); !strings.Contains(text, "not known as an operator") {
		t.Errorf("got %s", text)
	}
	server.Close()
	b.want(b.feed(3, fail, "send", "-write", "-reason", "x", "order", "PaymentFailed"), "does not answer")
	b.flags = nil
	b.want(b.feed(2, fail, "send", "-write", "-reason", "x", "order", "PaymentFailed"), "needs -server")
}
