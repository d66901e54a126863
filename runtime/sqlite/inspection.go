package sqlite

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// History implements [store.Inspection].
func (s *Store) History(
	ctx context.Context, instance store.InstanceKey, after int64, limit int,
) (events []store.StoredEvent, err error) {
	bytes := 0
	row := func(columns []driver.Value) error {
		events = append(events, store.StoredEvent{
			Instance: instance, Version: number(columns[0]), GlobalSequence: number(columns[1]), Type: text(columns[2]),
			SchemaVersion: int(number(columns[3])), Payload: []byte(text(columns[4])), RecordedAt: fromMicros(number(columns[5])),
			Commit: store.CommitID(number(columns[6])),
		})
		if bytes += len(events[len(events)-1].Payload); bytes >= store.PageBytes {
			return errPageFull
		}
		return ctx.Err()
	}
	err = s.readers.read(ctx, func(on *connection) error {
		return on.query(row, readHistory, instance.ID, instance.Workflow, after, int64(limit))
	})
	if err != nil && !errors.Is(err, errPageFull) {
		return nil, fmt.Errorf("sqlite: read the history of %s: %w", instance, err)
	}
	return events, nil
}

// ListInstances implements [store.Inspection].
func (s *Store) ListInstances(ctx context.Context, list store.InstanceList) (found []store.InstanceSummary, err error) {
	err = s.readOneMoment(ctx, func(on *connection) error {
		if list.Activity != store.OnlyCompleted {
			if err := activeQueries.read(ctx, on, list, &found); err != nil {
				return err
			}
		}
		if list.Activity != store.OnlyActive {
			return completedQueries.read(ctx, on, list, &found)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: list instances: %w", err)
	}
	slices.SortFunc(found, func(a, b store.InstanceSummary) int {
		return -cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Key.ID, b.Key.ID), cmp.Compare(a.Key.Workflow, b.Key.Workflow))
	})
	return found[:min(len(found), list.Limit)], nil
}

// readOneMoment runs several statements that see the same.
func (s *Store) readOneMoment(ctx context.Context, run func(*connection) error) error {
	return s.readers.read(ctx, func(on *connection) error {
		if err := on.script("BEGIN"); err != nil {
			return err
		}
		err := run(on)
		return errors.Join(err, rollback(on))
	})
}

// read adds the first instances of each workflow.
func (q *listQueries) read(
	ctx context.Context, on *connection, list store.InstanceList, found *[]store.InstanceSummary,
) error {
	workflow := list.Workflow
	for {
		if list.Workflow == "" {
			var err error
			if workflow, err = oneText(on, q.next, workflow); err != nil || workflow == "" {
				return err
			}
		}
		args := filterArgs(workflow, list.InstanceFilter)
		// What comes before a time comes behind the place of that time and no id.
		from := store.InstancePlace{CreatedAt: list.CreatedBefore}
		if list.After != nil && (from.CreatedAt.IsZero() || list.After.CreatedAt.Before(from.CreatedAt)) {
			from = *list.After
		}
		args = append(args, orEndOfTime(from.CreatedAt), from.ID, from.Workflow, int64(list.Limit))
		row := func(columns []driver.Value) error {
			*found = append(*found, summary(columns))
			return ctx.Err()
		}
		if err := on.query(row, q.list, args...); err != nil || list.Workflow != "" {
			return err
		}
	}
}

func summary(columns []driver.Value) store.InstanceSummary {
	return store.InstanceSummary{
		Key:     store.InstanceKey{ID: text(columns[0]), Workflow: text(columns[1])},
		Version: number(columns[2]), Status: text(columns[3]),
		CreatedAt: fromMicros(number(columns[4])), LastEventAt: fromMicros(number(columns[5])), CompletedAt: orZero(columns[6]),
	}
}

// EventCauses implements [store.Causes].
func (s *Store) EventCauses(ctx context.Context, query store.CauseQuery) (events []store.EventCause, err error) {
	sql := readCauses
	if query.Backward {
		sql = readCausesBackward
	}
	row := func(columns []driver.Value) error {
		event := store.EventCause{
			Version: number(columns[0]), GlobalSequence: number(columns[1]), Type: text(columns[2]),
			RecordedAt: fromMicros(number(columns[3])), Commit: store.CommitID(number(columns[4])),
		}
		if cause := text(columns[5]); cause != "" {
			event.Cause = []byte(cause)
		}
		events = append(events, event)
		return ctx.Err()
	}
	err = s.readers.read(ctx, func(on *connection) error {
		return on.query(row, sql, query.Instance.ID, query.Instance.Workflow, query.From, int64(query.Limit))
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: read the causes of %s: %w", query.Instance, err)
	}
	return events, nil
}

// Summary implements [store.Inspection].
func (s *Store) Summary(ctx context.Context, instance store.InstanceKey) (store.InstanceSummary, error) {
	found := store.InstanceSummary{Key: instance}
	row := func(columns []driver.Value) error {
		found = summary(columns)
		return nil
	}
	err := s.readers.read(ctx, func(on *connection) error { return on.query(row, readSummary, instance.ID, instance.Workflow) })
	if err != nil {
		return found, fmt.Errorf("sqlite: read %s: %w", instance, err)
	}
	return found, nil
}

// Summaries implements [store.Inspection].
func (s *Store) Summaries(ctx context.Context, instances []store.InstanceKey) ([]store.InstanceSummary, error) {
	found := make([]store.InstanceSummary, len(instances))
	err := s.readOneMoment(ctx, func(on *connection) error {
		for i, instance := range instances {
			found[i].Key = instance
			row := func(columns []driver.Value) error {
				found[i] = summary(columns)
				return ctx.Err()
			}
			if err := on.query(row, readSummary, instance.ID, instance.Workflow); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: read %d instances: %w", len(instances), err)
	}
	return found, nil
}

// Undelivered implements [store.Inspection].
func (s *Store) Undelivered(ctx context.Context, effects []store.Lease) (undelivered []store.Lease, err error) {
	err = s.readOneMoment(ctx, func(on *connection) error {
		for _, lease := range effects {
			row := func([]driver.Value) error {
				undelivered = append(undelivered, lease.Named())
				return ctx.Err()
			}
			if err := on.query(row, findUndelivered, lease.Instance.ID, lease.Instance.Workflow, lease.Version, int64(lease.Position)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: read %d effects: %w", len(effects), err)
	}
	return undelivered, nil
}

// oneText returns the text that a query finds, or "".
func oneText(on *connection, query string, args ...driver.Value) (found string, err error) {
	err = on.query(func(columns []driver.Value) error {
		found = text(columns[0])
		return nil
	}, query, args...)
	return found, err
}

// CountInstances implements [store.Inspection].
func (s *Store) CountInstances(ctx context.Context, filter store.InstanceFilter) (counts store.InstanceCounts, err error) {
	args := append(filterArgs(filter.Workflow, filter), orEndOfTime(filter.CreatedBefore), string(filter.Activity))
	row := func(columns []driver.Value) error {
		counts = append(counts, store.InstanceCount{
			Workflow: text(columns[0]), Status: text(columns[1]), Completed: number(columns[2]) != 0, Count: number(columns[3]),
		})
		return ctx.Err()
	}
	err = s.readers.read(ctx, func(on *connection) error { return on.query(row, countInstances, args...) })
	if err != nil {
		return nil, fmt.Errorf("sqlite: count instances: %w", err)
	}
	return counts, nil
}

// filterArgs are the parameters ?1 to ?5 of the statements that filter instances. The lower bounds of the zero time are below
// everything.
func filterArgs(workflow string, f store.InstanceFilter) []driver.Value {
	return []driver.Value{workflow, f.Status, micros(f.CreatedFrom), micros(f.UpdatedFrom), orEndOfTime(f.UpdatedBefore)}
}

// orEndOfTime stands for an upper bound that is not given.
func orEndOfTime(t time.Time) int64 {
	if t.IsZero() {
		return math.MaxInt64
	}
	return micros(t)
}

// IdleInstances implements [store.Inspection].
func (s *Store) IdleInstances(ctx context.Context, instances []store.InstanceKey) (idle []store.InstanceKey, err error) {
	err = s.readOneMoment(ctx, func(on *connection) error {
		for _, instance := range instances {
			busy := false
			row := func([]driver.Value) error {
				busy = true
				return ctx.Err()
			}
			if err := on.query(row, findWaiting, instance.ID, instance.Workflow); err != nil {
				return err
			}
			if !busy {
				idle = append(idle, instance)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: find idle instances: %w", err)
	}
	return idle, nil
}

// EventTypes implements [store.Inspection].
func (s *Store) EventTypes(ctx context.Context, sample int) (types []store.EventType, err error) {
	row := func(columns []driver.Value) error {
		types = append(types, store.EventType{
			Workflow: text(columns[0]), Type: text(columns[1]), SchemaVersion: int(number(columns[2])), Count: number(columns[3]),
			Oldest: fromMicros(number(columns[4])),
		})
		return ctx.Err()
	}
	err = s.readers.read(ctx, func(on *connection) error { return on.query(row, readEventTypes, int64(sample)) })
	if err != nil {
		return nil, fmt.Errorf("sqlite: read the types of events: %w", err)
	}
	return types, nil
}
