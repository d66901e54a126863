package ironflowtest

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/examples/recipes/deadline"
	"github.com/ironflow-gen/ironflow/internal/seeded"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// shop starts orders whose card is charged at the second attempt.
func shop(s *Simulation) {
	Stub(s, "ChargeCard", func(e order.ChargeCard, call workflow.EffectCall) (order.ChargeCardResult, error) {
		if call.Attempt == 1 {
			return nil, errors.New("busy")
		}
		return order.Pay{AmountCents: e.AmountCents}, nil
	})
	Stub(s, "SendReceipt", func(order.SendReceipt, workflow.EffectCall) (any, error) { return nil, nil })
	s.Start(order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{}))
}

func TestSimulate(t *testing.T) {
	Simulate(t, func(s *Simulation) {
		shop(s)
		if a := s.Send(newOrder); !a.Accepted || len(a.Events) != 1 {
			s.Errorf("got %+v", a)
		}
		s.Expect("order", "1", "awaiting_payment")
		s.RunUntilIdle()
		s.Expect("order", "1", "paid")
		if calls := s.Calls("ChargeCard"); len(calls) != 2 || calls[0].Err == nil || calls[1].Result != any(order.Pay{AmountCents: 100}) {
			s.Errorf("got the calls %+v", calls)
		}
		if a := s.Send(order.Pay{OrderID: "1"}); a.Accepted || a.Rejection != nil {
			s.Errorf("after the end: got %+v", a)
		}
		if state := s.State("order", "1").(order.State); state.TotalCents != 100 || state.PaidAt == nil {
			s.Errorf("got the state %+v", state)
		}
		if text := s.Timeline(); !strings.Contains(text, "attempt 1 → error: busy") {
			s.Errorf("got the timeline %s", text)
		}
	})
}

func TestSimulateTimer(t *testing.T) {
	Simulate(t, func(s *Simulation) {
		s.Start(deadline.NewWorkflow(deadline.Decider{}, deadline.Evolver{}))
		s.Send(deadline.Place{OrderID: "1"})
		s.Advance(24*time.Hour - time.Second)
		s.Expect("deadline", "1", "packing")
		s.Advance(time.Second)
		s.Expect("deadline", "1", "expired")
	})
}

// A projection follows in virtual time, and a month of it takes no time.
func TestSimulateProjection(t *testing.T) {
	began := time.Now()
	Simulate(t, func(s *Simulation) {
		created := 0
		s.Project(runtime.Projection[*memory.Tx]{Name: "orders", Apply: func(_ context.Context, _ *memory.Tx, event runtime.StoredEvent) error {
			if event.Type == "Created" {
				created++
			}
			return nil
		}})
		shop(s)
		for day := range 30 {
			in := newOrder
			in.OrderID, in.CartID = string(rune('a'+day)), string(rune('a'+day))
			s.Send(in)
			s.Advance(24 * time.Hour)
			if created != day+1 {
				s.Fatalf("day %d: %d orders are projected", day, created)
			}
		}
	})
	t.Logf("30 days took %v", time.Since(began))
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("30 days took %v", took)
	}
}

// With the same seed, a run is the same, byte for byte.
func TestSimulateSame(t *testing.T) {
	m := &simulator{t: t, faults: AllFaults, script: func(s *Simulation) {
		shop(s)
		second, third := newOrder, newOrder
		second.OrderID, second.CartID, third.OrderID, third.CartID = "2", "two", "3", "three"
		s.Wander(25, newOrder, second, third, order.Pay{OrderID: "1", AmountCents: 100})
		s.RunUntilIdle()
	}}
	hashes := make(map[string]bool)
	for seed := range uint64(40) {
		p := plan{seed: seed, draw: true, engines: 1 + int(seed%2)}
		first, stalled := m.run(p)
		again, stalledAgain := m.run(p)
		if stalled+stalledAgain != "" || first.failure != "" {
			t.Fatal(stalled, stalledAgain, first.failure)
		}
		hashes[first.hash()] = true
		if first.hash() == again.hash() {
			continue
		}
		told, toldAgain := first.told(), again.told()
		for i, line := range told {
			if i == len(toldAgain) || toldAgain[i] != line {
				t.Errorf("seed %d differs in line %d: %s", seed, i, strings.Join(toldAgain[max(i-2, 0):min(i+2, len(toldAgain))], "\n")+
					"\nfirst:\n"+strings.Join(told[max(i-2, 0):min(i+2, len(told))], "\n"))
				break
			}
		}
	}
	if len(hashes) < 30 {
		t.Errorf("40 seeds have made %d different runs", len(hashes))
	}
}

// Every kind of fault happens, and the engine and its users survive all of them.
func TestSimulateFaults(t *testing.T) {
	happened := make(map[FaultKind]int)
	Simulate(t, func(s *Simulation) {
		paid := make(map[string]bool)
		Stub(s, "ChargeCard", func(e order.ChargeCard, call workflow.EffectCall) (order.ChargeCardResult, error) {
			paid[call.IdempotencyKey] = true
			return order.Pay{AmountCents: e.AmountCents}, nil
		})
		Stub(s, "SendReceipt", func(order.SendReceipt, workflow.EffectCall) (any, error) { return nil, nil })
		s.Start(order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{}))
		s.Check(func() error {
			if len(paid) > 1 {
				return errors.New("two keys for one effect")
			}
			return nil
		})
		s.Wander(8, newOrder)
		s.RunUntilIdle()
		s.Advance(time.Hour)
		if status := s.Status("order", "1"); status == "awaiting_payment" {
			s.Errorf("after an hour, the order is %s", status)
		}
		for _, f := range s.faults {
			happened[f.kind]++
		}
	}, Seeds(150), Faults(AllFaults...), Engines(2))
	for _, kind := range AllFaults {
		if happened[kind] == 0 && kind != Reordered {
			t.Errorf("%v has not happened", kind)
		}
	}
}

// What goes wrong in a script says what to do.
func TestSimulateMistakes(t *testing.T) {
	started := func(s *Simulation) {
		s.Start(order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{}))
	}
	for _, c := range []struct {
		want   string
		script func(*Simulation)
	}{
		{`effect ChargeCard has no stub; call ironflowtest.Stub(s, "ChargeCard", …), or s.UseHandlers()`, func(s *Simulation) {
			started(s)
			s.Send(newOrder)
			s.RunUntilIdle()
		}},
		{"call Start first", func(s *Simulation) { s.Send(newOrder) }},
		{"Start was called twice", func(s *Simulation) { started(s); started(s) }},
		{"is not one of its inputs", func(s *Simulation) { started(s); s.Send(7) }},
		{"the script panics: oh", func(*Simulation) { panic("oh") }},
		{"a check panics: runtime error: index out of range", func(s *Simulation) {
			s.Check(func() error { return errors.New(s.State("order", "1").(order.State).Items[7].Sku) })
			started(s)
			s.Send(newOrder)
		}},
		{"the decision is empty", func(s *Simulation) {
			Stub(s, "ChargeCard", func(order.ChargeCard, workflow.EffectCall) (order.ChargeCardResult, error) {
				return order.PaymentFailed{}, nil
			})
			s.Start(order.NewWorkflow(seeded.NoDecision{}, order.Evolver{}, order.Handler{}))
			s.Send(newOrder)
			s.RunUntilIdle()
		}},
		{"the stub of effect ChargeCard takes order.SendReceipt", func(s *Simulation) {
			Stub(s, "ChargeCard", func(order.SendReceipt, workflow.EffectCall) (any, error) { return nil, nil })
			started(s)
			s.Send(newOrder)
			s.RunUntilIdle()
			for _, call := range s.Calls("ChargeCard") {
				s.Errorf("%v", call.Err)
			}
		}},
		{`workflow "other" was not given to Start`, func(s *Simulation) { started(s); s.State("other", "1") }},
		{`order/1 is in status "", want "paid"`, func(s *Simulation) { started(s); s.Expect("order", "1", "paid") }},
	} {
		m := &simulator{t: t, script: c.script, first: 1, seeds: 1, engines: 1}
		if got := m.search(); !strings.Contains(got, c.want) {
			t.Errorf("got %s\nwant %q", got, c.want)
		}
	}
}

type spinning struct {
	order.Decider
	stop *atomic.Bool
}

func (d spinning) Create(time.Time, order.State, order.Create) (none order.CreateDecision) {
	for !d.stop.Load() {
	}
	return none
}

// A decider that computes without end fails the test, although no virtual time passes.
func TestSimulateEndless(t *testing.T) {
	d := spinning{stop: new(atomic.Bool)}
	m := &simulator{t: t, first: 1, seeds: 1, engines: 1, patience: 200 * time.Millisecond, script: func(s *Simulation) {
		s.Start(order.NewWorkflow(d, order.Evolver{}, order.Handler{}))
		s.Send(newOrder)
	}}
	const want = "nothing has happened for 200ms. Last begun: the decider of order for Create"
	if got := m.search(); !strings.Contains(got, want) {
		t.Errorf("got %s\nwant %q", got, want)
	}
	d.stop.Store(true)
	time.Sleep(100 * time.Millisecond) // the run ends
}

// A failure is told as code to paste, with the faults and steps that it needs, and no others.
func TestSimulateReport(t *testing.T) {
	m := &simulator{t: t, first: 1, seeds: 100, engines: 2, faults: []FaultKind{CrashAfterHandler, CommitConflict, SendTwice}, script: twoReceipts}
	text := m.search()
	for _, want := range []string{
		"two receipts", "s.Inject(ironflowtest.CrashAfterHandler, \"handle SendReceipt of order/1/2/0, attempt 1\")",
		`s.Send(order.Create{OrderID: "1"`, "ironflowtest.Seed(", "What happened:", "CRASH",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report does not say %q", want)
		}
	}
	if n := len(m.last.faults) + len(m.last.steps); n > 3 {
		t.Errorf("the story has %d steps:\n%s", n, text)
	}
}
