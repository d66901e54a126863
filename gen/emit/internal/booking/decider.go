package booking

import "time"

// Decider lets four into a room.
type Decider struct{}

var _ InputDecider = Decider{}

const most = 4

// Request asks for a room.
func (Decider) Request(now time.Time, state State, in Request) RequestDecision {
	if len(in.Guests) > most {
		return RejectRequest(TooMany{Most: most})
	}
	return AcceptRequest(Requested{
		Guests: in.Guests, Nights: in.Nights, Photo: in.Photo, Extras: in.Extras, Remarks: in.Remarks, CheckinAfter: in.CheckinAfter,
		Reference: in.Reference,
	})
}

// Order has a mistake for those who want no nights, to see what a panic comes to.
func (Decider) Order(now time.Time, state State, in Order) OrderDecision {
	if state.Nights == 0 {
		panic("secret: no nights")
	}
	return AcceptOrder(Ordered{Meal: in.Meal})
}

func (Decider) Leave(now time.Time, state State, in Leave) LeaveDecision {
	return AcceptLeave(Left{})
}

func (Decider) Expire(now time.Time, state State, in Expire) ExpireDecision {
	return AcceptExpire(Left{})
}

// Evolver keeps what was asked for.
type Evolver struct{}

var _ EventEvolver = Evolver{}

// Requested holds the room.
func (Evolver) Requested(state State, e Requested) State {
	state.Guests, state.Nights = e.Guests, e.Nights
	return state
}

func (Evolver) Ordered(state State, e Ordered) State {
	state.Favourite = e.Meal
	return state
}

func (Evolver) Left(state State, e Left) State { return state }
