package ironflowtest

import (
	"fmt"
	"hash/fnv"
	"slices"
)

// FaultKind is something that goes wrong in a simulation.
type FaultKind int

// The kinds of faults. Most kinds happen at an operation of one kind: the call of a handler, a commit, or an input that a client sends.
const (
	HandlerError       FaultKind = iota + 1 // the handler is not called, and the attempt fails
	HandlerAnswerLost                       // the handler is called, but its result is lost, and the attempt fails
	HandlerPanic                            // the handler panics before it does anything
	HandlerSlow                             // the handler takes two minutes longer, so that its result may come too late
	CrashBeforeHandler                      // the process ends after it has claimed an effect, before the handler is called
	CrashAfterHandler                       // the process ends after the handler has returned, before its result is stored
	CommitConflict                          // another process was faster, so the decider is called again
	CommitAnswerLost                        // the commit is stored, but the store's answer is lost
	CrashBeforeCommit                       // the process ends before it commits
	CrashAfterCommit                        // the process ends right after a commit, before it answers anybody
	SendTwice                               // a client sends its input twice without an input id, as if the first answer was lost
	ClockJump                               // the clock of an engine jumps ahead by a minute, or back
	Reordered                               // several operations wait, and one that is not the oldest comes first
)

// AllFaults are all kinds of faults.
var AllFaults = []FaultKind{
	HandlerError, HandlerAnswerLost, HandlerPanic, HandlerSlow, CrashBeforeHandler, CrashAfterHandler, CommitConflict, CommitAnswerLost,
	CrashBeforeCommit, CrashAfterCommit, SendTwice, ClockJump, Reordered,
}

var faultNames = map[FaultKind]string{
	HandlerError: "HandlerError", HandlerAnswerLost: "HandlerAnswerLost", HandlerPanic: "HandlerPanic", HandlerSlow: "HandlerSlow",
	CrashBeforeHandler: "CrashBeforeHandler", CrashAfterHandler: "CrashAfterHandler", CommitConflict: "CommitConflict",
	CommitAnswerLost: "CommitAnswerLost", CrashBeforeCommit: "CrashBeforeCommit", CrashAfterCommit: "CrashAfterCommit",
	SendTwice: "SendTwice", ClockJump: "ClockJump", Reordered: "Reordered",
}

func (k FaultKind) String() string { return faultNames[k] }

func (k FaultKind) source() string { return "ironflowtest." + k.String() }

// operation is a kind of operation at which faults happen.
type operation string

const (
	opHandle operation = "handle"
	opCommit operation = "commit"
	opSend   operation = "send"
)

// at is the kind of operation of a fault.
func (k FaultKind) at() operation {
	switch {
	case k <= CrashAfterHandler:
		return opHandle
	case k <= CrashAfterCommit:
		return opCommit
	case k <= ClockJump:
		return opSend
	}
	return ""
}

// fault is one fault at one operation, which at names.
type fault struct {
	kind FaultKind
	at   string
}

// maxFaults is how many faults a run has at most, so that it comes to an end.
const maxFaults = 6

// plan says what a run does where it has a choice.
type plan struct {
	seed   uint64
	draw   bool         // draw steps and faults by the seed; else take those below
	faults []fault      //
	steps  []wanderStep //

	engines int
	ordered bool // what waits happens in order, although Reordered is among the faults
}

// chance returns a number that depends on the seed and a name only, so that a choice stays the same when others change.
func (p *plan) chance(name string) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s", p.seed, name)
	x := h.Sum64() // FNV alone changes little in its upper bits
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// faultAt says whether an operation goes wrong; 0 when it does not.
func (s *Simulation) faultAt(op operation, at string) FaultKind {
	for i, f := range s.injected {
		if f.at == at && f.kind.at() == op {
			s.injected = slices.Delete(s.injected, i, i+1)
			s.faults = append(s.faults, f)
			return f.kind
		}
	}
	if !s.plan.draw {
		return 0
	}
	var kinds []FaultKind
	for _, k := range s.sim.faults {
		if k.at() == op {
			kinds = append(kinds, k)
		}
	}
	if len(kinds) == 0 || len(s.faults) >= maxFaults {
		return 0
	}
	draw := s.plan.chance("fault " + at)
	if draw%6 != 0 {
		return 0
	}
	f := fault{kinds[draw/6%uint64(len(kinds))], at}
	s.faults = append(s.faults, f)
	return f.kind
}

// wanderStep is a step of Wander.
type wanderStep struct {
	wander int // which call of Wander
	input  any // to send; nil to let time pass
	pass   int64
}

func (w wanderStep) source() string {
	if w.input != nil {
		return "s.Send(" + literal(w.input) + ")"
	}
	if w.pass == 0 {
		return "s.RunUntilIdle()"
	}
	return fmt.Sprintf("s.Advance(%s)", durationSource(w.pass))
}
