package refund

import "testing"

var kit = NewKit(NewWorkflow(Decider{}, Evolver{}, Handler{}))

func TestRefund(t *testing.T) {
	kit.Given(t).
		When(Start{RefundID: "r-1", Reference: "F1"}).
		Then(Started{Reference: "F1"}).
		Effects(Repay{Reference: "F1"}).
		StateIs(State{Status: StatusWaiting, Reference: "F1"}).
		When(Repaid{}).
		Then(MoneyReturned{}).
		NoEffects().
		StateIs(State{Status: StatusDone, Reference: "F1"})
}
