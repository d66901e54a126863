package renamed

import "time"

// Decider gives a badge to everybody who has a name.
type Decider struct{}

var _ InputDecider = Decider{}

func (Decider) Request(now time.Time, state State, in Request) RequestDecision {
	if in.Owner == "" {
		return RejectRequest(Anonymous{})
	}
	return AcceptRequest(Granted{Serial: "no. " + now.Format("150405"), Owner: in.Owner, Look: in.Look})
}

func (Decider) Lock(now time.Time, state State, in Lock) LockDecision {
	return AcceptLock(Locked{}).Effect(GoAway(in))
}

func (Decider) Destroy(now time.Time, state State, in Destroy) DestroyDecision {
	return AcceptDestroy(Destroyed{})
}

func (Decider) Check(now time.Time, state State, in Check) CheckDecision {
	return AcceptCheck(Checked{})
}

// Evolver keeps what is on the badge.
type Evolver struct{}

var _ EventEvolver = Evolver{}

func (Evolver) Granted(state State, e Granted) State {
	state.Serial, state.Owner, state.Look = e.Serial, e.Owner, e.Look
	return state
}

func (Evolver) Locked(state State, e Locked) State { return state }

func (Evolver) Destroyed(state State, e Destroyed) State { return state }

func (Evolver) Checked(state State, e Checked) State {
	state.Checks++
	return state
}
