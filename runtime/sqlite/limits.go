package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"math"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
)

const (
	createBucket = `INSERT INTO ironflow_limits (workflow_type, kind, tokens, refilled_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`
	readBucket   = `SELECT tokens, refilled_at, last_key FROM ironflow_limits WHERE workflow_type = ? AND kind = ?`
	saveBucket   = `UPDATE ironflow_limits SET tokens = ?, refilled_at = ?, last_key = ? WHERE workflow_type = ? AND kind = ?`

	// Those whose leases have run out do not count.
	countSlots = `
SELECT count(*) FROM ironflow_effects
WHERE workflow_type = ? AND kind = ? AND slot = 1 AND claimed_at IS NOT NULL AND run_at > ?`
	countSlotsOfKey = countSlots + ` AND limit_key = ?`

	nextKey = `
SELECT limit_key FROM ironflow_effects
WHERE workflow_type = ? AND kind = ? AND limit_key > ? AND limit_key IS NOT NULL AND dead_at IS NULL
ORDER BY limit_key LIMIT 1`
	dueOfKey = `
SELECT workflow_id, version, position, run_at FROM ironflow_effects
WHERE workflow_type = ? AND kind = ? AND limit_key = ? AND dead_at IS NULL AND run_at <= ?
ORDER BY run_at LIMIT ?`
	dueWithoutKey = `
SELECT workflow_id, version, position, run_at FROM ironflow_effects
WHERE workflow_type = ? AND kind = ? AND limit_key IS NULL AND dead_at IS NULL AND run_at <= ?
ORDER BY run_at LIMIT ?`

	takeSlot = `UPDATE ironflow_effects SET slot = 1 WHERE workflow_id = ? AND workflow_type = ? AND version = ? AND position = ?`
)

// ClaimLimited implements [runtime.LimitedQueue].
func (s *Store) ClaimLimited(
	ctx context.Context, claim runtime.LimitedClaim,
) (deliveries []runtime.Delivery, again time.Time, err error) {
	q := effectQueue(s)
	plain := runtime.Claim{Kinds: []runtime.Kind{claim.Kind}, Now: claim.Now, Until: claim.Until, Limit: claim.Limit}
	var found []candidate
	err = s.read(ctx, func(on *connection) (err error) { // as Claim does
		found, err = q.due(ctx, on, plain, 1)
		return err
	})
	if err == nil && len(found) > 0 {
		err = q.store.writer.write(ctx, func(on *connection) error {
			l := limited{LimitedClaim: &claim, on: on, queue: q}
			var err error
			deliveries, again, err = l.claim(ctx)
			return err
		})
	}
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("sqlite: claim %s of workflow %s: %w", claim.Kind.Name, claim.Kind.Workflow, err)
	}
	return deliveries, again, nil
}

// limited is a claim of one limited kind, in a transaction of the only writer.
type limited struct {
	*runtime.LimitedClaim
	on    *connection
	queue queue

	tokens     float64
	refilledAt int64
	lastKey    string
}

func (l *limited) claim(ctx context.Context) (deliveries []runtime.Delivery, again time.Time, err error) {
	plain := runtime.Claim{Kinds: []runtime.Kind{l.Kind}, Now: l.Now, Until: l.Until, Limit: l.Limit}
	if due, err := l.queue.due(ctx, l.on, plain, 1); err != nil || len(due) == 0 { // also when the workflow is paused
		return nil, time.Time{}, err
	}
	if err := l.readBucket(); err != nil {
		return nil, time.Time{}, err
	}
	room := l.Limit
	if l.Global > 0 {
		used, err := l.count(countSlots, l.Kind.Workflow, l.Kind.Name, micros(l.Now))
		if err != nil {
			return nil, time.Time{}, err
		}
		room = min(room, l.Global-used)
	}
	if l.Rate > 0 {
		if l.tokens < 1 && room > 0 {
			wait := time.Duration(math.Ceil((1 - l.tokens) / l.Rate * float64(time.Second)))
			again = fromMicros(micros(l.Now.Add(wait)) + 1)
		}
		room = min(room, int(l.tokens))
	}
	var found []candidate
	switch {
	case room <= 0:
	case l.PerKey > 0:
		found, err = l.dueByKey(room)
	default:
		found, err = l.queue.due(ctx, l.on, plain, room)
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	for _, c := range found {
		if _, err := l.on.exec(takeSlot, l.queue.row(nil, &c.lease)...); err != nil {
			return nil, time.Time{}, err
		}
		if deliveries, err = l.queue.take(l.on, c, l.Now, l.Until, l.Holder, deliveries); err != nil {
			return nil, time.Time{}, err
		}
	}
	if l.Rate > 0 {
		l.tokens -= float64(len(found))
	}
	_, err = l.on.exec(saveBucket, l.tokens, l.refilledAt, l.lastKey, l.Kind.Workflow, l.Kind.Name)
	return deliveries, again, err
}

// readBucket reads how many may begin, and adds what came since.
func (l *limited) readBucket() error {
	if _, err := l.on.exec(createBucket, l.Kind.Workflow, l.Kind.Name, float64(l.Burst), micros(l.Now)); err != nil {
		return err
	}
	row := func(columns []driver.Value) error {
		l.tokens, _ = columns[0].(float64)
		l.refilledAt, l.lastKey = number(columns[1]), text(columns[2])
		return nil
	}
	if err := l.on.query(row, readBucket, l.Kind.Workflow, l.Kind.Name); err != nil {
		return err
	}
	switch passed := l.Now.Sub(fromMicros(l.refilledAt)); {
	case passed > 0:
		l.tokens = min(float64(l.Burst), l.tokens+passed.Seconds()*l.Rate)
		l.refilledAt = micros(l.Now)
	case passed < -runtime.MaxLimitSkew:
		l.refilledAt = micros(l.Now)
	}
	return nil
}

func (l *limited) count(query string, args ...driver.Value) (n int, err error) {
	err = l.on.query(func(columns []driver.Value) error {
		n = int(number(columns[0]))
		return nil
	}, query, args...)
	return n, err
}

// dueByKey goes from key to key, on from where the last claim ended, and once around. Effects without a key, from before the limit
// was declared, come last.
func (l *limited) dueByKey(room int) (found []candidate, err error) {
	take := func(columns []driver.Value) error {
		c := candidate{kind: l.Kind, lease: runtime.Lease{Queue: runtime.EffectQueue}, runAt: number(columns[3])}
		c.lease.Instance = runtime.InstanceKey{Workflow: l.Kind.Workflow, ID: text(columns[0])}
		l.queue.found(&c.lease, columns[1], columns[2])
		found = append(found, c)
		return nil
	}
	reached := l.lastKey
	for key, wrapped := l.lastKey, false; len(found) < room; {
		next, err := l.keyAfter(key)
		if err != nil {
			return nil, err
		}
		if next == "" {
			if wrapped {
				break
			}
			key, wrapped = "", true
			continue
		}
		if key = next; wrapped && key > l.lastKey {
			break
		}
		used, err := l.count(countSlotsOfKey, l.Kind.Workflow, l.Kind.Name, micros(l.Now), key)
		if err != nil {
			return nil, err
		}
		before := len(found)
		if more := min(room-before, l.PerKey-used); more > 0 {
			err := l.on.query(take, dueOfKey, l.Kind.Workflow, l.Kind.Name, key, micros(l.Now), int64(more))
			if err != nil {
				return nil, err
			}
		}
		if len(found) > before {
			reached = key
		}
	}
	l.lastKey = reached
	if more := room - len(found); more > 0 {
		err = l.on.query(take, dueWithoutKey, l.Kind.Workflow, l.Kind.Name, micros(l.Now), int64(more))
	}
	return found, err
}

func (l *limited) keyAfter(key string) (next string, err error) {
	err = l.on.query(func(columns []driver.Value) error {
		next = text(columns[0])
		return nil
	}, nextKey, l.Kind.Workflow, l.Kind.Name, key)
	return next, err
}
