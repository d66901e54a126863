// Package anyorder is a recipe: several inputs that come in any order.
package anyorder

import (
	"slices"
	"time"
)

//go:generate go tool ironflow-gen

var all = []Part{PartForm, PartPassport, PartDeposit}

// Decider opens the account with the last part.
type Decider struct{}

func (Decider) Receive(now time.Time, s State, in Receive) ReceiveDecision {
	switch {
	case slices.Contains(s.Have, in.Part):
		return RejectReceive(HaveAlready{Part: in.Part})
	case len(s.Have)+1 < len(all):
		return AcceptReceive(Received{Part: in.Part})
	}
	return AcceptReceive(Received{Part: in.Part}, Opened{})
}

// Evolver keeps what has come.
type Evolver struct{}

func (Evolver) Received(s State, e Received) State {
	s.Have = append(slices.Clone(s.Have), e.Part)
	return s
}

func (Evolver) Opened(s State, e Opened) State { return s }
