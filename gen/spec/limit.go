package spec

import "github.com/ironflow-gen/ironflow/gen/diagnostic"

// Limit bounds how much of an effect is done at once, and how fast. Zero values limit nothing; as with durations, it is
// the front end that refuses a written zero or less.
type Limit struct {
	Concurrency int     // at once in one process
	Global      int     // at once over all processes
	Rate        float64 // begun in each second, over all processes
	Burst       int     // begun at once after a pause; 0 means Rate, rounded up
	Key         Name    // field of the effect whose values are limited apart from each other
	PerKey      int     // at once for one value of Key, over all processes

	Pos Pos
	At  LimitPositions
}

// LimitPositions says where the parts of a Limit are written. The zero Pos stands for what is not written.
type LimitPositions struct{ Concurrency, Global, Rate, Burst, PerKey Pos }

// The range of Effect.Priority.
const (
	MinPriority = -1000
	MaxPriority = 1000
)

// effectOrder checks what the declaration says about which effects come first, and how many.
func (c *checker) effectOrder(e *Effect) {
	if e.Priority < MinPriority || e.Priority > MaxPriority {
		c.d.Report(e.PriorityPos, diagnostic.PriorityRange, "priority of effect %q is %d; a priority is a whole number from %d to %d",
			e.Name.Text, e.Priority, MinPriority, MaxPriority)
	}
	if e.Limit != nil {
		c.limit(e, e.Limit)
	}
}

func (c *checker) limit(e *Effect, l *Limit) {
	owner := "limit of effect " + quote(e.Name.Text)
	written := func(p Pos) bool { return p.Line > 0 }
	hasKey := l.Key != Name{}
	if l.At == (LimitPositions{}) && !hasKey {
		c.d.Report(l.Pos, diagnostic.EmptyLimit, "%s limits nothing; write one or several of concurrency, global, rate and per_key", owner)
		return
	}
	if written(l.At.Burst) && !written(l.At.Rate) {
		c.d.Report(l.At.Burst, diagnostic.HalfLimit, `%s has "burst" but no "rate"; add the rate, like %q`, owner, c.w.Form.partEntry("rate", "10"))
	}
	switch {
	case hasKey && !written(l.At.PerKey):
		c.d.Report(l.Key.Pos, diagnostic.HalfLimit, `%s has "key" but no "per_key"; say how many may be done at once for one value of the field, like %q`, owner, c.w.Form.partEntry("per_key", "1"))
	case !hasKey && written(l.At.PerKey):
		c.d.Report(l.At.PerKey, diagnostic.HalfLimit, `%s has "per_key" but no "key"; name the field of the effect that tells what is limited apart, like %q`, owner, c.w.Form.partEntry("key", "customer_id"))
	}
	for _, part := range []struct {
		name  string
		value int
		at    Pos
	}{{"concurrency", l.Concurrency, l.At.Concurrency}, {"per_key", l.PerKey, l.At.PerKey}} {
		if l.Global > 0 && part.value > l.Global {
			c.d.Report(part.at, diagnostic.LimitUnreached, "%s of %s is %d, which global, %d, never lets it reach; lower it, raise global, or leave one of them out",
				part.name, owner, part.value, l.Global)
		}
	}
	c.limitKey(owner, e, l.Key)
}

// limitKey checks that the values of a limit's key can be told apart by their text.
func (c *checker) limitKey(owner string, e *Effect, key Name) {
	if key.Text == "" {
		return
	}
	f, open := field(e.Fields, key.Text)
	switch {
	case open:
	case f == nil:
		_, hint := Suggest(key.Text, fieldNames(e.Fields))
		if len(e.Fields) == 0 {
			hint = "add it to the effect's fields"
		}
		c.d.Report(key.Pos, diagnostic.LimitKey, "key of %s is %q, and the effect has no such field; %s", owner, key.Text, hint)
	case !isKey(&f.Type):
		c.d.Report(key.Pos, diagnostic.LimitKey, "key of %s is field %q of type %s; a key is a string, an integer like int64 or uint32, or an enum",
			owner, key.Text, c.w.Form.typeText(&f.Type))
	}
}

func isKey(ref *TypeRef) bool {
	switch ref.Kind {
	case Scalar:
		switch ref.Name {
		case "string", "int", "int32", "int64", "uint32", "uint64":
			return true
		}
		return false
	case Declared:
		return ref.Decl == nil || ref.Decl.Kind == Enum || ref.Decl.Kind == 0
	}
	return ref.Kind == 0
}
