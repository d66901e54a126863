package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime"
)

// Backlog implements runtime.Backlogs.
func (q *queue) Backlog(ctx context.Context, now time.Time, limit int) (backlogs []runtime.Backlog, err error) {
	err = transact(ctx, q.pool, func(batch *pgx.Batch) {
		batch.Queue(readInOrder)
		batch.Queue(q.queries.backlog, now, int64(limit)).Query(func(rows pgx.Rows) error {
			backlogs, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (b runtime.Backlog, err error) {
				var oldest *time.Time
				err = row.Scan(&b.Kind.Workflow, &b.Kind.Name, &b.Due, &b.Leased, &b.Delayed, &b.Dead, &oldest)
				b.OldestDue = orZero(oldest)
				return b, err
			})
			return err
		})
	})
	if err != nil {
		return nil, wrap(err, "count the backlog of %s", q.name)
	}
	return backlogs, nil
}

// Waiting implements runtime.Backlogs.
func (q *queue) Waiting(ctx context.Context, instance runtime.InstanceKey, limit int) (waiting []runtime.WaitingDelivery, err error) {
	err = transact(ctx, q.pool, func(batch *pgx.Batch) {
		batch.Queue(q.queries.waiting, instance.ID, instance.Workflow, int64(limit)).Query(func(rows pgx.Rows) error {
			waiting, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (runtime.WaitingDelivery, error) {
				w := runtime.WaitingDelivery{
					Lease: runtime.Lease{Queue: q.name, Instance: instance}, Kind: runtime.Kind{Workflow: instance.Workflow},
				}
				var item string
				var claimed, died *time.Time
				err := row.Scan(&w.Lease.Version, &item, &w.Lease.Token, &w.Kind.Name, &w.Due, &w.RunAt, &w.Attempts, &w.LastError, &claimed, &died)
				if err != nil {
					return w, err
				}
				w.Due, w.RunAt, w.ClaimedAt, w.DiedAt = w.Due.UTC(), w.RunAt.UTC(), orZero(claimed), orZero(died)
				return w, setLeaseItem(&w.Lease, item)
			})
			return err
		})
	})
	if err != nil {
		return nil, wrap(err, "read %s of %s", q.name, instance)
	}
	return waiting, nil
}
