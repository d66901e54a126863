package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime"
)

// History implements runtime.Inspection.
func (s *Store) History(
	ctx context.Context, instance runtime.InstanceKey, after int64, limit int,
) (events []runtime.StoredEvent, err error) {
	err = transact(ctx, s.pool, func(batch *pgx.Batch) {
		batch.Queue(s.queries.inspection.history, instance.ID, instance.Workflow, after, int64(limit)).Query(func(rows pgx.Rows) error {
			events, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (runtime.StoredEvent, error) {
				event := runtime.StoredEvent{Instance: instance}
				err := row.Scan(&event.Version, &event.GlobalSequence, &event.Type, &event.SchemaVersion, &event.Payload, &event.RecordedAt)
				event.RecordedAt = event.RecordedAt.UTC()
				return event, err
			})
			return err
		})
	})
	if err != nil {
		return nil, wrap(err, "read the history of %s", instance)
	}
	return events, nil
}

// EventCauses implements runtime.Causes.
func (s *Store) EventCauses(ctx context.Context, query runtime.CauseQuery) (events []runtime.EventCause, err error) {
	sql := s.queries.inspection.causes
	if query.Backward {
		sql = s.queries.inspection.causesBackward
	}
	err = transact(ctx, s.pool, func(batch *pgx.Batch) {
		batch.Queue(sql, query.Instance.ID, query.Instance.Workflow, query.From, int64(query.Limit)).Query(func(rows pgx.Rows) error {
			events, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (event runtime.EventCause, err error) {
				err = row.Scan(&event.Version, &event.GlobalSequence, &event.Type, &event.RecordedAt, &event.Commit, &event.Cause)
				event.RecordedAt = event.RecordedAt.UTC()
				return event, err
			})
			return err
		})
	})
	if err != nil {
		return nil, wrap(err, "read the causes of %s", query.Instance)
	}
	return events, nil
}

// Summary implements runtime.Inspection.
func (s *Store) Summary(ctx context.Context, instance runtime.InstanceKey) (summary runtime.InstanceSummary, err error) {
	summary.Key = instance
	err = transact(ctx, s.pool, func(batch *pgx.Batch) {
		batch.Queue(s.queries.inspection.summary, instance.ID, instance.Workflow).Query(func(rows pgx.Rows) error {
			found, err := pgx.CollectRows(rows, scanInstance)
			if len(found) > 0 {
				summary = found[0]
			}
			return err
		})
	})
	if err != nil {
		return summary, wrap(err, "read %s", instance)
	}
	return summary, nil
}

// ListInstances implements runtime.Inspection.
func (s *Store) ListInstances(ctx context.Context, list runtime.InstanceList) (instances []runtime.InstanceSummary, err error) {
	// What comes before a time comes behind the place of that time and no id.
	from := runtime.InstancePlace{CreatedAt: orEndOfTime(list.CreatedBefore)}
	if list.After != nil && list.After.CreatedAt.Before(from.CreatedAt) {
		from = *list.After
	}
	args := append(filterArgs(list.InstanceFilter), from.CreatedAt, from.ID, from.Workflow, int64(list.Limit))
	err = transact(ctx, s.pool, func(batch *pgx.Batch) {
		batch.Queue(readInOrder)
		batch.Queue(s.queries.inspection.listInstances, args...).Query(func(rows pgx.Rows) error {
			instances, err = pgx.CollectRows(rows, scanInstance)
			return err
		})
	})
	if err != nil {
		return nil, wrap(err, "list instances")
	}
	return instances, nil
}

func scanInstance(row pgx.CollectableRow) (i runtime.InstanceSummary, err error) {
	var completed *time.Time
	err = row.Scan(&i.Key.ID, &i.Key.Workflow, &i.Version, &i.Status, &i.CreatedAt, &i.LastEventAt, &completed)
	i.CreatedAt, i.LastEventAt, i.CompletedAt = i.CreatedAt.UTC(), i.LastEventAt.UTC(), orZero(completed)
	return i, err
}

// CountInstances implements runtime.Inspection. Unlike all else, it is left to the planner, which reads the whole table when
// that is best.
func (s *Store) CountInstances(ctx context.Context, filter runtime.InstanceFilter) (runtime.InstanceCounts, error) {
	args := append(filterArgs(filter), orEndOfTime(filter.CreatedBefore))
	rows, err := s.pool.Query(ctx, s.queries.inspection.countInstances, args...)
	if err != nil {
		return nil, wrap(err, "count instances")
	}
	counts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c runtime.InstanceCount, err error) {
		err = row.Scan(&c.Workflow, &c.Status, &c.Completed, &c.Count)
		return c, err
	})
	if err != nil {
		return nil, wrap(err, "count instances")
	}
	return counts, nil
}

// filterArgs are the parameters $1 to $6 of the statements that filter instances.
func filterArgs(f runtime.InstanceFilter) []any {
	return []any{f.Workflow, string(f.Activity), f.Status, f.CreatedFrom, f.UpdatedFrom, orEndOfTime(f.UpdatedBefore)}
}

// orEndOfTime stands for a bound that is not given. The zero time does so for a lower bound: nothing is as old.
func orEndOfTime(t time.Time) time.Time {
	if t.IsZero() {
		return endOfTime
	}
	return t
}
