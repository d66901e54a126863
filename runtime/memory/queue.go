package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// queue is the table of effects or that of timers, with two indexes.
type queue struct {
	name  store.QueueName
	rows  map[store.Lease]*delivery         // by rowKey
	of    map[store.InstanceKey][]*delivery // by their numbers
	kinds map[store.Kind][]*delivery        // those that are not dead, by runAt and number
}

func newQueue(name store.QueueName) *queue {
	return &queue{
		name: name, rows: make(map[store.Lease]*delivery),
		of: make(map[store.InstanceKey][]*delivery), kinds: make(map[store.Kind][]*delivery),
	}
}

func (d *data) queue(name store.QueueName) (*queue, error) {
	switch name {
	case store.EffectQueue:
		return d.effects, nil
	case store.TimerQueue:
		return d.timers, nil
	}
	return nil, fmt.Errorf("there is no queue %q", name)
}

// rowKey is the key of a delivery in its table. A timer has its key, whatever its version.
func rowKey(l store.Lease) store.Lease {
	l = l.Named()
	if l.Queue == store.TimerQueue {
		l.Version = 0
	}
	return l
}

func byNumber(a, b *delivery) int { return cmp.Compare(a.number, b.number) }

func byRunAt(a, b *delivery) int { return cmp.Or(a.runAt.Compare(b.runAt), byNumber(a, b)) }

// put stores a delivery.
func (q *queue) put(t *transaction, d *delivery) { q.change(t, rowKey(d.lease), d) }

func (q *queue) delete(t *transaction, d *delivery) { q.change(t, rowKey(d.lease), nil) }

// change replaces a row, or deletes it. When an effect with a limit key ends its lease, or is deleted, the next one of the key is due.
func (q *queue) change(t *transaction, key store.Lease, d *delivery) {
	before := q.rows[key]
	q.replace(key, d)
	t.undo = append(t.undo, func() { q.replace(key, before) })
	if before == nil || before.limitKey == "" {
		return
	}
	if d == nil && before.parkedFrom.IsZero() || d != nil && !before.claimedAt.IsZero() && d.claimedAt.IsZero() && d.parkedFrom.IsZero() {
		q.unparkNext(t, before)
	}
}

func (q *queue) replace(key store.Lease, d *delivery) {
	if before := q.rows[key]; before != nil {
		delete(q.rows, key)
		remove(q.of, before.lease.Instance, before, byNumber)
		if before.diedAt.IsZero() {
			remove(q.kinds, before.kind, before, byRunAt)
		}
	}
	if d != nil {
		q.rows[key] = d
		insert(q.of, d.lease.Instance, d, byNumber)
		if d.diedAt.IsZero() {
			insert(q.kinds, d.kind, d, byRunAt)
		}
	}
}

func insert[K comparable](index map[K][]*delivery, key K, d *delivery, order func(a, b *delivery) int) {
	i, _ := slices.BinarySearchFunc(index[key], d, order)
	index[key] = slices.Insert(index[key], i, d)
}

func remove[K comparable](index map[K][]*delivery, key K, d *delivery, order func(a, b *delivery) int) {
	i, _ := slices.BinarySearchFunc(index[key], d, order)
	if index[key] = slices.Delete(index[key], i, i+1); len(index[key]) == 0 {
		delete(index, key)
	}
}

// unparkNext makes the oldest parked effect of a key due. Its place in the order is when the effect that has ended was claimed, so that
// each key has its turn.
func (q *queue) unparkNext(t *transaction, ended *delivery) {
	var next *delivery
	for _, d := range q.kinds[ended.kind] {
		if d.limitKey == ended.limitKey && !d.parkedFrom.IsZero() &&
			(next == nil || cmp.Or(d.parkedFrom.Compare(next.parkedFrom), byNumber(d, next)) < 0) {
			next = d
		}
	}
	if next != nil {
		due := *next
		due.runAt, due.parkedFrom = ended.claimedAt, time.Time{}
		if ended.claimedAt.IsZero() {
			due.runAt = next.parkedFrom
		}
		q.put(t, &due)
	}
}

// alive returns the deliveries of a kind that are not dead and due at or after a time, and at or before another one.
func (q *queue) alive(kind store.Kind, from, to time.Time) []*delivery {
	all := q.kinds[kind]
	end := sort.Search(len(all), func(i int) bool { return all[i].runAt.After(to) })
	first := sort.Search(end, func(i int) bool { return !all[i].runAt.Before(from) })
	return all[first:end]
}

// held returns the delivery of a lease, or nil if the lease does not hold any more.
func (q *queue) held(l *store.Lease) *delivery {
	if d := q.rows[rowKey(*l)]; d != nil && d.lease == *l {
		return d
	}
	return nil
}

// queueOf is a [store.Queue].
type queueOf struct {
	*Store
	*queue
}

// Claim implements [store.Queue].
func (q queueOf) Claim(ctx context.Context, claim store.Claim) (deliveries []store.Delivery, err error) {
	claim.Now, claim.Until = store.StoredTime(claim.Now), store.StoredTime(claim.Until)
	err = q.write(ctx, "claim "+string(q.name), func(t *transaction) error {
		for _, d := range q.due(claim) {
			deliveries = append(deliveries, q.take(t, *d, claim.Now, claim.Until, claim.Holder))
		}
		return nil
	})
	return deliveries, err
}

// due returns the deliveries that a claim takes.
func (q queueOf) due(claim store.Claim) (found []*delivery) {
	limit := max(claim.Limit, 0)
	for i, kind := range claim.Kinds {
		if _, paused := q.pauses[kind.Workflow]; paused || slices.Contains(claim.Kinds[:i], kind) {
			continue
		}
		due := q.alive(kind, claim.From[kind], claim.Now)
		found = append(found, due[:min(limit, len(due))]...)
	}
	slices.SortStableFunc(found, func(a, b *delivery) int {
		return cmp.Or(cmp.Compare(claim.Priority[b.kind], claim.Priority[a.kind]), byRunAt(a, b))
	})
	return found[:min(limit, len(found))]
}

// take leases a delivery.
func (q *queue) take(t *transaction, d delivery, now, until time.Time, holder string) store.Delivery {
	due := d.runAt
	d.runAt, d.claimedAt, d.holder = until, now, usererr.Bound(holder)
	d.attempts++
	d.lease.Token++
	q.put(t, &d)
	return store.Delivery{
		Lease: d.lease, Kind: d.kind, Payload: []byte(d.payload), Due: d.dueAt, RunAt: due, Attempt: d.attempts,
		LastError: d.lastError, Trace: d.trace, BlockedSince: d.blockedSince,
	}
}

// LookBack implements [store.Queue].
func (q queueOf) LookBack(ctx context.Context, before map[store.Kind]time.Time) (oldest map[store.Kind]time.Time, err error) {
	oldest = make(map[store.Kind]time.Time)
	err = q.read(ctx, "look back at "+string(q.name), func() error {
		for kind, bound := range before {
			all := q.kinds[kind]
			if _, paused := q.pauses[kind.Workflow]; !paused && len(all) > 0 && all[0].runAt.Before(store.StoredTime(bound)) {
				oldest[kind] = all[0].runAt
			}
		}
		return nil
	})
	return oldest, err
}

// RetryBlocked implements [store.Queue].
func (q queueOf) RetryBlocked(ctx context.Context, kinds []store.Kind, now time.Time, limit int) (retried int, err error) {
	now = store.StoredTime(now)
	err = q.write(ctx, "retry blocked "+string(q.name), func(t *transaction) error {
		for _, kind := range kinds {
			var blocked []*delivery
			for _, d := range q.kinds[kind] {
				if !d.blockedSince.IsZero() && d.claimedAt.IsZero() && d.parkedFrom.IsZero() && d.runAt.After(now) {
					blocked = append(blocked, d)
				}
			}
			slices.SortStableFunc(blocked, func(a, b *delivery) int { return a.blockedSince.Compare(b.blockedSince) })
			for _, row := range blocked[:min(len(blocked), limit-retried)] {
				d := *row
				d.runAt = now
				q.put(t, &d)
				retried++
			}
		}
		return nil
	})
	return retried, err
}

// Realign implements [store.Queue].
func (q queueOf) Realign(ctx context.Context, now, claimedAfter time.Time) (realigned int64, err error) {
	now, claimedAfter = store.StoredTime(now), store.StoredTime(claimedAfter)
	err = q.write(ctx, "realign leases of "+string(q.name), func(t *transaction) error {
		for _, row := range q.rows {
			if d := *row; d.diedAt.IsZero() && d.claimedAt.After(claimedAfter) {
				d.runAt, d.claimedAt = now.Add(d.runAt.Sub(d.claimedAt)), now
				q.put(t, &d)
				realigned++
			}
		}
		return nil
	})
	return realigned, err
}

// Extend implements [store.Queue].
func (q queueOf) Extend(ctx context.Context, leases []store.Lease, until time.Time) (lost []store.Lease, err error) {
	return forEach(ctx, q, "extend leases of", leases, func(t *transaction, l *store.Lease) (bool, error) {
		row := q.held(l)
		if row == nil {
			return false, nil
		}
		d := *row
		d.runAt = store.StoredTime(until)
		q.put(t, &d)
		return true, nil
	}, func(l *store.Lease) *store.Lease { return l })
}

// Settle implements [store.Queue].
func (q queueOf) Settle(ctx context.Context, settlements []store.Settlement) (lost []store.Lease, err error) {
	return forEach(ctx, q, "settle", settlements, func(t *transaction, s *store.Settlement) (bool, error) {
		if d := q.held(&s.Lease); d != nil && s.Verdict == store.Done && s.Error != "" && d.lease.Instance.ID != "" {
			q.recordEnded(t, store.EndedDelivery{
				Lease: d.lease, Kind: d.kind.Name, Ending: store.EndedRefused, At: s.At, Attempts: d.attempts, Reason: s.Error,
			})
		}
		return q.settle(t, s)
	}, func(s *store.Settlement) *store.Lease { return &s.Lease })
}

// settle ends a lease. It reports false when the lease does not hold any more.
func (q *queue) settle(t *transaction, s *store.Settlement) (bool, error) {
	row := q.held(&s.Lease)
	if row == nil {
		return false, nil
	}
	if s.Verdict == store.Done {
		q.delete(t, row)
		return true, nil
	}
	d, at := *row, store.StoredTime(s.At)
	d.blockedSince, d.holder, d.claimedAt = storedOrZero(s.BlockedSince), "", time.Time{}
	d.lease.Token++
	switch s.Verdict {
	case store.RetryLater:
		d.runAt, d.lastError, d.attempts = at, usererr.Bound(s.Error), max(d.attempts, s.Attempts)
	case store.Dead:
		d.diedAt, d.lastError = at, usererr.Bound(s.Error)
		if s.Told {
			d.toldAt = at
		}
	case store.Release:
		d.runAt, d.attempts = at, d.attempts-1
	case store.Again:
		d.runAt, d.dueAt, d.attempts, d.lastError = at, at, s.Attempts, usererr.Bound(s.Error)
	case store.Wait:
		d.runAt, d.lastError, d.attempts = at, usererr.Bound(s.Error), max(d.attempts-1, s.Attempts)
	default:
		return false, fmt.Errorf("unknown verdict %d", s.Verdict)
	}
	q.put(t, &d)
	return true, nil
}

// storedOrZero is [store.StoredTime] of a time that may be missing.
func storedOrZero(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return store.StoredTime(t)
}

// forEach does something with each of several leases in one transaction. It returns the leases that do not hold any more.
func forEach[T any](ctx context.Context, q queueOf, what string, words []T,
	do func(t *transaction, word *T) (held bool, err error), leaseOf func(word *T) *store.Lease,
) (lost []store.Lease, err error) {
	err = q.write(ctx, what+" "+string(q.name), func(t *transaction) error {
		for i := range words {
			lease := leaseOf(&words[i])
			held, err := do(t, &words[i])
			if err != nil {
				return fmt.Errorf("lease of %s: %w", lease.Instance, err)
			}
			if !held {
				lost = append(lost, *lease)
			}
		}
		q.audit(ctx, t, len(words)-len(lost))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return lost, nil
}

// recordEnded stores a record of a delivery that has ended, unless there is one.
func (d *data) recordEnded(t *transaction, e store.EndedDelivery) {
	e.Lease = e.Lease.Named()
	e.At, e.Reason, e.By.Input = store.StoredTime(e.At), usererr.Bound(e.Reason), ""
	records := d.ended[e.Lease.Instance]
	if !slices.ContainsFunc(records, func(other store.EndedDelivery) bool { return other.Lease == e.Lease }) {
		put(t, d.ended, e.Lease.Instance, append(records, e))
	}
}
