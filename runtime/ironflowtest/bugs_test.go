package ironflowtest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/examples/recipes/compensate"
	"github.com/ironflow-gen/ironflow/internal/seeded"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// totals is an invariant of orders.
func totals(s order.State) error {
	var total int64
	for _, item := range s.Items {
		total += int64(item.Quantity) * item.PriceCents
	}
	if total != s.TotalCents {
		return fmt.Errorf("the items cost %d, the total is %d", total, s.TotalCents)
	}
	return nil
}

func beforeTheEnd(s order.State) error {
	if s.PaidAt != nil && !s.PaidAt.Before(seeded.SaleEnds) {
		return fmt.Errorf("paid at %v, when the sale is over", s.PaidAt)
	}
	return nil
}

// newOrder is the sample of the orders below.
var newOrder = order.Create{OrderID: "1", CartID: "cart", Email: "a@b", Card: "card", Items: []order.Item{{Sku: "a", Quantity: 2, PriceCents: 50}}}

// TestSeededBugs finds each mistake, by the checker or by the simulator, and tells it in five steps or fewer.
func TestSeededBugs(t *testing.T) {
	two := newOrder
	two.Items = []order.Item{{Sku: "a", Quantity: 1, PriceCents: 1}, {Sku: "b", Quantity: 1, PriceCents: 2}, {Sku: "c", Quantity: 1, PriceCents: 4}}
	found := 0
	tell := func(name, by, what string, steps int) {
		t.Logf("%-28s %-10s %d steps  %.90s", name, by, steps, strings.ReplaceAll(what, "\n", " "))
		if steps > 5 || steps == 0 {
			t.Errorf("%s: the story has %d steps", name, steps)
		}
		found++
	}
	for _, bug := range []struct {
		name string
		kind FindingKind
		e    Exploration
	}{
		{"index of an empty list", FoundPanic, Exploration{}},
		{"no decision", FoundUndeclared, Exploration{}},
		{"clock read", FoundUnsteady, Exploration{}},
		{"global counter", FoundUnsteady, Exploration{}},
		{"map order", FoundUnsteady, Exploration{Inputs: []any{two}}},
		{"off by one on a deadline", FoundInvariant, Exploration{Invariants: []func(any) error{Invariant(beforeTheEnd)}}},
		{"goroutine in a decider", FoundGoroutine, Exploration{}},
		{"aliasing", FoundMutation, Exploration{Inputs: []any{newOrder}}},
		{"forgotten field", FoundInvariant, Exploration{Invariants: []func(any) error{Invariant(totals)}}},
		{"forgotten effect", FoundStuck, Exploration{}},
		{"compensation skipped", FoundStuck, Exploration{}},
		{"stuck after a refusal", FoundStuck, Exploration{}},
		{"stuck after a refusal", FoundLostResult, Exploration{}},
	} {
		seen, err := explore(seeded.Decisions[bug.name], bug.e.withDefaults())
		if err != nil {
			t.Errorf("%s: %v", bug.name, err)
			continue
		}
		told := false
		for _, f := range seen.Findings {
			if f.Kind == bug.kind && !told {
				told = true
				tell(bug.name, "checker", string(f.Kind)+": "+f.Text, max(len(f.Story), 1))
			}
		}
		if !told {
			t.Errorf("%s: the checker has not found it: %v", bug.name, seen)
		}
	}
	if _, err := explore(seeded.Decisions["endless loop"], Exploration{Timeout: 200 * time.Millisecond}.withDefaults()); err == nil || !strings.Contains(err.Error(), "does not return within 200ms") {
		t.Errorf("endless loop: got %v", err)
	} else {
		tell("endless loop", "checker", err.Error(), 2)
	}
	for _, bug := range handlerBugs() {
		m := &simulator{t: t, script: bug.script, first: 1, seeds: 300, engines: 1, faults: bug.faults}
		text := m.search()
		if text == "" {
			t.Errorf("%s: the simulator has not found it in %d runs", bug.name, m.runs)
			continue
		}
		tell(bug.name, "simulator", m.last.failure, len(m.last.faults)+len(m.last.steps))
		if len(m.last.faults)+len(m.last.steps) > 5 {
			t.Log(text)
		}
	}
	if found < 20 {
		t.Errorf("%d of 20 found", found)
	}
}

type handlerBug struct {
	name   string
	faults []FaultKind
	script func(*Simulation)
}

func handlerBugs() []handlerBug {
	shop := func(charge string, check func(s *Simulation, b *seeded.Bank) error, inputs ...any) func(*Simulation) {
		return func(s *Simulation) {
			b := new(seeded.Bank)
			Stub(s, "ChargeCard", func(e order.ChargeCard, call workflow.EffectCall) (order.ChargeCardResult, error) {
				return seeded.Charges[charge](b, e, call)
			})
			Stub(s, "SendReceipt", func(order.SendReceipt, workflow.EffectCall) (any, error) { return nil, nil })
			s.Check(func() error { return check(s, b) })
			s.Start(order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{}))
			s.Wander(6, append(inputs, newOrder)...)
			s.RunUntilIdle()
		}
	}
	once := func(_ *Simulation, b *seeded.Bank) error {
		if b.Sum() > 100 {
			return fmt.Errorf("the customer has paid %d in place of 100", b.Sum())
		}
		return nil
	}
	crashes := []FaultKind{CrashBeforeHandler, CrashAfterHandler, CrashBeforeCommit, CrashAfterCommit}
	return []handlerBug{
		{"double charge after a crash", crashes, shop("double charge after a crash", once)},
		{"a key for each attempt", []FaultKind{HandlerAnswerLost}, shop("a key for each attempt", once)},
		{"retry taken for done", []FaultKind{HandlerError, HandlerPanic}, shop("retry taken for done", func(s *Simulation, b *seeded.Bank) error {
			if s.Status("order", "1") == "paid" && b.Sum() != 100 {
				return errors.New("paid without money")
			}
			return nil
		})},
		{"paid by card and by client", AllFaults, shop("right", func(s *Simulation, b *seeded.Bank) error {
			for _, c := range s.Calls("SendReceipt") {
				if c.Value.(order.SendReceipt).AmountCents == 150 && b.Sum() > 0 {
					return errors.New("the customer has paid by transfer, and the card is charged, too")
				}
			}
			return nil
		}, order.Pay{OrderID: "1", AmountCents: 150})},
		{"answer for another instance", AllFaults, shop("answer for another instance", func(s *Simulation, _ *seeded.Bank) error {
			if n := len(s.Calls("ChargeCard")); n > 7 {
				return errors.New("the card is charged again and again")
			}
			return nil
		})},
		{"receipt sent twice", crashes, func(s *Simulation) {
			mails := 0
			Stub(s, "ChargeCard", func(e order.ChargeCard, _ workflow.EffectCall) (order.ChargeCardResult, error) {
				return order.Pay{AmountCents: e.AmountCents}, nil
			})
			Stub(s, "SendReceipt", func(order.SendReceipt, workflow.EffectCall) (any, error) { mails++; return nil, nil })
			s.Check(func() error {
				if mails > 1 {
					return errors.New("two receipts")
				}
				return nil
			})
			s.Start(order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{}))
			s.Wander(4, newOrder)
			s.RunUntilIdle()
		}},
		{"lost update on retry", []FaultKind{HandlerAnswerLost, CrashAfterHandler}, func(s *Simulation) {
			stock := 10
			agency := &seeded.Agency{Book: func(string) { stock-- }}
			s.Check(func() error {
				if stock < 9 {
					return fmt.Errorf("one trip has taken %d seats", 10-stock)
				}
				return nil
			})
			planTrip(s, agency)
		}},
		{"flight left behind", crashes, func(s *Simulation) {
			open := make(map[string]bool)
			n := 0
			agency := &seeded.Agency{
				Book: func(string) { n++; open[fmt.Sprint("flight ", n)] = true },
				Name: func() string { return fmt.Sprint("flight ", n) }, Hotel: errors.New("full"),
				Cancel: func(flight string) error { delete(open, flight); return nil },
			}
			planTrip(s, agency)
			if s.Status("compensate", "1") == "cancelled" && len(open) > 0 {
				s.Errorf("the trip is cancelled, and flights are booked: %d", len(open))
			}
		}},
		{"compensation fails when repeated", []FaultKind{HandlerAnswerLost, CrashAfterHandler}, func(s *Simulation) {
			done := false
			agency := &seeded.Agency{Hotel: errors.New("full"), Cancel: func(string) error {
				if done {
					return workflow.Permanent(errors.New("there is no such flight"))
				}
				done = true
				return nil
			}}
			planTrip(s, agency)
			if status := s.Status("compensate", "1"); status == "cancelling_flight" {
				s.Errorf("the trip stays in %s", status)
			}
		}},
	}
}

// planTrip takes one trip to its end.
func planTrip(s *Simulation, a *seeded.Agency) {
	s.UseHandlers()
	s.Start(compensate.NewWorkflow(compensate.Decider{}, compensate.Evolver{}, compensate.Handler{Agency: a}))
	s.Send(compensate.Plan{TripID: "1"})
	s.RunUntilIdle()
}
