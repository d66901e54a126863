package runtime

import (
	"fmt"
	"time"
)

// chain decides on inputs of one instance, one after the other, in memory: each sees what the ones before it led to. All
// of it becomes one change.
type chain struct {
	key      InstanceKey
	workflow *Workflow
	base     int64 // version that is stored
	now      time.Time
	current  cached // after the last decision
	change   Change
	timers   timerNet
	events   int // size of their payloads
}

// newChain begins at what is known of an instance. now is the clock's.
func newChain(key InstanceKey, workflow *Workflow, known cached, now time.Time) chain {
	now = storedTime(now)
	return chain{
		key: key, workflow: workflow, base: known.version, current: known,
		now:    latest(now, known.lastEvent),
		change: Change{Instance: key, Version: known.version, Due: now},
	}
}

// decide decides on one input. Its result is true only when the chain's change is stored, or, if there is none, while
// the instance is at the chain's base version.
func (c *chain) decide(req request) (result, error) {
	if c.current.completed {
		return result{kind: alreadyCompleted, version: c.current.version}, nil
	}
	// The now of a decision is the clock's, but neither before the instance's last event nor before the time that the
	// input's timer was set for: time never runs backwards within an instance.
	if len(c.change.Events) == 0 {
		c.now = latest(c.now, req.notBefore)
	}
	rejection, taken, err := c.workflow.decide(c.now, c.current.version, c.current.state, req.input)
	switch {
	case err != nil:
		return result{}, err
	case rejection != nil:
		return result{kind: rejected, rejection: rejection, version: c.current.version}, nil
	}
	if err := taken.checkPayloads(c.key.Workflow, req.maxPayload); err != nil {
		return result{}, err
	}
	c.add(req, taken)
	return result{kind: accepted, events: taken.events, version: c.current.version}, nil
}

// add appends a decision to the change.
func (c *chain) add(req request, d decided) {
	c.change.Now = c.now
	c.change.Events = join(c.change.Events, d.stored)
	c.change.Effects = join(c.change.Effects, d.effects)
	if req.input.uniqueKey != "" {
		c.change.UniqueKey = req.input.uniqueKey
	}
	if req.consume != nil {
		c.change.Consume = append(c.change.Consume, *req.consume)
	}
	c.timers.add(d.timers)
	for _, event := range d.stored {
		c.events += len(event.Payload)
	}
	c.current = cached{
		version:   c.current.version + int64(len(d.stored)),
		completed: d.complete,
		state:     d.state,
		lastEvent: c.now,
		bytes:     c.current.bytes,
		snapshot:  c.current.snapshot,
	}
}

// join appends what a decision leads to. Most chains have one decision, whose slices nobody else uses any more.
func join[T any](before, more []T) []T {
	if len(before) == 0 {
		return more
	}
	return append(before, more...)
}

// accepts reports whether the chain can take another input. Some have to wait until the chain is stored: a timer that is
// set for later than the chain's now; one that a decision of the chain has cancelled or replaced, of which the store will
// say so; and a second unique key.
func (c *chain) accepts(req request) bool {
	if len(c.change.Events) == 0 {
		return true
	}
	overtaken := req.consume != nil && req.consume.Queue == TimerQueue && c.timers.has(req.consume.Key)
	return !overtaken && !req.notBefore.After(c.now) && req.input.uniqueKey == ""
}

// finish returns the change to store; ok is false when nothing is added.
func (c *chain) finish() (change Change, ok bool) {
	if len(c.change.Events) == 0 {
		return Change{}, false
	}
	c.change.Complete = c.current.completed
	if !c.change.Complete { // completion deletes all timers
		c.change.Timers, c.change.Cancel = c.timers.result()
	}
	c.current.bytes += c.events
	return c.change, true
}

// size is about what the change takes on its way to the store.
func (c *chain) size() int {
	size := c.events
	for _, effect := range c.change.Effects {
		size += len(effect.Payload)
	}
	return size
}

// known makes what a store says of an instance into what a chain begins at. The state before the instance's events is the
// given one, or that of the snapshot, or the initial one.
func known(workflow *Workflow, before cached, instance Instance) (cached, error) {
	after := cached{version: instance.Version, completed: instance.Completed, lastEvent: instance.LastEventAt,
		bytes: before.bytes, snapshot: before.snapshot}
	if instance.Completed {
		return after, nil
	}
	if instance.Version < before.version { // a database that was set back
		return cached{}, ErrConflict
	}
	if instance.Snapshot != nil {
		after.bytes, after.snapshot = len(instance.Snapshot.State), instance.Snapshot.Version
	}
	for _, event := range instance.Events {
		after.bytes += len(event.Payload)
	}
	state, err := workflow.replay(before.state, instance)
	if err != nil {
		return cached{}, fmt.Errorf("%s: %w", instance.Key, err)
	}
	after.state = state
	return after, nil
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
