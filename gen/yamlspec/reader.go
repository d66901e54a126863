package yamlspec

import (
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

const (
	// maxNodes limits the nodes that are visited, each counted as often as an alias leads to it: a few lines of aliases
	// to aliases otherwise stand for billions.
	maxNodes = 200_000
	// maxEntries limits one mapping or list.
	maxEntries = 1000
)

// reader walks the nodes of one declaration.
type reader struct {
	src     *source
	d       *spec.Diagnostics
	visited int
	spent   bool     // maxNodes was reported
	events  []string // the declared ones, to tell a misspelled event from a misspelled key
}

// entry is one key of a mapping with its value.
type entry struct {
	key   spec.Name
	value *yaml.Node
}

func (r *reader) pos(n *yaml.Node) spec.Pos {
	return r.src.at(r.src.offset(n.Line, n.Column))
}

// posOf is pos for what may not be written.
func (r *reader) posOf(n *yaml.Node) spec.Pos {
	if n == nil || isNull(n) {
		return spec.Pos{}
	}
	return r.pos(n)
}

func (r *reader) report(n *yaml.Node, code diagnostic.Code, format string, args ...any) *diagnostic.Diagnostic {
	return r.d.Report(r.pos(n), code, format, args...)
}

// unread stands in the model for what could not be read and has been reported.
func (r *reader) unread(n *yaml.Node) spec.Name { return spec.Name{Pos: r.pos(n)} }

// resolve follows an alias and counts the visit. It returns nil when the node must not be walked.
func (r *reader) resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias // the parser gives the node itself, never an alias of an alias
	}
	r.visited++
	if r.visited <= maxNodes {
		return n
	}
	if !r.spent {
		r.spent = true
		r.report(n, diagnostic.TooManyAliases, "the declaration expands to more than %d values; it uses too many aliases", maxNodes)
	}
	return nil
}

// isNull reports whether nothing is written in a place.
func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// found describes a node in messages about what should stand in its place.
func found(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping" + foreignTag(n, "!!map")
	case yaml.SequenceNode:
		return "a list" + foreignTag(n, "!!seq")
	}
	switch n.ShortTag() {
	case "!!null":
		return "nothing"
	case "!!str":
		return "the text " + strconv.Quote(diagnostic.Shorten(n.Value))
	case "!!int", "!!float":
		return "the number " + diagnostic.Shorten(n.Value)
	case "!!bool":
		return "the boolean " + n.Value
	case "!!timestamp":
		return "the date " + n.Value
	}
	return "a value" + foreignTag(n, "")
}

// foreignTag tells that it is the tag of a node that makes it unfit.
func foreignTag(n *yaml.Node, usual string) string {
	if n.ShortTag() == usual {
		return ""
	}
	return " with the tag " + diagnostic.Shorten(n.ShortTag())
}

// mapping returns the entries of a mapping in order, with merged ones where "<<" stands. what says what is mapped, as in
// `events` or `the fields of event "Paid"`. An entry that could not be read is there with a key without text. Nothing
// written counts as an empty mapping. ok is false if the node is something else, which is then reported with an example of
// what is right.
func (r *reader) mapping(n *yaml.Node, what, example string) (entries []entry, ok bool) {
	return r.entries(n, what, example, false)
}

// entries is mapping, which may join entries of the same name.
func (r *reader) entries(n *yaml.Node, what, example string, join bool) (entries []entry, ok bool) {
	n = r.resolve(n)
	if n == nil {
		return nil, false
	}
	if isNull(n) {
		return nil, true
	}
	if n.Kind != yaml.MappingNode || n.ShortTag() != "!!map" {
		r.report(n, diagnostic.NotMapping, "%s must be a mapping of names, not %s; write it like %s", what, found(n), example)
		return nil, false
	}
	if count := len(n.Content) / 2; count > maxEntries {
		r.report(n, diagnostic.TooManyEntries, "%s has %d entries; a mapping may have at most %d", what, count, maxEntries)
		return nil, false
	}
	m := merging{reader: r, what: what, join: join, own: make(map[string]spec.Pos), have: make(map[string]bool)}
	m.collectOwn(n)
	m.add(n)
	return m.entries, true
}

// sequence returns the elements of a list. A single value counts as a list of one where single is true.
func (r *reader) sequence(n *yaml.Node, what string, single bool) (elements []*yaml.Node, ok bool) {
	n = r.resolve(n)
	switch {
	case n == nil:
		return nil, false
	case isNull(n):
		return nil, true
	case single && n.Kind == yaml.ScalarNode:
		return []*yaml.Node{n}, true
	case n.Kind != yaml.SequenceNode || n.ShortTag() != "!!seq":
		r.report(n, diagnostic.NotList, "%s must be a list, like [first, second], not %s", what, found(n))
		return nil, false
	case len(n.Content) > maxEntries:
		r.report(n, diagnostic.TooManyEntries, "%s has %d elements; a list may have at most %d", what, len(n.Content), maxEntries)
		return nil, false
	}
	return n.Content, true
}

// text returns a piece of text without blank lines at its end, "" for nothing written.
func (r *reader) text(n *yaml.Node, what string) string {
	if n == nil {
		return ""
	}
	n = r.resolve(n)
	switch {
	case n == nil || isNull(n):
		return ""
	case n.Kind != yaml.ScalarNode:
		r.report(n, diagnostic.NotText, "%s must be text, not %s", what, found(n))
		return ""
	case n.ShortTag() != "!!str":
		r.report(n, diagnostic.NotText, "%s must be text, not %s; write it in quotes", what, found(n))
		return ""
	}
	if i := strings.IndexFunc(n.Value, isControl); i >= 0 {
		r.report(n, diagnostic.ControlCharacter, "%s has the control character %q; remove it", what, n.Value[i:i+1])
		return ""
	}
	return strings.TrimRight(strings.ReplaceAll(n.Value, "\r", ""), " \t\n")
}

// name returns a name. what says whose, as in `the input of timer "reminder"`.
func (r *reader) name(n *yaml.Node, what string) spec.Name {
	resolved := r.resolve(n)
	if resolved == nil {
		return r.unread(n)
	}
	return r.nameOf(resolved, what)
}

// nameOf is name for a node that is visited already.
func (r *reader) nameOf(n *yaml.Node, what string) spec.Name {
	switch {
	case n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str":
		r.report(n, diagnostic.NotName, "%s must be a name, not %s; %s", what, found(n), quoteHint(n))
		return r.unread(n)
	case n.Value == "":
		r.report(n, diagnostic.NotName, "%s is empty; write a name", what)
		return r.unread(n)
	}
	return r.checkASCII(spec.Name{Text: n.Value, Pos: r.pos(n)}, what)
}

// quoteHint helps with a value that YAML takes for something other than the text it was meant to be.
func quoteHint(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode || isNull(n) || n.Style&yaml.TaggedStyle != 0 {
		return ""
	}
	return "write " + strconv.Quote(n.Value) + " if this is the name"
}

// checkASCII refuses names that cannot be Go identifiers in every tool and SQL values in every collation.
func (r *reader) checkASCII(n spec.Name, what string) spec.Name {
	for _, c := range n.Text {
		if c > '~' || c < ' ' {
			r.d.Report(n.Pos, diagnostic.NotASCII, "%s is %q, which has the character %q; names are written in ASCII letters, digits and underscores", what, diagnostic.Shorten(n.Text), c)
			return spec.Name{Pos: n.Pos}
		}
	}
	return n
}

// names returns a list of names. What cannot be read leaves a name without text.
func (r *reader) names(n *yaml.Node, what string, single bool) []spec.Name {
	if n == nil {
		return nil
	}
	elements, ok := r.sequence(n, what, single)
	if !ok {
		return []spec.Name{r.unread(n)}
	}
	var list []spec.Name
	for _, e := range elements {
		list = append(list, r.name(e, "an entry of "+what))
	}
	return list
}
