// Package refusal is a recipe: a workflow that sends an input to another instance, and hears why it was refused.
package refusal

import "time"

//go:generate go tool ironflow-gen

// Decider moves money.
type Decider struct{}

func (Decider) Open(now time.Time, s State, in Open) OpenDecision {
	return AcceptOpen(Opened{Cents: in.Cents})
}

func (Decider) Transfer(now time.Time, s State, in Transfer) TransferDecision {
	if missing := in.Cents - s.Cents; missing > 0 {
		return RejectTransfer(TooLittle{MissingCents: missing})
	}
	return AcceptTransfer(Sent{To: in.To, Cents: in.Cents}).Effect(Send{AccountID: in.To, Cents: in.Cents})
}

func (Decider) Deposit(now time.Time, s State, in Deposit) DepositDecision {
	return AcceptDeposit(Received{Cents: in.Cents})
}

func (Decider) DepositRefused(now time.Time, s State, in DepositRefused) DepositRefusedDecision {
	return AcceptDepositRefused(Returned{From: in.Receiver, Reason: in.Outcome, Cents: in.Cents})
}

func (Decider) Freeze(now time.Time, s State, in Freeze) FreezeDecision {
	return AcceptFreeze(Frozen{})
}

// Evolver counts the money.
type Evolver struct{}

func (Evolver) Opened(s State, e Opened) State     { s.Cents += e.Cents; return s }
func (Evolver) Sent(s State, e Sent) State         { s.Cents -= e.Cents; return s }
func (Evolver) Received(s State, e Received) State { s.Cents += e.Cents; return s }
func (Evolver) Returned(s State, e Returned) State { s.Cents += e.Cents; return s }
func (Evolver) Frozen(s State, e Frozen) State     { return s }
