package sqlite

import (
	"context"
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime"
)

// change writes what one instance adds to a commit.
type change struct {
	*runtime.Change
	on *statements
}

// write begins with the version, because a change that was overtaken has to be made anew whatever else is wrong with it.
// The delivery that caused the change comes next, so that a timer may start itself again.
func (c *change) write(ctx context.Context) error {
	for _, part := range []struct {
		what  string
		write func(context.Context) error
	}{
		{"move to the next version", c.advance},
		{"consume the delivery that caused the change", c.consume},
		{"take the unique key", c.takeKey},
		{"append events", c.appendEvents},
		{"request effects", c.requestEffects},
		{"cancel timers", c.cancelTimers},
		{"start timers", c.startTimers},
		{"complete", c.complete},
	} {
		if err := part.write(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.what, err)
		}
	}
	return nil
}

// advance moves the instance to its new version, if it still is at the one the change was made on.
func (c *change) advance(ctx context.Context) error {
	var completed any
	if c.Complete {
		completed = micros(c.Now)
	}
	statement, last := advanceInstance, c.Version
	if c.Version == 0 {
		statement, last = createInstance, micros(c.Now) // created_at
	}
	changed, err := c.on.exec(ctx, statement,
		c.NewVersion(), micros(c.Now), completed, c.Instance.ID, c.Instance.Workflow, last)
	if err == nil && changed == 0 {
		return fmt.Errorf("it is not at version %d: %w", c.Version, runtime.ErrConflict)
	}
	return err
}

func (c *change) consume(ctx context.Context) error {
	if c.Consume == nil {
		return nil
	}
	t, err := tableOf(c.Consume.Queue)
	if err != nil {
		return err
	}
	consumed, err := c.on.exec(ctx, t.sql.done, t.held(c.Consume)...)
	if err == nil && consumed == 0 {
		return &runtime.LeaseLost{Lease: *c.Consume}
	}
	return err
}

func (c *change) takeKey(ctx context.Context) error {
	if c.UniqueKey == "" {
		return nil
	}
	taken, err := c.on.exec(ctx, takeKey, c.Instance.Workflow, c.UniqueKey, c.Instance.ID)
	if err != nil || taken > 0 {
		return err
	}
	var holder string
	read := func(scan func(...any) error) error { return scan(&holder) }
	if err := c.on.query(ctx, read, keyHolder, c.Instance.Workflow, c.UniqueKey); err != nil {
		return err
	}
	if holder != c.Instance.ID {
		return &runtime.UniqueKeyConflict{Instance: c.Instance, Key: c.UniqueKey, Holder: holder}
	}
	return nil
}

func (c *change) appendEvents(ctx context.Context) error {
	for i, e := range c.Events {
		_, err := c.on.exec(ctx, insertEvent, c.Instance.ID, c.Instance.Workflow, c.Version+int64(i)+1,
			e.Type, e.SchemaVersion, string(e.Payload), micros(c.Now))
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *change) requestEffects(ctx context.Context) error {
	for i, e := range c.Effects {
		_, err := c.on.exec(ctx, insertEffect, c.Instance.ID, c.Instance.Workflow, c.NewVersion(), i,
			e.Kind, string(e.Payload), micros(c.Now), micros(c.Now))
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *change) cancelTimers(ctx context.Context) error {
	for _, key := range c.Cancel {
		if _, err := c.on.exec(ctx, cancelTimer, c.Instance.ID, c.Instance.Workflow, key); err != nil {
			return err
		}
	}
	return nil
}

func (c *change) startTimers(ctx context.Context) error {
	for _, t := range c.Timers {
		_, err := c.on.exec(ctx, startTimer, c.Instance.ID, c.Instance.Workflow, t.Key, c.NewVersion(),
			t.Input, string(t.Payload), micros(t.FireAt), micros(t.FireAt))
		if err != nil {
			return err
		}
	}
	return nil
}

// complete leaves the effects: they were promised.
func (c *change) complete(ctx context.Context) error {
	if !c.Complete {
		return nil
	}
	for _, statement := range []string{cancelTimers, freeKeys} {
		if _, err := c.on.exec(ctx, statement, c.Instance.ID, c.Instance.Workflow); err != nil {
			return err
		}
	}
	return nil
}
