package parcel

import "time"

// Decider takes note of what happens to a parcel.
type Decider struct{}

var _ InputDecider = Decider{}

// Scan takes note of a depot.
func (Decider) Scan(_ time.Time, _ State, in Scan) ScanDecision {
	return AcceptScan(Arrived{Depot: in.Depot})
}

// Deliver ends the way.
func (Decider) Deliver(time.Time, State, Deliver) DeliverDecision { return AcceptDeliver(Delivered{}) }

// Evolver has nothing to remember: the status is enough to decide.
type Evolver struct{}

var _ EventEvolver = Evolver{}

// Arrived changes nothing but the status.
func (Evolver) Arrived(s State, _ Arrived) State { return s }

// Delivered changes nothing but the status.
func (Evolver) Delivered(s State, _ Delivered) State { return s }
