package order

import (
	"errors"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/ironflowtest"
)

var (
	kit     = NewKit(NewWorkflow(Decider{}, Evolver{}, Handler{}))
	now     = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	basket  = []Item{{Sku: "tea", Quantity: 2, PriceCents: 300}, {Sku: "cup", Quantity: 1, PriceCents: 100}}
	created = Created{Items: basket, Email: "ada@example.com", TotalCents: 700}
)

func TestCreateAddsUpAndCharges(t *testing.T) {
	kit.Given(t).
		When(Create{OrderID: "o-1", CartID: "c-1", Email: "ada@example.com", Card: "4242", Items: basket}).
		Then(created).
		Effects(ChargeCard{Card: "4242", AmountCents: 700}).
		Timers(ironflowtest.StateTimer("payment_timeout").In(3 * time.Second)).
		StateIs(State{Status: StatusAwaitingPayment, Items: basket, Email: "ada@example.com", TotalCents: 700})
}

func TestCreateRejectsAnEmptyOrder(t *testing.T) {
	kit.Given(t).When(Create{CartID: "c-1"}).Rejected(EmptyOrder{})
}

func TestPay(t *testing.T) {
	for _, amount := range []int64{700, 701} {
		kit.Given(t, created).At(now).
			When(Pay{AmountCents: amount}).
			Then(Paid{AmountCents: amount, PaidAt: now}).
			Effects(SendReceipt{Email: "ada@example.com", AmountCents: amount}).
			NoTimers().
			Cancels("payment_timeout").
			StateIs(State{Status: StatusPaid, Items: basket, Email: "ada@example.com", TotalCents: 700, PaidAt: &now})
	}
}

func TestPayRejectsTooLittle(t *testing.T) {
	kit.Given(t, created).
		When(Pay{AmountCents: 699}).Rejected(Underpaid{MissingCents: 1}).
		When(Pay{AmountCents: 0}).Rejected(Underpaid{MissingCents: 700})
}

func TestUnpaidOrderEnds(t *testing.T) {
	kit.Given(t, created).
		When(PaymentFailed{Reason: "card declined"}).Then(Cancelled{Reason: "card declined"}).NoEffects().Cancels("payment_timeout").
		When(Pay{AmountCents: 700}).AlreadyCompleted()
	kit.Given(t, created).When(PaymentTimeout{}).Then(Cancelled{Reason: "not paid in time"}).NoEffects()
}

func TestNothingToPayYet(t *testing.T) {
	kit.Given(t).When(Pay{AmountCents: 700}).NotAccepted()
}

func TestExplore(t *testing.T) {
	kit.Explore(t, ironflowtest.Exploration{}, func(s State) error {
		if (s.Status == StatusPaid) != (s.PaidAt != nil) {
			return errors.New("an order has a time of payment exactly when it is paid")
		}
		return nil
	})
}

func TestVerify(t *testing.T) {
	kit.Verify(t, ironflowtest.Verification{Sequences: 200})
}
