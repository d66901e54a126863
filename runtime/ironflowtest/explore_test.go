package ironflowtest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/examples/recipes/compensate"
	"github.com/ironflow-gen/ironflow/examples/recipes/foureyes"
	"github.com/ironflow-gen/ironflow/examples/subscription/subscription"
	"github.com/ironflow-gen/ironflow/examples/travel/booking"
	"github.com/ironflow-gen/ironflow/internal/seeded"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// The checker finds nothing in workflows that are right, and sees all of their states.
func TestExploreNothing(t *testing.T) {
	for _, c := range []struct {
		w      *workflow.Workflow
		states int // at least
	}{
		{order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{}), 10},
		{compensate.NewWorkflow(compensate.Decider{}, compensate.Evolver{}, compensate.Handler{}), 6},
		{foureyes.NewWorkflow(foureyes.Decider{}, foureyes.Evolver{}), 5},
		{subscription.NewWorkflow(subscription.Decider{}, subscription.Evolver{}, subscription.Handler{}), 20},
		{booking.NewWorkflow(booking.Decider{}, booking.Evolver{}, booking.Handler{}), 5},
	} {
		seen := Explore(t, c.w, Exploration{Depth: 6})
		if seen.States < c.states || seen.Transitions == 0 {
			t.Errorf("%s: %d states and %d transitions, want at least %d states", c.w.Name(), seen.States, seen.Transitions, c.states)
		}
	}
}

// A story is the shortest, says what was sent and when, and comes with a diagram that marks the states.
func TestExploreStory(t *testing.T) {
	w := order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{})
	seen, err := explore(w, Exploration{Inputs: []any{newOrder}, Invariants: []func(any) error{Invariant(func(s order.State) error {
		if s.Status == order.StatusCancelled {
			return errors.New("an order is lost")
		}
		return nil
	})}}.withDefaults())
	if err != nil || len(seen.Findings) != 1 {
		t.Fatalf("got %v, error %v", seen, err)
	}
	f := seen.Findings[0]
	want := []string{
		`a client sends order.Create{OrderID: "1", CartID: "cart", Email: "a@b", Card: "card", Items: []order.Item{{Sku: "a", Quantity: 2, PriceCents: 50}}} → Created (in state new)`,
		`effect ChargeCard returns order.PaymentFailed{OrderID: "1", Reason: "a@b"} → Cancelled (in state awaiting_payment)`,
	}
	if f.Kind != FoundInvariant || f.Text != "an order is lost" || strings.Join(f.Story, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %v", f)
	}
	if !strings.Contains(f.Diagram, "class s0,s1 story") || !strings.Contains(f.String(), "  2. effect ChargeCard returns") {
		t.Errorf("got the diagram %s", f.Diagram)
	}
}

// A client's input has values around those in the state, at the time and when the timer is due.
func TestExploreBoundaries(t *testing.T) {
	amounts, late := make(map[int64]bool), false
	d := watcher{pay: func(now time.Time, in order.Pay) {
		amounts[in.AmountCents] = true
		late = late || now.Equal(seeded.SaleEnds)
	}}
	if _, err := explore(order.NewWorkflow(d, order.Evolver{}, order.Handler{}), Exploration{Inputs: []any{newOrder}}.withDefaults()); err != nil {
		t.Fatal(err)
	}
	for _, cents := range []int64{-1, 0, 1, 99, 100, 101} {
		if !amounts[cents] {
			t.Errorf("nobody has paid %d: %v", cents, amounts)
		}
	}
	if !late {
		t.Error("nobody has paid at the time at which the timer is due")
	}
}

type watcher struct {
	order.Decider
	pay func(time.Time, order.Pay)
}

func (d watcher) Pay(now time.Time, s order.State, in order.Pay) order.PayDecision {
	d.pay(now, in)
	return d.Decider.Pay(now, s, in)
}

type illegible struct{ order.Evolver }

func (illegible) Cancelled(s order.State, _ order.Cancelled) order.State {
	s.Email = "\xff"
	return s
}

// A state that JSON cannot carry is reported.
func TestExploreUnstorable(t *testing.T) {
	seen, err := explore(order.NewWorkflow(order.Decider{}, illegible{}, order.Handler{}), Exploration{}.withDefaults())
	if err != nil || !slices.ContainsFunc(seen.Findings, func(f Finding) bool {
		return f.Kind == FoundUnstorable && strings.Contains(f.Text, "cannot be stored as JSON")
	}) {
		t.Errorf("got %v, error %v", seen.Findings, err)
	}
}

// What is wrong with a call is said with what to do.
func TestExploreMistakes(t *testing.T) {
	good := order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{})
	for _, c := range []struct {
		w    *workflow.Workflow
		e    Exploration
		want string
	}{
		{nil, Exploration{}, "pass what the generated NewWorkflow returns"},
		{order.NewWorkflow(nil, nil, nil), Exploration{}, "pass a value of your type to NewWorkflow"},
		{good, Exploration{Inputs: []any{nil}}, "Exploration.Inputs[0]: the input is nil"},
		{good, Exploration{Inputs: []any{compensate.Plan{}}}, "is not one of its inputs"},
		{good, Exploration{Invariants: []func(any) error{func(any) error { select {} }}, Timeout: 50 * time.Millisecond}, "does not return within 50ms"},
	} {
		if _, err := explore(c.w, c.e.withDefaults()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	seen, err := explore(good, Exploration{Invariants: []func(any) error{
		Invariant(func(s order.State) error { return errors.New(s.Items[0].Sku[:0] + "never seen") }),
		Invariant(func(compensate.State) error { return nil }),
	}}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, f := range seen.Findings {
		texts = append(texts, f.Text)
	}
	for _, want := range []string{"never seen", "pass ironflowtest.Invariant a function of the workflow's own State"} {
		if !strings.Contains(strings.Join(texts, "\n"), want) {
			t.Errorf("got %q, want %q", texts, want)
		}
	}
}
