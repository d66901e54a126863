package storm

import "time"

// Kinds of work that Add asks for.
const (
	FreeWork    = "free"    // an effect without a limit
	KeyedWork   = "keyed"   // an effect with a limit for its key
	LimitedWork = "limited" // an effect with a limit over all processes
	DueTimer    = "due"     // a timer that is due at once
	SoonTimer   = "soon"    // a timer that is due soon
	ChildWork   = "child"   // an instance that ends soon, and tells of it
)

// Work is all kinds of work.
var Work = []string{FreeWork, KeyedWork, LimitedWork, DueTimer, SoonTimer, ChildWork}

// soon is the time of timers that are not due at once.
const soon = 150 * time.Millisecond

// Decider asks for work, and closes when all of it is done.
type Decider struct{}

var _ InputDecider = Decider{}

// Open begins an instance.
func (Decider) Open(_ time.Time, state State, in Open) OpenDecision {
	if state.Opened {
		return RejectOpen(Unwanted{})
	}
	d := AcceptOpen(Opened{Tag: in.Tag, Child: in.Child})
	if in.Child {
		d = d.StartTimer(TimerBeat{Input: Ticked{Tag: in.Tag}}.Key(in.Tag).In(soon / 3))
	}
	return d
}

// Add counts and asks for work.
func (Decider) Add(_ time.Time, state State, in Add) AddDecision {
	if !state.Opened || state.Closing {
		return RejectAdd(Unwanted{})
	}
	d := AcceptAdd(Added{Tag: in.Tag, Kind: in.Kind, Amount: in.Amount, Sum: state.Sum + in.Amount})
	beat := TimerBeat{Input: Ticked{Tag: in.Tag}}.Key(in.Tag)
	switch in.Kind {
	case FreeWork:
		return d.Effect(Free{Tag: in.Tag})
	case KeyedWork:
		return d.Effect(Keyed{Tag: in.Tag, Name: in.StormID})
	case LimitedWork:
		return d.Effect(Limited{Tag: in.Tag})
	case DueTimer:
		return d.StartTimer(beat.In(0))
	case ChildWork:
		child := in.StormID + "/" + in.Tag
		return d.Effect(Spawn{StormID: child, Name: child, Tag: in.Tag, Child: true})
	default:
		return d.StartTimer(beat.In(soon))
	}
}

// Answered is the result of an effect.
func (Decider) Answered(_ time.Time, state State, in Answered) AnsweredDecision {
	d := AcceptAnswered(Answer{Tag: in.Tag})
	if state.lastOf(1) {
		d = AcceptAnswered(Answer{Tag: in.Tag}, Finished{Sum: state.Sum})
	}
	return d
}

// Ticked ends a child.
func (Decider) Ticked(_ time.Time, state State, in Ticked) TickedDecision {
	d := AcceptTicked(Tick{Tag: in.Tag})
	if state.lastOf(1) {
		d = AcceptTicked(Tick{Tag: in.Tag}, Finished{Sum: state.Sum})
	}
	return d
}

// ChildEnded is the end of a child.
func (Decider) ChildEnded(_ time.Time, state State, in ChildEnded) ChildEndedDecision {
	d := AcceptChildEnded(ChildDone{Tag: in.Tag, Error: in.Error})
	if state.lastOf(1) {
		d = AcceptChildEnded(ChildDone{Tag: in.Tag, Error: in.Error}, Finished{Sum: state.Sum})
	}
	return d
}

// Close ends the instance when nothing is open.
func (Decider) Close(_ time.Time, state State, in Close) CloseDecision {
	if !state.Opened || state.Closing {
		return RejectClose(Unwanted{})
	}
	if state.Open == 0 {
		return AcceptClose(Closing{Tag: in.Tag}, Finished{Sum: state.Sum})
	}
	return AcceptClose(Closing{Tag: in.Tag})
}

// lastOf reports whether the instance ends when this much of its work is done.
func (s State) lastOf(done int64) bool { return s.Closing && s.Open == done }

// Evolver counts.
type Evolver struct{}

var _ EventEvolver = Evolver{}

// Opened begins. The beat of a child is its only work.
func (Evolver) Opened(s State, e Opened) State {
	s.Opened, s.Tag = true, e.Tag
	if e.Child {
		s.Child, s.Closing, s.Open = true, true, 1
	}
	return s
}

// Added counts.
func (Evolver) Added(s State, e Added) State { s.Sum += e.Amount; s.Open++; return s }

// Answer counts.
func (Evolver) Answer(s State, _ Answer) State { s.Open--; return s }

// Tick counts.
func (Evolver) Tick(s State, _ Tick) State { s.Open--; return s }

// ChildDone counts.
func (Evolver) ChildDone(s State, _ ChildDone) State { s.Open--; return s }

// Closing takes no more.
func (Evolver) Closing(s State, _ Closing) State { s.Closing = true; return s }

// Finished ends.
func (Evolver) Finished(s State, _ Finished) State { s.Finished = true; return s }

// Terminal says that a finished storm has ended.
func (Evolver) Terminal(s State) bool { return s.Finished }
