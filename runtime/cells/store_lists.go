package cells

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

func (u *union) History(ctx context.Context, instance store.InstanceKey, after int64, limit int) ([]store.StoredEvent, error) {
	return atHome(ctx, u, instance, func(s *bound.Store) ([]store.StoredEvent, error) { return s.History(ctx, instance, after, limit) })
}

func (u *union) ListInstances(ctx context.Context, list store.InstanceList) ([]store.InstanceSummary, error) {
	parts, err := each(ctx, u, func(ctx context.Context, c *cell) ([]store.InstanceSummary, error) {
		return c.shown.ListInstances(ctx, list)
	})
	return merged(parts, list.Limit, func(a, b store.InstanceSummary) int {
		return -cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Key.ID, b.Key.ID), cmp.Compare(a.Key.Workflow, b.Key.Workflow))
	}), err
}

func (u *union) CountInstances(ctx context.Context, filter store.InstanceFilter) (store.InstanceCounts, error) {
	parts, err := each(ctx, u, func(ctx context.Context, c *cell) ([]store.InstanceCount, error) {
		return c.shown.CountInstances(ctx, filter)
	})
	completed := map[bool]int{true: 1}
	return summed(parts, func(a, b store.InstanceCount) int {
		return cmp.Or(cmp.Compare(a.Workflow, b.Workflow), cmp.Compare(completed[a.Completed], completed[b.Completed]), cmp.Compare(a.Status, b.Status))
	}, func(into *store.InstanceCount, other store.InstanceCount) { into.Count += other.Count }), err
}

func (u *union) Summary(ctx context.Context, instance store.InstanceKey) (store.InstanceSummary, error) {
	return atHome(ctx, u, instance, func(s *bound.Store) (store.InstanceSummary, error) { return s.Summary(ctx, instance) })
}

func (u *union) Summaries(ctx context.Context, instances []store.InstanceKey) ([]store.InstanceSummary, error) {
	key := func(k store.InstanceKey) store.InstanceKey { return k }
	return inHomes(ctx, u, instances, key, func(c *cell, some []store.InstanceKey) ([]store.InstanceSummary, error) {
		return c.shown.Summaries(ctx, some)
	})
}

func (u *union) Undelivered(ctx context.Context, effects []store.Lease) ([]store.Lease, error) {
	parts, err := each(ctx, u, func(ctx context.Context, c *cell) ([]store.Lease, error) { return c.shown.Undelivered(ctx, effects) })
	return slices.Concat(parts...), err
}

// IdleInstances finds an instance idle if all cells do. One that does not have it does.
func (u *union) IdleInstances(ctx context.Context, instances []store.InstanceKey) ([]store.InstanceKey, error) {
	parts, err := each(ctx, u, func(ctx context.Context, c *cell) ([]store.InstanceKey, error) {
		return c.shown.IdleInstances(ctx, instances)
	})
	if len(parts) == 0 {
		return nil, err
	}
	idle := make(map[store.InstanceKey]int)
	for _, part := range parts {
		for _, key := range part {
			idle[key]++
		}
	}
	return slices.DeleteFunc(slices.Clone(instances), func(key store.InstanceKey) bool { return idle[key] < len(parts) }), err
}

func (u *union) EventTypes(ctx context.Context, sample int) ([]store.EventType, error) {
	parts, err := each(ctx, u, func(ctx context.Context, c *cell) ([]store.EventType, error) { return c.shown.EventTypes(ctx, sample) })
	return summed(parts, func(a, b store.EventType) int {
		return cmp.Or(cmp.Compare(a.Workflow, b.Workflow), cmp.Compare(a.Type, b.Type), cmp.Compare(a.SchemaVersion, b.SchemaVersion))
	}, func(into *store.EventType, other store.EventType) {
		into.Count += other.Count
		if other.Oldest.Before(into.Oldest) {
			into.Oldest = other.Oldest
		}
	}), err
}

func compareKinds(a, b store.Kind) int {
	return cmp.Or(cmp.Compare(a.Workflow, b.Workflow), cmp.Compare(a.Name, b.Name))
}

func (u *union) Backlog(ctx context.Context, queue store.QueueName, now time.Time, limit int) ([]store.Backlog, error) {
	parts, err := each(ctx, u, func(ctx context.Context, c *cell) ([]store.Backlog, error) {
		return c.shown.Backlog(ctx, queue, now, limit)
	})
	return summed(parts, func(a, b store.Backlog) int { return compareKinds(a.Kind, b.Kind) }, func(into *store.Backlog, other store.Backlog) {
		into.Add(other)
		for _, n := range []*int64{&into.Due, &into.Leased, &into.Delayed, &into.Dead, &into.Blocked} {
			*n = min(*n, int64(limit))
		}
	}), err
}

func (u *union) LeaseHolders(ctx context.Context, queue store.QueueName, now time.Time, limit int) ([]store.LeaseHolder, error) {
	parts, err := each(ctx, u, func(ctx context.Context, c *cell) ([]store.LeaseHolder, error) {
		return c.shown.LeaseHolders(ctx, queue, now, limit)
	})
	return summed(parts, func(a, b store.LeaseHolder) int {
		return cmp.Or(compareKinds(a.Kind, b.Kind), cmp.Compare(a.Holder, b.Holder))
	}, func(into *store.LeaseHolder, other store.LeaseHolder) {
		into.Leases += other.Leases
		if other.ClaimedAt.Before(into.ClaimedAt) {
			into.ClaimedAt = other.ClaimedAt
		}
		if other.Until.After(into.Until) {
			into.Until = other.Until
		}
	}), err
}

// Waiting returns each schedule once, although each cell has it: as it is where it fires first.
func (u *union) Waiting(ctx context.Context, queue store.QueueName, instance store.InstanceKey, limit int) ([]store.WaitingDelivery, error) {
	if instance.ID != "" {
		return atHome(ctx, u, instance, func(s *bound.Store) ([]store.WaitingDelivery, error) { return s.Waiting(ctx, queue, instance, limit) })
	}
	parts, err := each(ctx, u, func(ctx context.Context, c *cell) ([]store.WaitingDelivery, error) {
		return c.shown.Waiting(ctx, queue, instance, math.MaxInt32)
	})
	schedules := summed(parts, func(a, b store.WaitingDelivery) int { return cmp.Compare(a.Lease.Key, b.Lease.Key) },
		func(into *store.WaitingDelivery, other store.WaitingDelivery) {
			if other.RunAt.Before(into.RunAt) {
				*into = other
			}
		})
	return merged([][]store.WaitingDelivery{schedules}, limit, func(a, b store.WaitingDelivery) int { return a.RunAt.Compare(b.RunAt) }), err
}

func (u *union) EventCauses(ctx context.Context, query store.CauseQuery) ([]store.EventCause, error) {
	return atHome(ctx, u, query.Instance, func(s *bound.Store) ([]store.EventCause, error) { return s.EventCauses(ctx, query) })
}

func (u *union) EndedDeliveries(ctx context.Context, instance store.InstanceKey, from int64, limit int) ([]store.EndedDelivery, error) {
	return atHome(ctx, u, instance, func(s *bound.Store) ([]store.EndedDelivery, error) {
		return s.EndedDeliveries(ctx, instance, from, limit)
	})
}

func (u *union) FindInstances(ctx context.Context, query store.FindQuery) ([]store.InstanceSummary, error) {
	parts, err := each(ctx, u, func(ctx context.Context, c *cell) ([]store.InstanceSummary, error) {
		return c.shown.FindInstances(ctx, query)
	})
	return merged(parts, query.Limit, func(a, b store.InstanceSummary) int {
		return cmp.Or(cmp.Compare(a.Key.ID, b.Key.ID), cmp.Compare(a.Key.Workflow, b.Key.Workflow))
	}), err
}

func (u *union) PutSearchValues(context.Context, []store.InstanceSearch) error {
	return store.ErrReadOnly
}

// compareLeases orders deliveries of one queue that have the same time.
func compareLeases(a, b store.Lease) int {
	return cmp.Or(cmp.Compare(a.Instance.ID, b.Instance.ID), cmp.Compare(a.Instance.Workflow, b.Instance.Workflow), cmp.Compare(a.Queue, b.Queue),
		cmp.Compare(a.Version, b.Version), cmp.Compare(a.Position, b.Position), cmp.Compare(a.Key, b.Key))
}

func (u *union) ListDead(ctx context.Context, list store.DeadLetterList) ([]store.DeadLetter, error) {
	parts, err := each(ctx, u, func(ctx context.Context, c *cell) ([]store.DeadLetter, error) { return c.shown.ListDead(ctx, list) })
	return merged(parts, list.Limit, func(a, b store.DeadLetter) int {
		return -cmp.Or(a.DiedAt.Compare(b.DiedAt), compareLeases(a.Lease, b.Lease))
	}), err
}

func (u *union) CountDead(ctx context.Context, filter store.DeadLetterFilter) ([]store.DeadLetterCount, error) {
	parts, err := each(ctx, u, func(ctx context.Context, c *cell) ([]store.DeadLetterCount, error) {
		return c.shown.CountDead(ctx, filter)
	})
	return summed(parts, func(a, b store.DeadLetterCount) int { return compareKinds(a.Kind, b.Kind) },
		func(into *store.DeadLetterCount, other store.DeadLetterCount) {
			into.Count += other.Count
			if other.Oldest.Before(into.Oldest) {
				into.Oldest = other.Oldest
			}
			if other.Newest.After(into.Newest) {
				into.Newest = other.Newest
			}
		}), err
}

func (u *union) ListDiscarded(ctx context.Context, list store.DiscardedList) ([]store.DiscardedLetter, error) {
	if list.Workflow != "" && list.Instance != "" {
		instance := store.InstanceKey{Workflow: list.Workflow, ID: list.Instance}
		return atHome(ctx, u, instance, func(s *bound.Store) ([]store.DiscardedLetter, error) { return s.ListDiscarded(ctx, list) })
	}
	parts, err := each(ctx, u, func(ctx context.Context, c *cell) ([]store.DiscardedLetter, error) {
		return c.shown.ListDiscarded(ctx, list)
	})
	return merged(parts, list.Limit, func(a, b store.DiscardedLetter) int {
		return -cmp.Or(a.Discard.At.Compare(b.Discard.At), compareLeases(a.Lease, b.Lease))
	}), err
}

func (u *union) InputOutcomes(ctx context.Context, inputs []store.InputKey) ([][]byte, error) {
	key := func(k store.InputKey) store.InstanceKey { return k.Instance }
	return inHomes(ctx, u, inputs, key, func(c *cell, some []store.InputKey) ([][]byte, error) { return c.shown.InputOutcomes(ctx, some) })
}

func (u *union) RecordInputs(context.Context, store.InputRecords) error { return store.ErrReadOnly }

// Observations ends the page where the first cell ends its page, because that may have more before what the other cells have. The numbers of
// two cells can be the same, so those of one time and number are on one page.
func (u *union) Observations(ctx context.Context, query store.ObservationQuery) ([]store.Observation, error) {
	if query.Instance.Workflow != "" && query.Instance.ID != "" {
		return atHome(ctx, u, query.Instance, func(s *bound.Store) ([]store.Observation, error) { return s.Observations(ctx, query) })
	}
	parts, err := each(ctx, u, func(ctx context.Context, c *cell) ([]store.Observation, error) {
		return c.shown.Observations(ctx, query)
	})
	compare := func(a, b store.Observation) int {
		return -cmp.Or(a.ObservedAt.Compare(b.ObservedAt), cmp.Compare(a.Number, b.Number))
	}
	all := merged(parts, math.MaxInt, compare)
	ends := func(at store.Observation) {
		n, _ := slices.BinarySearchFunc(all, at, func(o, at store.Observation) int { return cmp.Or(compare(o, at), -1) }) // behind its equals
		all = all[:n]
	}
	for _, part := range parts {
		if n := len(part); n > 0 {
			ends(part[n-1])
		}
	}
	if len(all) > query.Limit {
		ends(all[query.Limit-1])
	}
	return all, err
}

// PausedWorkflows returns what is paused in any cell.
func (u *union) PausedWorkflows(ctx context.Context) ([]store.Pause, error) {
	parts, err := each(ctx, u, func(ctx context.Context, c *cell) ([]store.Pause, error) { return c.shown.PausedWorkflows(ctx) })
	return summed(parts, func(a, b store.Pause) int { return cmp.Compare(a.Workflow, b.Workflow) }, func(into *store.Pause, other store.Pause) {
		if other.At.After(into.At) {
			*into = other
		}
	}), err
}

// Programs returns each program once, as it was seen last.
func (u *union) Programs(ctx context.Context) ([]store.Program, error) {
	parts, err := each(ctx, u, func(ctx context.Context, c *cell) ([]store.Program, error) { return c.shown.Programs(ctx) })
	last := func(p store.Program) time.Time {
		if p.StoppedAt.After(p.SeenAt) {
			return p.StoppedAt
		}
		return p.SeenAt
	}
	return summed(parts, func(a, b store.Program) int {
		return cmp.Or(cmp.Compare(a.Process, b.Process), cmp.Compare(a.Digest, b.Digest))
	}, func(into *store.Program, other store.Program) {
		if last(other).After(last(*into)) {
			*into = other
		}
	}), err
}

// Manifest returns the manifest if any cell has it: it is the same in all.
func (u *union) Manifest(ctx context.Context, digest string) ([]byte, error) {
	parts, err := each(ctx, u, func(ctx context.Context, c *cell) ([]byte, error) { return c.shown.Manifest(ctx, digest) })
	for _, manifest := range parts {
		if manifest != nil {
			return manifest, nil
		}
	}
	return nil, err
}

func (u *union) RecordProgram(context.Context, store.Program, []byte) error { return store.ErrReadOnly }
func (u *union) ForgetPrograms(context.Context, time.Time) error            { return store.ErrReadOnly }

// AuditRecords returns an action that changed several cells as one record.
func (u *union) AuditRecords(ctx context.Context, list store.AuditList) ([]store.AuditRecord, error) {
	parts, err := each(ctx, u, func(ctx context.Context, c *cell) ([]store.AuditRecord, error) {
		return c.shown.AuditRecords(ctx, list)
	})
	all := summed(parts, func(a, b store.AuditRecord) int { return -cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) },
		func(into *store.AuditRecord, other store.AuditRecord) {
			into.Count += other.Count
			if other.EndedAt.After(into.EndedAt) {
				into.EndedAt = other.EndedAt
			}
		})
	return all[:min(list.Limit, len(all))], err
}
