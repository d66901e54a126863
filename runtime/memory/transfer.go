package memory

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// ReadStored implements [store.Transfer].
func (s *Store) ReadStored(ctx context.Context, instances []store.InstanceKey) (found []store.StoredInstance, err error) {
	err = s.read(ctx, "read instances", func() error {
		for _, key := range instances {
			found = append(found, s.stored(key))
		}
		return nil
	})
	return found, err
}

func (d *data) stored(key store.InstanceKey) store.StoredInstance {
	r := store.StoredInstance{Key: key, UniqueKeys: slices.Sorted(slices.Values(d.instances[key].keys))}
	for _, e := range d.events[key] {
		if e.parent != nil {
			parent := *e.parent
			r.Parent = &parent
		}
		record := store.EventRecord{StoredEvent: e.copied(), Status: e.status, Completes: e.completes}
		if e.cause != "" {
			record.Cause = []byte(e.cause)
		}
		r.Events = append(r.Events, record)
	}
	if len(r.Events) == 0 {
		return r
	}
	r.Effects, r.Timers = d.effects.records(key), d.timers.records(key)
	r.Search = d.searchValues(key)
	for input, o := range d.outcomes {
		if input.Instance == key {
			o.Outcome = bytes.Clone(o.Outcome)
			r.Outcomes = append(r.Outcomes, o)
		}
	}
	slices.SortFunc(r.Outcomes, func(a, b store.InputOutcome) int { return cmp.Compare(a.Input.ID, b.Input.ID) })
	r.Ended = slices.SortedFunc(slices.Values(d.ended[key]), func(a, b store.EndedDelivery) int {
		return cmp.Or(cmp.Compare(a.Lease.Version, b.Lease.Version), cmp.Compare(a.Lease.Queue, b.Lease.Queue), compareItems(a.Lease, b.Lease))
	})
	return r
}

// ReadPayloads implements [store.Transfer].
func (s *Store) ReadPayloads(ctx context.Context, instances []store.InstanceKey) (found []store.InstancePayloads, err error) {
	places := make(map[store.InstanceKey]int, len(instances))
	err = s.read(ctx, "read payloads", func() error {
		for _, key := range instances {
			r := store.InstancePayloads{Key: key}
			for _, e := range s.events[key] {
				r.Events = append(r.Events, store.StoredEvent{
					Instance: key, Version: e.Version, Type: e.Type, SchemaVersion: e.SchemaVersion, Payload: e.copied().Payload,
				})
			}
			r.Effects, r.Timers = s.effects.payloads(key), s.timers.payloads(key)
			places[key] = len(found)
			found = append(found, r)
		}
		for input, o := range s.outcomes {
			if i, asked := places[input.Instance]; asked {
				found[i].Outcomes = append(found[i].Outcomes, store.InputOutcome{Input: input, Outcome: bytes.Clone(o.Outcome)})
			}
		}
		return nil
	})
	return found, err
}

func (q *queue) payloads(key store.InstanceKey) (found []store.DeliveryPayload) {
	for _, d := range q.of[key] {
		found = append(found, store.DeliveryPayload{Kind: d.kind, Payload: []byte(d.payload)})
	}
	return found
}

func compareItems(a, b store.Lease) int {
	return cmp.Or(cmp.Compare(a.Position, b.Position), cmp.Compare(a.Key, b.Key))
}

func (q *queue) records(key store.InstanceKey) (found []store.DeliveryRecord) {
	for _, d := range q.of[key] {
		r := store.DeliveryRecord{
			Lease: d.lease, Kind: d.kind, Payload: []byte(d.payload), Due: d.dueAt, RunAt: d.runAt, Attempts: d.attempts,
			LastError: d.lastError, Trace: d.trace, LimitKey: d.limitKey, DiedAt: d.diedAt, ToldAt: d.toldAt, BlockedSince: d.blockedSince,
		}
		switch {
		case !d.claimedAt.IsZero() && d.diedAt.IsZero():
			r.RunAt = d.claimedAt
		case !d.parkedFrom.IsZero():
			r.RunAt = d.parkedFrom
		}
		found = append(found, r)
	}
	slices.SortFunc(found, func(a, b store.DeliveryRecord) int {
		if q.name == store.TimerQueue {
			return cmp.Compare(a.Lease.Key, b.Lease.Key)
		}
		return cmp.Or(cmp.Compare(a.Lease.Version, b.Lease.Version), cmp.Compare(a.Lease.Position, b.Lease.Position))
	})
	return found
}

// WriteStored implements [store.Transfer].
func (s *Store) WriteStored(ctx context.Context, instances []store.StoredInstance) error {
	return s.write(ctx, "write instances", func(t *transaction) error {
		for i := range instances {
			if err := s.putStored(t, &instances[i]); err != nil {
				return fmt.Errorf("%s: %w", instances[i].Key, err)
			}
		}
		s.audit(ctx, t, len(instances))
		return ctx.Err()
	})
}

func (d *data) putStored(t *transaction, r *store.StoredInstance) error {
	if _, there := d.instances[r.Key]; there {
		return fmt.Errorf("the instance exists: %w", store.ErrConflict)
	}
	first, last := &r.Events[0], &r.Events[len(r.Events)-1]
	row := instance{createdAt: store.StoredTime(first.RecordedAt), keys: slices.Clone(r.UniqueKeys)}
	if last.Completes {
		row.completedAt, row.status = store.StoredTime(last.RecordedAt), last.Status
	}
	put(t, d.instances, r.Key, row)
	for _, key := range r.UniqueKeys {
		held := uniqueKey{r.Key.Workflow, key}
		if _, taken := d.keys[held]; taken {
			return fmt.Errorf("its unique key is held: %w", store.ErrConflict)
		}
		put(t, d.keys, held, r.Key.ID)
	}
	events, feed, issued := []*event(nil), d.feed, d.issued
	for _, record := range r.Events {
		issued++
		e := &event{StoredEvent: record.StoredEvent, cause: string(record.Cause), status: record.Status, completes: record.Completes}
		e.Instance, e.GlobalSequence, e.Payload, e.RecordedAt = r.Key, issued, bytes.Clone(e.Payload), store.StoredTime(e.RecordedAt)
		if e.Version == 1 && r.Parent != nil {
			parent := *r.Parent
			e.parent = &parent
		}
		events, feed = append(events, e), append(feed, e)
	}
	put(t, d.events, r.Key, events)
	set(t, &d.feed, feed)
	set(t, &d.issued, issued)
	if len(r.Search) > 0 {
		put(t, d.search, r.Key, d.putSearch(r.Key, r.Version(), r.Search))
	}
	for _, e := range r.Effects {
		d.putDelivery(t, d.effects, e)
	}
	for _, e := range r.Timers {
		d.putDelivery(t, d.timers, e)
	}
	for _, o := range r.Outcomes {
		if _, there := d.outcomes[o.Input]; !there {
			o.Outcome, o.RecordedAt = bytes.Clone(o.Outcome), store.StoredTime(o.RecordedAt)
			put(t, d.outcomes, o.Input, o)
		}
	}
	for _, e := range r.Ended {
		d.recordEnded(t, e)
	}
	return nil
}

func (d *data) putDelivery(t *transaction, q *queue, r store.DeliveryRecord) {
	set(t, &d.born, d.born+1)
	q.put(t, &delivery{
		lease: r.Lease, kind: r.Kind, payload: string(r.Payload), number: d.born,
		runAt: store.StoredTime(r.RunAt), dueAt: store.StoredTime(r.Due), attempts: r.Attempts, lastError: r.LastError, trace: r.Trace,
		diedAt: orZero(r.DiedAt), toldAt: orZero(r.ToldAt), blockedSince: orZero(r.BlockedSince), limitKey: r.LimitKey,
	})
}

// orZero is store.StoredTime for a time that may be missing.
func orZero(at time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	return store.StoredTime(at)
}
