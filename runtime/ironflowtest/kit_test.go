package ironflowtest

import (
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

type orderKit = Kit[order.State, order.Input, order.Event, order.Effect, order.Rejection]

func orderKitOf(d order.InputDecider) *orderKit {
	return NewKit[order.State, order.Input, order.Event, order.Effect, order.Rejection](order.NewWorkflow(d, order.Evolver{}, order.Handler{}))
}

// An exploration of a kit sees the workflow's states with their own type, and leaves the caller's list of invariants alone.
func TestKitExplore(t *testing.T) {
	seen := make(map[string]bool)
	one := make([]func(any) error, 1, 2)
	one[0] = func(any) error { return nil }
	explored := orderKitOf(order.Decider{}).Explore(t, Exploration{Inputs: []any{newOrder}, Invariants: one}, func(s order.State) error {
		seen[string(s.Status)] = true
		return nil
	})
	if !explored.Complete || !seen["paid"] || !seen["cancelled"] {
		t.Errorf("got %+v, states %v", explored, seen)
	}
	if one[:2][1] != nil {
		t.Error("the caller's list of invariants was written to")
	}
}

// A method that is not written is reported as a stub, without a stack.
func TestExploreUnfinished(t *testing.T) {
	seen, err := explore(order.NewWorkflow(unwritten{}, order.Evolver{}, order.Handler{}), Exploration{Inputs: []any{newOrder}}.withDefaults())
	if err != nil || len(seen.Findings) == 0 {
		t.Fatalf("got %v, error %v", seen, err)
	}
	if got := seen.Findings[0].Kind; got != FoundUnfinished {
		t.Errorf("got the kind %q", got)
	}
	if got, want := seen.Findings[0].Text, "workflow order: Decider.Create is not written yet; write it in place of the stub"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

type unwritten struct{ order.Decider }

func (unwritten) Create(_ time.Time, _ order.State, _ order.Create) order.CreateDecision {
	panic(&workflow.Unfinished{Workflow: "order", Method: "Decider.Create"})
}

// A simulation of a kit has its workflow started in each of its runs.
func TestKitSimulate(t *testing.T) {
	runs := 0
	orderKitOf(order.Decider{}).Simulate(t, func(s *Simulation) {
		runs++
		Stub(s, "ChargeCard", func(order.ChargeCard, workflow.EffectCall) (order.ChargeCardResult, error) {
			return order.PaymentFailed{Reason: "declined"}, nil
		})
		s.Send(newOrder)
		s.RunUntilIdle()
		s.Expect("order", "1", "cancelled")
		if !strings.Contains(s.Timeline(), "ChargeCard") {
			s.Errorf("got the timeline %s", s.Timeline())
		}
	}, Seeds(3))
	if runs != 3 {
		t.Errorf("%d runs, want 3", runs)
	}
}

// An input of which no value can be made is reported, not left out.
func TestExploreNoInputs(t *testing.T) {
	x, err := newExplorer(order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{}), Exploration{}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	x.domain.made[madeKey{"Create", "{}", x.domain.pool(order.State{}).key}] = nil
	if err := x.run(); err != nil {
		t.Fatal(err)
	}
	want := "Explore cannot make a value of input Create that can be stored; add one to Exploration.Inputs"
	if len(x.seen.Findings) == 0 || x.seen.Findings[0].Kind != FoundNoInputs || x.seen.Findings[0].Text != want {
		t.Errorf("got %v, want %q", x.seen.Findings, want)
	}
}

// A workflow that only the engine starts is reported, unless there is a sample of its first input.
func TestExploreNothingToSend(t *testing.T) {
	x, err := newExplorer(order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{}), Exploration{}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	x.clients = nil
	if err := x.run(); err != nil {
		t.Fatal(err)
	}
	if len(x.seen.Findings) != 1 || x.seen.Findings[0].Kind != FoundNoInputs || !strings.Contains(x.seen.Findings[0].Text, "nothing was explored") {
		t.Errorf("got %v", x.seen.Findings)
	}
}
