package sqlite

import (
	"cmp"
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// table is what the two queues differ in: the statements, and the field of a lease that tells the deliveries of one decision apart.
type table struct {
	name    store.QueueName
	sql     queueQueries
	item    func(l *store.Lease) driver.Value
	setItem func(l *store.Lease, item driver.Value)
}

var (
	effectTable = &table{store.EffectQueue, effectQueries,
		func(l *store.Lease) driver.Value { return int64(l.Position) },
		func(l *store.Lease, item driver.Value) { l.Position = int(number(item)) }}
	timerTable = &table{store.TimerQueue, timerQueries,
		func(l *store.Lease) driver.Value { return l.Key },
		func(l *store.Lease, item driver.Value) { l.Key = text(item) }}
)

func tableOf(name store.QueueName) (*table, error) {
	for _, t := range []*table{effectTable, timerTable} {
		if t.name == name {
			return t, nil
		}
	}
	return nil, fmt.Errorf("there is no queue %q", name)
}

// row adds the arguments that name the row of a lease.
func (t *table) row(args []driver.Value, l *store.Lease) []driver.Value {
	return append(args, l.Instance.ID, l.Instance.Workflow, l.Version, t.item(l))
}

// found puts into a lease what names its row within the instance.
func (t *table) found(l *store.Lease, version, item driver.Value) {
	l.Version = number(version)
	t.setItem(l, item)
}

// held adds the arguments that name it as long as the lease holds.
func (t *table) held(args []driver.Value, l *store.Lease) []driver.Value {
	return append(t.row(args, l), l.Token, int64(l.Commit))
}

// queue is a [store.Queue].
type queue struct {
	*table
	store *Store
}

func effectQueue(s *Store) queue { return queue{effectTable, s} }
func timerQueue(s *Store) queue  { return queue{timerTable, s} }

func (s *Store) queue(name store.QueueName) (queue, error) {
	t, err := tableOf(name)
	return queue{t, s}, err
}

// Claim implements [store.Queue]. It first looks without a lock, so that polling a queue in which nothing is due costs a
// few reads of an index and does not hold up those who write.
func (q queue) Claim(ctx context.Context, claim store.Claim) ([]store.Delivery, error) {
	var found []candidate
	err := q.store.readers.read(ctx, func(on *connection) (err error) {
		found, err = q.due(ctx, on, claim, 1)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: look for due %s: %w", q.name, err)
	}
	if len(found) == 0 {
		return nil, nil
	}
	var deliveries []store.Delivery
	err = q.store.writer.write(ctx, func(on *connection) error {
		found, err := q.due(ctx, on, claim, claim.Limit)
		if err != nil {
			return err
		}
		for _, c := range found {
			if deliveries, err = q.take(on, c, claim.Now, claim.Until, claim.Holder, deliveries); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: claim %s: %w", q.name, err)
	}
	return deliveries, nil
}

// take leases a delivery and appends it to those that are leased.
func (q queue) take(
	on *connection, c candidate, now, until time.Time, holder string, deliveries []store.Delivery,
) ([]store.Delivery, error) {
	row := func(columns []driver.Value) error {
		c.lease.Token, c.lease.Commit = number(columns[0]), store.CommitID(number(columns[6]))
		deliveries = append(deliveries, store.Delivery{
			Lease: c.lease, Kind: c.kind, Attempt: int(number(columns[1])), Payload: []byte(text(columns[2])),
			Due: fromMicros(number(columns[3])), RunAt: fromMicros(c.runAt), LastError: text(columns[4]), Trace: text(columns[5]),
			BlockedSince: orZero(columns[7]),
		})
		return nil
	}
	err := on.query(row, q.sql.claim, q.row([]driver.Value{micros(until), micros(now), usererr.Bound(holder)}, &c.lease)...)
	return deliveries, err
}

// candidate is a delivery that is due.
type candidate struct {
	lease store.Lease // without its token
	kind  store.Kind
	runAt int64
}

// due returns up to limit deliveries that may be claimed, the oldest first.
func (q queue) due(ctx context.Context, on *connection, claim store.Claim, limit int) ([]candidate, error) {
	if claim.Limit <= 0 {
		return nil, ctx.Err()
	}
	var found []candidate
	for i, kind := range claim.Kinds {
		if slices.Contains(claim.Kinds[:i], kind) {
			continue
		}
		row := func(columns []driver.Value) error {
			c := candidate{kind: kind, lease: store.Lease{Queue: q.name}, runAt: number(columns[3])}
			c.lease.Instance = store.InstanceKey{Workflow: kind.Workflow, ID: text(columns[0])}
			q.found(&c.lease, columns[1], columns[2])
			found = append(found, c)
			return nil
		}
		if err := on.query(row, q.sql.due, kind.Workflow, kind.Name, micros(claim.From[kind]), micros(claim.Now), int64(limit)); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(claim.Priority[b.kind], claim.Priority[a.kind]), cmp.Compare(a.runAt, b.runAt))
	})
	return found[:min(limit, len(found))], ctx.Err()
}

// LookBack implements [store.Queue].
func (q queue) LookBack(ctx context.Context, before map[store.Kind]time.Time) (map[store.Kind]time.Time, error) {
	oldest := make(map[store.Kind]time.Time)
	err := q.store.readers.read(ctx, func(on *connection) error {
		for kind, bound := range before {
			row := func(columns []driver.Value) error {
				oldest[kind] = fromMicros(number(columns[0]))
				return ctx.Err()
			}
			if err := on.query(row, q.sql.look, kind.Workflow, kind.Name, micros(bound)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: look back at %s: %w", q.name, err)
	}
	return oldest, nil
}

// RetryBlocked implements [store.Queue]. It first looks without a lock, and nearly always finds nothing.
func (q queue) RetryBlocked(ctx context.Context, kinds []store.Kind, now time.Time, limit int) (retried int, err error) {
	var found []store.Kind
	err = q.store.readers.read(ctx, func(on *connection) error {
		for _, kind := range kinds {
			row := func([]driver.Value) error {
				found = append(found, kind)
				return nil
			}
			if err := on.query(row, q.sql.blocked, kind.Workflow, kind.Name, micros(now)); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && len(found) > 0 {
		err = q.store.writer.write(ctx, func(on *connection) error {
			retried = 0
			for _, kind := range found {
				n, err := on.exec(q.sql.retryBlocked, kind.Workflow, kind.Name, micros(now), int64(limit-retried))
				if err != nil {
					return err
				}
				retried += int(n)
			}
			return nil
		})
	}
	if err != nil {
		return 0, fmt.Errorf("sqlite: retry blocked %s: %w", q.name, err)
	}
	return retried, nil
}

// Realign implements [store.Queue]. It first looks without a lock, and nearly always finds nothing.
func (q queue) Realign(ctx context.Context, now, claimedAfter time.Time) (realigned int64, err error) {
	found := false
	row := func([]driver.Value) error {
		found = true
		return nil
	}
	err = q.store.readers.read(ctx, func(on *connection) error { return on.query(row, q.sql.future, micros(claimedAfter)) })
	if err == nil && found {
		err = q.store.writer.write(ctx, func(on *connection) (err error) {
			realigned, err = on.exec(q.sql.realign, micros(now), micros(claimedAfter))
			return err
		})
	}
	if err != nil {
		return 0, fmt.Errorf("sqlite: realign leases of %s: %w", q.name, err)
	}
	return realigned, nil
}

// Extend implements [store.Queue].
func (q queue) Extend(ctx context.Context, leases []store.Lease, until time.Time) (lost []store.Lease, err error) {
	return forEach(ctx, q, leases, "extend leases of", func(_ *connection, l *store.Lease) (*store.Lease, string, []driver.Value, error) {
		return l, q.sql.extend, []driver.Value{micros(until)}, nil
	})
}

// Settle implements [store.Queue].
func (q queue) Settle(ctx context.Context, settlements []store.Settlement) (lost []store.Lease, err error) {
	return forEach(ctx, q, settlements, "settle", func(on *connection, s *store.Settlement) (*store.Lease, string, []driver.Value, error) {
		if s.Verdict == store.Done && s.Error != "" {
			recorded := q.held([]driver.Value{micros(s.At), usererr.Bound(s.Error)}, &s.Lease)
			if _, err := on.exec(q.sql.recordRefused, recorded...); err != nil {
				return &s.Lease, "", nil, err
			}
		}
		statement, args, err := q.settlement(s)
		return &s.Lease, statement, args, err
	})
}

func (t *table) settlement(s *store.Settlement) (statement string, args []driver.Value, err error) {
	var blocked, told driver.Value
	if !s.BlockedSince.IsZero() {
		blocked = micros(s.BlockedSince)
	}
	if s.Told {
		told = micros(s.At)
	}
	switch s.Verdict {
	case store.Done:
		return t.sql.done, nil, nil
	case store.RetryLater:
		return t.sql.retry, []driver.Value{blocked, micros(s.At), usererr.Bound(s.Error), int64(s.Attempts)}, nil
	case store.Dead:
		return t.sql.dead, []driver.Value{blocked, micros(s.At), told, usererr.Bound(s.Error)}, nil
	case store.Release:
		return t.sql.release, []driver.Value{blocked, micros(s.At)}, nil
	case store.Again:
		return t.sql.again, []driver.Value{blocked, micros(s.At), micros(s.At), int64(s.Attempts), usererr.Bound(s.Error)}, nil
	case store.Wait:
		return t.sql.wait, []driver.Value{blocked, micros(s.At), usererr.Bound(s.Error), int64(s.Attempts)}, nil
	}
	return "", nil, fmt.Errorf("unknown verdict %d", s.Verdict)
}

// forEach runs in one transaction, for each of several words about a lease, a statement that changes its row if the lease
// still holds. It returns the leases that do not.
func forEach[T any](ctx context.Context, q queue, words []T, what string,
	statement func(on *connection, word *T) (lease *store.Lease, statement string, args []driver.Value, err error),
) (lost []store.Lease, err error) {
	if len(words) == 0 {
		return nil, nil
	}
	err = q.store.writer.write(ctx, func(on *connection) error {
		for i := range words {
			lease, statement, args, err := statement(on, &words[i])
			if err != nil {
				return fmt.Errorf("lease of %s: %w", lease.Instance, err)
			}
			changed, err := on.exec(statement, q.held(args, lease)...)
			if err != nil {
				return fmt.Errorf("lease of %s: %w", lease.Instance, err)
			}
			if changed == 0 {
				lost = append(lost, *lease)
			}
		}
		return audit(ctx, on, len(words)-len(lost))
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: %s %s: %w", what, q.name, err)
	}
	return lost, nil
}
