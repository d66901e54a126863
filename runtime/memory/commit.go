package memory

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Read implements [store.Store].
func (s *Store) Read(ctx context.Context, requests []store.ReadRequest) (found []store.Instance, err error) {
	err = s.read(ctx, "read", func() error {
		for i := range requests {
			found = append(found, s.readOne(&requests[i], requests[i].Completed))
		}
		return nil
	})
	return found, err
}

func (d *data) readOne(r *store.ReadRequest, completed bool) store.Instance {
	i := store.Instance{Key: r.Instance, KeyHolder: d.keys[uniqueKey{r.Instance.Workflow, r.UniqueKey}]}
	events := d.events[r.Instance]
	if len(events) == 0 {
		if generation, marked := d.marks[r.Instance]; marked {
			i.Elsewhere = &store.Elsewhere{Instance: r.Instance, Generation: generation}
		}
		return i
	}
	last := events[len(events)-1]
	i.Version, i.Completed, i.LastEventAt, i.LastCommit = last.Version, last.completes, last.RecordedAt, last.Commit
	if r.After > 0 && r.After <= last.Version {
		i.AfterCommit = events[r.After-1].Commit
	}
	if i.Completed && !completed {
		return i
	}
	i.Created = events[0].Commit
	if parent := events[0].parent; parent != nil {
		i.Parent = new(store.Parent)
		*i.Parent = *parent
	}
	from := r.After
	snapshot, there := d.snapshots[r.Instance]
	if there && r.Schema != "" && snapshot.Schema == r.Schema && snapshot.Version > r.After && d.isCurrent(&snapshot) {
		snapshot.State = bytes.Clone(snapshot.State)
		i.Snapshot, from = &snapshot, snapshot.Version
	}
	for _, e := range events[min(from, last.Version):] {
		i.Events = append(i.Events, e.copied())
	}
	return i
}

// copied is the event as callers get it, who may change the payload.
func (e *event) copied() store.StoredEvent {
	c := e.StoredEvent
	c.Payload = bytes.Clone(c.Payload)
	return c
}

// isCurrent reports whether a snapshot is of the history of its instance.
func (d *data) isCurrent(s *store.Snapshot) bool {
	events := d.events[s.Instance]
	return s.Version > 0 && s.Version <= int64(len(events)) && events[s.Version-1].Commit == s.Commit
}

// SaveSnapshots implements [store.Snapshots].
func (s *Store) SaveSnapshots(ctx context.Context, snapshots []store.Snapshot) error {
	return s.write(ctx, "save snapshots", func(t *transaction) error {
		for _, snapshot := range snapshots {
			before, there := s.snapshots[snapshot.Instance]
			if s.isCurrent(&snapshot) && (!there || snapshot.Version >= before.Version || !s.isCurrent(&before)) {
				snapshot.State = bytes.Clone(snapshot.State)
				put(t, s.snapshots, snapshot.Instance, snapshot)
			}
		}
		return nil
	})
}

// Committed implements [store.Store].
func (s *Store) Committed(ctx context.Context, instance store.InstanceKey, version int64, commit store.CommitID) (stored bool, err error) {
	err = s.write(ctx, "look for a commit", func(*transaction) error { // a commit that is under way has the gate
		events := s.events[instance]
		stored = version > 0 && version <= int64(len(events)) && events[version-1].Commit == commit
		return nil
	})
	return stored, err
}

// Append implements [store.Store]. It waits for the unit of work that is open.
func (s *Store) Append(ctx context.Context, batch store.Batch) error {
	return s.write(ctx, "append", func(t *transaction) error {
		for _, u := range batch.Unchanged {
			if !s.isAt(u) {
				return fmt.Errorf("%s: it is not at version %d: %w", u.Instance, u.Version, store.ErrConflict)
			}
		}
		return s.writeAll(ctx, t, batch.Commit, batch.Changes)
	})
}

func (d *data) isAt(want store.InstanceVersion) bool {
	events := d.events[want.Instance]
	n := len(events)
	if _, marked := d.marks[want.Instance]; marked {
		return false
	}
	return want.Version == int64(n) && (n == 0 || want.LastCommit == 0 || events[n-1].Commit == want.LastCommit)
}

// unitOfWork is a transaction in which nothing is written before Commit.
type unitOfWork struct {
	*transaction
	instances []store.Instance
}

// Begin implements [store.Store]. It waits for the unit of work that is open, whatever its instances are.
func (s *Store) Begin(ctx context.Context, requests []store.ReadRequest) (store.UnitOfWork, error) {
	t, err := s.begin(ctx)
	if err != nil {
		return nil, failed("begin", err)
	}
	u := &unitOfWork{transaction: t}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for i := range requests {
		u.instances = append(u.instances, s.readOne(&requests[i], false))
	}
	return u, nil
}

func (u *unitOfWork) Instances() []store.Instance { return u.instances }

func (u *unitOfWork) Rollback(context.Context) error {
	u.rollback()
	return nil
}

func (u *unitOfWork) Commit(ctx context.Context, id store.CommitID, changes []store.Change) error {
	return failed("commit", u.finish(func(t *transaction) error { return u.store.writeAll(ctx, t, id, changes) }))
}

// writeAll writes changes of distinct instances.
func (s *Store) writeAll(ctx context.Context, t *transaction, id store.CommitID, changes []store.Change) error {
	for i := range changes {
		c := change{&changes[i], id, &s.data, t}
		if err := ctx.Err(); err != nil {
			return err
		}
		if c.Version == 0 && c.List < s.cell.OldestList {
			return &store.Elsewhere{Instance: c.Instance, Generation: s.cell.OldestList}
		}
		if err := c.write(); err != nil {
			return fmt.Errorf("%s: %w", c.Instance, err)
		}
	}
	for i := range changes {
		workflow := changes[i].Instance.Workflow
		if _, paused := s.pauses[workflow]; paused && changes[i].Leases() {
			return &store.PausedLease{Workflow: workflow}
		}
	}
	return ctx.Err()
}

// change writes what one instance adds to a commit.
type change struct {
	*store.Change
	id store.CommitID
	*data
	t *transaction
}

// write writes the parts of a change. The events come first, because a change that was overtaken is decided again whatever else is wrong
// with it. The deliveries that caused the change come next, so that a timer may start itself again.
func (c *change) write() error {
	for _, part := range []func() error{c.appendEvents, c.consume, c.settle, c.takeKey} {
		if err := part(); err != nil {
			return err
		}
	}
	if len(c.Search) > 0 {
		put(c.t, c.search, c.Instance, c.putSearch(c.Instance, c.NewVersion(), c.Search))
	}
	c.changeEffects()
	c.changeTimers()
	if c.Complete {
		c.complete()
	}
	for _, e := range c.Ended {
		c.recordEnded(c.t, e)
	}
	return c.record(c.t, &c.Inputs)
}

func (c *change) appendEvents() error {
	now := store.StoredTime(c.Now)
	at := store.InstanceVersion{Instance: c.Instance, Version: c.Version, LastCommit: c.LastCommit}
	row, there := c.instances[c.Instance]
	if !c.isAt(at) || there != (c.Version > 0) || !row.completedAt.IsZero() {
		return fmt.Errorf("it is not at version %d: %w", c.Version, store.ErrConflict)
	}
	if !there {
		row.createdAt = now
	}
	if c.Complete {
		row.completedAt, row.status = now, c.Status
	}
	put(c.t, c.instances, c.Instance, row)
	events, feed, issued := c.events[c.Instance], c.feed, c.issued
	for _, n := range c.Events {
		issued++
		e := &event{cause: string(n.Cause), StoredEvent: store.StoredEvent{
			Instance: c.Instance, Version: int64(len(events)) + 1, GlobalSequence: issued, Type: n.Type,
			SchemaVersion: n.SchemaVersion, Payload: bytes.Clone(n.Payload), RecordedAt: now, Commit: c.id,
		}}
		if e.Version == c.NewVersion() {
			e.status, e.completes = c.Status, c.Complete
		}
		if e.Version == 1 && c.Parent != nil {
			parent := *c.Parent
			e.parent = &parent
		}
		events, feed = append(events, e), append(feed, e)
	}
	put(c.t, c.events, c.Instance, events)
	set(c.t, &c.feed, feed)
	set(c.t, &c.issued, issued)
	return nil
}

func (c *change) consume() error {
	for i := range c.Consume {
		l := &c.Consume[i]
		q, err := c.queue(l.Queue)
		if err != nil {
			return err
		}
		d := q.held(l)
		if d == nil {
			return &store.LeaseLost{Lease: *l}
		}
		q.delete(c.t, d)
	}
	return nil
}

// settle ends leases on deliveries that stay.
func (c *change) settle() error {
	for i := range c.Settle {
		s := &c.Settle[i]
		q, err := c.queue(s.Lease.Queue)
		if err != nil {
			return err
		}
		switch held, err := q.settle(c.t, s); {
		case err != nil:
			return err
		case !held:
			return &store.LeaseLost{Lease: s.Lease}
		}
	}
	return nil
}

func (c *change) takeKey() error {
	if c.UniqueKey == "" {
		return nil
	}
	key := uniqueKey{c.Instance.Workflow, c.UniqueKey}
	holder, held := c.keys[key]
	switch {
	case !held:
		row := c.instances[c.Instance]
		row.keys = append(slices.Clip(row.keys), c.UniqueKey)
		put(c.t, c.instances, c.Instance, row)
		put(c.t, c.keys, key, c.Instance.ID)
	case holder != c.Instance.ID:
		return &store.UniqueKeyConflict{Instance: c.Instance, Key: c.UniqueKey, Holder: holder}
	}
	return nil
}

// changeEffects cancels effects, also those that are leased, and adds new ones.
func (c *change) changeEffects() {
	for _, cancelled := range c.CancelEffects {
		for _, d := range slices.Clone(c.effects.of[c.Instance]) {
			if d.kind.Name != cancelled.Kind || !d.diedAt.IsZero() {
				continue
			}
			c.recordEnded(c.t, store.EndedDelivery{
				Lease: d.lease, Kind: d.kind.Name, Ending: store.EndedCancelled, At: c.Now, Attempts: d.attempts,
				By: store.DecisionRef{Instance: c.Instance, Version: cancelled.By},
			})
			c.effects.delete(c.t, c.effects.rows[rowKey(d.lease)])
		}
	}
	for i, e := range c.Effects {
		c.add(c.effects, e.Leased, delivery{
			lease: store.Lease{Queue: store.EffectQueue, Position: i}, kind: store.Kind{Name: e.Kind}, payload: string(e.Payload),
			runAt: store.StoredTime(c.Due), dueAt: store.StoredTime(c.Now), trace: e.Trace, limitKey: e.LimitKey,
		})
	}
}

// changeTimers cancels timers, and starts new ones. A new timer has nothing of the one that it replaces.
func (c *change) changeTimers() {
	for _, key := range c.Cancel {
		c.timers.change(c.t, store.Lease{Queue: store.TimerQueue, Instance: c.Instance, Key: key}, nil)
	}
	for _, n := range c.Timers {
		fires := store.StoredTime(n.FireAt)
		c.add(c.timers, n.Leased, delivery{
			lease: store.Lease{Queue: store.TimerQueue, Key: n.Key}, kind: store.Kind{Name: n.Input}, payload: string(n.Payload),
			runAt: fires, dueAt: fires, trace: n.Trace,
		})
	}
}

// add stores a new delivery.
func (c *change) add(q *queue, leased bool, d delivery) {
	set(c.t, &c.born, c.born+1)
	d.number = c.born
	d.kind.Workflow, d.lease.Instance, d.lease.Version, d.lease.Commit = c.Instance.Workflow, c.Instance, c.NewVersion(), c.id
	if leased {
		d.attempts, d.lease.Token, d.runAt = 1, 1, store.StoredTime(c.Lease.Until)
		d.claimedAt, d.holder = store.StoredTime(c.Due), usererr.Bound(c.Lease.Holder)
	}
	q.put(c.t, &d)
}

// complete deletes what an instance holds only while it is active. It leaves the effects: they were promised.
func (c *change) complete() {
	for _, d := range slices.Clone(c.timers.of[c.Instance]) {
		c.timers.delete(c.t, d)
	}
	row := c.instances[c.Instance]
	for _, key := range row.keys {
		drop(c.t, c.keys, uniqueKey{c.Instance.Workflow, key})
	}
	row.keys = nil
	put(c.t, c.instances, c.Instance, row)
}

// ChangeSchedule implements [store.Schedules].
func (s *Store) ChangeSchedule(ctx context.Context, change store.ScheduleChange) (found bool, err error) {
	err = s.write(ctx, "change schedule "+change.Name, func(t *transaction) error {
		lease := store.Lease{Queue: store.TimerQueue, Instance: store.InstanceKey{Workflow: change.Workflow}, Key: change.Name}
		before := s.timers.rows[rowKey(lease)]
		if before == nil {
			return nil
		}
		found = true
		d := delivery{lease: before.lease, kind: before.kind, payload: before.payload, number: before.number, dueAt: before.dueAt}
		if !change.Due.IsZero() {
			d.dueAt = store.StoredTime(change.Due)
		}
		d.runAt = d.dueAt
		if !change.RunAt.IsZero() {
			d.runAt = store.StoredTime(change.RunAt)
		}
		d.lease.Token++
		s.timers.put(t, &d)
		s.audit(ctx, t, 1)
		return nil
	})
	return found, err
}

// PutSchedules implements [store.Schedules].
func (s *Store) PutSchedules(ctx context.Context, schedules []store.StoredSchedule) error {
	return s.write(ctx, "put schedules", func(t *transaction) error {
		for _, schedule := range schedules {
			lease := store.Lease{
				Queue: store.TimerQueue, Instance: store.InstanceKey{Workflow: schedule.Workflow}, Key: schedule.Name, Version: 1,
			}
			next := store.StoredTime(schedule.Next)
			d := delivery{
				lease: lease, kind: store.ScheduleKind(schedule.Workflow, schedule.Name), payload: string(schedule.Definition),
				runAt: next, dueAt: next,
			}
			before := s.timers.rows[rowKey(lease)]
			switch {
			case before == nil:
				set(t, &s.born, s.born+1)
				d.number = s.born
			case before.payload == d.payload:
				continue
			default:
				d.number, d.lease.Version, d.lease.Token = before.number, before.lease.Version+1, before.lease.Token
			}
			s.timers.put(t, &d)
		}
		return nil
	})
}
