package refund

import "time"

// Decider ends a refund when the provider has paid.
type Decider struct{}

var _ InputDecider = Decider{}

// Start begins a refund.
func (Decider) Start(now time.Time, state State, in Start) StartDecision {
	return AcceptStart(Started{Reference: in.Reference}).Effect(Repay{Reference: in.Reference})
}

// Repaid says that the money is back.
func (Decider) Repaid(now time.Time, state State, in Repaid) RepaidDecision {
	return AcceptRepaid(MoneyReturned{})
}

// Evolver folds events into the state. The status is not its business: the declaration says where an event leads.
type Evolver struct{}

var _ EventEvolver = Evolver{}

// Started says for which booking.
func (Evolver) Started(state State, e Started) State {
	state.Reference = e.Reference
	return state
}

// MoneyReturned ends the refund.
func (Evolver) MoneyReturned(state State, e MoneyReturned) State { return state }
