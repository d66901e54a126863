package store

import (
	"context"
	"time"
)

// LimitedClaim asks for deliveries of one effect within its limits; 0 means no limit.
type LimitedClaim struct {
	Kind  Kind
	From  time.Time // deliveries due at or after it
	Now   time.Time // deliveries due at or before it
	Until time.Time // end of the lease; after it the delivery is due again
	Limit int

	Holder string // as of Claim

	Global int     // leased at the same time
	Rate   float64 // claimed in a second
	Burst  int     // claimed at once when there were fewer before; at least 1
	PerKey int     // leased at the same time with one NewEffect.LimitKey
}

// LimitedClaimed is what a LimitedClaim got.
type LimitedClaimed struct {
	Deliveries []Delivery

	// Again is when to claim next, if the rate alone holds back more, or if the claim has looked at as much as one claim may; else it is
	// zero, and the end of a lease is what to wait for.
	Again time.Time

	// Reached is the time before which nothing is due any more, from LimitedClaim.From on, but what the limit of a key holds back.
	Reached time.Time
}

// MaxLimitSkew is how far the clocks of processes may be apart without adding to what a rate allows: the rate goes by the clock that is
// ahead. A clock that is ahead by more has jumped and does not count. Otherwise a rate would allow nothing until all clocks have caught up
// with it.
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

// Limits is a Store from whose outbox effects are claimed within limits that hold over all processes. Workflows need it whose effects
// have such a limit. A Store without it ignores NewEffect.LimitKey.
type Limits interface {
	// ClaimLimited leases up to Limit due deliveries, so that the limits hold over all who claim by it. Leases that have run out
	// do not count. The oldest come first. Of two claims of a kind at the same time one may return nothing.
	//
	// What the limit of a key holds back is parked: no claim looks at it again before another effect of its key ends, or is
	// cancelled. Then the oldest parked effect of the key is due, behind what was due when the one that ended was claimed. So all
	// keys have their turn, and a claim costs by what is due, not by what waits.
	ClaimLimited(ctx context.Context, claim LimitedClaim) (LimitedClaimed, error)

	// Unpark makes everything due that is parked of kinds which have no limit for each key any more.
	Unpark(ctx context.Context, kinds []Kind) error
}
