package purse

import (
	"fmt"
	"slices"
	"time"
)

// Decider implements InputDecider.
type Decider struct{}

func (Decider) Fill(now time.Time, state State, in Fill) FillDecision {
	return AcceptFill(Filled{Cents: in.Cents})
}

func (Decider) Take(now time.Time, state State, in Take) TakeDecision {
	if missing := in.Cents - state.Cents; missing > 0 {
		return RejectTake(TooLittle{MissingCents: missing})
	}
	return AcceptTake(Taken{Cents: in.Cents})
}

func (Decider) Lose(now time.Time, state State, in Lose) LoseDecision { return AcceptLose(Lost{}) }

func (Decider) Count(now time.Time, state State, in Count) CountDecision {
	return AcceptCount(Counted{}).Effect(Report{Cents: state.Cents})
}

func (Decider) Unheard(now time.Time, state State, in Unheard) UnheardDecision {
	return AcceptUnheard(NotHeard{Why: fmt.Sprintf("%d to %s: %s", in.Cents, in.Receiver, in.Outcome)})
}

// Evolver implements EventEvolver.
type Evolver struct{}

func (Evolver) Filled(state State, event Filled) State {
	state.Cents += event.Cents
	return state
}

func (Evolver) Taken(state State, event Taken) State {
	state.Cents -= event.Cents
	return state
}

func (Evolver) Lost(state State, event Lost) State { return state }

func (Evolver) Counted(state State, event Counted) State { return state }

func (Evolver) NotHeard(state State, event NotHeard) State {
	state.Unheard = append(slices.Clip(state.Unheard), event.Why)
	return state
}
