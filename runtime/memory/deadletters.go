package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// ListDead implements [store.DeadLetters].
func (s *Store) ListDead(ctx context.Context, list store.DeadLetterList) (letters []store.DeadLetter, err error) {
	err = s.read(ctx, "list dead letters", func() error {
		dead, err := s.dead(list.DeadLetterFilter)
		for _, d := range dead {
			letter := d.deadLetter()
			if list.After == nil || comparePlaces(letter.DiedAt, letter.Lease, list.After) < 0 {
				letters = append(letters, letter)
			}
		}
		return err
	})
	slices.SortFunc(letters, func(a, b store.DeadLetter) int {
		return comparePlaces(b.DiedAt, b.Lease, &store.DeadLetterPlace{DiedAt: a.DiedAt, Lease: a.Lease})
	})
	return letters[:min(len(letters), max(list.Limit, 0))], err
}

// comparePlaces compares places in a list, from which the last ones come first.
func comparePlaces(diedAt time.Time, l store.Lease, other *store.DeadLetterPlace) int {
	o := other.Lease
	return cmp.Or(diedAt.Compare(store.StoredTime(other.DiedAt)), cmp.Compare(l.Instance.ID, o.Instance.ID),
		cmp.Compare(l.Instance.Workflow, o.Instance.Workflow), cmp.Compare(l.Queue, o.Queue), cmp.Compare(l.Version, o.Version),
		cmp.Compare(l.Position, o.Position), cmp.Compare(l.Key, o.Key))
}

func (d *delivery) deadLetter() store.DeadLetter {
	return store.DeadLetter{
		Lease: d.lease, Kind: d.kind, Payload: []byte(d.payload), Attempts: d.attempts, Error: d.lastError, Due: d.dueAt,
		DiedAt: d.diedAt, ToldAt: d.toldAt,
	}
}

// dead returns the dead letters that a filter accepts, in no order.
func (d *data) dead(f store.DeadLetterFilter) (found []*delivery, err error) {
	q, err := d.queue(f.Queue)
	if err != nil {
		return nil, err
	}
	for _, d := range q.rows {
		told := !d.toldAt.IsZero()
		if !d.diedAt.IsZero() &&
			(f.Told == store.ToldOrNot || told == (f.Told == store.OnlyTold)) &&
			(f.Workflow == "" || f.Workflow == d.kind.Workflow) &&
			(f.Kind == "" || f.Kind == d.kind.Name) &&
			(f.Instance == "" || f.Instance == d.lease.Instance.ID) &&
			strings.Contains(d.lastError, f.ErrorContains) && within(d.diedAt, f.DiedSince, f.DiedUntil) {
			found = append(found, d)
		}
	}
	return found, nil
}

// within reports whether a time is at or after another one, and before a third one. A zero bound is none.
func within(t, from, before time.Time) bool {
	return !t.Before(storedOrZero(from)) && (before.IsZero() || t.Before(store.StoredTime(before)))
}

// CountDead implements [store.DeadLetters].
func (s *Store) CountDead(ctx context.Context, filter store.DeadLetterFilter) (counts []store.DeadLetterCount, err error) {
	err = s.read(ctx, "count dead letters", func() error {
		dead, err := s.dead(filter)
		byKind := make(map[store.Kind]store.DeadLetterCount)
		for _, d := range dead {
			c, there := byKind[d.kind]
			if c.Queue, c.Kind = filter.Queue, d.kind; !there || d.diedAt.Before(c.Oldest) {
				c.Oldest = d.diedAt
			}
			if d.diedAt.After(c.Newest) {
				c.Newest = d.diedAt
			}
			c.Count++
			byKind[d.kind] = c
		}
		for _, c := range byKind {
			counts = append(counts, c)
		}
		return err
	})
	slices.SortFunc(counts, func(a, b store.DeadLetterCount) int { return compareKinds(a.Kind, b.Kind) })
	return counts, err
}

func compareKinds(a, b store.Kind) int {
	return cmp.Or(cmp.Compare(a.Workflow, b.Workflow), cmp.Compare(a.Name, b.Name))
}

// Revive implements [store.DeadLetters].
func (s *Store) Revive(ctx context.Context, queue store.QueueName, letters []store.Lease, at time.Time) (gone []store.Lease, err error) {
	return s.eachDead(ctx, "revive", queue, letters, func(t *transaction, q *queueOf, d delivery) {
		d.diedAt, d.toldAt, d.blockedSince, d.attempts, d.runAt = time.Time{}, time.Time{}, time.Time{}, 0, store.StoredTime(at)
		d.lease.Token++
		q.put(t, &d)
	})
}

// Discard implements [store.DeadLetters].
func (s *Store) Discard(
	ctx context.Context, queue store.QueueName, letters []store.Lease, discard store.Discard,
) (gone []store.Lease, err error) {
	discard.At, discard.By, discard.Reason = store.StoredTime(discard.At), usererr.Bound(discard.By), usererr.Bound(discard.Reason)
	return s.eachDead(ctx, "discard", queue, letters, func(t *transaction, q *queueOf, d delivery) {
		letter := store.DiscardedLetter{DeadLetter: d.deadLetter(), Discard: discard}
		letter.Lease, letter.ToldAt = letter.Lease.Named(), time.Time{}
		set(t, &s.discarded, append(s.discarded, letter))
		q.delete(t, q.rows[rowKey(d.lease)])
	})
}

// eachDead does something with dead letters. It returns those that are none any more.
func (s *Store) eachDead(ctx context.Context, what string, queue store.QueueName, letters []store.Lease,
	do func(t *transaction, q *queueOf, d delivery),
) (gone []store.Lease, err error) {
	rows, err := s.queue(queue)
	if err != nil {
		return nil, fmt.Errorf("memory: %s dead letters: %w", what, err)
	}
	q := queueOf{s, rows}
	return forEach(ctx, q, what+" dead letters of", letters, func(t *transaction, l *store.Lease) (bool, error) {
		d := q.held(l)
		if d == nil || d.diedAt.IsZero() {
			return false, nil
		}
		do(t, &q, *d)
		return true, nil
	}, func(l *store.Lease) *store.Lease { return l })
}

// ListDiscarded implements [store.DeadLetters].
func (s *Store) ListDiscarded(ctx context.Context, list store.DiscardedList) (letters []store.DiscardedLetter, err error) {
	err = s.read(ctx, "list discarded dead letters", func() error {
		for _, d := range s.discarded {
			if (list.Workflow == "" || d.Kind.Workflow == list.Workflow) && (list.Instance == "" || d.Lease.Instance.ID == list.Instance) &&
				(list.After == nil || comparePlaces(d.Discard.At, d.Lease, list.After) < 0) {
				d.Payload = []byte(string(d.Payload))
				letters = append(letters, d)
			}
		}
		return nil
	})
	slices.SortFunc(letters, func(a, b store.DiscardedLetter) int {
		return comparePlaces(b.Discard.At, b.Lease, &store.DeadLetterPlace{DiedAt: a.Discard.At, Lease: a.Lease})
	})
	return letters[:min(len(letters), max(list.Limit, 0))], err
}
