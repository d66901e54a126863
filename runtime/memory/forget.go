package memory

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// FinishedInstances implements [store.Forgetting].
func (s *Store) FinishedInstances(ctx context.Context, list store.FinishedList) (found []store.InstanceSummary, err error) {
	err = s.read(ctx, "find finished instances", func() error {
		for key, row := range s.instances {
			if key.Workflow == list.Workflow && s.isDeletable(key, list.Read) && row.completedAt.Before(store.StoredTime(list.CompletedBefore)) {
				found = append(found, s.summary(key))
			}
		}
		return nil
	})
	if after := list.After; after != nil {
		found = slices.DeleteFunc(found, func(i store.InstanceSummary) bool {
			return cmp.Or(i.CreatedAt.Compare(store.StoredTime(after.CreatedAt)), cmp.Compare(i.Key.ID, after.ID)) <= 0
		})
	}
	slices.SortFunc(found, byPlace)
	return found[:min(len(found), max(list.Limit, 0))], err
}

// isDeletable reports whether an instance has completed, has no effects but dead ones that it was told of, and has no event that a
// reader of the feed has still to read.
func (d *data) isDeletable(key store.InstanceKey, read store.FeedPosition) bool {
	row, events := d.instances[key], d.events[key]
	return !row.completedAt.IsZero() && events[len(events)-1].Position() <= read &&
		!slices.ContainsFunc(d.effects.of[key], func(d *delivery) bool { return d.toldAt.IsZero() })
}

// DeleteInstances implements [store.Forgetting].
func (s *Store) DeleteInstances(
	ctx context.Context, instances []store.InstanceVersion, read store.FeedPosition,
) (kept []store.InstanceKey, err error) {
	err = s.write(ctx, "delete instances", func(t *transaction) error {
		gone := make(map[store.InstanceKey]bool)
		for _, i := range instances {
			if int64(len(s.events[i.Instance])) != i.Version || i.Version == 0 || !s.isDeletable(i.Instance, read) {
				kept = append(kept, i.Instance)
				continue
			}
			gone[i.Instance] = true
			for _, d := range slices.Clone(s.effects.of[i.Instance]) {
				s.effects.delete(t, d)
			}
			drop(t, s.events, i.Instance)
			drop(t, s.snapshots, i.Instance)
			drop(t, s.search, i.Instance)
			drop(t, s.ended, i.Instance)
			drop(t, s.instances, i.Instance)
		}
		set(t, &s.feed, without(s.feed, func(e *event) bool { return gone[e.Instance] }))
		set(t, &s.observations, without(s.observations, func(o store.Observation) bool { return gone[o.Instance] }))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return kept, nil
}

// without returns the other rows, in a new slice.
func without[T any](rows []T, gone func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(rows), gone)
}

// DeleteRecords implements [store.Forgetting].
func (s *Store) DeleteRecords(ctx context.Context, kind store.RecordKind, before time.Time, limit int) (deleted int64, err error) {
	before = store.StoredTime(before)
	err = s.write(ctx, "delete "+string(kind), func(t *transaction) error {
		switch kind {
		case store.ObservationRecords:
			gone := oldest(s.observations, before, limit, func(o store.Observation) time.Time { return o.ObservedAt })
			set(t, &s.observations, without(s.observations, func(o store.Observation) bool {
				return slices.ContainsFunc(gone, func(g store.Observation) bool { return g.Number == o.Number })
			}))
			deleted = int64(len(gone))
		case store.InputOutcomeRecords:
			var all []store.InputOutcome
			for _, o := range s.outcomes {
				all = append(all, o)
			}
			gone := oldest(all, before, limit, func(o store.InputOutcome) time.Time { return o.RecordedAt })
			for _, o := range gone {
				drop(t, s.outcomes, o.Input)
			}
			deleted = int64(len(gone))
		case store.DiscardedRecords:
			at := func(d store.DiscardedLetter) time.Time { return d.Discard.At }
			sorted := slices.Clone(s.discarded)
			slices.SortStableFunc(sorted, func(a, b store.DiscardedLetter) int { return at(a).Compare(at(b)) })
			deleted = int64(len(oldest(sorted, before, limit, at)))
			set(t, &s.discarded, sorted[deleted:])
		case store.AuditRecords:
			all := slices.Collect(maps.Values(s.audits))
			gone := oldest(all, before, limit, func(r store.AuditRecord) time.Time { return r.At })
			for _, r := range gone {
				drop(t, s.audits, r.ID)
			}
			deleted = int64(len(gone))
		default:
			return fmt.Errorf("there are no records %q", kind)
		}
		return nil
	})
	return deleted, err
}

// oldest returns up to limit rows from before a time, the oldest first.
func oldest[T any](rows []T, before time.Time, limit int, at func(T) time.Time) []T {
	found := without(rows, func(row T) bool { return !at(row).Before(before) })
	slices.SortStableFunc(found, func(a, b T) int { return at(a).Compare(at(b)) })
	return found[:min(len(found), max(limit, 0))]
}

// TakeChore implements [store.Forgetting].
func (s *Store) TakeChore(ctx context.Context, name string, now, until time.Time) (token int64, taken bool, err error) {
	err = s.write(ctx, "take the chore "+name, func(t *transaction) error {
		c, there := s.chores[name]
		if there && c.runAt.After(store.StoredTime(now)) {
			return nil
		}
		token, taken = c.token+1, true
		put(t, s.chores, name, chore{store.StoredTime(until), token})
		return nil
	})
	return token, taken, err
}

// MoveChore implements [store.Forgetting].
func (s *Store) MoveChore(ctx context.Context, name string, token int64, due time.Time) (lost bool, err error) {
	err = s.write(ctx, "move the chore "+name, func(t *transaction) error {
		if c, there := s.chores[name]; !there || c.token != token {
			lost = true
			return nil
		}
		put(t, s.chores, name, chore{store.StoredTime(due), token})
		return nil
	})
	return lost, err
}
