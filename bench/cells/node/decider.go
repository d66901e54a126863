package node

import (
	"strings"
	"time"
)

// Kinds of work that Push asks for.
const (
	AskWork   = "ask"   // an effect that is handled
	VisitWork = "visit" // an input for another node, which answers
	ChildWork = "child" // a node that ends soon
)

// Kinds is all kinds of work.
var Kinds = []string{AskWork, VisitWork, ChildWork}

// Child is the id of the child that a tag asks for. It begins with no partition of its parent, so the child is in any cell.
func Child(tag string) string { return childPrefix + tag }

const childPrefix = "child-"

// Decider asks for work, and ends when all of it is done.
type Decider struct{}

var _ InputDecider = Decider{}

// Open begins a node.
func (Decider) Open(_ time.Time, state State, in Open) OpenDecision {
	if state.Opened {
		return RejectOpen(Unwanted{})
	}
	life := TimerLife{}.In(time.Duration(in.Milliseconds) * time.Millisecond)
	return AcceptOpen(Opened{Tag: in.Tag, Key: in.Key}).StartTimer(life)
}

// Push asks for work.
func (Decider) Push(_ time.Time, state State, in Push) PushDecision {
	if !state.Opened || state.Closing {
		return RejectPush(Unwanted{})
	}
	d := AcceptPush(Pushed{Tag: in.Tag, Kind: in.Kind})
	switch in.Kind {
	case VisitWork:
		return d.Effect(Visit{NodeID: in.Other, Tag: in.Tag, From: in.NodeID})
	case ChildWork:
		return d.Effect(Spawn{NodeID: Child(in.Tag), Key: Child(in.Tag), Tag: in.Tag, Milliseconds: 50})
	default:
		return d.Effect(Ask{Tag: in.Tag})
	}
}

// Answered is the result of an effect.
func (Decider) Answered(_ time.Time, state State, in Answered) AnsweredDecision {
	if state.lastOf() {
		return AcceptAnswered(Answer{Tag: in.Tag}, Finished{})
	}
	return AcceptAnswered(Answer{Tag: in.Tag})
}

// Arrive comes from another node, and is confirmed.
func (Decider) Arrive(_ time.Time, state State, in Arrive) ArriveDecision {
	if !state.Opened || state.Closing {
		return RejectArrive(Unwanted{})
	}
	return AcceptArrive(Visited{Tag: in.Tag}).Effect(Confirm{NodeID: in.From, Tag: in.Tag})
}

// Arrived says that another node was visited.
func (Decider) Arrived(_ time.Time, state State, in Arrived) ArrivedDecision {
	if state.lastOf() {
		return AcceptArrived(Accepted{Tag: in.Tag}, Finished{})
	}
	return AcceptArrived(Accepted{Tag: in.Tag})
}

// Bounced says that another node was not visited.
func (Decider) Bounced(_ time.Time, state State, in Bounced) BouncedDecision {
	if state.lastOf() {
		return AcceptBounced(Refused{Tag: in.Tag}, Finished{})
	}
	return AcceptBounced(Refused{Tag: in.Tag})
}

// ChildEnded is the end of a child.
func (Decider) ChildEnded(_ time.Time, state State, in ChildEnded) ChildEndedDecision {
	done := ChildDone{Tag: strings.TrimPrefix(in.Child, childPrefix), Error: in.Error}
	if state.lastOf() {
		return AcceptChildEnded(done, Finished{})
	}
	return AcceptChildEnded(done)
}

// Expire lets the node end.
func (Decider) Expire(_ time.Time, state State, _ Expire) ExpireDecision {
	if state.Open == 0 {
		return AcceptExpire(Expired{}, Finished{})
	}
	return AcceptExpire(Expired{})
}

// Strike begins a node, and ends it.
func (Decider) Strike(_ time.Time, state State, in Strike) StrikeDecision {
	if state.Opened {
		return RejectStrike(Unwanted{})
	}
	return AcceptStrike(Struck{ScheduledAt: in.ScheduledAt}, Finished{})
}

// lastOf reports whether the node ends with the next piece of work that is done.
func (s State) lastOf() bool { return s.Closing && s.Open == 1 }

// Evolver counts.
type Evolver struct{}

var _ EventEvolver = Evolver{}

// Opened begins.
func (Evolver) Opened(s State, _ Opened) State { s.Opened = true; return s }

// Pushed counts.
func (Evolver) Pushed(s State, _ Pushed) State { s.Open++; return s }

// Answer counts.
func (Evolver) Answer(s State, _ Answer) State { s.Open--; return s }

// Visited is the work of another node.
func (Evolver) Visited(s State, _ Visited) State { return s }

// Accepted counts.
func (Evolver) Accepted(s State, _ Accepted) State { s.Open--; return s }

// Refused counts.
func (Evolver) Refused(s State, _ Refused) State { s.Open--; return s }

// ChildDone counts.
func (Evolver) ChildDone(s State, _ ChildDone) State { s.Open--; return s }

// Expired takes no more.
func (Evolver) Expired(s State, _ Expired) State { s.Closing = true; return s }

// Struck begins.
func (Evolver) Struck(s State, _ Struck) State { s.Opened = true; return s }

// Finished ends.
func (Evolver) Finished(s State, _ Finished) State { s.Finished = true; return s }

// Terminal says that a finished node has ended.
func (Evolver) Terminal(s State) bool { return s.Finished }
