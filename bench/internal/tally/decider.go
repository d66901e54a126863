package tally

import "time"

// Decider accepts everything but Refuse and Order.
type Decider struct{}

var _ InputDecider = Decider{}

// Add adds, tells and, when asked to, reminds.
func (Decider) Add(_ time.Time, _ State, in Add) AddDecision {
	d := AcceptAdd(Added{Amount: in.Amount, Note: in.Note}).Effect(Tell{Amount: in.Amount, Note: in.Note})
	if in.Remind {
		d = d.StartTimer(TimerReminder{})
	}
	return d
}

// Claim adds 1, and tells.
func (Decider) Claim(_ time.Time, _ State, in Claim) ClaimDecision {
	return AcceptClaim(Added{Amount: 1, Note: in.Note}).Effect(Tell{Amount: 1, Note: in.Note})
}

// Loop begins a round through a handler.
func (Decider) Loop(time.Time, State, Loop) LoopDecision { return AcceptLoop(Asked{}).Effect(Ask{}) }

// Looped ends it.
func (Decider) Looped(time.Time, State, Looped) LoopedDecision { return AcceptLooped(Answered{}) }

// Remind notes that a timer fired.
func (Decider) Remind(time.Time, State, Remind) RemindDecision { return AcceptRemind(Reminded{}) }

// Refuse is rejected.
func (Decider) Refuse(time.Time, State, Refuse) RefuseDecision { return RejectRefuse(Never{}) }

// Order is rejected: it is there for its codec.
func (Decider) Order(time.Time, State, Order) OrderDecision { return RejectOrder(Never{}) }

// Evolver sums up.
type Evolver struct{}

var _ EventEvolver = Evolver{}

// Added adds.
func (Evolver) Added(s State, e Added) State { s.Sum += e.Amount; return s }

// Asked changes nothing.
func (Evolver) Asked(s State, _ Asked) State { return s }

// Answered counts a finished round.
func (Evolver) Answered(s State, _ Answered) State { s.Done++; return s }

// Reminded changes nothing.
func (Evolver) Reminded(s State, _ Reminded) State { return s }

// Terminal is never reached.
func (Evolver) Terminal(State) bool { return false }
