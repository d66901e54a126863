// Package backoff says how long to wait before something that failed is tried again.
package backoff

import (
	"fmt"
	"hash/fnv"
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

	// Message is between reads of a message broker that fail, and between attempts to decide on a message.
	Message = Backoff{Base: 100 * time.Millisecond, Max: 30 * time.Second}
)

// Pause returns the pause after an attempt. Attempts count from 1.
func (b Backoff) Pause(attempt int) time.Duration {
	d := b.longest(attempt)
	return d/2 + rand.N(d/2+1)
}

// PauseOf is Pause for something that has a name: what is taken off follows from the name and the attempt, so that a run can be repeated.
// Failures of different names do not come back in step.
func (b Backoff) PauseOf(name string, attempt int) time.Duration {
	d := b.longest(attempt)
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, name, " ", attempt)
	return d/2 + time.Duration(rand.New(rand.NewPCG(h.Sum64(), 0)).Int64N(int64(d/2+1)))
}

// longest is the pause of which nothing is taken off.
func (b Backoff) longest(attempt int) time.Duration {
	d := b.Base
	for i := 1; i < attempt && d < b.Max; i++ {
		if d *= 2; d <= 0 { // overflow
			d = b.Max
		}
	}
	return min(d, b.Max)
}
