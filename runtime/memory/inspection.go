package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// History implements [store.Inspection].
func (s *Store) History(
	ctx context.Context, instance store.InstanceKey, after int64, limit int,
) (events []store.StoredEvent, err error) {
	err = s.read(ctx, "read the history of "+instance.String(), func() error {
		all := s.events[instance]
		rest := all[min(max(after, 0), int64(len(all))):]
		for _, e := range page(rest, limit, func(e *event) int { return len(e.Payload) }) {
			events = append(events, e.copied())
		}
		return nil
	})
	return events, err
}

func (d *data) summary(key store.InstanceKey) store.InstanceSummary {
	events := d.events[key]
	if len(events) == 0 {
		return store.InstanceSummary{Key: key}
	}
	row, last := d.instances[key], events[len(events)-1]
	return store.InstanceSummary{
		Key: key, Version: last.Version, Status: last.status, CreatedAt: row.createdAt, LastEventAt: last.RecordedAt, CompletedAt: row.completedAt,
	}
}

// Summary implements [store.Inspection].
func (s *Store) Summary(ctx context.Context, instance store.InstanceKey) (found store.InstanceSummary, err error) {
	err = s.read(ctx, "read "+instance.String(), func() error {
		found = s.summary(instance)
		return nil
	})
	return found, err
}

// Summaries implements [store.Inspection].
func (s *Store) Summaries(ctx context.Context, instances []store.InstanceKey) (found []store.InstanceSummary, err error) {
	err = s.read(ctx, "read instances", func() error {
		for _, key := range instances {
			found = append(found, s.summary(key))
		}
		return nil
	})
	return found, err
}

// Undelivered implements [store.Inspection].
func (s *Store) Undelivered(ctx context.Context, effects []store.Lease) (undelivered []store.Lease, err error) {
	err = s.read(ctx, "read effects", func() error {
		for _, lease := range effects {
			named := lease.Named()
			if slices.ContainsFunc(s.effects.of[lease.Instance], func(d *delivery) bool { return d.diedAt.IsZero() && d.lease.Named() == named }) {
				undelivered = append(undelivered, named)
			}
		}
		return nil
	})
	return undelivered, err
}

// accepted returns the instances that a filter accepts, in no order.
func (d *data) accepted(f store.InstanceFilter) (found []store.InstanceSummary) {
	for key := range d.instances {
		if i := d.summary(key); f.Accepts(i) {
			found = append(found, i)
		}
	}
	return found
}

// comparePlace compares the place of an instance with another place.
func comparePlace(i store.InstanceSummary, other store.InstancePlace) int {
	return cmp.Or(i.CreatedAt.Compare(storedOrZero(other.CreatedAt)), cmp.Compare(i.Key.ID, other.ID), cmp.Compare(i.Key.Workflow, other.Workflow))
}

func byPlace(a, b store.InstanceSummary) int {
	return comparePlace(a, store.InstancePlace{CreatedAt: b.CreatedAt, ID: b.Key.ID, Workflow: b.Key.Workflow})
}

// ListInstances implements [store.Inspection].
func (s *Store) ListInstances(ctx context.Context, list store.InstanceList) (found []store.InstanceSummary, err error) {
	err = s.read(ctx, "list instances", func() error {
		for _, i := range s.accepted(list.InstanceFilter) {
			if list.After == nil || comparePlace(i, *list.After) < 0 {
				found = append(found, i)
			}
		}
		return nil
	})
	slices.SortFunc(found, func(a, b store.InstanceSummary) int { return byPlace(b, a) })
	return found[:min(len(found), max(list.Limit, 0))], err
}

// CountInstances implements [store.Inspection].
func (s *Store) CountInstances(ctx context.Context, filter store.InstanceFilter) (counts store.InstanceCounts, err error) {
	found := make(map[store.InstanceCount]int64) // by the fields but Count
	err = s.read(ctx, "count instances", func() error {
		for _, i := range s.accepted(filter) {
			found[store.InstanceCount{Workflow: i.Key.Workflow, Status: i.Status, Completed: i.Completed()}]++
		}
		return nil
	})
	for c, n := range found {
		c.Count = n
		counts = append(counts, c)
	}
	slices.SortFunc(counts, func(a, b store.InstanceCount) int {
		activeFirst := 0
		if a.Completed != b.Completed {
			activeFirst = map[bool]int{false: -1, true: 1}[a.Completed]
		}
		return cmp.Or(cmp.Compare(a.Workflow, b.Workflow), activeFirst, cmp.Compare(a.Status, b.Status))
	})
	return counts, err
}

// IdleInstances implements [store.Inspection].
func (s *Store) IdleInstances(ctx context.Context, instances []store.InstanceKey) (idle []store.InstanceKey, err error) {
	err = s.read(ctx, "find idle instances", func() error {
		waits := func(d *delivery) bool { return d.diedAt.IsZero() }
		for _, key := range instances {
			if !slices.ContainsFunc(s.effects.of[key], waits) && !slices.ContainsFunc(s.timers.of[key], waits) {
				idle = append(idle, key)
			}
		}
		return nil
	})
	return idle, err
}

// EventTypes implements [store.Inspection].
func (s *Store) EventTypes(ctx context.Context, sample int) (types []store.EventType, err error) {
	found := make(map[store.EventType]store.EventType) // by workflow, type and schema version
	err = s.read(ctx, "read the types of events", func() error {
		for n, e := range s.feed {
			if n >= sample && n < len(s.feed)-sample {
				continue
			}
			kind := store.EventType{Workflow: e.Instance.Workflow, Type: e.Type, SchemaVersion: e.SchemaVersion}
			counted, there := found[kind]
			if !there {
				counted = kind
			}
			if counted.Count++; !there || e.RecordedAt.Before(counted.Oldest) {
				counted.Oldest = e.RecordedAt
			}
			found[kind] = counted
		}
		return nil
	})
	for _, t := range found {
		types = append(types, t)
	}
	slices.SortFunc(types, func(a, b store.EventType) int {
		return cmp.Or(cmp.Compare(a.Workflow, b.Workflow), cmp.Compare(a.Type, b.Type), cmp.Compare(a.SchemaVersion, b.SchemaVersion))
	})
	return types, err
}

// Backlog implements [store.Inspection].
func (s *Store) Backlog(ctx context.Context, name store.QueueName, now time.Time, limit int) (backlogs []store.Backlog, err error) {
	err = s.read(ctx, "count the backlog of "+string(name), func() error {
		q, err := s.queue(name)
		if err != nil {
			return err
		}
		dead := make(map[store.Kind]int64)
		for _, d := range q.rows {
			if !d.diedAt.IsZero() && d.toldAt.IsZero() {
				dead[d.kind]++
			}
		}
		for kind, all := range q.kinds {
			b := store.Backlog{Kind: kind, Dead: min(dead[kind], int64(limit))}
			countAlive(&b, all, store.StoredTime(now), limit)
			backlogs = append(backlogs, b)
			delete(dead, kind)
		}
		for kind, n := range dead {
			backlogs = append(backlogs, store.Backlog{Kind: kind, Dead: min(n, int64(limit))})
		}
		return nil
	})
	slices.SortFunc(backlogs, func(a, b store.Backlog) int { return compareKinds(a.Kind, b.Kind) })
	return backlogs, err
}

// countAlive counts what is not dead of a kind.
func countAlive(b *store.Backlog, all []*delivery, now time.Time, limit int) {
	first := slices.IndexFunc(all, func(d *delivery) bool { return d.runAt.After(now) })
	if first < 0 {
		first = len(all)
	}
	if due := all[:min(first, limit)]; len(due) > 0 {
		b.Due, b.OldestDue = int64(len(due)), due[0].runAt
	}
	for _, d := range all[first:min(len(all), first+limit)] {
		switch {
		case !d.claimedAt.IsZero():
			b.Leased++
		case d.parkedFrom.IsZero():
			b.Delayed++
		default: // what is parked is due
			if b.Due++; b.OldestDue.IsZero() || d.parkedFrom.Before(b.OldestDue) {
				b.OldestDue = d.parkedFrom
			}
		}
	}
	for _, d := range all {
		if d.blockedSince.IsZero() {
			continue
		}
		if b.Blocked = min(b.Blocked+1, int64(limit)); b.OldestBlocked.IsZero() || d.blockedSince.Before(b.OldestBlocked) {
			b.OldestBlocked, b.BlockedError = d.blockedSince, d.lastError
		}
	}
}

// LeaseHolders implements [store.Inspection].
func (s *Store) LeaseHolders(ctx context.Context, name store.QueueName, now time.Time, limit int) (holders []store.LeaseHolder, err error) {
	now = store.StoredTime(now)
	err = s.read(ctx, "find the holders of leases of "+string(name), func() error {
		q, err := s.queue(name)
		if err != nil {
			return err
		}
		for kind, all := range q.kinds {
			of := make(map[string]*store.LeaseHolder)
			later := slices.DeleteFunc(slices.Clone(all), func(d *delivery) bool { return !d.runAt.After(now) })
			for _, d := range later[:min(len(later), limit)] {
				if d.claimedAt.IsZero() {
					continue
				}
				h := of[d.holder]
				if h == nil {
					h = &store.LeaseHolder{Kind: kind, Holder: d.holder, ClaimedAt: d.claimedAt}
					of[d.holder] = h
				}
				h.Leases, h.Until = h.Leases+1, d.runAt
				if d.claimedAt.Before(h.ClaimedAt) {
					h.ClaimedAt = d.claimedAt
				}
			}
			for _, h := range of {
				holders = append(holders, *h)
			}
		}
		return nil
	})
	slices.SortFunc(holders, func(a, b store.LeaseHolder) int {
		return cmp.Or(compareKinds(a.Kind, b.Kind), cmp.Compare(a.Holder, b.Holder))
	})
	return holders, err
}

// Waiting implements [store.Inspection].
func (s *Store) Waiting(
	ctx context.Context, name store.QueueName, instance store.InstanceKey, limit int,
) (waiting []store.WaitingDelivery, err error) {
	err = s.read(ctx, "read "+string(name)+" of "+instance.String(), func() error {
		q, err := s.queue(name)
		if err != nil {
			return err
		}
		for _, d := range q.of[instance] {
			w := store.WaitingDelivery{
				Lease: d.lease, Kind: d.kind, Due: d.dueAt, RunAt: d.runAt, Attempts: d.attempts, LastError: d.lastError,
				ClaimedAt: d.claimedAt, Holder: d.holder, DiedAt: d.diedAt, ToldAt: d.toldAt, BlockedSince: d.blockedSince,
			}
			if !d.parkedFrom.IsZero() {
				w.RunAt = d.parkedFrom
			}
			waiting = append(waiting, w)
		}
		return nil
	})
	slices.SortStableFunc(waiting, func(a, b store.WaitingDelivery) int { return a.RunAt.Compare(b.RunAt) })
	return waiting[:min(len(waiting), max(limit, 0))], err
}

// EventCauses implements [store.Causes].
func (s *Store) EventCauses(ctx context.Context, query store.CauseQuery) (found []store.EventCause, err error) {
	err = s.read(ctx, "read the causes of "+query.Instance.String(), func() error {
		all := s.events[query.Instance]
		wanted := all[min(max(query.From-1, 0), int64(len(all))):]
		if query.Backward {
			wanted = slices.Clone(all[:min(max(query.From, 0), int64(len(all)))])
			slices.Reverse(wanted)
		}
		for _, e := range wanted[:min(len(wanted), max(query.Limit, 0))] {
			cause := store.EventCause{
				Version: e.Version, GlobalSequence: e.GlobalSequence, Type: e.Type, RecordedAt: e.RecordedAt, Commit: e.Commit,
			}
			if e.cause != "" {
				cause.Cause = []byte(e.cause)
			}
			found = append(found, cause)
		}
		return nil
	})
	return found, err
}

// EndedDeliveries implements [store.Causes].
func (s *Store) EndedDeliveries(
	ctx context.Context, instance store.InstanceKey, from int64, limit int,
) (found []store.EndedDelivery, err error) {
	err = s.read(ctx, "read ended deliveries of "+instance.String(), func() error {
		for _, e := range s.ended[instance] {
			if e.Lease.Version >= from {
				found = append(found, e)
			}
		}
		return nil
	})
	slices.SortFunc(found, func(a, b store.EndedDelivery) int {
		return cmp.Or(cmp.Compare(a.Lease.Version, b.Lease.Version), cmp.Compare(a.Lease.Queue, b.Lease.Queue),
			cmp.Compare(a.Lease.Position, b.Lease.Position), cmp.Compare(a.Lease.Key, b.Lease.Key))
	})
	return found[:min(len(found), max(limit, 0))], err
}
