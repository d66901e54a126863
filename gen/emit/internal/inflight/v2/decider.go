// Package v2 is version 2 of a workflow whose rows all programs read.
package v2

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
)

// Decider decides on inputs.
type Decider struct{}

// Open asks for one of everything.
func (Decider) Open(_ time.Time, _ State, in Open) OpenDecision {
	if in.Cents < 100 {
		return RejectOpen(Poor{MissingCents: 100 - in.Cents})
	}
	return AcceptOpen(Opened{AmountCents: in.Cents}).
		Effect(Charge{Cents: in.Cents}, Mail{Email: in.AccountID + "@example.com"}, Audit{Sum: in.Cents}).
		StartTimer(TimerRenewal{Input: Renew{Text: "note of " + in.AccountID, Times: 1}}.In(0))
}

// Take counts.
func (Decider) Take(_ time.Time, _ State, in Take) TakeDecision {
	return AcceptTake(Taken{Cents: in.Cents})
}

// Shut ends the account.
func (Decider) Shut(time.Time, State, Shut) ShutDecision { return AcceptShut(Closed{}) }

// Charged notes the receipt.
func (Decider) Charged(_ time.Time, _ State, in Charged) ChargedDecision {
	return AcceptCharged(Noted{Text: "charged " + in.ReceiptID})
}

// Renew notes the text.
func (Decider) Renew(_ time.Time, _ State, in Renew) RenewDecision {
	return AcceptRenew(Noted{Text: "renewed " + in.Text})
}

// Unmailed notes the address.
func (Decider) Unmailed(_ time.Time, _ State, in Unmailed) UnmailedDecision {
	return AcceptUnmailed(Noted{Text: "unmailed " + in.Email})
}

// Audited notes the sum.
func (Decider) Audited(_ time.Time, _ State, in Audited) AuditedDecision {
	return AcceptAudited(Noted{Text: fmt.Sprint("audited ", in.Sum)})
}

// Evolver folds events.
type Evolver struct{}

// Opened begins the balance.
func (Evolver) Opened(s State, e Opened) State {
	s.Cents = e.AmountCents
	return s
}

// Taken lowers the balance.
func (Evolver) Taken(s State, e Taken) State {
	s.Cents -= e.Cents
	return s
}

// Noted keeps the text.
func (Evolver) Noted(s State, e Noted) State {
	s.Log = append(s.Log, e.Text)
	return s
}

// Closed ends the account.
func (Evolver) Closed(s State, _ Closed) State {
	s.Shut = true
	return s
}

// Terminal reports whether the account is shut.
func (Evolver) Terminal(s State) bool { return s.Shut }

// Handler carries effects out.
type Handler struct{}

// Charge returns the price as its receipt.
func (Handler) Charge(_ context.Context, e Charge, _ runtime.EffectCall) (ChargeResult, error) {
	return Charged{ReceiptID: fmt.Sprintf("%d.%02d", e.Cents/100, e.Cents%100)}, nil
}

// Mail never works.
func (Handler) Mail(context.Context, Mail, runtime.EffectCall) error {
	return runtime.Permanent(errors.New("no such address"))
}
