package subscription

import (
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/ironflowtest"
)

var (
	kit        = NewKit(NewWorkflow(Decider{}, Evolver{}, Handler{}))
	now        = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	subscribed = Subscribed{Plan: "gold"}
	began      = PeriodBegan{At: now}
	missed     = PaymentMissed{Reason: "no money"}
)

func TestTrial(t *testing.T) {
	kit.Given(t).
		When(Subscribe{Plan: "gold"}).
		Then(subscribed).
		NoEffects().
		Timers(ironflowtest.StateTimer("trial").In(300 * time.Millisecond)).
		StateIs(State{Status: StatusTrial, Plan: "gold"}).
		After(300 * time.Millisecond).
		When(TrialOver{}).
		Then(TrialEnded{}).
		Timers(ironflowtest.StateTimer("period").In(time.Second)).
		Cancels("trial").
		StateIs(State{Status: StatusActive, Plan: "gold"})
}

func TestPeriodIsCharged(t *testing.T) {
	kit.Given(t, subscribed, TrialEnded{}).
		When(Renew{ScheduledAt: now}).
		Then(began).
		Effects(Charge{Plan: "gold"}).
		StateIs(State{Status: StatusActive, Plan: "gold"}).
		When(Charged{}).
		Then(PeriodPaid{}).
		NoEffects().
		StateIs(State{Status: StatusActive, Plan: "gold", Paid: 1})
}

func TestSecondMissedPaymentEnds(t *testing.T) {
	kit.Given(t, subscribed, TrialEnded{}, began).
		When(ChargeFailed{Error: "no money"}).
		Then(missed).
		StateIs(State{Status: StatusActive, Plan: "gold", Failures: 1}).
		When(ChargeFailed{Error: "no money"}).
		Then(Cancelled{Reason: "no money"}).
		Cancels("period").
		When(Renew{ScheduledAt: now}).
		AlreadyCompleted()
}

// Only payments that are missed one after the other count.
func TestPaymentForgivesMissedOnes(t *testing.T) {
	kit.Given(t, subscribed, TrialEnded{}, began, missed).
		When(Charged{}).
		Then(PeriodPaid{}).
		StateIs(State{Status: StatusActive, Plan: "gold", Paid: 1}).
		When(ChargeFailed{Error: "no money"}).
		Then(missed)
}

func TestCancelStopsTheCharge(t *testing.T) {
	kit.Given(t, subscribed, TrialEnded{}, began).
		When(Cancel{}).
		Then(Cancelled{Reason: "as wished"}).
		CancelsEffects(EffectCharge).
		Cancels("period").
		NoTimers()
}

func TestReport(t *testing.T) {
	kit.Given(t).
		When(Count{SubscriptionID: "report", ScheduledAt: now}).Then(Counted{At: now}).
		When(Count{ScheduledAt: now}).Then(Counted{At: now}).
		StateIs(State{Status: StatusReport, Report: 2}).
		When(Renew{ScheduledAt: now}).NotAccepted()
}
