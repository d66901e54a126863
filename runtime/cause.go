package runtime

import "github.com/ironflow-gen/ironflow/runtime/codec"

// Cause says why a decision was made, and what it asked for. It is stored with the first event of the decision.
type Cause struct {
	Input   string `json:"input"`
	InputID string `json:"input_id,omitempty"`
	Trace   string `json:"trace,omitempty"` // W3C trace context

	// Delivery is the effect or timer that brought the input; nil for an input of a client.
	Delivery *CauseDelivery `json:"delivery,omitempty"`

	// Effects are the kinds that the decision asked for. The first is EffectsVersion, EffectsPosition in the outbox, the
	// others follow.
	Effects         []string `json:"effects,omitempty"`
	EffectsVersion  int64    `json:"effects_version,omitempty"`
	EffectsPosition int      `json:"effects_position,omitempty"`

	// Timers are the keys of the timers that the decision started, all with TimersVersion, unless a later decision of the same
	// commit replaced or cancelled them.
	Timers        []string `json:"timers,omitempty"`
	TimersVersion int64    `json:"timers_version,omitempty"`

	CancelledTimers []string `json:"cancelled_timers,omitempty"` // keys; those of timers that did not run are among them
}

// CauseDelivery names an effect or timer that brought an input.
type CauseDelivery struct {
	Queue    QueueName `json:"queue"`
	Workflow string    `json:"workflow,omitempty"` // of its instance, when that is another than the one of the decision
	Instance string    `json:"instance,omitempty"`
	Kind     string    `json:"kind"`
	Version  int64     `json:"version"` // see Lease
	Position int       `json:"position,omitempty"`
	Key      string    `json:"key,omitempty"`
	Attempt  int       `json:"attempt"`
}

// encode writes what encoding/json would read as a Cause. Every decision has one, so it costs no reflection.
func (c *Cause) encode() ([]byte, error) {
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
