package yamlspec

import (
	"slices"

	"gopkg.in/yaml.v3"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// maxMerges limits how deep mappings merge mappings that merge mappings.
const maxMerges = 50

// merging collects the entries of a mapping and of those that it merges in with "<<". A key of the mapping itself wins
// over a merged one, and what is merged first over what comes later.
type merging struct {
	*reader
	what    string
	join    bool                // entries of the same name become one, so that what the second says counts
	own     map[string]spec.Pos // keys of the mapping itself
	have    map[string]bool     // keys that are in entries
	open    []*yaml.Node        // mappings being merged, from the outside in
	entries []entry
}

// isMerge reports whether a key is "<<" and not the quoted text.
func isMerge(key *yaml.Node) bool { return key.Kind == yaml.ScalarNode && key.ShortTag() == "!!merge" }

// collectOwn notes the keys of the mapping itself, which it needs to know before it merges, and reports duplicates.
func (m *merging) collectOwn(n *yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode || isMerge(key) {
			continue
		}
		if first, again := m.own[key.Value]; again {
			m.report(n.Content[i], diagnostic.DuplicateKey, "%s has the key %q twice, first at %s; delete or rename one", m.what, diagnostic.Shorten(key.Value), first).
				Relate(first, "the first")
			continue
		}
		m.own[key.Value] = m.pos(n.Content[i])
	}
}

// add appends the entries of a mapping, be it the mapping itself or a merged one.
func (m *merging) add(n *yaml.Node) {
	merged := len(m.open) > 0
	m.open = append(m.open, n)
	defer func() { m.open = m.open[:len(m.open)-1] }()
	for i := 0; i+1 < len(n.Content); i += 2 {
		if len(m.entries) >= maxEntries {
			m.report(n, diagnostic.TooManyEntries, "%s has more than %d entries with those that it merges", m.what, maxEntries)
			return
		}
		key, value := m.resolve(n.Content[i]), n.Content[i+1]
		if key == nil {
			return
		}
		if isMerge(key) {
			m.merge(value)
			continue
		}
		if before, after, ok := cutGlued(key.Value); ok && key.Kind == yaml.ScalarNode && key.Style == 0 && isNull(value) && value.Value == "" {
			m.d.Report(m.src.at(m.src.offset(key.Line, key.Column)+len(before)+1), diagnostic.NoSpace, "%s; %s", noSpaceMessage, noSpaceFix(before, after))
			m.entries = append(m.entries, entry{m.unread(key), value})
			continue
		}
		name := m.nameOf(key, "a key of "+m.what)
		if name.Text != "" {
			_, own := m.own[name.Text]
			switch {
			case merged && (own || m.have[name.Text]):
				continue
			case m.have[name.Text] && m.join:
				m.joinTo(name.Text, value)
				continue
			case m.have[name.Text]:
				name = m.unread(key) // what it says is not known, so nothing may follow from what it does not say
			}
			if name.Text != "" {
				m.have[name.Text] = true
			}
		}
		m.entries = append(m.entries, entry{name, value})
	}
}

// joinTo adds the entries of a second mapping with the same name to the first.
func (m *merging) joinTo(name string, value *yaml.Node) {
	for i := range m.entries {
		first := m.entries[i].value
		if m.entries[i].key.Text == name && isMapping(first) && isMapping(value) {
			joined := *first
			joined.Content = slices.Concat(first.Content, value.Content)
			m.entries[i].value = &joined
		}
	}
}

// merge adds what "<<" names: a mapping or a list of mappings.
func (m *merging) merge(n *yaml.Node) {
	at := n
	n = m.resolve(n)
	if n == nil {
		return
	}
	switch n.Kind {
	case yaml.MappingNode:
		switch {
		case slices.Contains(m.open, n):
			m.report(at, diagnostic.BadMerge, `"<<" merges a mapping into itself; remove it`)
		case len(m.open) > maxMerges:
			m.report(at, diagnostic.BadMerge, `"<<" nests more than %d deep`, maxMerges)
		default:
			m.add(n)
		}
	case yaml.SequenceNode:
		for _, element := range n.Content {
			if element.Kind == yaml.SequenceNode || element.Kind == yaml.AliasNode && element.Alias.Kind == yaml.SequenceNode {
				m.report(element, diagnostic.BadMerge, `"<<" takes a mapping or a list of mappings, not a list of lists`)
				continue
			}
			m.merge(element)
		}
	default:
		m.report(n, diagnostic.BadMerge, `"<<" takes the alias of a mapping, like "<<: *defaults", not %s`, found(n))
	}
}
