package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Backlog implements store.Inspection.
func (s *Store) Backlog(ctx context.Context, queue store.QueueName, now time.Time, limit int) ([]store.Backlog, error) {
	q, err := s.queue(queue)
	if err != nil {
		return nil, err
	}
	backlogs, err := readRowsInOrder(ctx, q.pool, scanBacklog, q.queries.backlog, now, int64(limit))
	if err != nil {
		return nil, wrap(err, "count the backlog of %s", q.name)
	}
	return backlogs, nil
}

func scanBacklog(row pgx.CollectableRow) (b store.Backlog, err error) {
	var oldest, blocked *time.Time
	err = row.Scan(&b.Kind.Workflow, &b.Kind.Name, &b.Due, &b.Leased, &b.Delayed, &b.Dead, &oldest, &b.Blocked, &blocked, &b.BlockedError)
	b.OldestDue, b.OldestBlocked = orZero(oldest), orZero(blocked)
	return b, err
}

// LeaseHolders implements store.Inspection.
func (s *Store) LeaseHolders(ctx context.Context, queue store.QueueName, now time.Time, limit int) ([]store.LeaseHolder, error) {
	q, err := s.queue(queue)
	if err != nil {
		return nil, err
	}
	scan := func(row pgx.CollectableRow) (h store.LeaseHolder, err error) {
		err = row.Scan(&h.Kind.Workflow, &h.Kind.Name, &h.Holder, &h.Leases, &h.ClaimedAt, &h.Until)
		h.ClaimedAt, h.Until = h.ClaimedAt.UTC(), h.Until.UTC()
		return h, err
	}
	holders, err := readRowsInOrder(ctx, q.pool, scan, q.queries.leaseHolders, now, int64(limit))
	if err != nil {
		return nil, wrap(err, "find the holders of leases of %s", q.name)
	}
	return holders, nil
}

// Waiting implements store.Inspection.
func (s *Store) Waiting(
	ctx context.Context, queue store.QueueName, instance store.InstanceKey, limit int,
) ([]store.WaitingDelivery, error) {
	q, err := s.queue(queue)
	if err != nil {
		return nil, err
	}
	scan := func(row pgx.CollectableRow) (store.WaitingDelivery, error) {
		w := store.WaitingDelivery{
			Lease: store.Lease{Queue: q.name, Instance: instance}, Kind: store.Kind{Workflow: instance.Workflow},
		}
		var item string
		var claimed, died, told, blocked *time.Time
		err := row.Scan(&w.Lease.Version, &item, &w.Lease.Token, &w.Lease.Commit, &w.Kind.Name, &w.Due, &w.RunAt, &w.Attempts, &w.LastError,
			&claimed, &died, &w.Holder, &told, &blocked)
		if err != nil {
			return w, err
		}
		w.Due, w.RunAt, w.ClaimedAt, w.DiedAt = w.Due.UTC(), w.RunAt.UTC(), orZero(claimed), orZero(died)
		w.ToldAt, w.BlockedSince = orZero(told), orZero(blocked)
		return w, setLeaseItem(&w.Lease, item)
	}
	waiting, err := readRows(ctx, q.pool, scan, q.queries.waiting, instance.ID, instance.Workflow, int64(limit))
	if err != nil {
		return nil, wrap(err, "read %s of %s", q.name, instance)
	}
	return waiting, nil
}
