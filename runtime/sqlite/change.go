package sqlite

import (
	"database/sql/driver"
	"fmt"
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// change writes what one instance adds to a commit.
type change struct {
	*store.Change
	id store.CommitID
	on session
}

// parts of a change, in order. The events come first, because a change that was overtaken has to be made anew whatever
// else is wrong with it. The deliveries that caused the change come next, so that a timer may start itself again.
var parts = []struct {
	what  string
	write func(*change) error
}{
	{"continue the instance", (*change).advance},
	{"append events", (*change).appendEvents},
	{"consume the deliveries that caused the change", (*change).consume},
	{"settle the deliveries that caused the change", (*change).settle},
	{"take the unique key", (*change).takeKey},
	{"cancel effects", (*change).cancelEffects},
	{"request effects", (*change).requestEffects},
	{"cancel timers", (*change).cancelTimers},
	{"start timers", (*change).startTimers},
	{"complete", (*change).complete},
	{"record what has ended", (*change).recordEnded},
	{"record inputs", func(c *change) error { return recordInputs(c.on, &c.Inputs) }},
}

func (c *change) write() error {
	for _, part := range parts {
		if err := part.write(c); err != nil {
			return fmt.Errorf("%s: %w", part.what, err)
		}
	}
	return nil
}

// advance creates or completes the instance, and looks whether it still is at the version that the change was made on.
func (c *change) advance() error {
	there := true
	if c.Version > 0 {
		there = false
		row := func([]driver.Value) error {
			there = true
			return nil
		}
		err := c.on.query(row, isContinued, c.Instance.ID, c.Instance.Workflow, c.Version, int64(c.LastCommit))
		if err != nil {
			return err
		}
	}
	if there && (c.Version == 0 || c.Complete) {
		var completedAt, status driver.Value
		if c.Complete {
			completedAt, status = micros(c.Now), optional(c.Status)
		}
		var changed int64
		var err error
		if c.Version == 0 {
			changed, err = c.on.exec(createInstance, c.Instance.ID, c.Instance.Workflow, micros(c.Now), completedAt, status)
		} else {
			changed, err = c.on.exec(completeInstance, completedAt, status, c.Instance.ID, c.Instance.Workflow)
		}
		if err != nil {
			return err
		}
		there = changed > 0
	}
	if !there {
		return c.overtaken()
	}
	return nil
}

func (c *change) overtaken() error {
	return fmt.Errorf("it is not at version %d: %w", c.Version, store.ErrConflict)
}

func (c *change) consume() error {
	for i := range c.Consume {
		lease := &c.Consume[i]
		t, err := tableOf(lease.Queue)
		if err != nil {
			return err
		}
		consumed, err := c.on.exec(t.sql.done, t.held(nil, lease)...)
		if err != nil {
			return err
		}
		if consumed == 0 {
			return &store.LeaseLost{Lease: *lease}
		}
	}
	return nil
}

// settle ends leases on deliveries that stay.
func (c *change) settle() error {
	for i := range c.Settle {
		s := &c.Settle[i]
		t, err := tableOf(s.Lease.Queue)
		if err != nil {
			return err
		}
		statement, args, err := t.settlement(s)
		if err != nil {
			return err
		}
		settled, err := c.on.exec(statement, t.held(args, &s.Lease)...)
		if err != nil {
			return err
		}
		if settled == 0 {
			return &store.LeaseLost{Lease: s.Lease}
		}
	}
	return nil
}

func (c *change) takeKey() error {
	if c.UniqueKey == "" {
		return nil
	}
	taken, err := c.on.exec(takeKey, c.Instance.Workflow, c.UniqueKey, c.Instance.ID)
	if err != nil || taken > 0 {
		return err
	}
	var holder string
	read := func(columns []driver.Value) error {
		holder = text(columns[0])
		return nil
	}
	if err := c.on.query(read, keyHolder, c.Instance.Workflow, c.UniqueKey); err != nil {
		return err
	}
	if holder != c.Instance.ID {
		return &store.UniqueKeyConflict{Instance: c.Instance, Key: c.UniqueKey, Holder: holder}
	}
	return nil
}

func (c *change) appendEvents() error {
	for i, e := range c.Events {
		version := c.Version + int64(i) + 1
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
		stored, err := c.on.exec(insertEvent, c.Instance.ID, c.Instance.Workflow, version,
			e.Type, int64(e.SchemaVersion), string(e.Payload), micros(c.Now), int64(c.id),
			optional(string(e.Cause)), status, completes, parent)
		if err != nil {
			return err
		}
		if stored == 0 {
			return c.overtaken()
		}
	}
	return nil
}

// cancelEffects gives up effects, also those that are leased: their handlers find out when they extend or settle.
func (c *change) cancelEffects() error {
	for _, cancelled := range c.CancelEffects {
		_, err := c.on.exec(recordCancelled, micros(c.Now), cancelled.By, c.Instance.ID, c.Instance.Workflow, cancelled.Kind)
		if err == nil {
			_, err = c.on.exec(cancelEffects, c.Instance.ID, c.Instance.Workflow, cancelled.Kind)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// recordEnded keeps records of deliveries of other instances.
func (c *change) recordEnded() error { return insertEndedOf(c.on, c.Ended) }

func (c *change) requestEffects() error {
	for i, e := range c.Effects {
		_, err := c.on.exec(insertEffect, c.leased(e.Leased, c.Instance.ID, c.Instance.Workflow, c.NewVersion(), int64(i),
			e.Kind, string(e.Payload), micros(c.Due), micros(c.Now), optional(e.Trace), optional(e.LimitKey), int64(c.id))...)
		if err != nil {
			return err
		}
	}
	return nil
}

// leased adds to the arguments of a new delivery, whose seventh is run_at, those that say whether it is leased.
func (c *change) leased(is bool, args ...driver.Value) []driver.Value {
	if !is {
		return append(args, int64(0), int64(0), nil, nil)
	}
	args[6] = micros(c.Lease.Until)
	return append(args, int64(1), int64(1), micros(c.Due), usererr.Bound(c.Lease.Holder))
}

// checkPauses fails when the workflow of a delivery that changes lease is paused.
func checkPauses(on session, changes []store.Change) error {
	var checked []string
	for i := range changes {
		workflow := changes[i].Instance.Workflow
		if !changes[i].Leases() || slices.Contains(checked, workflow) {
			continue
		}
		checked = append(checked, workflow)
		paused := false
		err := on.query(func([]driver.Value) error {
			paused = true
			return nil
		}, isPaused, workflow)
		if err == nil && paused {
			err = &store.PausedLease{Workflow: workflow}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *change) cancelTimers() error {
	for _, key := range c.Cancel {
		if _, err := c.on.exec(cancelTimer, c.Instance.ID, c.Instance.Workflow, key); err != nil {
			return err
		}
	}
	return nil
}

func (c *change) startTimers() error {
	for _, t := range c.Timers {
		_, err := c.on.exec(startTimer, c.leased(t.Leased, c.Instance.ID, c.Instance.Workflow, t.Key, c.NewVersion(),
			t.Input, string(t.Payload), micros(t.FireAt), micros(t.FireAt), optional(t.Trace), int64(c.id))...)
		if err != nil {
			return err
		}
	}
	return nil
}

// complete deletes what an instance holds only while it is active. It leaves the effects: they were promised.
func (c *change) complete() error {
	if !c.Complete {
		return nil
	}
	for _, statement := range []string{cancelTimers, freeKeys} {
		if _, err := c.on.exec(statement, c.Instance.ID, c.Instance.Workflow); err != nil {
			return err
		}
	}
	return nil
}
