package trip

import "time"

// Decider books one thing after the other. What was booked is refunded when the next one fails.
type Decider struct{}

var _ InputDecider = Decider{}

// Plan is what the traveller asks for.
func (Decider) Plan(now time.Time, state State, in Plan) PlanDecision {
	return AcceptPlan(Planned{Destination: in.Destination}).Effect(BookFlight{
		BookingID: in.TripID + "-flight", What: "flight", Destination: in.Destination,
	})
}

// FlightEnded says what became of the booking of the flight.
func (Decider) FlightEnded(now time.Time, state State, in FlightEnded) FlightEndedDecision {
	if in.Reference == "" {
		return AcceptFlightEnded(Failed{Reason: reason(in.Reason, in.Error)})
	}
	return AcceptFlightEnded(FlightBooked{Reference: in.Reference}).Effect(BookHotel{
		BookingID: in.TripID + "-hotel", What: "hotel", Destination: state.Destination,
	})
}

// HotelEnded says what became of the booking of the hotel.
func (Decider) HotelEnded(now time.Time, state State, in HotelEnded) HotelEndedDecision {
	if in.Reference == "" {
		return AcceptHotelEnded(HotelRefused{Reason: reason(in.Reason, in.Error)}).Effect(RefundFlight{Reference: state.Flight})
	}
	return AcceptHotelEnded(HotelBooked{Reference: in.Reference})
}

// RefundEnded says that the money is back.
func (Decider) RefundEnded(now time.Time, state State, in RefundEnded) RefundEndedDecision {
	return AcceptRefundEnded(FlightRefunded{Reference: in.Reference})
}

// reason is the provider's, or why nobody could be asked.
func reason(refused, unstarted string) string {
	if refused != "" {
		return refused
	}
	return unstarted
}

// Evolver folds events into the state. The status is not its business: the declaration says where an event leads.
type Evolver struct{}

var _ EventEvolver = Evolver{}

// Planned says where to.
func (Evolver) Planned(state State, e Planned) State {
	state.Destination = e.Destination
	return state
}

// FlightBooked has the flight's reference.
func (Evolver) FlightBooked(state State, e FlightBooked) State {
	state.Flight = e.Reference
	return state
}

// HotelBooked has the hotel's reference.
func (Evolver) HotelBooked(state State, e HotelBooked) State {
	state.Hotel = e.Reference
	return state
}

// HotelRefused says why there is no hotel.
func (Evolver) HotelRefused(state State, e HotelRefused) State {
	state.Failure = e.Reason
	return state
}

// FlightRefunded ends the compensation.
func (Evolver) FlightRefunded(state State, e FlightRefunded) State {
	state.Flight = ""
	return state
}

// Failed says why there is no trip.
func (Evolver) Failed(state State, e Failed) State {
	state.Failure = e.Reason
	return state
}
