package card

import "time"

// Decider gives a card to everybody who has a name.
type Decider struct{}

var _ InputDecider = Decider{}

func (Decider) Order(now time.Time, state State, in Order) OrderDecision {
	if in.Holder == "" {
		return RejectOrder(NoHolder{})
	}
	return AcceptOrder(Ordered{Number: "no. " + now.Format("150405"), Holder: in.Holder, Design: in.Design})
}

func (Decider) Block(now time.Time, state State, in Block) BlockDecision {
	return AcceptBlock(Blocked{}).Effect(GoToShredder(in))
}

func (Decider) Shred(now time.Time, state State, in Shred) ShredDecision {
	return AcceptShred(Shredded{})
}

// Evolver keeps what is on the card.
type Evolver struct{}

var _ EventEvolver = Evolver{}

func (Evolver) Ordered(state State, e Ordered) State {
	state.Number = e.Number
	state.Holder = e.Holder
	state.Design = e.Design
	return state
}

func (Evolver) Blocked(state State, e Blocked) State { return state }

func (Evolver) Shredded(state State, e Shredded) State { return state }
