package trip

import "testing"

var (
	kit          = NewKit(NewWorkflow(Decider{}, Evolver{}))
	planned      = Planned{Destination: "Oslo"}
	flightBooked = FlightBooked{Reference: "F1"}
)

func TestTripIsBooked(t *testing.T) {
	kit.Given(t).
		When(Plan{TripID: "t-1", Destination: "Oslo"}).
		Then(planned).
		Effects(BookFlight{BookingID: "t-1-flight", What: "flight", Destination: "Oslo"}).
		When(FlightEnded{Reference: "F1"}).
		Then(flightBooked).
		Effects(BookHotel{BookingID: "t-1-hotel", What: "hotel", Destination: "Oslo"}).
		When(HotelEnded{Reference: "H1"}).
		Then(HotelBooked{Reference: "H1"}).
		NoEffects().
		StateIs(State{Status: StatusBooked, Destination: "Oslo", Flight: "F1", Hotel: "H1"})
}

func TestWithoutFlightThereIsNoTrip(t *testing.T) {
	kit.Given(t, planned).
		When(FlightEnded{Reason: "full", Error: "not asked"}).
		Then(Failed{Reason: "full"}).
		NoEffects().
		StateIs(State{Status: StatusFailed, Destination: "Oslo", Failure: "full"})
	kit.Given(t, planned).When(FlightEnded{Error: "not asked"}).Then(Failed{Reason: "not asked"})
}

func TestWithoutHotelTheFlightIsRefunded(t *testing.T) {
	kit.Given(t, planned, flightBooked).
		When(HotelEnded{Reason: "full"}).
		Then(HotelRefused{Reason: "full"}).
		Effects(RefundFlight{Reference: "F1"}).
		StateIs(State{Status: StatusRefunding, Destination: "Oslo", Flight: "F1", Failure: "full"}).
		When(RefundEnded{Reference: "F1"}).
		Then(FlightRefunded{Reference: "F1"}).
		StateIs(State{Status: StatusFailed, Destination: "Oslo", Failure: "full"})
}
