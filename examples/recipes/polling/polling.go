// Package polling is a recipe: an effect that asks another service until it has an answer.
package polling

import (
	"context"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
)

//go:generate go tool ironflow-gen

// Decider waits for the answer, and for three days at most.
type Decider struct{}

func (Decider) Pay(now time.Time, s State, in Pay) PayDecision {
	return AcceptPay(Ordered{Reference: in.Reference}).Effect(AskBank{Reference: in.Reference})
}

func (Decider) BankAnswered(now time.Time, s State, in BankAnswered) BankAnsweredDecision {
	if in.Paid {
		return AcceptBankAnswered(Paid{})
	}
	return AcceptBankAnswered(Failed{Reason: "the bank refused"})
}

func (Decider) TakesTooLong(now time.Time, s State, in TakesTooLong) TakesTooLongDecision {
	return AcceptTakesTooLong(Failed{Reason: "no answer"}).CancelEffect(EffectAskBank)
}

// Evolver keeps the reference.
type Evolver struct{}

func (Evolver) Ordered(s State, e Ordered) State { s.Reference = e.Reference; return s }
func (Evolver) Paid(s State, e Paid) State       { return s }
func (Evolver) Failed(s State, e Failed) State   { return s }

// Handler asks the bank. To ask changes nothing, so it needs no idempotency key.
type Handler struct {
	Ask   func(ctx context.Context, reference string) (known, paid bool, err error)
	Pause time.Duration // between two questions
}

func (h Handler) AskBank(ctx context.Context, e AskBank, call runtime.EffectCall) (AskBankResult, error) {
	known, paid, err := h.Ask(ctx, e.Reference)
	switch {
	case err != nil:
		return nil, err // counts as an attempt
	case !known:
		return nil, runtime.Snooze(h.Pause) // does not
	}
	return BankAnswered{Paid: paid}, nil
}
