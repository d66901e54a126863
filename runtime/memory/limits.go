package memory

import (
	"context"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// ClaimLimited implements [store.Limits].
func (s *Store) ClaimLimited(ctx context.Context, claim store.LimitedClaim) (claimed store.LimitedClaimed, err error) {
	claim.From, claim.Now, claim.Until = storedOrZero(claim.From), store.StoredTime(claim.Now), store.StoredTime(claim.Until)
	err = s.write(ctx, "claim "+claim.Kind.Name+" of workflow "+claim.Kind.Workflow, func(t *transaction) error {
		_, paused := s.pauses[claim.Kind.Workflow]
		switch {
		case claim.Limit <= 0:
		case paused || len(s.effects.alive(claim.Kind, claim.From, claim.Now)) == 0:
			claimed.Reached = claim.Now
		default:
			l := limited{LimitedClaim: &claim, s: s, t: t, claimed: store.LimitedClaimed{Reached: claim.From}}
			l.claim()
			claimed = l.claimed
		}
		return nil
	})
	return claimed, err
}

// Unpark implements [store.Limits].
func (s *Store) Unpark(ctx context.Context, kinds []store.Kind) error {
	return s.write(ctx, "unpark effects", func(t *transaction) error {
		for _, row := range s.effects.rows {
			for _, kind := range kinds {
				if d := *row; d.kind == kind && !d.parkedFrom.IsZero() {
					d.runAt, d.parkedFrom = d.parkedFrom, time.Time{}
					s.effects.put(t, &d)
				}
			}
		}
		return nil
	})
}

// limited is a claim of one limited kind.
type limited struct {
	*store.LimitedClaim
	s       *Store
	t       *transaction
	claimed store.LimitedClaimed
}

func (l *limited) claim() {
	if l.Global > 0 || l.PerKey > 0 {
		l.endLeases()
	}
	room := l.Limit
	if l.Global > 0 {
		room = min(room, l.Global-l.leased(func(*delivery) bool { return true }))
	}
	if l.Rate == 0 || room <= 0 {
		l.takeDue(room)
		return
	}
	stored := l.s.buckets[l.Kind]
	bucket := l.Bucket()
	tokens, since := bucket.Tokens(stored, l.Now)
	if tokens < 1 {
		l.claimed.Again = store.StoredTime(since.Add(bucket.Token)).Add(time.Microsecond)
	}
	l.takeDue(min(room, tokens))
	if taken := len(l.claimed.Deliveries); taken > 0 || since.Before(stored) {
		put(l.t, l.s.buckets, l.Kind, store.StoredTime(since.Add(time.Duration(taken)*bucket.Token)))
	}
}

// endLeases ends the leases that have run out, and do not count any more: a late heartbeat must not extend them.
func (l *limited) endLeases() {
	for _, row := range slices.Clone(l.s.effects.kinds[l.Kind]) {
		if d := *row; d.slot && !d.claimedAt.IsZero() && !d.runAt.After(l.Now) {
			d.claimedAt, d.holder = time.Time{}, ""
			d.lease.Token++
			l.s.effects.put(l.t, &d)
		}
	}
}

// leased counts the leases of the kind that were claimed under a limit and have not ended.
func (l *limited) leased(counts func(*delivery) bool) (n int) {
	for _, d := range l.s.effects.kinds[l.Kind] {
		if d.slot && !d.claimedAt.IsZero() && d.runAt.After(l.Now) && counts(d) {
			n++
		}
	}
	return n
}

// lookFurther is how many more effects than there is room for the two passes of a claim look at. The first pass looks at a few, so that
// a key that is far ahead of its limit is parked before others wait for it. The second pass steps over what is due beyond the limits.
var lookFurther = []int{64, 1000}

// takeDue leases what is due, the oldest first, and parks what the limit of a key holds back.
func (l *limited) takeDue(room int) {
	if room <= 0 {
		return
	}
	used := map[string]int{} // by key
	for pass, further := range lookFurther {
		if l.PerKey == 0 {
			further = 0
		}
		look := room + further
		due := l.s.effects.alive(l.Kind, l.From, l.Now)
		due = append([]*delivery(nil), due[:min(look, len(due))]...) // taking and parking change the index
		l.claimed.Reached = l.Now
		if len(due) == look {
			l.claimed.Reached = due[len(due)-1].runAt
		}
		waits := false // something is left that there is no room for
		for _, d := range due {
			switch {
			case !l.fits(d, used):
				l.park(*d)
			case room > 0:
				room--
				l.take(*d)
			case !waits:
				waits, l.claimed.Reached = true, d.runAt
			}
		}
		if room == 0 || len(due) < look {
			return
		}
		if pass == len(lookFurther)-1 {
			l.claimed.Again = l.Now
		}
	}
}

// fits reports whether the limit of its key allows one more delivery, and counts it. An effect without a key is from before the limit
// was declared.
func (l *limited) fits(d *delivery, used map[string]int) bool {
	if l.PerKey == 0 || d.limitKey == "" {
		return true
	}
	n, known := used[d.limitKey]
	if !known {
		n = l.leased(func(other *delivery) bool { return other.limitKey == d.limitKey })
	}
	used[d.limitKey] = n + 1
	return n < l.PerKey
}

// park puts an effect off: by as long as it has waited, but at least by one minute, and at most by ten. A lease that has run out does not
// count any more.
func (l *limited) park(d delivery) {
	if d.parkedFrom.IsZero() {
		d.parkedFrom = d.runAt
	}
	d.runAt = l.Now.Add(max(time.Minute, min(10*time.Minute, l.Now.Sub(d.parkedFrom))))
	d.claimedAt, d.holder = time.Time{}, ""
	l.s.effects.put(l.t, &d)
}

func (l *limited) take(d delivery) {
	d.slot, d.parkedFrom = true, time.Time{}
	l.claimed.Deliveries = append(l.claimed.Deliveries, l.s.effects.take(l.t, d, l.Now, l.Until, l.Holder))
}
