package store

import (
	"context"
	"time"
)

// Limits is the ability of a store to claim effects within limits that hold over all processes. Workflows with such a limit need
// it; every limit but Concurrency is one.
type Limits interface {
	// ClaimLimited leases up to claim.Limit due effects, the earliest due first, so that the limits hold over all claims by this
	// method. Of two concurrent claims of a kind, one may return nothing.
	//
	// Leases that have run out do not count for Global and PerKey. The claim ends them: it raises the tokens of their effects. So a
	// late heartbeat cannot renew a lease whose place another effect has taken.
	//
	// An effect that PerKey holds back is parked: claims leave it out until another effect of its key ends or is cancelled. Then
	// the oldest parked effect of the key is due, after those that were due when the ended one was claimed. So each key has its
	// turn, and the cost of a claim depends on how many effects are due, not on how many are parked.
	ClaimLimited(ctx context.Context, claim LimitedClaim) (LimitedClaimed, error)

	// Unpark makes parked effects due, for kinds that have no PerKey any more.
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

	// Again is when to claim next if only the rate holds back more effects, or if the claim has looked at as many effects as one
	// claim may. Otherwise it is zero; then there is room when the next lease ends.
	Again time.Time

	// Reached is a time: between LimitedClaim.From and Reached no effect is due any more, except those that PerKey holds back.
	Reached time.Time
}

// MaxLimitSkew is how far the clocks of processes may differ without effect on a rate: the clock that is ahead counts. A clock
// that is ahead by more is ignored; otherwise nothing would be claimed until the others reach its time.
const MaxLimitSkew = time.Minute

// Bucket is the token bucket of a rate (as in ITU-T I.371). A store keeps one time for each kind: when its bucket was empty.
// Since then one token was added for each duration Token, up to the size of the bucket. To take a token, a store adds Token to
// the time. It reads and writes the time in the transaction of the claim.
type Bucket struct {
	Full  time.Time     // a bucket that was empty before this time is full now; so is a bucket that was never used
	Skew  time.Time     // a bucket that is empty only after this time counts as empty now, see MaxLimitSkew
	Token time.Duration // at least 1 ns
}

// Bucket returns the bucket for the Rate and Burst of a claim. Rate must not be 0.
func (c *LimitedClaim) Bucket() Bucket {
	token := max(float64(time.Second)/c.Rate, 1)
	return Bucket{
		Full:  c.Now.Add(-time.Duration(min(token*float64(c.Burst), 1<<62))),
		Skew:  c.Now.Add(MaxLimitSkew),
		Token: time.Duration(min(token, 1<<62)),
	}
}

// Tokens returns how many tokens the bucket has at a time, and since when it counts as empty. It makes up for the fraction that a
// store loses by rounding.
func (b Bucket) Tokens(emptyAt, now time.Time) (n int, since time.Time) {
	switch since = emptyAt; {
	case since.Before(b.Full):
		since = b.Full
	case since.After(b.Skew):
		since = now
	}
	return int(float64(now.Sub(since))/float64(b.Token) + 0.001), since
}
