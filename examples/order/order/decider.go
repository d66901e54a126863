package order

import "time"

// Decider decides what an input leads to. Its methods look at nothing but their arguments.
type Decider struct{}

var _ InputDecider = Decider{}

// Create takes the order and asks for the money.
func (Decider) Create(_ time.Time, _ State, in Create) CreateDecision {
	if len(in.Items) == 0 {
		return RejectCreate(EmptyOrder{})
	}
	var total int64
	for _, item := range in.Items {
		total += int64(item.Quantity) * item.PriceCents
	}
	return AcceptCreate(Created{Items: in.Items, Email: in.Email, TotalCents: total}).
		Effect(ChargeCard{Card: in.Card, AmountCents: total})
}

// Pay completes the order when the money is enough.
func (Decider) Pay(now time.Time, s State, in Pay) PayDecision {
	if in.AmountCents < s.TotalCents {
		return RejectPay(Underpaid{MissingCents: s.TotalCents - in.AmountCents})
	}
	return AcceptPay(Paid{AmountCents: in.AmountCents, PaidAt: now}).
		Effect(SendReceipt{Email: s.Email, AmountCents: in.AmountCents})
}

// PaymentFailed cancels the order.
func (Decider) PaymentFailed(_ time.Time, _ State, in PaymentFailed) PaymentFailedDecision {
	return AcceptPaymentFailed(Cancelled{Reason: in.Reason})
}

// PaymentTimeout cancels the order.
func (Decider) PaymentTimeout(_ time.Time, _ State, _ PaymentTimeout) PaymentTimeoutDecision {
	return AcceptPaymentTimeout(Cancelled{Reason: "not paid in time"})
}

// Evolver folds events into the state. The engine sets the status.
type Evolver struct{}

var _ EventEvolver = Evolver{}

// Created fills the order.
func (Evolver) Created(s State, e Created) State {
	s.Items, s.Email, s.TotalCents = e.Items, e.Email, e.TotalCents
	return s
}

// Paid notes when.
func (Evolver) Paid(s State, e Paid) State {
	s.PaidAt = &e.PaidAt
	return s
}

// Cancelled changes nothing but the status.
func (Evolver) Cancelled(s State, _ Cancelled) State { return s }
