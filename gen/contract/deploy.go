package contract

import (
	"slices"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

// newer reports that the new program may write what the old one cannot read. What the old one does then follows from what is stored: it fails at
// events and outcomes, and leaves effects and timers to a program that reads them.
func (c *comparer) newer(codes codes, path []string, format string, args ...any) {
	if codes.newer == diagnostic.LeftWaiting {
		c.report(codes.newer, path, format+", and a program of before leaves waiting what it cannot read of it; keep a program that reads it running if you roll back", args...)
		return
	}
	c.report(codes.newer, path, format+", and a program of before fails where it cannot read it; deploy programs that read it everywhere before one that writes it", args...)
}

// deploy compares what only the new set has: rows of it that an old program meets while both run, or after a rollback.
func (c *comparer) deploy() {
	for _, event := range c.added("event") {
		c.newer(storeCodes, []string{"event", event}, "event %q is new", event)
	}
	for _, name := range c.added("rejection") {
		c.newer(rejectCodes, []string{"rejection", name}, "rejection %q is new", name)
	}
	for _, name := range c.added("effect") {
		c.newer(effectCodes, []string{"effect", name}, "effect %q is new", name)
	}
	for _, name := range c.added("input") {
		if c.new.delivered(name) {
			c.newer(inputCodes, []string{"input", name}, "input %q is new", name)
		}
	}
	if len(c.old.below("status")) == 0 {
		return
	}
	for _, state := range c.new.names("move") {
		for _, f := range c.new.below("move", state) {
			if event := f.Path[2]; c.old.facts[f.Key()] == nil && c.old.has("event", event) {
				c.newer(storeCodes, f.Path, "event %q leads from state %q to %q, and led nowhere from there", event, state, f.Value)
			}
		}
	}
}

// added returns the messages of one kind that the old set never had.
func (c *comparer) added(kind string) []string {
	old := c.old.names(kind)
	return slices.DeleteFunc(c.new.names(kind), func(name string) bool { return slices.Contains(old, name) || !c.new.has(kind, name) })
}
