package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// FinishedInstances implements [store.Forgetting].
func (s *Store) FinishedInstances(ctx context.Context, list store.FinishedList) (found []store.InstanceSummary, err error) {
	after := store.InstancePlace{} // before all there are
	if list.After != nil {
		after = *list.After
	}
	row := func(columns []driver.Value) error {
		found = append(found, summary(columns))
		return ctx.Err()
	}
	err = s.readers.read(ctx, func(on *connection) error {
		return on.query(row, finishedInstances, int64(list.Read), list.Workflow, micros(after.CreatedAt), after.ID,
			micros(list.CompletedBefore), int64(list.Limit))
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: find finished instances of workflow %s: %w", list.Workflow, err)
	}
	return found, nil
}

// DeleteInstances implements [store.Forgetting].
func (s *Store) DeleteInstances(
	ctx context.Context, instances []store.InstanceVersion, read store.FeedPosition,
) (kept []store.InstanceKey, err error) {
	if len(instances) == 0 {
		return nil, nil
	}
	err = s.writer.write(ctx, func(on *connection) error {
		for _, i := range instances {
			deleted, err := deleteOne(on, i, read)
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return fmt.Errorf("%s: %w", i.Instance, err)
			}
			if !deleted {
				kept = append(kept, i.Instance)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: delete instances: %w", err)
	}
	return kept, nil
}

func deleteOne(on *connection, i store.InstanceVersion, read store.FeedPosition) (bool, error) {
	ok := false
	row := func([]driver.Value) error {
		ok = true
		return nil
	}
	err := on.query(row, isDeletable, int64(read), i.Instance.ID, i.Instance.Workflow, i.Version)
	if err != nil || !ok {
		return false, err
	}
	for _, statement := range deleteInstance {
		if _, err := on.exec(statement, i.Instance.ID, i.Instance.Workflow); err != nil {
			return false, err
		}
	}
	return true, nil
}

// DeleteRecords implements [store.Forgetting].
func (s *Store) DeleteRecords(ctx context.Context, kind store.RecordKind, before time.Time, limit int) (deleted int64, err error) {
	statement, ok := deleteRecords[kind]
	if !ok {
		return 0, fmt.Errorf("sqlite: there are no records %q", kind)
	}
	err = s.writer.write(ctx, func(on *connection) (err error) {
		deleted, err = on.exec(statement, micros(before), int64(limit))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("sqlite: delete %s: %w", kind, err)
	}
	return deleted, nil
}

// TakeChore implements [store.Forgetting].
func (s *Store) TakeChore(ctx context.Context, name string, now, until time.Time) (token int64, taken bool, err error) {
	row := func(columns []driver.Value) error {
		token, taken = number(columns[0]), true
		return nil
	}
	err = s.writer.write(ctx, func(on *connection) error { return on.query(row, takeChore, name, micros(now), micros(until)) })
	if err != nil {
		return 0, false, fmt.Errorf("sqlite: take the chore %q: %w", name, err)
	}
	return token, taken, nil
}

// MoveChore implements [store.Forgetting].
func (s *Store) MoveChore(ctx context.Context, name string, token int64, due time.Time) (lost bool, err error) {
	err = s.writer.write(ctx, func(on *connection) error {
		moved, err := on.exec(moveChore, micros(due), name, token)
		lost = moved == 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("sqlite: move the chore %q: %w", name, err)
	}
	return lost, nil
}
