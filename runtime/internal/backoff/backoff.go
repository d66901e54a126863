// Package backoff says how long to wait before something that failed is tried again.
package backoff

import (
	"math/rand/v2"
	"time"
)

// Backoff doubles the pause with each attempt: attempt n is followed by Base·2^(n-1), at most Max. A random half of it is taken off, so
// that failures do not come back in step ("equal jitter", see the AWS Architecture Blog, "Exponential Backoff And Jitter").
type Backoff struct {
	Base, Max time.Duration
}

var (
	// Conflict is between decisions, or steps of a projection, that lose a race.
	Conflict = Backoff{Base: time.Millisecond, Max: 50 * time.Millisecond}

	// Poll is between claims, or reads of the feed, that fail.
	Poll = Backoff{Base: 200 * time.Millisecond, Max: 10 * time.Second}
)

// Pause returns the pause after an attempt. Attempts count from 1.
func (b Backoff) Pause(attempt int) time.Duration {
	d := b.Base
	for i := 1; i < attempt && d < b.Max; i++ {
		if d *= 2; d <= 0 { // overflow
			d = b.Max
		}
	}
	d = min(d, b.Max)
	return d/2 + rand.N(d/2+1)
}
