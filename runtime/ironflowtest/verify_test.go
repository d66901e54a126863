package ironflowtest

import (
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/examples/recipes/compensate"
	"github.com/ironflow-gen/ironflow/examples/recipes/foureyes"
	"github.com/ironflow-gen/ironflow/examples/subscription/subscription"
	"github.com/ironflow-gen/ironflow/examples/travel/booking"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// The verification finds nothing in workflows that are right, and its table has each input in each state.
func TestVerifyNothing(t *testing.T) {
	for _, w := range []*workflow.Workflow{
		order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{}),
		compensate.NewWorkflow(compensate.Decider{}, compensate.Evolver{}, compensate.Handler{}),
		foureyes.NewWorkflow(foureyes.Decider{}, foureyes.Evolver{}),
		subscription.NewWorkflow(subscription.Decider{}, subscription.Evolver{}, subscription.Handler{}),
		booking.NewWorkflow(booking.Decider{}, booking.Evolver{}, booking.Handler{}),
	} {
		began := time.Now()
		v := Verify(t, w, Verification{})
		t.Logf("%s took %v", w.Name(), time.Since(began))
		if want := len(w.DeclaredMachine().States) * len(w.InputNames()); len(v.Table) != want || v.Sequences != 100 {
			t.Errorf("%s: the table has %d cells, want %d", w.Name(), len(v.Table), want)
		}
		for _, c := range v.Table {
			if c.Refused == "" && (len(c.Outcomes) == 0 || len(c.Missing) > 0) {
				t.Errorf("%s: %s", w.Name(), c)
			}
		}
	}
}

func TestVerifyTable(t *testing.T) {
	v, err := verify(order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{}), Verification{})
	if err != nil {
		t.Fatal(err)
	}
	want := `
new Create Created → awaiting_payment; rejected with EmptyOrder
new Pay not accepted
new PaymentFailed not accepted
new PaymentTimeout not accepted
awaiting_payment Create not accepted
awaiting_payment Pay Paid → paid; rejected with Underpaid
awaiting_payment PaymentFailed Cancelled → cancelled
awaiting_payment PaymentTimeout Cancelled → cancelled
paid Create already completed
paid Pay already completed
paid PaymentFailed already completed
paid PaymentTimeout already completed
cancelled Create already completed
cancelled Pay already completed
cancelled PaymentFailed already completed
cancelled PaymentTimeout already completed
`
	var got strings.Builder
	got.WriteString("\n")
	for _, c := range v.Table {
		got.WriteString(strings.Join(strings.Fields(c.String()), " ") + "\n")
	}
	if got.String() != want {
		t.Errorf("got %s\nwant %s", got.String(), want)
	}
}

// manyItems panics at a number of items that the exploration does not try.
type manyItems struct{ order.Decider }

func (d manyItems) Pay(now time.Time, s order.State, in order.Pay) order.PayDecision {
	if len(s.Items) == 3 {
		panic("three items")
	}
	return d.Decider.Pay(now, s, in)
}

// refusesCommas panics at a second approval by a name that the exploration does not try.
type refusesCommas struct{ foureyes.Decider }

func (d refusesCommas) Approve(now time.Time, s foureyes.State, in foureyes.Approve) foureyes.ApproveDecision {
	if s.ApprovedBy != nil && strings.Contains(in.By, ",") {
		panic("a comma")
	}
	return d.Decider.Approve(now, s, in)
}

// A mistake that only random values meet is told in the steps that it needs, and is the same in each run.
func TestVerifyFinds(t *testing.T) {
	for _, c := range []struct {
		w     *workflow.Workflow
		text  string
		steps int
	}{
		{order.NewWorkflow(manyItems{}, order.Evolver{}, order.Handler{}), "three items", 2},
		{foureyes.NewWorkflow(refusesCommas{}, foureyes.Evolver{}), "a comma", 3},
	} {
		var stories []string
		for range 2 {
			v, err := verify(c.w, Verification{Exploration: Exploration{Depth: 3}})
			if err != nil || len(v.Findings) != 1 {
				t.Fatalf("%s: got %v, error %v", c.w.Name(), v.Findings, err)
			}
			f := v.Findings[0]
			if f.Kind != FoundPanic || !strings.Contains(f.Text, c.text) || len(f.Story) != c.steps {
				t.Errorf("%s: got %v, want %d steps", c.w.Name(), f, c.steps)
			}
			stories = append(stories, strings.Join(f.Story, "\n"))
		}
		if stories[0] != stories[1] {
			t.Errorf("%s: got the stories\n%s\nand\n%s", c.w.Name(), stories[0], stories[1])
		}
	}
}
