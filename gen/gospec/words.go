package gospec

import (
	"go/token"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// words are the arguments of one directive that have a key which it knows. What is read of them and is not right is
// reported; in its place stands what keeps the rest from being mistaken: see [spec.Name].
type words struct {
	*reader
	what   string // of messages: what the directive declares
	values map[string]argument
	vague  bool // there is something of which nobody can tell what it was to say
}

// words sorts the arguments of a directive by their keys. what is what it declares, as in `effect "Ring"`. others, when it is
// not nil, gets those whose keys are not known and look like names of the declaration; it returns false for what it has no
// use for.
func (r *reader) words(d *directive, what string, others func(a argument) bool, known ...string) words {
	w := words{reader: r, what: what, values: make(map[string]argument)}
	for _, a := range d.args {
		switch {
		case a.key == "":
			w.unkeyed(a, known)
		case slices.Contains(known, a.key):
			w.add(a)
		case others != nil && others(a):
		default:
			nearest, hint := suggest(a.key, known)
			r.report(a.keyPos, diagnostic.UnknownKey, "%s has no key %q; %s", w.what, diagnostic.Shorten(a.key), hint)
			if _, written := w.values[nearest]; nearest != "" && !written {
				w.values[nearest] = a
			}
			w.vague = w.vague || nearest == ""
		}
	}
	return w
}

func (w *words) add(a argument) {
	if first, again := w.values[a.key]; again {
		w.report(a.keyPos, diagnostic.DuplicateKey, "%s has %q twice; delete one of them", w.what, a.key).
			Relate(w.at(first.keyPos), "the first one")
		return
	}
	w.values[a.key] = a
}

// unkeyed reports an argument without a key in a place where there is none.
func (w *words) unkeyed(a argument, known []string) {
	w.vague = true
	switch {
	case len(known) == 0:
		w.report(a.valuePos, diagnostic.DirectiveSyntax, "the directive takes no arguments, so %q has no meaning; remove it", diagnostic.Shorten(a.value))
	case slices.Contains(known, a.value):
		w.report(a.valuePos, diagnostic.DirectiveSyntax, "%s has %q without a value; write %s=...", w.what, a.value, a.value)
	default:
		_, hint := suggest("", known)
		w.report(a.valuePos, diagnostic.DirectiveSyntax, "%s has %q, which is no key=value; put values with spaces in quotes, and write lists with commas and without spaces; %s",
			w.what, diagnostic.Shorten(a.value), hint)
	}
}

// suggest completes a message about a key that is not known.
func suggest(key string, known []string) (nearest, hint string) {
	if len(known) == 0 {
		return "", "it takes no arguments, so remove it"
	}
	if nearest, hint = spec.SuggestKey(key, known); hint == "" {
		hint = "it knows " + strings.Join(known, ", ")
	}
	return nearest, hint
}

func (w *words) has(key string) bool {
	_, ok := w.values[key]
	return ok
}

// pos returns where a value is written, the zero Pos when it is not.
func (w *words) pos(key string) spec.Pos {
	if a, ok := w.values[key]; ok {
		return w.at(a.valuePos)
	}
	return spec.Pos{}
}

// name returns a name, or none if the key is not there.
func (w *words) name(key string) spec.Name {
	a, ok := w.values[key]
	if !ok {
		return spec.Name{}
	}
	return w.nameIn(a.value, a.valuePos, key+" of "+w.what)
}

// nameIn returns a name that stands at pos.
func (r *reader) nameIn(text string, pos token.Pos, what string) spec.Name {
	if text == "" {
		r.report(pos, diagnostic.NotName, "%s is empty; write a name", what)
	}
	return spec.Name{Text: text, Pos: r.at(pos)}
}

// text returns a text that is no name but has a place.
func (w *words) text(key string) spec.Name {
	a, ok := w.values[key]
	if !ok {
		return spec.Name{}
	}
	if strings.TrimSpace(a.value) == "" {
		w.report(a.valuePos, diagnostic.NotText, "%s of %s is empty; write the text, or remove the key", key, w.what)
		return spec.Name{Pos: w.at(a.valuePos)}
	}
	return spec.Name{Text: a.value, Pos: w.at(a.valuePos)}
}

// part is an element of a list, with its place.
type part struct {
	text string
	pos  token.Pos
}

// split cuts a list at its commas.
func split(text string, pos token.Pos, separator string) []part {
	var list []part
	for element := range strings.SplitSeq(text, separator) {
		list = append(list, part{element, pos})
		pos += token.Pos(len(element) + len(separator))
	}
	return list
}

// names returns a list of names, as in Pay,PaymentFailed.
func (w *words) names(key string) []spec.Name {
	a, ok := w.values[key]
	if !ok {
		return nil
	}
	var list []spec.Name
	for _, p := range split(a.value, a.valuePos, ",") {
		list = append(list, w.nameIn(p.text, p.pos, "an entry of "+key+" of "+w.what))
	}
	return list
}

// pair cuts a text in two at the last separator, as in Create:CartID, and reports one that is something else.
func (r *reader) pair(p part, separator, what, example string) (first, second part, ok bool) {
	cut := strings.LastIndex(p.text, separator)
	if cut < 0 {
		cut = len(p.text)
	}
	before, after := p.text[:cut], strings.TrimPrefix(p.text[cut:], separator)
	if before == "" || after == "" {
		r.report(p.pos, diagnostic.DirectiveSyntax, "%s is %q; write it like %s", what, diagnostic.Shorten(p.text), example)
		return first, second, false
	}
	return part{before, p.pos}, part{after, p.pos + token.Pos(len(before)+len(separator))}, true
}

// boolean returns true or false, false for nothing written.
func (w *words) boolean(key string) bool {
	a, ok := w.values[key]
	if ok && a.value != "true" && a.value != "false" {
		w.report(a.valuePos, diagnostic.NotBoolean, "%s of %s must be true or false, not %q", key, w.what, diagnostic.Shorten(a.value))
	}
	return a.value == "true"
}

// arbitraryDuration stands for one that could not be read and has been reported.
const arbitraryDuration = time.Second

// duration returns a duration above zero, or 0 for nothing written.
func (w *words) duration(key string) time.Duration {
	a, ok := w.values[key]
	if !ok {
		return 0
	}
	return w.durationIn(part{a.value, a.valuePos}, key+" of "+w.what)
}

func (r *reader) durationIn(p part, what string) time.Duration {
	d, ok := spec.ParseDuration(p.text)
	switch {
	case ok && d > 0:
		return d
	case ok:
		r.report(p.pos, diagnostic.BadDuration, "%s is %s; it must be longer than zero", what, p.text)
	default:
		r.report(p.pos, diagnostic.BadDuration, "%s must be a duration like 500ms, 30s, 1h30m or 7d, not %q", what, diagnostic.Shorten(p.text))
	}
	return arbitraryDuration
}

// signed returns a whole number, 0 for nothing written.
func (w *words) signed(key string) int {
	a, ok := w.values[key]
	if !ok {
		return 0
	}
	i, err := strconv.ParseInt(a.value, 10, 32)
	if err != nil {
		w.report(a.valuePos, diagnostic.NotNumber, "%s of %s must be a whole number, not %q", key, w.what, diagnostic.Shorten(a.value))
	}
	return int(i)
}

// rate returns a number above zero, and 1 for what is something else.
func (r *reader) rate(p part, what string) float64 {
	f, err := strconv.ParseFloat(p.text, 64)
	if err != nil || !(f > 0 && f <= math.MaxInt32) {
		r.report(p.pos, diagnostic.NotNumber, "%s must be a number above 0 and at most 2147483647, the count in each second, not %q", what, diagnostic.Shorten(p.text))
		return 1
	}
	return f
}

// integer returns a whole number of at least 1, and 1 for what is something else.
func (r *reader) integer(p part, what string) int {
	i, err := strconv.ParseInt(p.text, 10, 32)
	if err != nil || i < 1 {
		r.report(p.pos, diagnostic.NotNumber, "%s must be a whole number from 1 to 2147483647, not %q", what, diagnostic.Shorten(p.text))
		return 1
	}
	return int(i)
}
