// Package deadline is a recipe: a deadline for all steps together.
package deadline

import "time"

//go:generate go tool ironflow-gen

// Decider needs no code for the timer: the declaration starts and cancels it.
type Decider struct{}

func (Decider) Place(now time.Time, s State, in Place) PlaceDecision {
	return AcceptPlace(Placed{})
}

func (Decider) Pack(now time.Time, s State, in Pack) PackDecision {
	return AcceptPack(Packed{})
}

func (Decider) Deliver(now time.Time, s State, in Deliver) DeliverDecision {
	return AcceptDeliver(Delivered{})
}

func (Decider) DayIsOver(now time.Time, s State, in DayIsOver) DayIsOverDecision {
	return AcceptDayIsOver(Expired{})
}

// Evolver has nothing to keep; the engine sets the status.
type Evolver struct{}

func (Evolver) Placed(s State, e Placed) State       { return s }
func (Evolver) Packed(s State, e Packed) State       { return s }
func (Evolver) Delivered(s State, e Delivered) State { return s }
func (Evolver) Expired(s State, e Expired) State     { return s }
