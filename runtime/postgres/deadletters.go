package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// ListDead implements store.DeadLetters.
func (s *Store) ListDead(ctx context.Context, list store.DeadLetterList) ([]store.DeadLetter, error) {
	q, err := s.queue(list.Queue)
	if err != nil {
		return nil, err
	}
	// What died before a time comes behind the place of that time and no id.
	from := store.DeadLetterPlace{DiedAt: orEndOfTime(list.DiedUntil), Lease: store.Lease{Queue: q.name}}
	if list.After != nil && list.After.DiedAt.Before(from.DiedAt) {
		from = *list.After
	}
	args := append(deadArgs(list.DeadLetterFilter), from.DiedAt, from.Lease.Instance.ID, from.Lease.Instance.Workflow,
		from.Lease.Version, leaseItem(from.Lease), int64(list.Limit))
	letters, err := readRowsInOrder(ctx, q.pool, q.scanDead, q.queries.listDead[list.Told], args...)
	if err != nil {
		return nil, wrap(err, "list dead letters of %s", q.name)
	}
	return letters, nil
}

// deadArgs are the parameters $1 to $5 of the statements that filter dead letters.
func deadArgs(f store.DeadLetterFilter) []any {
	return []any{f.Workflow, f.Kind, f.Instance, f.ErrorContains, f.DiedSince}
}

func (q *queue) scanDead(row pgx.CollectableRow) (store.DeadLetter, error) {
	d := store.DeadLetter{Lease: store.Lease{Queue: q.name}}
	var item string
	var told *time.Time
	err := row.Scan(&d.Lease.Instance.ID, &d.Lease.Instance.Workflow, &d.Lease.Version, &item, &d.Lease.Token, &d.Lease.Commit,
		&d.Kind.Name, &d.Payload, &d.Due, &d.Attempts, &d.Error, &d.DiedAt, &told)
	if err != nil {
		return d, err
	}
	d.Kind.Workflow = d.Lease.Instance.Workflow
	d.Due, d.DiedAt, d.ToldAt = d.Due.UTC(), d.DiedAt.UTC(), orZero(told)
	return d, setLeaseItem(&d.Lease, item)
}

// CountDead implements store.DeadLetters.
func (s *Store) CountDead(ctx context.Context, filter store.DeadLetterFilter) ([]store.DeadLetterCount, error) {
	q, err := s.queue(filter.Queue)
	if err != nil {
		return nil, err
	}
	scan := func(row pgx.CollectableRow) (store.DeadLetterCount, error) {
		c := store.DeadLetterCount{Queue: q.name}
		err := row.Scan(&c.Kind.Workflow, &c.Kind.Name, &c.Count, &c.Oldest, &c.Newest)
		c.Oldest, c.Newest = c.Oldest.UTC(), c.Newest.UTC()
		return c, err
	}
	args := append(deadArgs(filter), orEndOfTime(filter.DiedUntil))
	counts, err := readRows(ctx, q.pool, scan, q.queries.countDead[filter.Told], args...)
	if err != nil {
		return nil, wrap(err, "count dead letters of %s", q.name)
	}
	return counts, nil
}

// Revive implements store.DeadLetters.
func (s *Store) Revive(ctx context.Context, queue store.QueueName, letters []store.Lease, at time.Time) ([]store.Lease, error) {
	q, err := s.queue(queue)
	if err != nil {
		return nil, err
	}
	return q.decide(ctx, "revive", q.queries.revive, letters, auditParam(ctx), at)
}

// Discard implements store.DeadLetters.
func (s *Store) Discard(
	ctx context.Context, queue store.QueueName, letters []store.Lease, discard store.Discard,
) ([]store.Lease, error) {
	q, err := s.queue(queue)
	if err != nil {
		return nil, err
	}
	return q.decide(ctx, "discard", q.queries.discard, letters, auditParam(ctx), discard.At, usererr.Bound(discard.By), usererr.Bound(discard.Reason))
}

// decide runs a statement on dead letters and returns those that it did not find.
func (q *queue) decide(ctx context.Context, what, sql string, letters []store.Lease, args ...any) ([]store.Lease, error) {
	if len(letters) == 0 {
		return nil, nil
	}
	letters = sortedLeases(letters)
	var found marks
	err := transact(ctx, q.pool, func(batch *pgx.Batch) {
		found = queueMarking(batch, len(letters), sql, append(leaseColumns(letters), args...)...)
	})
	if err != nil {
		return nil, wrap(err, "%s %d dead letters of %s", what, len(letters), q.name)
	}
	return unmarked(letters, found), nil
}

// ListDiscarded implements store.DeadLetters.
func (s *Store) ListDiscarded(ctx context.Context, list store.DiscardedList) ([]store.DiscardedLetter, error) {
	from := store.DeadLetterPlace{DiedAt: endOfTime}
	if list.After != nil {
		from = *list.After
	}
	place := from.Lease
	letters, err := readRowsInOrder(ctx, s.pool, scanDiscarded, s.queries.inspection.listDiscarded, list.Workflow, list.Instance,
		from.DiedAt, place.Instance.ID, place.Instance.Workflow, string(place.Queue), place.Version, leaseItem(place), int64(list.Limit))
	if err != nil {
		return nil, wrap(err, "list discarded dead letters")
	}
	return letters, nil
}

func scanDiscarded(row pgx.CollectableRow) (d store.DiscardedLetter, err error) {
	var item string
	err = row.Scan(&d.Lease.Instance.ID, &d.Lease.Instance.Workflow, &d.Lease.Queue, &d.Lease.Version, &item,
		&d.Kind.Name, &d.Payload, &d.Attempts, &d.Error, &d.Due, &d.DiedAt, &d.Discard.At, &d.Discard.By, &d.Discard.Reason)
	if err != nil {
		return d, err
	}
	d.Kind.Workflow = d.Lease.Instance.Workflow
	d.Due, d.DiedAt, d.Discard.At = d.Due.UTC(), d.DiedAt.UTC(), d.Discard.At.UTC()
	return d, setLeaseItem(&d.Lease, item)
}
