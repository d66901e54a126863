package gospec

import (
	"go/token"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// effect reads what a directive says about a handler.
func (r *reader) effect(m spec.Message, d *directive) *spec.Effect {
	w := r.words(d, nil, "returns", "retry", "timeout")
	return &spec.Effect{
		Message: m,
		Returns: w.names("returns"),
		Retry:   w.retry(),
		Timeout: w.duration("timeout"),
	}
}

// retryParts are what retry says, in the order in which it may leave their names out.
var retryParts = []string{"max_attempts", "base", "max"}

// retry reads retry=8,500ms,1m or retry=max_attempts:8,max:1m.
func (w *words) retry() spec.Retry {
	var retry spec.Retry
	for name, p := range w.parts("retry", retryParts, true) {
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
// leave their names out, and have those of the same place in known then.
func (w *words) parts(key string, known []string, ordered bool) map[string]part {
	a, ok := w.values[key]
	if !ok {
		return nil
	}
	list := make(map[string]part)
	ordered = ordered && !strings.Contains(a.value, ":")
	for i, p := range split(a.value, a.valuePos, ",") {
		name, value, named := strings.Cut(p.text, ":")
		switch {
		case named && slices.Contains(known, name):
			p = part{value, p.pos + token.Pos(len(name)+len(":"))}
		case named:
			_, hint := suggest(name, known)
			w.report(p.pos, diagnostic.UnknownKey, "%s of %s has no key %q; %s", key, w.what, shorten(name), hint)
			continue
		case ordered && i < len(known):
			name = known[i]
		default:
			w.report(p.pos, diagnostic.DirectiveSyntax, "%s of %s has %q, which does not say what it is; write a name and a colon before it: %s",
				key, w.what, shorten(p.text), strings.Join(known, ", "))
			continue
		}
		if _, again := list[name]; again {
			w.report(p.pos, diagnostic.DuplicateKey, "%s of %s has %q twice; delete one of them", key, w.what, name)
			continue
		}
		list[name] = p
	}
	return list
}
