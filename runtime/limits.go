package runtime

import (
	"context"
	"math"
	"time"
)

// LimitedClaim asks for deliveries of one effect within its limits; a limit that is 0 is none.
type LimitedClaim struct {
	Kind  Kind
	Now   time.Time // deliveries due at or before it
	Until time.Time // end of the lease; after it the delivery is due again
	Limit int

	Holder string // as of Claim

	Global int     // leased at the same time
	Rate   float64 // claimed in a second
	Burst  int     // claimed at once when there were fewer before; at least 1
	PerKey int     // leased at the same time with one NewEffect.LimitKey
}

// MaxLimitSkew is how far the clocks of processes may be apart without adding to what a rate allows: the rate goes by the clock that is
// ahead. One that was ahead by more has jumped, and is forgotten; or a rate would allow nothing until all have caught up with it.
const MaxLimitSkew = time.Minute

// LimitedQueue is the outbox as those claim from it whose limits hold over all processes.
type LimitedQueue interface {
	// ClaimLimited leases up to Limit due deliveries, so that the limits hold over all who claim by it: those whose leases have
	// run out do not count. With PerKey all keys have their turn, the oldest of a key first; otherwise the oldest come first. Of
	// two claims of a kind at the same time one may return nothing. again is when the rate allows the next, if that is all that
	// is missing; else it is zero.
	ClaimLimited(ctx context.Context, claim LimitedClaim) (deliveries []Delivery, again time.Time, err error)
}

// copied returns a copy that may be changed.
func (l *EffectLimit) copied() *EffectLimit {
	if l == nil {
		return nil
	}
	return new(*l)
}

// burst is how many attempts may begin at once.
func (l *EffectLimit) burst() int {
	if l.Burst > 0 {
		return l.Burst
	}
	return max(1, int(math.Ceil(l.Rate)))
}

// shared reports whether the limit is one over all processes.
func (l *EffectLimit) shared() bool { return l.Global > 0 || l.Rate > 0 || l.PerKey > 0 }
