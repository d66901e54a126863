package store

import (
	"errors"
	"fmt"
	"slices"
)

// The rules of this file do not depend on what is stored. The engine checks them before it calls a store, so a store need not.
// An error is a mistake of the engine's, never of its users.

// ValidateChanges fails if changes break a rule of [Change], or two of them are of one instance.
func ValidateChanges(changes []Change) error {
	seen := make(map[InstanceKey]struct{}, len(changes))
	for i := range changes {
		c := &changes[i]
		seen[c.Instance] = struct{}{}
		err := c.validate()
		if err == nil && len(seen) != i+1 {
			err = errors.New("there are two changes to the instance")
		}
		if err != nil {
			return fmt.Errorf("commit %s: %w", c.Instance, err)
		}
	}
	return nil
}

func (c *Change) validate() error {
	switch {
	case len(c.Events) == 0:
		return errors.New("a change needs at least one event")
	case c.Complete && len(c.Timers) > 0:
		return errors.New("a change that completes an instance cannot start timers")
	case c.Leases() && c.Lease.Holder == "":
		return errors.New("a lease needs a holder")
	}
	for i, t := range c.Timers {
		switch {
		case slices.ContainsFunc(c.Timers[:i], func(other NewTimer) bool { return other.Key == t.Key }):
			return fmt.Errorf("a change cannot start the timer %q twice", t.Key)
		case slices.Contains(c.Cancel, t.Key):
			return fmt.Errorf("a change cannot both start and cancel the timer %q", t.Key)
		case t.Leased && t.FireAt.After(c.Due):
			return fmt.Errorf("the timer %q cannot be leased before it is due", t.Key)
		}
	}
	for _, lease := range c.Consume {
		if err := lease.validate(lease.Queue); err != nil {
			return err
		}
	}
	for _, s := range c.Settle {
		if err := s.Lease.validate(s.Lease.Queue); err != nil {
			return err
		}
		if s.Verdict != Dead && s.Verdict != Again {
			return fmt.Errorf("a change cannot settle a delivery with the verdict %d, only with Dead or Again", s.Verdict)
		}
	}
	return nil
}

// validate fails if the lease is not of a queue.
func (l Lease) validate(queue QueueName) error {
	if l.Queue != EffectQueue && l.Queue != TimerQueue {
		return fmt.Errorf("unknown queue %q", l.Queue)
	}
	if l.Queue != queue {
		return fmt.Errorf("a lease of the queue %q was given to %q", l.Queue, queue)
	}
	return nil
}

// ValidateLeases fails if a lease is not of the queue that is asked about it.
func ValidateLeases(queue QueueName, leases []Lease) error {
	for _, l := range leases {
		if err := l.validate(queue); err != nil {
			return fmt.Errorf("lease of %s: %w", l.Instance, err)
		}
	}
	return nil
}

// ValidateSettlements fails if a lease is not of the queue that settles it, or a verdict is unknown.
func ValidateSettlements(queue QueueName, settlements []Settlement) error {
	for _, s := range settlements {
		err := s.Lease.validate(queue)
		if err == nil && (s.Verdict < Done || s.Verdict > Wait) {
			err = fmt.Errorf("unknown verdict %d", s.Verdict)
		}
		if err != nil {
			return fmt.Errorf("lease of %s: %w", s.Lease.Instance, err)
		}
	}
	return nil
}

// ValidateRequests fails if two requests are for one instance.
func ValidateRequests(requests []ReadRequest) error {
	seen := make(map[InstanceKey]struct{}, len(requests))
	for i, r := range requests {
		if seen[r.Instance] = struct{}{}; len(seen) != i+1 {
			return fmt.Errorf("%s is requested twice", r.Instance)
		}
	}
	return nil
}
