package ironflowtest

import (
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/examples/recipes/deadline"
)

// These benchmarks have the figures of bench that are about tests.

func BenchmarkExplore(b *testing.B) {
	w := order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{})
	var inputs []any
	for quantity := range int32(200) {
		in := newOrder
		in.Items = []order.Item{{Sku: "a", Quantity: quantity, PriceCents: 7}}
		inputs = append(inputs, in)
	}
	transitions := 0
	for b.Loop() {
		seen, err := explore(w, Exploration{Inputs: inputs}.withDefaults())
		if err != nil || len(seen.Findings) > 0 {
			b.Fatal(seen.Findings, err)
		}
		transitions += seen.Transitions
	}
	b.ReportMetric(float64(transitions)/b.Elapsed().Seconds(), "transitions/s")
}

// inTest runs a benchmark with a *testing.T, without which there is no bubble.
func inTest(b *testing.B, run func(t *testing.T)) {
	b.Helper()
	if !testing.RunTests(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{{Name: b.Name(), F: run}}) {
		b.Fatal("the test has failed")
	}
}

// BenchmarkSimulate tells how many operations of engines and clients the simulator makes.
func BenchmarkSimulate(b *testing.B) {
	inTest(b, func(t *testing.T) {
		m := &simulator{t: t, first: 1, seeds: 1, engines: 1, script: func(s *Simulation) {
			shop(s)
			for n := range 100 {
				in := newOrder
				in.OrderID, in.CartID = strconv.Itoa(n), strconv.Itoa(n)
				s.Send(in)
			}
			s.RunUntilIdle()
			for n := range 100 {
				s.Expect("order", strconv.Itoa(n), "paid")
			}
		}}
		for b.Loop() {
			if text := m.search(); text != "" {
				t.Fatal(text)
			}
		}
		b.ReportMetric(float64(m.steps)/b.Elapsed().Seconds(), "steps/s")
	})
}

// month lets 30 days pass, with ten timers of a day in each.
func month(s *Simulation) {
	s.Start(deadline.NewWorkflow(deadline.Decider{}, deadline.Evolver{}))
	for day := range 30 {
		for n := range 10 {
			s.Send(deadline.Place{OrderID: fmt.Sprint(day, "-", n)})
		}
		s.Advance(24 * time.Hour)
		for n := range 10 {
			s.Expect("deadline", fmt.Sprint(day, "-", n), "expired")
		}
	}
}

func BenchmarkMonth(b *testing.B) {
	inTest(b, func(t *testing.T) {
		for b.Loop() {
			Simulate(t, month)
		}
		b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/month")
	})
}

func BenchmarkGiven(b *testing.B) {
	kit := orderKitOf(order.Decider{})
	created := order.Created{Items: newOrder.Items, Email: newOrder.Email, TotalCents: 100}
	inTest(b, func(t *testing.T) {
		for b.Loop() {
			kit.Given(t, created).When(order.Pay{AmountCents: 99}).Rejected(order.Underpaid{MissingCents: 1})
		}
		b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N), "ms/given")
	})
}

// twoReceipts is a failure among many steps: a handler that is not idempotent.
func twoReceipts(s *Simulation) {
	shop(s)
	s.Check(func() error {
		if len(s.Calls("SendReceipt")) > 1 {
			return errors.New("two receipts")
		}
		return nil
	})
	s.Wander(20, newOrder, order.Pay{OrderID: "1", AmountCents: 100})
	s.RunUntilIdle()
}

// BenchmarkShrink tells how long it takes to shrink a failure, and how many steps are left of it.
func BenchmarkShrink(b *testing.B) {
	inTest(b, func(t *testing.T) {
		steps := 0
		for b.Loop() {
			m := &simulator{t: t, first: 1, seeds: 100, engines: 2, faults: []FaultKind{CrashAfterHandler, CommitConflict, SendTwice}, script: twoReceipts}
			if m.search() == "" {
				t.Fatal("nothing has failed")
			}
			steps = len(m.last.faults) + len(m.last.steps)
		}
		b.ReportMetric(float64(steps), "steps/story")
		b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/shrink")
	})
}
