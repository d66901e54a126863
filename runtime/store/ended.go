package store

import "time"

// EndedDelivery is the record of an effect or timer that is over, when nothing else in its own instance tells of that. There is
// none for what led to a decision of its own instance, whose cause names it, nor for an effect that was done and returned no
// input; nor for a timer that a decision cancelled or started again, which that decision's cause says.
type EndedDelivery struct {
	Lease    Lease  // names it; without Token
	Kind     string // name of the effect, or of the timer's input
	Ending   Ending
	At       time.Time
	Attempts int

	// By is the decision that ended it: the one that a delivered input led to, in another instance, or the one that cancelled it.
	// Its Version is that of its first event.
	By DecisionRef

	Reason string // why the input was refused
}

// Ending says how an effect or timer ended.
type Ending string

const (
	EndedDelivered Ending = "delivered" // its input led to a decision of another instance
	EndedCancelled Ending = "cancelled" // a decision of its instance gave it up
	EndedRefused   Ending = "refused"   // the input that it led to was not accepted
	EndedReplaced  Ending = "replaced"  // a decision started the timer anew; not stored, its cause says it
	EndedCompleted Ending = "completed" // a timer of an instance that has completed; not stored, the instance says it
)

// CancelledEffects are the effects of a kind that a decision gives up.
type CancelledEffects struct {
	Kind string
	By   int64 // version of the decision's first event
}
