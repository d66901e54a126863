package sqlite

import (
	"database/sql/driver"
	"fmt"
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// change writes what one instance adds to a commit.
type change struct {
	*store.Change
	id store.CommitID
	on session
}

// parts of a change between its events and its new deliveries, in order.
var parts = []struct {
	what  string
	write func(*change) error
}{
	{"consume the deliveries that caused the change", (*change).consume},
	{"settle the deliveries that caused the change", (*change).settle},
	{"take the unique key", (*change).takeKey},
	{"store search values", (*change).putSearch},
	{"cancel effects", (*change).cancelEffects},
	{"cancel timers", (*change).cancelTimers},
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
