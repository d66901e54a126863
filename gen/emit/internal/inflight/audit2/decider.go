// Package audit is a workflow that others start.
package audit

import "time"

// Decider decides on inputs.
type Decider struct{}

// Begin is done at once.
func (Decider) Begin(_ time.Time, _ State, in Begin) BeginDecision {
	return AcceptBegin(Done{Sum: in.Sum})
}

// Evolver folds events.
type Evolver struct{}

// Done keeps the sum.
func (Evolver) Done(s State, e Done) State {
	s.Sum, s.Done = e.Sum, true
	return s
}

// Terminal reports whether the audit is done.
func (Evolver) Terminal(s State) bool { return s.Done }
