package sqlite

import (
	"cmp"
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Backlog implements [store.Inspection].
func (s *Store) Backlog(ctx context.Context, queue store.QueueName, now time.Time, limit int) ([]store.Backlog, error) {
	q, err := s.queue(queue)
	if err != nil {
		return nil, err
	}
	found := make(map[store.Kind]*store.Backlog)
	err = s.readOneMoment(ctx, func(on *connection) error {
		if err := q.countAlive(ctx, on, found, now, limit); err != nil {
			return err
		}
		return q.countDead(ctx, on, found, limit)
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: count the backlog of %s: %w", q.name, err)
	}
	backlogs := make([]store.Backlog, 0, len(found))
	for _, b := range found {
		backlogs = append(backlogs, *b)
	}
	slices.SortFunc(backlogs, func(a, b store.Backlog) int {
		return cmp.Or(cmp.Compare(a.Kind.Workflow, b.Kind.Workflow), cmp.Compare(a.Kind.Name, b.Kind.Name))
	})
	return backlogs, nil
}

// of returns the backlog of the kind that the first two columns name.
func of(found map[store.Kind]*store.Backlog, columns []driver.Value) *store.Backlog {
	kind := store.Kind{Workflow: text(columns[0]), Name: text(columns[1])}
	if found[kind] == nil {
		found[kind] = &store.Backlog{Kind: kind}
	}
	return found[kind]
}

// eachKind goes from kind to kind by a statement that finds the one after another.
func eachKind(
	ctx context.Context, on *connection, found map[store.Kind]*store.Backlog, next string, do func(b *store.Backlog) error,
) error {
	for kind := (store.Kind{}); ; {
		var b *store.Backlog
		row := func(columns []driver.Value) error {
			b = of(found, columns)
			return ctx.Err()
		}
		if err := on.query(row, next, kind.Workflow, kind.Name); err != nil || b == nil {
			return err
		}
		if err := do(b); err != nil {
			return err
		}
		kind = b.Kind
	}
}

// countDead counts the dead letters that somebody has to decide about.
func (q queue) countDead(ctx context.Context, on *connection, found map[store.Kind]*store.Backlog, limit int) error {
	return eachKind(ctx, on, found, q.sql.backlogs.nextDead, func(b *store.Backlog) error {
		return on.query(func(columns []driver.Value) error {
			b.Dead = number(columns[0])
			return ctx.Err()
		}, q.sql.backlogs.dead, b.Kind.Workflow, b.Kind.Name, int64(limit))
	})
}

// countAlive counts what is not dead.
func (q queue) countAlive(
	ctx context.Context, on *connection, found map[store.Kind]*store.Backlog, now time.Time, limit int,
) error {
	return eachKind(ctx, on, found, q.sql.backlogs.next, func(b *store.Backlog) error {
		due := func(columns []driver.Value) error {
			b.Due, b.OldestDue = number(columns[0]), orZero(columns[1])
			return ctx.Err()
		}
		later := func(columns []driver.Value) error {
			b.Leased = number(columns[1])
			parked := number(columns[2])
			b.Delayed = number(columns[0]) - b.Leased - parked
			b.Due += parked
			if from := orZero(columns[3]); parked > 0 && (b.OldestDue.IsZero() || from.Before(b.OldestDue)) {
				b.OldestDue = from
			}
			return ctx.Err()
		}
		blocked := func(columns []driver.Value) error {
			b.Blocked, b.OldestBlocked, b.BlockedError = number(columns[0]), orZero(columns[1]), text(columns[2])
			return ctx.Err()
		}
		args := []driver.Value{b.Kind.Workflow, b.Kind.Name, micros(now), int64(limit)}
		if err := on.query(due, q.sql.backlogs.due, args...); err != nil {
			return err
		}
		if err := on.query(later, q.sql.backlogs.later, args...); err != nil {
			return err
		}
		return on.query(blocked, q.sql.backlogs.blocked, b.Kind.Workflow, b.Kind.Name, int64(limit))
	})
}

// LeaseHolders implements [store.Inspection].
func (s *Store) LeaseHolders(ctx context.Context, queue store.QueueName, now time.Time, limit int) (holders []store.LeaseHolder, err error) {
	q, err := s.queue(queue)
	if err != nil {
		return nil, err
	}
	err = s.readOneMoment(ctx, func(on *connection) error {
		return eachKind(ctx, on, make(map[store.Kind]*store.Backlog), q.sql.backlogs.next, func(b *store.Backlog) error {
			row := func(columns []driver.Value) error {
				holders = append(holders, store.LeaseHolder{
					Kind: b.Kind, Holder: text(columns[0]), Leases: number(columns[1]),
					ClaimedAt: fromMicros(number(columns[2])), Until: fromMicros(number(columns[3])),
				})
				return ctx.Err()
			}
			return on.query(row, q.sql.backlogs.holders, b.Kind.Workflow, b.Kind.Name, micros(now), int64(limit))
		})
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: find the holders of leases of %s: %w", q.name, err)
	}
	return holders, nil
}

// Waiting implements [store.Inspection].
func (s *Store) Waiting(
	ctx context.Context, queue store.QueueName, instance store.InstanceKey, limit int,
) (waiting []store.WaitingDelivery, err error) {
	q, err := s.queue(queue)
	if err != nil {
		return nil, err
	}
	row := func(columns []driver.Value) error {
		w := store.WaitingDelivery{
			Lease: store.Lease{Queue: q.name, Instance: instance, Token: number(columns[2]), Commit: store.CommitID(number(columns[10]))},
			Kind:  store.Kind{Workflow: instance.Workflow, Name: text(columns[3])},
			Due:   fromMicros(number(columns[4])), RunAt: fromMicros(number(columns[5])),
			Attempts: int(number(columns[6])), LastError: text(columns[7]),
			ClaimedAt: orZero(columns[8]), DiedAt: orZero(columns[9]),
			Holder: text(columns[11]), ToldAt: orZero(columns[12]), BlockedSince: orZero(columns[13]),
		}
		q.found(&w.Lease, columns[0], columns[1])
		waiting = append(waiting, w)
		return ctx.Err()
	}
	err = q.store.readers.read(ctx, func(on *connection) error {
		return on.query(row, q.sql.backlogs.waiting, instance.ID, instance.Workflow, int64(limit))
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: read %s of %s: %w", q.name, instance, err)
	}
	return waiting, nil
}
