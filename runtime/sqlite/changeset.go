package sqlite

import (
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// changeSet writes what most changes of a commit have, by statements on many rows.
type changeSet struct {
	changes []store.Change
	id      store.CommitID
	on      session
}

// writeEvents creates and completes instances, and stores the events of all changes, unless one was overtaken.
func (s *changeSet) writeEvents() error {
	if err := checkList(s.on, s.changes); err != nil {
		return err
	}
	for i := range s.changes {
		if err := s.writeInstance(&s.changes[i]); err != nil {
			return fmt.Errorf("%s: %w", s.changes[i].Instance, err)
		}
	}
	if err := s.checkContinued(); err != nil {
		return fmt.Errorf("continue the instances: %w", err)
	}
	if err := s.insertEvents(); err != nil {
		return fmt.Errorf("append events: %w", err)
	}
	return nil
}

// writeInstance creates the instance of a change, or completes it.
func (s *changeSet) writeInstance(c *store.Change) error {
	if c.Version > 0 && !c.Complete {
		return nil
	}
	var completedAt, status driver.Value
	if c.Complete {
		completedAt, status = micros(c.Now), optional(c.Status)
	}
	var changed int64
	var err error
	if c.Version == 0 {
		changed, err = s.on.exec(createInstance, c.Instance.ID, c.Instance.Workflow, micros(c.Now), completedAt, status)
	} else {
		changed, err = s.on.exec(completeInstance, completedAt, status, c.Instance.ID, c.Instance.Workflow)
	}
	if err == nil && changed == 0 {
		err = fmt.Errorf("it is not at version %d: %w", c.Version, store.ErrConflict)
	}
	return err
}

// checkContinued fails unless the event before each change is there as it was read.
func (s *changeSet) checkContinued() error {
	var rows []driver.Value
	var want int64
	for i := range s.changes {
		if c := &s.changes[i]; c.Version > 0 {
			want++
			rows = append(rows, c.Instance.ID, c.Instance.Workflow, c.Version, int64(c.LastCommit))
		}
	}
	n, err := countContinued.count(s.on, rows)
	if err == nil && n != want {
		err = s.overtaken(want - n)
	}
	return err
}

func (s *changeSet) overtaken(n int64) error {
	return fmt.Errorf("%d of %d are not at the version that was read: %w", n, len(s.changes), store.ErrConflict)
}

func (s *changeSet) insertEvents() error {
	var rows []driver.Value
	var want int64
	for i := range s.changes {
		c := &s.changes[i]
		for n, e := range c.Events {
			version := c.Version + int64(n) + 1
			var status, completes, parent driver.Value
			if version == c.NewVersion() {
				status = optional(c.Status)
				if c.Complete {
					completes = int64(1)
				}
			}
			if version == 1 {
				parent = optional(store.EncodeParent(c.Parent))
			}
			want++
			rows = append(rows, c.Instance.ID, c.Instance.Workflow, version,
				e.Type, int64(e.SchemaVersion), string(e.Payload), micros(c.Now), int64(s.id),
				optional(string(e.Cause)), status, completes, parent)
		}
	}
	n, err := insertEvents.exec(s.on, rows)
	if err == nil && n != want {
		err = s.overtaken(want - n)
	}
	return err
}

// writeDeliveries stores the new effects and timers of all changes.
func (s *changeSet) writeDeliveries() error {
	var effects, timers []driver.Value
	for i := range s.changes {
		c := &s.changes[i]
		for n, e := range c.Effects {
			effects = append(effects, c.Instance.ID, c.Instance.Workflow, c.NewVersion(), int64(n),
				e.Kind, string(e.Payload), runAt(c, e.Leased, c.Due), micros(c.Now), optional(e.Trace), optional(e.LimitKey), int64(s.id))
			effects = appendLease(effects, c, e.Leased)
		}
		if c.Complete { // which ends all timers
			continue
		}
		for _, t := range c.Timers {
			timers = append(timers, c.Instance.ID, c.Instance.Workflow, t.Key, c.NewVersion(),
				t.Input, string(t.Payload), runAt(c, t.Leased, t.FireAt), micros(t.FireAt), optional(t.Trace), int64(s.id))
			timers = appendLease(timers, c, t.Leased)
		}
	}
	if _, err := insertEffects.exec(s.on, effects); err != nil {
		return fmt.Errorf("request effects: %w", err)
	}
	if _, err := startTimers.exec(s.on, timers); err != nil {
		return fmt.Errorf("start timers: %w", err)
	}
	return nil
}

// runAt is when a new delivery is due, or when its lease ends.
func runAt(c *store.Change, leased bool, due time.Time) driver.Value {
	if leased {
		due = c.Lease.Until
	}
	return micros(due)
}

// appendLease adds the columns of a new delivery that say whether it is leased.
func appendLease(row []driver.Value, c *store.Change, leased bool) []driver.Value {
	if !leased {
		return append(row, int64(0), int64(0), nil, nil)
	}
	return append(row, int64(1), int64(1), micros(c.Due), usererr.Bound(c.Lease.Holder))
}
