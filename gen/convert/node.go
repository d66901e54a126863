package convert

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// mapping is a mapping of a YAML document under construction.
type mapping struct{ node *yaml.Node }

func newMapping() mapping { return mapping{&yaml.Node{Kind: yaml.MappingNode}} }

// list is a list of names.
type list struct{ node *yaml.Node }

func newList() list { return list{&yaml.Node{Kind: yaml.SequenceNode}} }

func (l list) append(text string) { l.node.Content = append(l.node.Content, textNode(text).node) }

// scalar is a single value.
type scalar struct{ node *yaml.Node }

func textNode(text string) scalar {
	if text == "" {
		return scalar{&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}}
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	switch {
	case oneLine(text):
	case strings.HasPrefix(strings.TrimLeft(text, " \n"), "\t"): // which YAML takes for a wrong indentation
		n.Style = yaml.DoubleQuotedStyle
	default:
		n.Style = yaml.LiteralStyle
	}
	return scalar{n}
}

type value interface{ yamlNode() *yaml.Node }

func (m mapping) yamlNode() *yaml.Node { return m.node }
func (l list) yamlNode() *yaml.Node    { return l.node }
func (s scalar) yamlNode() *yaml.Node  { return s.node }

func (m mapping) add(key string, v value) {
	m.node.Content = append(m.node.Content, textNode(key).node, v.yamlNode())
}

// section adds a mapping that is not empty.
func (m mapping) section(key string, v mapping) {
	if len(v.node.Content) > 0 {
		m.add(key, v)
	}
}

// text adds a text, but an empty one.
func (m mapping) text(key, text string) {
	if text != "" {
		m.add(key, textNode(text))
	}
}

// quoted adds a text in quotes, but an empty one.
func (m mapping) quoted(key, text string) {
	if text != "" {
		n := textNode(text)
		n.node.Style = yaml.DoubleQuotedStyle
		m.add(key, n)
	}
}

// number adds what YAML takes for a number.
func (m mapping) number(key, text string) {
	m.add(key, scalar{&yaml.Node{Kind: yaml.ScalarNode, Value: text}})
}

func (m mapping) integer(key string, n int) {
	if n != 0 {
		m.number(key, strconv.Itoa(n))
	}
}

func (m mapping) boolean(key string) {
	m.add(key, boolNode(true))
}

func boolNode(value bool) scalar {
	return scalar{&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(value)}}
}

func (m mapping) duration(key string, d time.Duration) {
	if d > 0 {
		m.text(key, spec.DurationText(d))
	}
}

// names adds one name, or a list of several.
func (m mapping) names(key string, names []spec.Name) {
	l := newList()
	for _, n := range names {
		l.append(n.Text)
	}
	switch len(names) {
	case 0:
	case 1:
		m.text(key, names[0].Text)
	default:
		m.add(key, l)
	}
}

// width is how long a line between brackets gets.
const width = 100

// layout puts between brackets what has a place on one line, from the entries of sections on, but for the transitions of
// a state. Something with a doc gets lines of its own. key is that of the node, depth counts the mappings around.
func layout(n *yaml.Node, key string, depth int) {
	if n.Kind == yaml.ScalarNode {
		return
	}
	if (depth > 1 || n.Kind == yaml.SequenceNode) && key != "accepts" {
		if length, ok := flowLength(n); ok && 2*depth+length <= width {
			n.Style = yaml.FlowStyle
			return
		}
	}
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 {
			layout(child, n.Content[i-1].Value, depth+1)
		}
	}
}

// flowLength estimates the length of a node between brackets. ok is false for one that needs several lines.
func flowLength(n *yaml.Node) (length int, ok bool) {
	if n.Kind == yaml.ScalarNode {
		return len(n.Value) + len(`"", `), oneLine(n.Value)
	}
	length = len("{}")
	for i, child := range n.Content {
		switch {
		case n.Kind != yaml.MappingNode || i%2 != 0:
		case child.Value == "accepts", child.Value == "doc" && slices.ContainsFunc(n.Content, isContainer):
			return 0, false
		}
		l, ok := flowLength(child)
		if !ok {
			return 0, false
		}
		length += l
	}
	return length, true
}

func isContainer(n *yaml.Node) bool { return n.Kind != yaml.ScalarNode }
