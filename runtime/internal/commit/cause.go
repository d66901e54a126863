package commit

import (
	"github.com/ironflow-gen/ironflow/runtime/codec"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// encodeCause writes what encoding/json would read as a Cause. Every decision has one, so it costs no reflection.
func encodeCause(c *store.Cause) ([]byte, error) {
	e := codec.NewEncoder()
	text := func(key, value string) {
		if value != "" {
			e.Key(key)
			e.String(value)
		}
	}
	number := func(key string, value int64) {
		if value != 0 {
			e.Key(key)
			e.Int64(value)
		}
	}
	e.BeginObject()
	text("input", c.Input)
	text("input_id", c.InputID)
	text("trace", c.Trace)
	text("by", c.By)
	text("reason", c.Reason)
	if d := c.Delivery; d != nil {
		e.Key("delivery")
		e.BeginObject()
		text("queue", string(d.Queue))
		text("workflow", d.Workflow)
		text("instance", d.Instance)
		text("kind", d.Kind)
		number("version", d.Version)
		number("position", int64(d.Position))
		text("key", d.Key)
		number("attempt", int64(d.Attempt))
		e.EndObject()
	}
	if len(c.Effects) > 0 {
		e.Key("effects")
		codec.EncodeList(e, c.Effects, (*codec.Encoder).String)
		number("effects_version", c.EffectsVersion)
		number("effects_position", int64(c.EffectsPosition))
	}
	if len(c.Timers) > 0 {
		e.Key("timers")
		codec.EncodeList(e, c.Timers, (*codec.Encoder).String)
		number("timers_version", c.TimersVersion)
	}
	if len(c.CancelledTimers) > 0 {
		e.Key("cancelled_timers")
		codec.EncodeList(e, c.CancelledTimers, (*codec.Encoder).String)
	}
	e.EndObject()
	return e.Bytes()
}
