package store

import (
	"context"
	"time"
)

// Clock is where the engine gets the time from, for decisions as well as for leases, backoff and polling. Processes that share a
// store should agree on the time to well within the lease: a skew costs repeated attempts and late effects, never correctness. On
// a Timekeeper, engines agree as long as Config.Clock is left alone. Safe for concurrent use.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

type SystemClock struct{}

func (SystemClock) Now() time.Time                         { return time.Now() }
func (SystemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Timekeeper is the ability of a store to tell the time, the same for all processes on it. Without a Config.Clock, the engine takes
// the time of a Timekeeper. No feature needs it.
type Timekeeper interface {
	// Time returns the time of the store while it is called.
	Time(ctx context.Context) (time.Time, error)
}

// StoredTime is t as a store gives it back. Everything that is decided with, or compared, goes through it.
func StoredTime(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
