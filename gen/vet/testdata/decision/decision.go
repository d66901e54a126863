// Package decision decides what the declaration does not allow.
package decision

import (
	"time"

	"github.com/ironflow-gen/ironflow/gen/vet/testdata/shop"
)

type deciding struct{ shop.Decider }

func (d deciding) Create(now time.Time, s shop.State, in shop.Create) shop.CreateDecision {
	switch {
	case len(in.Items) == 0:
		return shop.CreateDecision{} // want `^decision: an empty decision on Create is none, and the engine refuses it; return AcceptCreate or RejectCreate$`
	case len(in.Items) == 1:
		// Charge is for open, Created for new.
		return shop.AcceptCreate(shop.Created{}).Effect(shop.Mail{}, shop.Charge{}) // want `^decision: the declaration does not allow the effect Charge for Create together with Created and Mail in the state new or open; it is allowed in open, so look at the status first, or add it to the transition$`
	case len(in.Items) == 2:
		decision := shop.AcceptCreate(shop.Created{})
		if in.OrderID == "" {
			decision = decision.Effect(shop.Mail{})
			decision = decision.Effect(shop.Charge{}) // want `does not allow the effect Charge for Create together with Created`
		}
		return decision
	case len(in.Items) == 3:
		return shop.AcceptCreate(shop.Listed{}).StartTimer(shop.TimerRecheck{}) // want `^decision: the timer recheck is started without a time, and its declaration has none; call In or At$`
	case len(in.Items) == 4:
		return shop.AcceptCreate(shop.Created{}).CancelTimer(shop.TimerRecheck{}) // want `does not allow the timer recheck for Create together with Created`
	case len(in.Items) == 5:
		return shop.RejectCreate(shop.Invalid{}).Effect(shop.Mail{}) // want `^decision: a rejection with effects is refused`
	case len(in.Items) == 6:
		return shop.AcceptCreate(shop.Listed{}).StartTimer(shop.TimerRecheck{}.Key("a"), shop.TimerRecheck{}.In(time.Hour)) // want `the timer recheck is started without a time`
	}
	return d.Decider.Create(now, s, in)
}

func (d deciding) Pay(now time.Time, s shop.State, in shop.Pay) shop.PayDecision {
	if s.Status == shop.StatusPaid {
		return shop.AcceptPay(shop.Paid{}) // want `^decision: Pay is not decided on in the state paid, which the code has made sure of; it is accepted in open and partly$`
	}
	if s.Status == shop.StatusPartly {
		if in.Amount == 0 {
			return shop.AcceptPay(shop.PartlyPaid{}) // want `^decision: the declaration does not allow the event PartlyPaid for Pay in the state partly; it is allowed in open, so look at the status first, or add it to the transition$`
		}
		return shop.AcceptPay(shop.Paid{}).Effect(shop.Mail{})
	}
	if in.Amount == 1 {
		return shop.AcceptPay(shop.Paid{}).Effect(shop.Mail{}) // want `the effect Mail for Pay together with Paid in the state open; it is allowed in partly`
	}
	return shop.AcceptPay(shop.PartlyPaid{}, shop.Paid{}, shop.Paid{}) // want `the event Paid for Pay together with PartlyPaid and Paid in the state open`
}

func (d deciding) Remind(now time.Time, s shop.State, in shop.Remind) shop.RemindDecision {
	again := func() shop.RemindDecision {
		return shop.AcceptRemind(shop.Reminded{}).StartTimer(shop.TimerReminder{})
	}
	switch s.Status {
	case shop.StatusOpen:
		return again()
	case shop.StatusPartly:
		return shop.AcceptRemind(shop.Reminded{}).StartTimer(shop.TimerReminder{}) // want `does not allow the timer reminder for Remind together with Reminded in the state partly`
	default:
		return shop.AcceptRemind(shop.Reminded{})
	}
}

func (d deciding) Charged(now time.Time, s shop.State, in shop.Charged) shop.ChargedDecision {
	if s.Status != shop.StatusOpen && s.Status != shop.StatusPartly {
		return shop.RejectCharged(shop.Invalid{})
	}
	if !(s.Status == shop.StatusOpen || in.OrderID == "") {
		return shop.RejectCharged(shop.Invalid{})
	}
	return shop.AcceptCharged(shop.Paid{})
}

// helper is no method of a decider, and decides all the same.
func helper(s shop.State) shop.PayDecision {
	if shop.StatusPartly == s.Status {
		return shop.AcceptPay(shop.Paid{}).Effect(shop.Charge{}) // want `does not allow the effect Charge for Pay together with Paid in the state partly`
	}
	return shop.AcceptPay(shop.Paid{})
}

// allowed has nothing to report.
type allowed struct{ shop.Decider }

func (d allowed) Create(now time.Time, s shop.State, in shop.Create) shop.CreateDecision {
	if s.Status == shop.StatusNew {
		decision := shop.AcceptCreate(shop.Created{}, shop.Listed{}).Effect(shop.Mail{})
		if now.IsZero() {
			decision = decision.StartTimer(shop.TimerReminder{}, shop.TimerReminder{}.Key("b"))
		}
		return decision
	}
	events := []shop.CreateEvent{shop.Listed{}}
	for range in.Items {
		events = append(events, shop.Listed{})
	}
	timer := shop.TimerRecheck{}
	return shop.AcceptCreate(events[0], events[1:]...).Effect(shop.Charge{}, shop.Mail{}).
		StartTimer(timer.In(time.Hour), shop.TimerRecheck{}.Key("b").At(now)).CancelTimer(shop.TimerRecheck{})
}

func (d allowed) Pay(now time.Time, s shop.State, in shop.Pay) shop.PayDecision {
	if in.Amount < 0 {
		return shop.RejectPay(shop.Invalid{})
	}
	decision := shop.AcceptPay(shop.Paid{})
	if s.Status == shop.StatusOpen {
		return decision.Effect(shop.Charge{})
	}
	if in.Amount > 3 {
		decision = shop.AcceptPay(shop.Paid{Amount: 3})
	}
	return decision.Effect(shop.Mail{})
}

func (d allowed) Remind(now time.Time, s shop.State, in shop.Remind) shop.RemindDecision {
	open := s.Status == shop.StatusOpen
	if open {
		return shop.AcceptRemind(shop.Reminded{}).StartTimer(shop.TimerReminder{})
	}
	for s.Status == shop.StatusPartly {
		s.Status = shop.StatusOpen
	}
	return shop.AcceptRemind(shop.Reminded{})
}
