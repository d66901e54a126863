package kitchen

import "time"

// Decider answers each input with events, or refuses it. It knows nothing but its arguments: not the clock, no network,
// no randomness. The effects and timers it asks for are the way to the outside.
type Decider struct{}

var _ InputDecider = Decider{}

func (Decider) Fill(now time.Time, state State, in Fill) FillDecision {
	// TODO: decide. The declaration also allows the event Emptied, the effects Clean and Ring, the timers
	// TimerReminder and TimerAlarm and RejectFill with Full.
	return AcceptFill(Filled{
		Tree: &in.Tree,
		Raw:  in.Raw,
		// TODO: Colors
	})
}

func (Decider) Empty(now time.Time, state State, in Empty) EmptyDecision {
	// TODO: decide. The declaration also allows the event Filled, the effects Clean and Ring, the timers
	// TimerReminder and TimerAlarm and RejectEmpty with Full.
	return AcceptEmpty(Emptied{})
}

// Evolver folds events into the state.
type Evolver struct{}

var _ EventEvolver = Evolver{}

func (Evolver) Filled(state State, e Filled) State {
	// TODO: fold Tree, Colors and Raw into the state, if decisions need to know.
	return state
}

func (Evolver) Emptied(state State, e Emptied) State {
	return state
}

// Terminal reports whether the workflow has ended. It then refuses every input.
func (Evolver) Terminal(state State) bool {
	// TODO: say when the workflow ends.
	return false
}
