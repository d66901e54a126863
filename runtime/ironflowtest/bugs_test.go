package ironflowtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/examples/recipes/compensate"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Each of these deciders, evolvers and handlers has one mistake.

type emptyOrder struct{ order.Decider }

func (emptyOrder) Create(_ time.Time, _ order.State, in order.Create) order.CreateDecision {
	return order.AcceptCreate(order.Created{Items: in.Items, TotalCents: in.Items[0].PriceCents})
}

type noDecision struct{ order.Decider }

func (noDecision) PaymentFailed(time.Time, order.State, order.PaymentFailed) (d order.PaymentFailedDecision) {
	return d
}

type ownClock struct{ order.Decider }

func (ownClock) Pay(_ time.Time, s order.State, in order.Pay) order.PayDecision {
	return order.AcceptPay(order.Paid{AmountCents: in.AmountCents, PaidAt: time.Now()})
}

type counter struct {
	order.Decider
	decisions *int64
}

func (d counter) Create(_ time.Time, _ order.State, in order.Create) order.CreateDecision {
	*d.decisions++
	return order.AcceptCreate(order.Created{Items: in.Items, TotalCents: *d.decisions})
}

type mapOrder struct{ order.Decider }

func (mapOrder) Create(_ time.Time, _ order.State, in order.Create) order.CreateDecision {
	joined := make(map[string]order.Item)
	for _, item := range in.Items {
		joined[item.Sku] = item
	}
	var items []order.Item
	var total int64
	for _, item := range joined {
		items = append(items, item)
		total += int64(item.Quantity) * item.PriceCents
	}
	return order.AcceptCreate(order.Created{Items: items, TotalCents: total}).Effect(order.ChargeCard{AmountCents: total})
}

// saleEnds is when the price of lateSale ends: just when its timer is due.
var saleEnds = Exploration{}.withDefaults().Now.Add(3 * time.Second)

type lateSale struct{ order.Decider }

func (d lateSale) Pay(now time.Time, s order.State, in order.Pay) order.PayDecision {
	if now.After(saleEnds) { // at the end, it is over
		return order.RejectPay(order.Underpaid{})
	}
	return d.Decider.Pay(now, s, in)
}

type endless struct{ order.Decider }

func (endless) Pay(time.Time, order.State, order.Pay) order.PayDecision {
	for n := 0; ; n++ {
		time.Sleep(time.Millisecond)
	}
}

type background struct{ order.Decider }

var never = make(chan struct{})

func (d background) Pay(now time.Time, s order.State, in order.Pay) order.PayDecision {
	go func() { <-never }()
	return d.Decider.Pay(now, s, in)
}

type aliasing struct{ order.Evolver }

func (aliasing) Paid(s order.State, e order.Paid) order.State {
	for i := range s.Items {
		s.Items[i].Quantity = 0 // nothing is open any more
	}
	s.PaidAt = &e.PaidAt
	return s
}

type forgetful struct{ order.Evolver }

func (forgetful) Created(s order.State, e order.Created) order.State {
	s.Items = e.Items
	return s
}

type noFlight struct{ compensate.Decider }

func (noFlight) Plan(time.Time, compensate.State, compensate.Plan) compensate.PlanDecision {
	return compensate.AcceptPlan(compensate.Planned{})
}

type noCompensation struct{ compensate.Decider }

func (noCompensation) HotelFailed(_ time.Time, _ compensate.State, in compensate.HotelFailed) compensate.HotelFailedDecision {
	return compensate.AcceptHotelFailed(compensate.HotelMissed{Reason: in.Error})
}

type picky struct{ compensate.Decider }

func (picky) FlightBooked(time.Time, compensate.State, compensate.FlightBooked) compensate.FlightBookedDecision {
	return compensate.RejectFlightBooked(compensate.NotAccepted{Input: "FlightBooked"})
}

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
	if s.PaidAt != nil && !s.PaidAt.Before(saleEnds) {
		return fmt.Errorf("paid at %v, when the sale is over", s.PaidAt)
	}
	return nil
}

// newOrder is the sample of the orders below.
var newOrder = order.Create{OrderID: "1", CartID: "cart", Email: "a@b", Card: "card", Items: []order.Item{{Sku: "a", Quantity: 2, PriceCents: 50}}}

// TestSeededBugs finds each mistake, by the checker or by the simulator, and tells it in five steps or fewer.
func TestSeededBugs(t *testing.T) {
	orders := func(d order.InputDecider, e order.EventEvolver) *workflow.Workflow {
		return order.NewWorkflow(d, e, order.Handler{})
	}
	trips := func(d compensate.InputDecider) *workflow.Workflow {
		return compensate.NewWorkflow(d, compensate.Evolver{}, compensate.Handler{})
	}
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
		w    *workflow.Workflow
		kind FindingKind
		e    Exploration
	}{
		{"index of an empty list", orders(emptyOrder{}, order.Evolver{}), FoundPanic, Exploration{}},
		{"no decision", orders(noDecision{}, order.Evolver{}), FoundUndeclared, Exploration{}},
		{"clock read", orders(ownClock{}, order.Evolver{}), FoundUnsteady, Exploration{}},
		{"global counter", orders(counter{decisions: new(int64)}, order.Evolver{}), FoundUnsteady, Exploration{}},
		{"map order", orders(mapOrder{}, order.Evolver{}), FoundUnsteady, Exploration{Inputs: []any{two}}},
		{"off by one on a deadline", orders(lateSale{}, order.Evolver{}), FoundInvariant, Exploration{Invariants: []func(any) error{Invariant(beforeTheEnd)}}},
		{"goroutine in a decider", orders(background{}, order.Evolver{}), FoundGoroutine, Exploration{}},
		{"aliasing", orders(order.Decider{}, aliasing{}), FoundMutation, Exploration{Inputs: []any{newOrder}}},
		{"forgotten field", orders(order.Decider{}, forgetful{}), FoundInvariant, Exploration{Invariants: []func(any) error{Invariant(totals)}}},
		{"forgotten effect", trips(noFlight{}), FoundStuck, Exploration{}},
		{"compensation skipped", trips(noCompensation{}), FoundStuck, Exploration{}},
		{"stuck after a refusal", trips(picky{}), FoundStuck, Exploration{}},
		{"result that nothing takes", trips(picky{}), FoundLostResult, Exploration{}},
	} {
		seen, err := explore(bug.w, bug.e.withDefaults())
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
	if _, err := explore(orders(endless{}, order.Evolver{}), Exploration{Timeout: 200 * time.Millisecond}.withDefaults()); err == nil || !strings.Contains(err.Error(), "does not return within 200ms") {
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

// bank is a service that handlers charge; it knows keys when it is asked to.
type bank struct {
	charged map[string]int64 // by key
	calls   int
}

func (b *bank) charge(key string, cents int64) {
	if b.charged == nil {
		b.charged = make(map[string]int64)
	}
	b.calls++
	b.charged[key] = cents
}

func (b *bank) sum() (sum int64) {
	for _, cents := range b.charged {
		sum += cents
	}
	return sum
}

func handlerBugs() []handlerBug {
	type chargeFunc func(b *bank, e order.ChargeCard, call workflow.EffectCall) (order.ChargeCardResult, error)
	shop := func(charge chargeFunc, check func(s *Simulation, b *bank) error, inputs ...any) func(*Simulation) {
		return func(s *Simulation) {
			b := new(bank)
			Stub(s, "ChargeCard", func(e order.ChargeCard, call workflow.EffectCall) (order.ChargeCardResult, error) {
				return charge(b, e, call)
			})
			Stub(s, "SendReceipt", func(order.SendReceipt, workflow.EffectCall) (any, error) { return nil, nil })
			s.Check(func() error { return check(s, b) })
			s.Start(order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{}))
			s.Wander(6, append(inputs, newOrder)...)
			s.RunUntilIdle()
		}
	}
	right := func(b *bank, e order.ChargeCard, call workflow.EffectCall) (order.ChargeCardResult, error) {
		b.charge(call.IdempotencyKey, e.AmountCents)
		return order.Pay{AmountCents: e.AmountCents}, nil
	}
	once := func(_ *Simulation, b *bank) error {
		if b.sum() > 100 {
			return fmt.Errorf("the customer has paid %d in place of 100", b.sum())
		}
		return nil
	}
	crashes := []FaultKind{CrashBeforeHandler, CrashAfterHandler, CrashBeforeCommit, CrashAfterCommit}
	return []handlerBug{
		{"double charge after a crash", crashes, shop(func(b *bank, e order.ChargeCard, call workflow.EffectCall) (order.ChargeCardResult, error) {
			b.charge(fmt.Sprint(b.calls), e.AmountCents) // no key
			return order.Pay{AmountCents: e.AmountCents}, nil
		}, once)},
		{"a key for each attempt", []FaultKind{HandlerAnswerLost}, shop(func(b *bank, e order.ChargeCard, call workflow.EffectCall) (order.ChargeCardResult, error) {
			b.charge(fmt.Sprint(call.IdempotencyKey, call.Attempt), e.AmountCents)
			return order.Pay{AmountCents: e.AmountCents}, nil
		}, once)},
		{"retry taken for done", []FaultKind{HandlerError, HandlerPanic}, shop(func(b *bank, e order.ChargeCard, call workflow.EffectCall) (order.ChargeCardResult, error) {
			if call.Attempt == 1 {
				b.charge(call.IdempotencyKey, e.AmountCents)
			}
			return order.Pay{AmountCents: e.AmountCents}, nil
		}, func(s *Simulation, b *bank) error {
			if s.Status("order", "1") == "paid" && b.sum() != 100 {
				return errors.New("paid without money")
			}
			return nil
		})},
		{"paid by card and by client", AllFaults, shop(right, func(s *Simulation, b *bank) error {
			for _, c := range s.Calls("SendReceipt") {
				if c.Value.(order.SendReceipt).AmountCents == 150 && b.sum() > 0 {
					return errors.New("the customer has paid by transfer, and the card is charged, too")
				}
			}
			return nil
		}, order.Pay{OrderID: "1", AmountCents: 150})},
		{"answer for another instance", AllFaults, func(s *Simulation) {
			shop(func(b *bank, e order.ChargeCard, call workflow.EffectCall) (order.ChargeCardResult, error) {
				return order.Pay{OrderID: "2", AmountCents: e.AmountCents}, nil
			}, func(s *Simulation, _ *bank) error {
				if n := len(s.Calls("ChargeCard")); n > 7 {
					return errors.New("the card is charged again and again")
				}
				return nil
			})(s)
		}},
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
			agency := &agency{book: func(string) { stock-- }}
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
			agency := &agency{
				book: func(string) { n++; open[fmt.Sprint("flight ", n)] = true },
				name: func() string { return fmt.Sprint("flight ", n) }, hotel: errors.New("full"),
				cancel: func(flight string) error { delete(open, flight); return nil },
			}
			planTrip(s, agency)
			if s.Status("compensate", "1") == "cancelled" && len(open) > 0 {
				s.Errorf("the trip is cancelled, and flights are booked: %d", len(open))
			}
		}},
		{"compensation fails when repeated", []FaultKind{HandlerAnswerLost, CrashAfterHandler}, func(s *Simulation) {
			done := false
			agency := &agency{hotel: errors.New("full"), cancel: func(string) error {
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

// agency is a travel agency that takes no keys.
type agency struct {
	book   func(key string)
	name   func() string
	hotel  error
	cancel func(flight string) error
}

func (a *agency) BookFlight(_ context.Context, key string) (string, error) {
	if a.book != nil {
		a.book(key)
	}
	if a.name != nil {
		return a.name(), nil
	}
	return "flight", nil
}

func (a *agency) BookHotel(context.Context, string) error { return a.hotel }

func (a *agency) CancelFlight(_ context.Context, _, flight string) error {
	if a.cancel == nil {
		return nil
	}
	return a.cancel(flight)
}

// planTrip takes one trip to its end.
func planTrip(s *Simulation, a *agency) {
	s.UseHandlers()
	s.Start(compensate.NewWorkflow(compensate.Decider{}, compensate.Evolver{}, compensate.Handler{Agency: a}))
	s.Send(compensate.Plan{TripID: "1"})
	s.RunUntilIdle()
}
