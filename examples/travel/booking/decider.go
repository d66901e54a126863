package booking

import "time"

// Decider lets the provider decide.
type Decider struct{}

var _ InputDecider = Decider{}

// Reserve begins a booking.
func (Decider) Reserve(now time.Time, state State, in Reserve) ReserveDecision {
	return AcceptReserve(Requested{What: in.What, Destination: in.Destination}).
		Effect(AskProvider{What: in.What, Destination: in.Destination})
}

// Confirmed is the provider's yes.
func (Decider) Confirmed(now time.Time, state State, in Confirmed) ConfirmedDecision {
	return AcceptConfirmed(Booked{Reference: in.Reference})
}

// Refused is the provider's no.
func (Decider) Refused(now time.Time, state State, in Refused) RefusedDecision {
	return AcceptRefused(TurnedDown{Reason: in.Reason})
}

// Evolver folds events into the state. The status is not its business: the declaration says where an event leads.
type Evolver struct{}

var _ EventEvolver = Evolver{}

// Requested says that the provider is asked. No decision needs to know for what.
func (Evolver) Requested(state State, e Requested) State { return state }

// Booked has the provider's reference.
func (Evolver) Booked(state State, e Booked) State {
	state.Reference = e.Reference
	return state
}

// TurnedDown says why there is no booking.
func (Evolver) TurnedDown(state State, e TurnedDown) State {
	state.Reason = e.Reason
	return state
}
