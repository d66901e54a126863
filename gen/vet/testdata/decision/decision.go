// Package decision decides what the declaration does not allow.
package decision

import (
	"time"

	"github.com/ironflow-gen/ironflow/gen/vet/testdata/shop"
)

type deciding struct{ shop.Decider }

func (d deciding) Create(now time.Time, s shop.State, in shop.Create) shop.CreateDecision {
	switch len(in.Items) {
	case 0: // Charge is for open, Created for new.
		return shop.AcceptCreate(shop.Created{}).Effect(shop.Mail{}, shop.Charge{}) // want `^decision: no state allows the effect Charge for Create together with Created and Mail; add it to a transition, or leave it out$`
	case 1:
		return shop.AcceptCreate(shop.Created{}).Effect(shop.Mail{}).CancelTimer(shop.TimerRecheck{}) // want `no state allows the timer recheck for Create together with Created and Mail;`
	case 2: // each place is reported once
		return shop.AcceptCreate(shop.Created{}).Effect(shop.Charge{}).Effect(shop.Mail{}) // want `no state allows the effect Charge for Create together with Created;`
	}
	return d.Decider.Create(now, s, in)
}

func (d deciding) Pay(now time.Time, s shop.State, in shop.Pay) shop.PayDecision {
	if in.Amount == 1 {
		return shop.AcceptPay(shop.PartlyPaid{}).Effect(shop.Mail{}) // want `no state allows the effect Mail for Pay together with PartlyPaid;`
	}
	return shop.AcceptPay(shop.PartlyPaid{}, shop.Paid{}, shop.Paid{}) // want `no state allows the event Paid for Pay together with PartlyPaid and Paid;`
}

// helper is no method of a decider, and decides all the same.
func helper() shop.PayDecision {
	return shop.AcceptPay(shop.Paid{}, shop.PartlyPaid{}) // want `no state allows the event PartlyPaid for Pay together with Paid;`
}

// allowed has nothing to report.
type allowed struct{ shop.Decider }

func (d allowed) Create(now time.Time, s shop.State, in shop.Create) shop.CreateDecision {
	if s.Status == shop.StatusNew {
		return shop.AcceptCreate(shop.Created{}, shop.Listed{}).Effect(shop.Mail{}).StartTimer(shop.TimerReminder{})
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
	if s.Status == shop.StatusOpen {
		return shop.AcceptPay(shop.Paid{}).Effect(shop.Charge{})
	}
	return shop.AcceptPay(shop.Paid{}).Effect(shop.Mail{})
}
