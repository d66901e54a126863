package subscription

import "time"

// MaxFailures is after how many missed payments a subscription ends.
const MaxFailures = 2

// Decider charges each period.
type Decider struct{}

var _ InputDecider = Decider{}

// Subscribe begins a subscription with a trial.
func (Decider) Subscribe(now time.Time, state State, in Subscribe) SubscribeDecision {
	return AcceptSubscribe(Subscribed{Plan: in.Plan})
}

// TrialOver ends the trial.
func (Decider) TrialOver(now time.Time, state State, in TrialOver) TrialOverDecision {
	return AcceptTrialOver(TrialEnded{})
}

// Renew is the beginning of a period.
func (Decider) Renew(now time.Time, state State, in Renew) RenewDecision {
	return AcceptRenew(PeriodBegan{At: in.ScheduledAt}).Effect(Charge{Plan: state.Plan})
}

// Charged says that a period is paid for.
func (Decider) Charged(now time.Time, state State, in Charged) ChargedDecision {
	return AcceptCharged(PeriodPaid{})
}

// ChargeFailed says why a period is not paid for.
func (Decider) ChargeFailed(now time.Time, state State, in ChargeFailed) ChargeFailedDecision {
	if state.Failures+1 >= MaxFailures {
		return AcceptChargeFailed(Cancelled{Reason: in.Error})
	}
	return AcceptChargeFailed(PaymentMissed{Reason: in.Error})
}

// Cancel ends the subscription. What waits to be charged is not charged any more.
func (Decider) Cancel(now time.Time, state State, in Cancel) CancelDecision {
	return AcceptCancel(Cancelled{Reason: "as wished"}).CancelEffect(EffectCharge)
}

// Count asks the report of all subscriptions to be written.
func (Decider) Count(now time.Time, state State, in Count) CountDecision {
	return AcceptCount(Counted{At: in.ScheduledAt})
}

// Evolver folds events into the state. The status is not its business: the declaration says where an event leads.
type Evolver struct{}

var _ EventEvolver = Evolver{}

// Subscribed says to which plan.
func (Evolver) Subscribed(state State, e Subscribed) State {
	state.Plan = e.Plan
	return state
}

// TrialEnded begins the paid time.
func (Evolver) TrialEnded(state State, e TrialEnded) State { return state }

// PeriodBegan asks for the price of a period.
func (Evolver) PeriodBegan(state State, e PeriodBegan) State { return state }

// PeriodPaid says that the money is there.
func (Evolver) PeriodPaid(state State, e PeriodPaid) State {
	state.Paid++
	state.Failures = 0
	return state
}

// PaymentMissed says why it is not.
func (Evolver) PaymentMissed(state State, e PaymentMissed) State {
	state.Failures++
	return state
}

// Cancelled ends the subscription.
func (Evolver) Cancelled(state State, e Cancelled) State { return state }

// Counted is one line of the report.
func (Evolver) Counted(state State, e Counted) State {
	state.Report++
	return state
}
