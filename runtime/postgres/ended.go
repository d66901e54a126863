package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// EndedDeliveries implements store.Causes.
func (s *Store) EndedDeliveries(
	ctx context.Context, instance store.InstanceKey, from int64, limit int,
) ([]store.EndedDelivery, error) {
	scan := func(row pgx.CollectableRow) (e store.EndedDelivery, err error) {
		e.Lease.Instance = instance
		var item string
		err = row.Scan(&e.Lease.Queue, &e.Lease.Version, &item, &e.Kind, &e.Ending, &e.At, &e.Attempts,
			&e.By.Instance.ID, &e.By.Instance.Workflow, &e.By.Version, &e.Reason)
		if err != nil {
			return e, err
		}
		e.At = e.At.UTC()
		return e, setLeaseItem(&e.Lease, item)
	}
	found, err := readRows(ctx, s.pool, scan, s.queries.inspection.ended, instance.ID, instance.Workflow, from, int64(limit))
	if err != nil {
		return nil, wrap(err, "read ended deliveries of %s", instance)
	}
	return found, nil
}

// ended keeps records of deliveries of other instances.
func (b *changeBatch) ended() {
	var (
		columns, by                            instanceColumns
		queues, items, kinds, endings, reasons []string
		versions, byVersions                   []int64
		times                                  []time.Time
		attempts                               []int32
	)
	for _, change := range b.changes {
		for _, e := range change.Ended {
			columns.add(e.Lease.Instance)
			by.add(e.By.Instance)
			queues, items = append(queues, string(e.Lease.Queue)), append(items, leaseItem(e.Lease))
			kinds, endings, reasons = append(kinds, e.Kind), append(endings, string(e.Ending)), append(reasons, usererr.Bound(e.Reason))
			versions, byVersions = append(versions, e.Lease.Version), append(byVersions, e.By.Version)
			times, attempts = append(times, e.At), append(attempts, int32(e.Attempts))
		}
	}
	if !columns.empty() {
		b.Queue(b.queries.recordEnded, columns.ids, columns.workflows, queues, versions, items, kinds, endings, times, attempts,
			by.ids, by.workflows, byVersions, reasons)
	}
}
