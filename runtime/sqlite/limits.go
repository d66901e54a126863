package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

const (
	readBucket = `SELECT empty_at FROM ironflow_limits WHERE workflow = ? AND kind = ?`
	saveBucket = `
INSERT INTO ironflow_limits (workflow, kind, empty_at) VALUES (?, ?, ?)
ON CONFLICT (workflow, kind) DO UPDATE SET empty_at = excluded.empty_at`

	// endLeases ends the leases that have run out, and do not count any more: a late heartbeat must not extend them.
	endLeases = `
UPDATE ironflow_effects SET token = token + 1, claimed_at = NULL, holder = NULL
WHERE workflow = ? AND kind = ? AND slot = 1 AND claimed_at IS NOT NULL AND run_at <= ?`

	countSlots = `
SELECT count(*) FROM ironflow_effects
WHERE workflow = ? AND kind = ? AND slot = 1 AND claimed_at IS NOT NULL AND run_at > ?`
	countSlotsOfKey = `
SELECT count(*) FROM ironflow_effects
WHERE workflow = ? AND kind = ? AND slot = 1 AND claimed_at IS NOT NULL AND run_at > ? AND limit_key = ?`

	dueWithKeys = `
SELECT instance, version, position, run_at, limit_key FROM ironflow_effects
WHERE workflow = ? AND kind = ? AND died_at IS NULL AND run_at >= ? AND run_at <= ?
ORDER BY run_at, version, position LIMIT ?`

	// park puts an effect off: by as long as it has waited, but at least by one minute, and at most by ten. A lease that has run out
	// does not count any more.
	park = `
UPDATE ironflow_effects
SET parked_from = coalesce(parked_from, run_at),
    run_at = ?1 + max(60000000, min(600000000, ?1 - coalesce(parked_from, run_at))),
    claimed_at = NULL, holder = NULL
WHERE instance = ?2 AND workflow = ?3 AND version = ?4 AND position = ?5`

	unpark = `
UPDATE ironflow_effects SET run_at = parked_from, parked_from = NULL
WHERE workflow = ? AND kind = ? AND parked_from IS NOT NULL`

	takeSlot = `UPDATE ironflow_effects SET slot = 1, parked_from = NULL WHERE instance = ? AND workflow = ? AND version = ? AND position = ?`
)

// ClaimLimited implements [store.Limits].
func (s *Store) ClaimLimited(ctx context.Context, claim store.LimitedClaim) (claimed store.LimitedClaimed, err error) {
	q := effectQueue(s)
	plain := store.Claim{
		Kinds: []store.Kind{claim.Kind}, From: map[store.Kind]time.Time{claim.Kind: claim.From},
		Now: claim.Now, Until: claim.Until, Limit: claim.Limit,
	}
	var found []candidate
	err = s.readers.read(ctx, func(on *connection) (err error) { // as Claim does
		found, err = q.due(ctx, on, plain, 1)
		return err
	})
	switch {
	case err != nil || claim.Limit <= 0:
	case len(found) == 0:
		claimed.Reached = claim.Now
	default:
		err = q.store.writer.write(ctx, func(on *connection) error {
			l := limited{LimitedClaim: &claim, on: on, queue: q, claimed: store.LimitedClaimed{Reached: claim.From}}
			if due, err := q.due(ctx, on, plain, 1); err != nil || len(due) == 0 { // also when the workflow is paused
				return err
			}
			err := l.claim()
			claimed = l.claimed
			return err
		})
	}
	if err != nil {
		return store.LimitedClaimed{}, fmt.Errorf("sqlite: claim %s of workflow %s: %w", claim.Kind.Name, claim.Kind.Workflow, err)
	}
	return claimed, nil
}

// Unpark implements [store.Limits].
func (s *Store) Unpark(ctx context.Context, kinds []store.Kind) error {
	err := s.writer.write(ctx, func(on *connection) error {
		for _, kind := range kinds {
			if _, err := on.exec(unpark, kind.Workflow, kind.Name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("sqlite: unpark effects: %w", err)
	}
	return nil
}

// limited is a claim of one limited kind, in a transaction of the only writer.
type limited struct {
	*store.LimitedClaim
	on      *connection
	queue   queue
	claimed store.LimitedClaimed
}

func (l *limited) claim() error {
	if l.Global > 0 || l.PerKey > 0 {
		if _, err := l.on.exec(endLeases, l.Kind.Workflow, l.Kind.Name, micros(l.Now)); err != nil {
			return err
		}
	}
	room := l.Limit
	if l.Global > 0 {
		used, err := l.count(countSlots, l.Kind.Workflow, l.Kind.Name, micros(l.Now))
		if err != nil {
			return err
		}
		room = min(room, l.Global-used)
	}
	if l.Rate == 0 || room <= 0 {
		return l.takeDue(room)
	}
	stored, err := l.emptyAt()
	if err != nil {
		return err
	}
	bucket := l.Bucket()
	tokens, since := bucket.Tokens(stored, l.Now)
	if tokens < 1 {
		l.claimed.Again = fromMicros(micros(since.Add(bucket.Token)) + 1)
	}
	if err := l.takeDue(min(room, tokens)); err != nil {
		return err
	}
	taken := len(l.claimed.Deliveries)
	if taken == 0 && !since.Before(stored) {
		return nil
	}
	_, err = l.on.exec(saveBucket, l.Kind.Workflow, l.Kind.Name, micros(since.Add(time.Duration(taken)*bucket.Token)))
	return err
}

// emptyAt reads when the bucket of the kind was empty.
func (l *limited) emptyAt() (at time.Time, err error) {
	row := func(columns []driver.Value) error {
		at = fromMicros(number(columns[0]))
		return nil
	}
	err = l.on.query(row, readBucket, l.Kind.Workflow, l.Kind.Name)
	return at, err
}

func (l *limited) count(query string, args ...driver.Value) (n int, err error) {
	err = l.on.query(func(columns []driver.Value) error {
		n = int(number(columns[0]))
		return nil
	}, query, args...)
	return n, err
}

// How many more effects than there is room for the two passes of a claim look at. The first looks at a few, so that a key that is far
// ahead of its limit is parked before others wait for it; the second steps over what is due beyond the limits.
var lookFurther = []int{64, 1000}

// takeDue leases what is due, the oldest first, and parks what the limit of a key holds back.
func (l *limited) takeDue(room int) error {
	if room <= 0 {
		return nil
	}
	used := map[string]int{} // by key
	for pass, further := range lookFurther {
		if l.PerKey == 0 {
			further = 0
		}
		look := room + further
		due, err := l.due(look)
		if err != nil {
			return err
		}
		l.claimed.Reached = l.Now
		if len(due) == look {
			l.claimed.Reached = fromMicros(due[len(due)-1].runAt)
		}
		waits := false // something is left that there is no room for
		for _, d := range due {
			fits, err := l.fits(d, used)
			switch {
			case err != nil:
			case !fits:
				_, err = l.on.exec(park, l.queue.row([]driver.Value{micros(l.Now)}, &d.lease)...)
			case room > 0:
				room--
				err = l.take(d.candidate)
			case !waits:
				waits, l.claimed.Reached = true, fromMicros(d.runAt)
			}
			if err != nil {
				return err
			}
		}
		if room == 0 || len(due) < look {
			return nil
		}
		if pass == len(lookFurther)-1 {
			l.claimed.Again = l.Now
		}
	}
	return nil
}

// keyed is a delivery that is due, with the value that its limit counts separately.
type keyed struct {
	candidate
	key string
}

func (l *limited) due(limit int) (found []keyed, err error) {
	row := func(columns []driver.Value) error {
		c := candidate{kind: l.Kind, lease: store.Lease{Queue: store.EffectQueue}, runAt: number(columns[3])}
		c.lease.Instance = store.InstanceKey{Workflow: l.Kind.Workflow, ID: text(columns[0])}
		l.queue.found(&c.lease, columns[1], columns[2])
		found = append(found, keyed{c, text(columns[4])})
		return nil
	}
	err = l.on.query(row, dueWithKeys, l.Kind.Workflow, l.Kind.Name, micros(l.From), micros(l.Now), int64(limit))
	return found, err
}

// fits reports whether the limit of its key allows one more delivery, and counts it. One without a key is from before the limit was
// declared.
func (l *limited) fits(d keyed, used map[string]int) (bool, error) {
	if l.PerKey == 0 || d.key == "" {
		return true, nil
	}
	n, known := used[d.key]
	if !known {
		var err error
		if n, err = l.count(countSlotsOfKey, l.Kind.Workflow, l.Kind.Name, micros(l.Now), d.key); err != nil {
			return false, err
		}
	}
	used[d.key] = n + 1
	return n < l.PerKey, nil
}

func (l *limited) take(c candidate) (err error) {
	if _, err := l.on.exec(takeSlot, l.queue.row(nil, &c.lease)...); err != nil {
		return err
	}
	l.claimed.Deliveries, err = l.queue.take(l.on, c, l.Now, l.Until, l.Holder, l.claimed.Deliveries)
	return err
}
