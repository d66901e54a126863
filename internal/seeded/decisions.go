package seeded

import (
	"time"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/examples/recipes/compensate"
)

// EmptyOrder takes the first item of an order that may have none.
type EmptyOrder struct{ order.Decider }

func (EmptyOrder) Create(_ time.Time, _ order.State, in order.Create) order.CreateDecision {
	return order.AcceptCreate(order.Created{Items: in.Items, TotalCents: in.Items[0].PriceCents})
}

// NoDecision returns no decision when a payment fails.
type NoDecision struct{ order.Decider }

func (NoDecision) PaymentFailed(time.Time, order.State, order.PaymentFailed) (d order.PaymentFailedDecision) {
	return d
}

// OwnClock stores the time of the machine.
type OwnClock struct{ order.Decider }

func (OwnClock) Pay(_ time.Time, s order.State, in order.Pay) order.PayDecision {
	return order.AcceptPay(order.Paid{AmountCents: in.AmountCents, PaidAt: time.Now()}) //ironflow:ignore clock a seeded bug
}

// Counter counts in a variable.
type Counter struct {
	order.Decider
	Decisions *int64
}

func (d Counter) Create(_ time.Time, _ order.State, in order.Create) order.CreateDecision {
	*d.Decisions++ //ironflow:ignore globals a seeded bug
	return order.AcceptCreate(order.Created{Items: in.Items, TotalCents: *d.Decisions})
}

// MapOrder stores items in the order of a map.
type MapOrder struct{ order.Decider }

func (MapOrder) Create(_ time.Time, _ order.State, in order.Create) order.CreateDecision {
	joined := make(map[string]order.Item)
	for _, item := range in.Items {
		joined[item.Sku] = item
	}
	var items []order.Item
	var total int64
	for _, item := range joined {
		items = append(items, item) //ironflow:ignore maporder a seeded bug
		total += int64(item.Quantity) * item.PriceCents
	}
	return order.AcceptCreate(order.Created{Items: items, TotalCents: total}).Effect(order.ChargeCard{AmountCents: total})
}

// SaleEnds is when the price of LateSale ends: for an order of noon, just when its timer is due.
var SaleEnds = time.Date(2026, 1, 1, 12, 0, 3, 0, time.UTC)

// LateSale takes the price when the sale has ended just now.
type LateSale struct{ order.Decider }

func (d LateSale) Pay(now time.Time, s order.State, in order.Pay) order.PayDecision {
	if now.After(SaleEnds) {
		return order.RejectPay(order.Underpaid{})
	}
	return d.Decider.Pay(now, s, in)
}

// Endless does not return.
type Endless struct{ order.Decider }

func (Endless) Pay(time.Time, order.State, order.Pay) order.PayDecision {
	for n := 0; ; n++ {
		time.Sleep(time.Millisecond) //ironflow:ignore clock a seeded bug
	}
}

// Background leaves a goroutine behind.
type Background struct{ order.Decider }

var never = make(chan struct{})

func (d Background) Pay(now time.Time, s order.State, in order.Pay) order.PayDecision {
	go func() { <-never }() //ironflow:ignore concurrency a seeded bug
	return d.Decider.Pay(now, s, in)
}

// Aliasing writes into the items of the state that it is given.
type Aliasing struct{ order.Evolver }

func (Aliasing) Paid(s order.State, e order.Paid) order.State {
	for i := range s.Items {
		s.Items[i].Quantity = 0 // nothing is open any more
	}
	s.PaidAt = &e.PaidAt
	return s
}

// Forgetful forgets the total.
type Forgetful struct{ order.Evolver }

func (Forgetful) Created(s order.State, e order.Created) order.State {
	s.Items = e.Items
	return s
}

// NoFlight plans a trip without booking the flight.
type NoFlight struct{ compensate.Decider }

func (NoFlight) Plan(time.Time, compensate.State, compensate.Plan) compensate.PlanDecision {
	return compensate.AcceptPlan(compensate.Planned{})
}

// NoCompensation keeps the flight when there is no hotel.
type NoCompensation struct{ compensate.Decider }

func (NoCompensation) HotelFailed(_ time.Time, _ compensate.State, in compensate.HotelFailed) compensate.HotelFailedDecision {
	return compensate.AcceptHotelFailed(compensate.HotelMissed{Reason: in.Error})
}

// Picky rejects the flight that was booked.
type Picky struct{ compensate.Decider }

func (Picky) FlightBooked(time.Time, compensate.State, compensate.FlightBooked) compensate.FlightBookedDecision {
	return compensate.RejectFlightBooked(compensate.NotAccepted{Input: "FlightBooked"})
}
