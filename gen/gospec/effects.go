package gospec

import (
	"go/token"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// effect reads what a directive says of how an effect is carried out.
func (r *reader) effect(m spec.Message, d *directive) *spec.Effect {
	w := r.messageWords(&m, d, "returns", "starts", "ended", "sends", "to", "refused", "dead", "retry", "timeout", "priority", "limit", "external", "retired")
	e := &spec.Effect{
		Message:     m,
		Starts:      w.delivery("starts"),
		Ended:       w.name("ended"),
		Sends:       w.delivery("sends"),
		Refused:     w.name("refused"),
		Dead:        w.name("dead"),
		Retry:       w.retry(),
		Timeout:     w.duration("timeout"),
		TimeoutPos:  w.pos("timeout"),
		Priority:    w.signed("priority"),
		PriorityPos: w.pos("priority"),
		Limit:       w.limit(&m),
	}
	e.SetReturns(w.names("returns"))
	external := w.boolean("external")
	for _, d := range []*spec.Delivery{e.Starts, e.Sends} {
		if d != nil {
			d.External = external
		}
	}
	if w.has("external") && e.Starts == nil && e.Sends == nil {
		r.report(w.values["external"].keyPos, diagnostic.UnknownKey, `%s has "external" but neither "starts" nor "sends"; remove it`, w.what)
	}
	if w.has("to") && e.Sends == nil {
		r.report(w.values["to"].keyPos, diagnostic.UnknownKey, `%s has "to" but not "sends"; remove it`, w.what)
	}
	return e
}

// delivery reads starts=hotel/Book, or sends=Stayed with to=parent.
func (w *words) delivery(key string) *spec.Delivery {
	a, ok := w.values[key]
	if !ok {
		return nil
	}
	d := &spec.Delivery{Pos: w.at(a.valuePos)}
	if key == "sends" && w.has("to") {
		d.To = w.name("to")
		d.Input = spec.Name{Text: a.value, Pos: d.Pos}
		return d
	}
	workflow, input, ok := w.pair(part{a.value, a.valuePos}, "/", key+" of "+w.what, key+"=hotel/Book, a workflow and one of its inputs")
	if !ok {
		d.Workflow.Pos, d.Input.Pos = d.Pos, d.Pos
		return d
	}
	d.Workflow = spec.Name{Text: workflow.text, Pos: w.at(workflow.pos)}
	d.Input = spec.Name{Text: input.text, Pos: w.at(input.pos)}
	return d
}

// limitParts are what limit says.
var limitParts = []string{"concurrency", "global", "rate", "burst", "key", "per_key"}

// limit reads limit=concurrency:4,rate:10. The key is a field of the effect.
func (w *words) limit(m *spec.Message) *spec.Limit {
	if !w.has("limit") {
		return nil
	}
	l := &spec.Limit{Pos: w.pos("limit")}
	parts, ok := w.parts("limit", limitParts, false)
	if !ok {
		return nil // it may have said anything
	}
	for name, p := range parts {
		what, pos := name+" of limit of "+w.what, w.at(p.pos)
		switch name {
		case "concurrency":
			l.Concurrency, l.At.Concurrency = w.integer(p, what), pos
		case "global":
			l.Global, l.At.Global = w.integer(p, what), pos
		case "rate":
			l.Rate, l.At.Rate = w.rate(p, what), pos
		case "burst":
			l.Burst, l.At.Burst = w.integer(p, what), pos
		case "key":
			l.Key = w.nameIn(p.text, p.pos, what)
			l.Key.Text = fieldName(m, p.text)
		case "per_key":
			l.PerKey, l.At.PerKey = w.integer(p, what), pos
		}
	}
	return l
}

// retryParts are what retry says, in the order in which it may leave their names out.
var retryParts = []string{"max_attempts", "base", "max"}

// retry reads retry=8,500ms,1m or retry=max_attempts:8,max:1m.
func (w *words) retry() spec.Retry {
	var retry spec.Retry
	parts, _ := w.parts("retry", retryParts, true)
	for name, p := range parts {
		what := name + " of retry of " + w.what
		switch name {
		case "max_attempts":
			retry.MaxAttempts = w.integer(p, what)
		case "base":
			retry.Base = w.durationIn(p, what)
		case "max":
			retry.Max, retry.MaxPos = w.durationIn(p, what), w.at(p.pos)
		}
	}
	return retry
}

// parts reads a list whose elements have names, as in concurrency:4,rate:10. Where ordered is true, the elements may all
// leave their names out, and have those of the same place in known then. ok is false when there is an element of which nobody
// can tell what it was to say.
func (w *words) parts(key string, known []string, ordered bool) (list map[string]part, ok bool) {
	a, ok := w.values[key]
	if !ok {
		return nil, true
	}
	list = make(map[string]part)
	ordered = ordered && !strings.Contains(a.value, ":")
	for i, p := range split(a.value, a.valuePos, ",") {
		name, value, named := strings.Cut(p.text, ":")
		switch {
		case named && slices.Contains(known, name):
			p = part{value, p.pos + token.Pos(len(name)+len(":"))}
		case named:
			_, hint := suggest(name, known)
			w.report(p.pos, diagnostic.UnknownKey, "%s of %s has no key %q; %s", key, w.what, diagnostic.Shorten(name), hint)
			ok = false
			continue
		case ordered && i < len(known):
			name = known[i]
		default:
			w.report(p.pos, diagnostic.DirectiveSyntax, "%s of %s has %q, which does not say what it is; write a name and a colon before it: %s",
				key, w.what, diagnostic.Shorten(p.text), strings.Join(known, ", "))
			ok = false
			continue
		}
		if _, again := list[name]; again {
			w.report(p.pos, diagnostic.DuplicateKey, "%s of %s has %q twice; delete one of them", key, w.what, name)
			continue
		}
		list[name] = p
	}
	return list, ok
}
