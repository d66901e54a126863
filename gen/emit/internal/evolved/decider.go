// Package evolved reads events of three versions.
package evolved

import (
	"strconv"
	"strings"
	"time"
)

// Decider decides on inputs.
type Decider struct{}

// Open opens the account.
func (Decider) Open(_ time.Time, _ State, in Open) OpenDecision {
	return AcceptOpen(Opened{AmountCents: in.Cents, Who: "today", Plan: PlanPaid, AtMost: 1})
}

// Close closes it.
func (Decider) Close(time.Time, State, Close) CloseDecision { return AcceptClose(Closed{}) }

// Evolver folds events.
type Evolver struct{}

// Opened keeps what was paid.
func (Evolver) Opened(s State, e Opened) State {
	s.Cents, s.Who, s.Plan = e.AmountCents, e.Who, &e.Plan
	return s
}

// Noted counts notes.
func (Evolver) Noted(s State, _ Noted) State {
	s.Notes++
	return s
}

// Closed changes nothing but the status.
func (Evolver) Closed(s State, _ Closed) State { return s }

// Upcaster makes events of their older versions.
type Upcaster struct{}

// OpenedV1 had the price as a text in whole units and a fraction.
func (Upcaster) OpenedV1(old OpenedV1) OpenedV2 {
	cents, _ := strconv.ParseInt(strings.Replace(old.Price, ".", "", 1), 10, 32)
	return OpenedV2{Cents: int32(cents), By: old.By}
}
