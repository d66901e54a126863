package postgres

import (
	"context"

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
