package runtime

import "time"

// Clock is where the engine gets the time from, for decisions as well as for leases, backoff and polling. Processes that
// share a store should agree on the time to well within the lease: a skew costs repeated attempts and late effects, never
// correctness.
// Safe for concurrent use.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

type systemClock struct{}

func (systemClock) Now() time.Time                         { return time.Now() }
func (systemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }
