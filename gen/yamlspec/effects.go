package yamlspec

import (
	"gopkg.in/yaml.v3"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// effects reads the effects.
func (r *reader) effects(n *yaml.Node) []*spec.Effect {
	var list []*spec.Effect
	for _, e := range r.section(n, "effects", messageExamples["effect"]) {
		m, o := r.message(e, "effect", "returns", "starts", "ended", "sends", "refused", "dead", "retry", "timeout", "priority", "limit", "retired")
		effect := &spec.Effect{Message: m}
		effect.SetReturns(r.names(o.values["returns"], "returns of "+o.what, true))
		effect.Starts = r.delivery(o, "starts", "{workflow: hotel, input: Book}")
		effect.Ended = o.name(r, "ended")
		effect.Sends = r.delivery(o, "sends", "{workflow: hotel, input: Cancel}")
		effect.Refused = o.name(r, "refused")
		effect.Dead = o.name(r, "dead")
		effect.Timeout = r.duration(o.values["timeout"], "timeout of "+o.what)
		effect.TimeoutPos = r.posOf(o.values["timeout"])
		effect.Priority = r.signed(o.values["priority"], "priority of "+o.what)
		effect.PriorityPos = r.posOf(o.values["priority"])
		effect.Limit = r.limit(o)
		if retry := o.values["retry"]; retry != nil {
			effect.Retry = r.retry(retry, "retry of "+o.what)
		}
		list = append(list, effect)
	}
	return list
}

func (r *reader) retry(n *yaml.Node, what string) spec.Retry {
	o := r.object(n, what, "{max_attempts: 8, base: 500ms, max: 1m}", "max_attempts", "base", "max")
	retry := spec.Retry{
		MaxAttempts: r.integer(o.values["max_attempts"], "max_attempts of "+what),
		Base:        r.duration(o.values["base"], "base of "+what),
		Max:         r.duration(o.values["max"], "max of "+what),
	}
	retry.MaxPos = r.posOf(o.values["max"])
	return retry
}

// delivery reads where an effect is delivered, nil if nowhere.
func (r *reader) delivery(effect object, key, example string) *spec.Delivery {
	n := effect.values[key]
	if n == nil {
		return nil
	}
	keys := []string{"workflow", "input", "external"}
	if key == "sends" {
		keys = append(keys, "to")
	}
	o := r.object(n, key+" of "+effect.what, example, keys...)
	d := &spec.Delivery{Workflow: o.storedName(r, "workflow"), Input: o.storedName(r, "input"), To: o.name(r, "to"), Pos: r.pos(n)}
	d.External, _ = r.boolean(o.values["external"], "external of "+o.what)
	if !o.ok || o.vague {
		d.Input = orUnread(d.Input, r.unread(n))
		if d.To == (spec.Name{}) {
			d.Workflow = orUnread(d.Workflow, r.unread(n))
		}
	}
	return d
}

// orUnread is what stands for a name that may be meant by something that could not be read.
func orUnread(n, unread spec.Name) spec.Name {
	if n == (spec.Name{}) {
		return unread
	}
	return n
}

// limit reads the limit of an effect, nil if it has none.
func (r *reader) limit(effect object) *spec.Limit {
	n := effect.values["limit"]
	if n == nil {
		return nil
	}
	o := r.object(n, "limit of "+effect.what, "{concurrency: 4, rate: 10}",
		"concurrency", "global", "rate", "burst", "key", "per_key")
	l := &spec.Limit{
		Concurrency: r.integer(o.values["concurrency"], "concurrency of "+o.what),
		Global:      r.integer(o.values["global"], "global of "+o.what),
		Rate:        r.rate(o.values["rate"], "rate of "+o.what),
		Burst:       r.integer(o.values["burst"], "burst of "+o.what),
		Key:         o.name(r, "key"),
		PerKey:      r.integer(o.values["per_key"], "per_key of "+o.what),
		Pos:         r.pos(n),
		At: spec.LimitPositions{
			Concurrency: r.posOf(o.values["concurrency"]),
			Global:      r.posOf(o.values["global"]),
			Rate:        r.posOf(o.values["rate"]),
			Burst:       r.posOf(o.values["burst"]),
			PerKey:      r.posOf(o.values["per_key"]),
		},
	}
	if !o.ok || o.vague {
		return nil // it may have said anything
	}
	return l
}
