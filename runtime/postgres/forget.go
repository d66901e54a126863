package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// FinishedInstances implements store.Forgetting.
func (s *Store) FinishedInstances(ctx context.Context, list store.FinishedList) ([]store.InstanceSummary, error) {
	after := store.InstancePlace{} // before all there are
	if list.After != nil {
		after = *list.After
	}
	instances, err := readRowsInOrder(ctx, s.pool, scanInstance, s.queries.forget.finished, list.Workflow, list.CompletedBefore,
		int64(list.Read), after.CreatedAt, after.ID, int64(list.Limit))
	if err != nil {
		return nil, wrap(err, "find finished instances of workflow %s", list.Workflow)
	}
	return instances, nil
}

// DeleteInstances implements store.Forgetting.
func (s *Store) DeleteInstances(
	ctx context.Context, instances []store.InstanceVersion, read store.FeedPosition,
) (kept []store.InstanceKey, err error) {
	columns := newVersionColumns(instances)
	if columns.empty() {
		return nil, nil
	}
	var deleted marks
	err = transact(ctx, s.pool, func(batch *pgx.Batch) {
		batch.Queue(lookUp)
		deleted = queueMarking(batch, len(instances), s.queries.forget.deleteInstances, columns.ids, columns.workflows, columns.versions, int64(read))
	})
	if err != nil {
		return nil, wrap(err, "delete %s", columns.describe())
	}
	for i := range instances {
		if !deleted[i] {
			kept = append(kept, instances[i].Instance)
		}
	}
	return kept, nil
}

// DeleteRecords implements store.Forgetting.
func (s *Store) DeleteRecords(ctx context.Context, kind store.RecordKind, before time.Time, limit int) (deleted int64, err error) {
	sql, ok := s.queries.forget.deleteRecords[kind]
	if !ok {
		return 0, fmt.Errorf("postgres: there are no records %q", kind)
	}
	err = transact(ctx, s.pool, func(batch *pgx.Batch) {
		batch.Queue(readInOrder)
		batch.Queue(sql, before, int64(limit)).QueryRow(func(row pgx.Row) error { return row.Scan(&deleted) })
	})
	if err != nil {
		return 0, wrap(err, "delete %s", kind)
	}
	return deleted, nil
}

// TakeChore implements store.Forgetting.
func (s *Store) TakeChore(ctx context.Context, name string, now, until time.Time) (token int64, taken bool, err error) {
	err = transact(ctx, s.pool, func(batch *pgx.Batch) {
		batch.Queue(s.queries.forget.takeChore, name, now, until).QueryRow(func(row pgx.Row) error { return row.Scan(&token) })
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, wrap(err, "take the chore %q", name)
	}
	return token, true, nil
}

// MoveChore implements store.Forgetting.
func (s *Store) MoveChore(ctx context.Context, name string, token int64, due time.Time) (lost bool, err error) {
	var moved int64
	err = transact(ctx, s.pool, func(batch *pgx.Batch) {
		batch.Queue(s.queries.forget.moveChore, name, token, due).QueryRow(func(row pgx.Row) error { return row.Scan(&moved) })
	})
	if err != nil {
		return false, wrap(err, "move the chore %q", name)
	}
	return moved == 0, nil
}
