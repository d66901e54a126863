package store

import (
	"context"
	"time"
)

// Clock tells the engine the time, for decisions, leases, backoff and polling. The clocks of processes that share a store should
// differ by much less than a lease. A larger difference causes repeated attempts and late effects, but no wrong results. Engines
// on a Timekeeper agree on the time unless Config.Clock is set. A Clock must be safe for concurrent use.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

type SystemClock struct{}

func (SystemClock) Now() time.Time                         { return time.Now() }
func (SystemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Timekeeper is the ability of a store to tell the time, the same for all processes on it. Without a Config.Clock, the engine
// uses this time. No feature needs it.
type Timekeeper interface {
	// Time returns the current time of the store.
	Time(ctx context.Context) (time.Time, error)
}

// StoredTime returns t as a store returns it. The engine rounds every time this way before it decides with it or compares it.
func StoredTime(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
