package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// ListDead implements [store.DeadLetters].
func (s *Store) ListDead(ctx context.Context, list store.DeadLetterList) (letters []store.DeadLetter, err error) {
	q, err := s.queue(list.Queue)
	if err != nil {
		return nil, err
	}
	// What died before a time comes behind the place of that time and no id.
	from := store.DeadLetterPlace{DiedAt: list.DiedUntil}
	if list.After != nil && (from.DiedAt.IsZero() || list.After.DiedAt.Before(from.DiedAt)) {
		from = *list.After
	}
	place := &from.Lease
	args := append(deadArgs(list.DeadLetterFilter), orEndOfTime(from.DiedAt), place.Instance.ID, place.Instance.Workflow,
		place.Version, q.item(place), int64(list.Limit))
	row := func(columns []driver.Value) error {
		d := store.DeadLetter{
			Lease: store.Lease{
				Queue: q.name, Instance: store.InstanceKey{ID: text(columns[0]), Workflow: text(columns[1])}, Token: number(columns[4]),
				Commit: store.CommitID(number(columns[11])),
			},
			Kind:    store.Kind{Workflow: text(columns[1]), Name: text(columns[5])},
			Payload: []byte(text(columns[6])), Due: fromMicros(number(columns[7])),
			Attempts: int(number(columns[8])), Error: text(columns[9]), DiedAt: fromMicros(number(columns[10])),
			ToldAt: orZero(columns[12]),
		}
		q.found(&d.Lease, columns[2], columns[3])
		letters = append(letters, d)
		return ctx.Err()
	}
	err = q.store.readers.read(ctx, func(on *connection) error { return on.query(row, q.sql.deadLetters.list[list.Told], args...) })
	if err != nil {
		return nil, fmt.Errorf("sqlite: list dead letters of %s: %w", q.name, err)
	}
	return letters, nil
}

// deadArgs are the parameters ?1 to ?5 of the statements that filter dead letters.
func deadArgs(f store.DeadLetterFilter) []driver.Value {
	return []driver.Value{f.Workflow, f.Kind, f.Instance, f.ErrorContains, micros(f.DiedSince)}
}

// CountDead implements [store.DeadLetters].
func (s *Store) CountDead(ctx context.Context, filter store.DeadLetterFilter) (counts []store.DeadLetterCount, err error) {
	q, err := s.queue(filter.Queue)
	if err != nil {
		return nil, err
	}
	args := append(deadArgs(filter), orEndOfTime(filter.DiedUntil))
	row := func(columns []driver.Value) error {
		counts = append(counts, store.DeadLetterCount{
			Queue: q.name, Kind: store.Kind{Workflow: text(columns[0]), Name: text(columns[1])}, Count: number(columns[2]),
			Oldest: fromMicros(number(columns[3])), Newest: fromMicros(number(columns[4])),
		})
		return ctx.Err()
	}
	err = q.store.readers.read(ctx, func(on *connection) error { return on.query(row, q.sql.deadLetters.count[filter.Told], args...) })
	if err != nil {
		return nil, fmt.Errorf("sqlite: count dead letters of %s: %w", q.name, err)
	}
	return counts, nil
}

// Revive implements [store.DeadLetters].
func (s *Store) Revive(ctx context.Context, queue store.QueueName, letters []store.Lease, at time.Time) (gone []store.Lease, err error) {
	q, err := s.queue(queue)
	if err != nil {
		return nil, err
	}
	return forEach(ctx, q, letters, "revive dead letters of", func(_ *connection, l *store.Lease) (*store.Lease, string, []driver.Value, error) {
		return l, q.sql.deadLetters.revive, []driver.Value{micros(at)}, nil
	})
}

// Discard implements [store.DeadLetters].
func (s *Store) Discard(
	ctx context.Context, queue store.QueueName, letters []store.Lease, discard store.Discard,
) (gone []store.Lease, err error) {
	q, err := s.queue(queue)
	if err != nil || len(letters) == 0 {
		return nil, err
	}
	err = q.store.writer.write(ctx, func(on *connection) error {
		record := []driver.Value{micros(discard.At), usererr.Bound(discard.By), usererr.Bound(discard.Reason)}
		for i := range letters {
			l := &letters[i]
			recorded, err := on.exec(q.sql.deadLetters.record, q.held(record[:3:3], l)...)
			if err == nil && recorded == 0 {
				gone = append(gone, *l)
				continue
			}
			if err == nil {
				_, err = on.exec(q.sql.deadLetters.discard, q.held(nil, l)...)
			}
			if err != nil {
				return fmt.Errorf("dead letter of %s: %w", l.Instance, err)
			}
		}
		return audit(ctx, on, len(letters)-len(gone))
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: discard dead letters of %s: %w", q.name, err)
	}
	return gone, nil
}

// ListDiscarded implements [store.DeadLetters].
func (s *Store) ListDiscarded(ctx context.Context, list store.DiscardedList) (letters []store.DiscardedLetter, err error) {
	before, place := int64(math.MaxInt64), store.Lease{}
	if list.After != nil {
		before, place = micros(list.After.DiedAt), list.After.Lease
	}
	item := place.Key
	if place.Queue == store.EffectQueue {
		item = strconv.Itoa(place.Position)
	}
	row := func(columns []driver.Value) (err error) {
		d := store.DiscardedLetter{
			DeadLetter: store.DeadLetter{
				Lease: store.Lease{
					Queue: store.QueueName(text(columns[2])), Version: number(columns[3]),
					Instance: store.InstanceKey{ID: text(columns[0]), Workflow: text(columns[1])},
				},
				Kind:    store.Kind{Workflow: text(columns[1]), Name: text(columns[5])},
				Payload: []byte(text(columns[6])), Attempts: int(number(columns[7])), Error: text(columns[8]),
				Due: fromMicros(number(columns[9])), DiedAt: fromMicros(number(columns[10])),
			},
			Discard: store.Discard{At: fromMicros(number(columns[11])), By: text(columns[12]), Reason: text(columns[13])},
		}
		if err := setItemText(&d.Lease, text(columns[4])); err != nil {
			return err
		}
		letters = append(letters, d)
		return ctx.Err()
	}
	err = s.readers.read(ctx, func(on *connection) error {
		return on.query(row, listDiscarded, list.Workflow, list.Instance, before, place.Instance.ID, place.Instance.Workflow,
			string(place.Queue), place.Version, item, int64(list.Limit))
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: list discarded dead letters: %w", err)
	}
	return letters, nil
}
