package store

import (
	"context"
	"time"
)

// Limits is the ability of a store to let effects be claimed within limits that hold over all processes. Workflows with such a limit,
// which is every limit but Concurrency, need it.
type Limits interface {
	// ClaimLimited leases up to claim.Limit due effects, so that the limits hold over all claims by it. The earliest due come
	// first. Leases that have ended do not count. Of two concurrent claims of a kind, one may return nothing.
	//
	// An effect that PerKey holds back is parked: claims leave it out until another effect of its key ends or is cancelled. Then
	// the oldest parked effect of the key is due, after those that were due when the ended one was claimed. So each key has its
	// turn, and the cost of a claim depends on how many effects are due, not on how many are parked.
	ClaimLimited(ctx context.Context, claim LimitedClaim) (LimitedClaimed, error)

	// Unpark makes the parked effects of kinds due, which have no PerKey any more.
	Unpark(ctx context.Context, kinds []Kind) error
}

// LimitedClaim asks for effects of one kind within its limits; 0 means no limit.
type LimitedClaim struct {
	Kind   Kind
	From   time.Time // effects due at or after it
	Now    time.Time // effects due at or before it
	Until  time.Time // end of the leases; after it the effects are due again
	Limit  int
	Holder string // name of the process that claims; stored with the leases

	Global int     // leased at the same time
	Rate   float64 // claimed in a second
	Burst  int     // claimed at once after a pause; at least 1
	PerKey int     // leased at the same time with the same NewEffect.LimitKey
}

// LimitedClaimed is the result of a LimitedClaim.
type LimitedClaimed struct {
	Deliveries []Delivery

	// Again is when to claim next, when only the rate holds back more effects, or when the claim has looked at as many as one
	// claim may. Else it is zero, and the next lease that ends makes room.
	Again time.Time

	// Reached is the time before which no effect is due any more, from LimitedClaim.From on, except those that PerKey holds back.
	Reached time.Time
}

// MaxLimitSkew is how far the clocks of processes may differ without effect on a rate: the clock that is ahead counts. A clock
// that was ahead by more is ignored, because otherwise nothing would be claimed until the others reach its time.
const MaxLimitSkew = time.Minute

// Bucket is the token bucket of a rate (as in ITU-T I.371). A store keeps one time for each kind: when its bucket was empty. One token has
// come in for each Token since then, but no more than fit in. To take a token, a store adds Token to the time. It reads and writes the time
// with the claim, in one transaction.
type Bucket struct {
	Full  time.Time     // a bucket that was empty before it counts as empty then, and is full now; so does one that was never used
	Skew  time.Time     // a bucket that is empty only after it, see MaxLimitSkew, counts as empty now
	Token time.Duration // at least 1 ns
}

// Bucket returns the bucket by which a claim goes by its Rate, which is not 0, and its Burst.
func (c *LimitedClaim) Bucket() Bucket {
	token := max(float64(time.Second)/c.Rate, 1)
	return Bucket{
		Full:  c.Now.Add(-time.Duration(min(token*float64(c.Burst), 1<<62))),
		Skew:  c.Now.Add(MaxLimitSkew),
		Token: time.Duration(min(token, 1<<62)),
	}
}

// Tokens returns how many tokens there are at a time, and as of when the bucket counts as empty. A fraction that a store's rounding has cost
// is given back.
func (b Bucket) Tokens(emptyAt, now time.Time) (n int, since time.Time) {
	switch since = emptyAt; {
	case since.Before(b.Full):
		since = b.Full
	case since.After(b.Skew):
		since = now
	}
	return int(float64(now.Sub(since))/float64(b.Token) + 0.001), since
}
