// Package shop is a workflow without a mistake. The packages beside it embed its decider, evolver and handler, and override
// what they have a mistake in.
package shop

import "time"

// Decider decides plainly.
type Decider struct{}

var _ InputDecider = Decider{}

func (Decider) Create(now time.Time, s State, in Create) CreateDecision {
	if s.Status != StatusNew {
		return AcceptCreate(Listed{Total: int64(len(in.Items))}).Effect(Charge{}, Mail{})
	}
	return AcceptCreate(Created{Items: in.Items, At: now}).Effect(Mail{}).StartTimer(TimerReminder{})
}

func (Decider) Pay(now time.Time, s State, in Pay) PayDecision {
	switch s.Status {
	case StatusOpen:
		return AcceptPay(Paid{Amount: in.Amount, At: now}).Effect(Charge{Amount: in.Amount})
	default:
		return AcceptPay(Paid{Amount: in.Amount, At: now}).Effect(Mail{})
	}
}

func (Decider) Cancel(_ time.Time, _ State, in Cancel) CancelDecision {
	return AcceptCancel(Cancelled{Reason: in.Reason}).Effect(Mail{})
}

func (Decider) Remind(time.Time, State, Remind) RemindDecision { return AcceptRemind(Reminded{}) }

func (Decider) Charged(now time.Time, _ State, _ Charged) ChargedDecision {
	return AcceptCharged(Paid{At: now})
}

// Evolver folds plainly.
type Evolver struct{}

var _ EventEvolver = Evolver{}

func (Evolver) Created(s State, e Created) State { s.Items = e.Items; return s }

func (Evolver) Listed(s State, e Listed) State { s.Tags = append(s.Tags, e.Skus...); return s }

func (Evolver) Paid(s State, e Paid) State { s.PaidAt = &e.At; return s }

func (Evolver) PartlyPaid(s State, e PartlyPaid) State {
	if s.Stock == nil {
		s.Stock = make(map[string]int64)
	}
	s.Stock["paid"] += e.Amount
	return s
}

func (Evolver) Cancelled(s State, _ Cancelled) State { return s }

func (Evolver) Reminded(s State, _ Reminded) State { return s }
