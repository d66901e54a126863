package runtime_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// sent returns the audit records of inputs that operators sent, the newest first.
func (b *bed) audits(engine *runtime.Engine, f store.AuditFilter) []store.AuditRecord {
	b.Helper()
	page, err := engine.Audit(b.Context(), admin.AuditQuery{AuditFilter: f})
	if err != nil {
		b.Fatal(err)
	}
	return page.Items
}

// An input that is declared for operators is refused from anybody else, and is stored with who sent it and why, also when it is rejected.
func TestOperatorInput(t *testing.T) {
	onStores(t, func(b *bed) {
		engine := b.engine(b.config(newClock()), ledgers(ledger.Decider{}, ledger.Handler{}))
		client, ctx := ledger.NewClient(engine), b.Context()
		added, err := client.Add(ctx, ledger.Add{Account: "a", Amount: 5})
		must(b, added, err)

		only := (*store.OperatorOnly)(nil)
		b.unchanged(func() {
			if _, err := runtime.Execute[ledger.Event, ledger.Rejection](ctx, engine, "ledger", ledger.Correct{Account: "a"}); !errors.As(err, &only) || only.Input != "Correct" {
				b.Errorf("a client corrects: %v", err)
			}
			if _, err := engine.ExecuteDynamic(ctx, "ledger", []byte(`{"type":"Correct","account":"a","total":1}`)); !errors.As(err, &only) {
				b.Errorf("JSON corrects: %v", err)
			}
			wrong := (*store.InvalidArgument)(nil)
			for _, o := range [][2]string{{"", "why"}, {"ann", " "}, {"ann", "\x00"}, {"\xff", "why"}} {
				if _, err := client.Operator(o[0], o[1]).Correct(ctx, ledger.Correct{Account: "a"}); !errors.As(err, &wrong) {
					b.Errorf("%q corrects: %v", o, err)
				}
			}
		})

		out, err := client.Operator("ann", "she miscounted").Correct(ctx, ledger.Correct{Account: "a", Total: 3}, runtime.WithInputID("1"))
		must(b, out, err)
		again, err := client.Operator("ann", "she miscounted").Correct(ctx, ledger.Correct{Account: "a", Total: 3}, runtime.WithInputID("1"))
		must(b, again, err)
		no, err := client.Operator("bob", "a try").Correct(ctx, ledger.Correct{Account: "a", Total: -1})
		if err != nil || !no.Rejected() {
			b.Errorf("got %+v, error %v", no, err)
		}
		if added, err := client.Add(ctx, ledger.Add{Account: "a", Amount: 1}, runtime.AsOperator("ann", "by phone")); err != nil || added.Version != 3 {
			b.Errorf("got %+v, error %v", added, err)
		}
		view, err := client.State(ctx, "a")
		if err != nil || view.State.Total != 4 || view.Version != 3 {
			b.Errorf("got %+v, error %v", view, err)
		}
		why, err := engine.Why(ctx, store.InstanceKey{Workflow: "ledger", ID: "a"}, 2)
		if err != nil || !strings.Contains(why.String(), `input Correct with id "1" of ann, because: she miscounted`) {
			b.Errorf("got %v, error %v", why, err)
		}
		var got []string
		for _, r := range b.audits(engine, store.AuditFilter{Operation: store.OpSend, Workflow: "ledger", Target: "a"}) {
			got = append(got, fmt.Sprintf("%s %s %d: %s", r.By, r.Input, r.Count, r.Reason))
		}
		slicesEqualAnyOrder(b, got, []string{"ann Correct 1: she miscounted", "bob Correct 0: a try", "ann Add 1: by phone"})
	})
}

func slicesEqualAnyOrder(b *bed, got, want []string) {
	b.Helper()
	left := map[string]int{}
	for _, g := range got {
		left[g]++
	}
	for _, w := range want {
		left[w]--
	}
	for text, n := range left {
		if n != 0 {
			b.Errorf("%q is there %+d times too often in %q", text, n, got)
		}
	}
}

// An input of an operator can be planned, which stores nothing, and sent, which stores it once, however often it is sent.
func TestPlanAndSendInput(t *testing.T) {
	onStores(t, func(b *bed) {
		engine := b.engine(b.config(newClock()), ledgers(ledger.Decider{}, ledger.Handler{}))
		client, ctx := ledger.NewClient(engine), b.Context()
		must(mustAdded(b, client, "a", 5))
		input := func(name, fields string) admin.OperatorInput {
			return admin.OperatorInput{
				Instance: store.InstanceKey{Workflow: "ledger", ID: "a"}, Input: name, Fields: []byte(fields), ID: "form-1", By: "ann", Reason: "she miscounted",
			}
		}
		correct := input("Correct", `{"account": "a", "total": 9007199254740993}`)
		b.unchanged(func() {
			plan, err := engine.PlanInput(ctx, correct)
			if err != nil || plan.Outcome != "accepted" || len(plan.Events) != 1 || plan.Events[0].Type != "Corrected" ||
				!strings.Contains(string(plan.Events[0].Payload), "9007199254740993") || len(plan.Effects) != 0 || plan.Completes {
				b.Errorf("got %+v, %v", plan, err)
			}
			plan, err = engine.PlanInput(ctx, input("Correct", `{"account": "a", "total": -1}`))
			if err != nil || plan.Outcome != "rejected" || plan.Rejection.Type != "Negative" {
				b.Errorf("got %+v, %v", plan, err)
			}
			plan, err = engine.PlanInput(ctx, input("Close", `{"account": "a"}`))
			if err != nil || !plan.Completes {
				b.Errorf("got %+v, %v", plan, err)
			}
			for _, send := range []func(admin.OperatorInput) error{
				func(in admin.OperatorInput) error { _, err := engine.PlanInput(ctx, in); return err },
				func(in admin.OperatorInput) error { _, err := engine.SendInput(ctx, in); return err },
			} {
				wrong := (*runtime.InvalidArgument)(nil)
				if err := send(input("Correct", `{"account": "b", "total": 1}`)); !errors.As(err, &wrong) {
					b.Errorf("another instance: %v", err)
				}
				invalid := (*runtime.InvalidInput)(nil)
				if err := send(input("Correct", `{"account": "a", "total": "x"}`)); !errors.As(err, &invalid) {
					b.Errorf("a wrong field: %v", err)
				}
				missing := (*runtime.UnknownInstance)(nil)
				none := input("Correct", `{"account": "b", "total": 1}`)
				if none.Instance.ID = "b"; !errors.As(send(none), &missing) {
					b.Errorf("an unknown instance: %v", send(none))
				}
				if none.Instance.Workflow = "cart"; !errors.Is(send(none), errors.ErrUnsupported) {
					b.Errorf("an unknown workflow: %v", send(none))
				}
			}
		})
		for range 2 {
			out, err := engine.SendInput(ctx, correct)
			if err != nil || !out.Accepted() || out.Version != 2 {
				b.Errorf("got %+v, %v", out, err)
			}
		}
		reused := (*runtime.InputIDReused)(nil)
		if _, err := engine.SendInput(ctx, input("Correct", `{"account": "a", "total": 1}`)); !errors.As(err, &reused) {
			b.Errorf("the id again: %v", err)
		}
		if sent := b.audits(engine, store.AuditFilter{Operation: store.OpSend}); len(sent) == 0 || sent[0].By != "ann" || sent[0].Reason != "she miscounted" {
			b.Errorf("the audit has %+v", sent)
		}
	})
}

func mustAdded(b *bed, client *ledger.Client, account string, amount int64) (*bed, ledger.AddOutcome, error) {
	out, err := client.Add(b.Context(), ledger.Add{Account: account, Amount: amount})
	return b, out, err
}
