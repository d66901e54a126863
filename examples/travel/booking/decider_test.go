package booking

import "testing"

var (
	kit       = NewKit(NewWorkflow(Decider{}, Evolver{}, Handler{}))
	requested = Requested{What: "flight", Destination: "Oslo"}
)

func TestProviderConfirms(t *testing.T) {
	kit.Given(t).
		When(Reserve{BookingID: "b-1", What: "flight", Destination: "Oslo"}).
		Then(requested).
		Effects(AskProvider{What: "flight", Destination: "Oslo"}).
		When(Confirmed{Reference: "F1"}).
		Then(Booked{Reference: "F1"}).
		NoEffects().
		StateIs(State{Status: StatusBooked, Reference: "F1"})
}

func TestProviderRefuses(t *testing.T) {
	kit.Given(t, requested).
		When(Refused{Reason: "full"}).
		Then(TurnedDown{Reason: "full"}).
		StateIs(State{Status: StatusRefused, Reason: "full"})
}
