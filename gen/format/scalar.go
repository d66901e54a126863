package format

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// textMost is how many columns the lines of a text without quotes have.
const textMost = 100

// scalar writes a text, number or the like behind the last line.
func (p *printer) scalar(n *yaml.Node, indent, next int) {
	l := p.last()
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		p.blockText(n, indent)
		return
	}
	end := p.endLine(n)
	if !needsQuotes(n) && p.lineAt(p.places[n].value) != end {
		p.fill(n, indent)
	} else {
		l.text = join(l.text, flow(n))
	}
	p.behind(end, next)
}

func isQuoted(n *yaml.Node) bool {
	return n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0
}

// needsQuotes reports whether a text is to be in quotes. One in brackets may end with a colon, which makes a key elsewhere.
func needsQuotes(n *yaml.Node) bool { return isQuoted(n) || strings.HasSuffix(n.Value, ":") }

// fill writes a text without quotes that goes over several lines.
func (p *printer) fill(n *yaml.Node, indent int) {
	p.last().text = join(p.last().text, properties(n))
	fresh := false // the next word begins a line
	for i, paragraph := range strings.Split(n.Value, "\n") {
		if i > 0 {
			p.out = append(p.out, line{})
			fresh = true
		}
		for j, word := range words(paragraph) {
			l := p.last()
			first := i == 0 && j == 0 // stays beside the key, so that the text keeps several lines
			if whole := join(l.text, word); first || !fresh && l.indent+utf8.RuneCountInString(whole) <= textMost {
				l.text = whole
				continue
			}
			p.add(line{indent: indent + step, text: word})
			fresh = false
		}
	}
}

// words splits a text where a line may be broken: at single spaces.
func words(text string) []string {
	var list []string
	start := 0
	for i := 1; i+1 < len(text); i++ {
		if text[i] == ' ' && !isSpace(text[i-1]) && !isSpace(text[i+1]) {
			list = append(list, text[start:i])
			start = i + 1
		}
	}
	if start < len(text) {
		list = append(list, text[start:])
	}
	return list
}

// blockText writes a text that begins with "|" or ">" as it is.
func (p *printer) blockText(n *yaml.Node, indent int) {
	at := p.places[n].value
	header, _, _ := strings.Cut(string(p.rest(at)), " ")
	header = strings.TrimRight(header, "\t\r ")
	lines, _ := p.block(at, p.places[n].indent)
	ended := strings.HasSuffix(n.Value, "\n") // not at the end of a file without a line end
	keep := strings.Contains(header, "+")
	for !(keep && ended) && len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	mark := header[:1]
	if needsIndicator(lines) {
		mark += strconv.Itoa(step)
	}
	switch {
	case len(lines) > 0 && !ended:
		mark, keep = mark+"-", false
	case keep:
		mark += "+"
	case strings.Contains(header, "-"):
		mark += "-"
	}
	l := p.last()
	l.text = join(join(l.text, properties(n)), mark)
	p.behind(p.lineAt(at), len(p.text))
	for _, text := range lines {
		p.add(line{indent: indent + step, text: text})
	}
	p.last().keep = keep
}

// needsIndicator reports whether the indentation of a block of text cannot be told from its first line.
func needsIndicator(lines []string) bool {
	for _, l := range lines {
		if strings.TrimLeft(l, " ") != "" {
			return l[0] == ' ' || l[0] == '\t' // YAML takes a tab for a wrong indentation where it has to tell
		}
		if l != "" {
			return true
		}
	}
	return false
}

// properties are the anchor and the tag of a node.
func properties(n *yaml.Node) string {
	var list []string
	if n.Anchor != "" && n.Kind != yaml.AliasNode {
		list = append(list, "&"+n.Anchor)
	}
	if n.Style&yaml.TaggedStyle != 0 {
		list = append(list, n.ShortTag())
	}
	return strings.Join(list, " ")
}

// flow writes a node on one line.
func flow(n *yaml.Node) string {
	switch n.Kind {
	case yaml.AliasNode:
		return "*" + n.Value
	case yaml.ScalarNode:
		return join(properties(n), scalarText(n))
	}
	var parts []string
	open, end := "[", "]"
	if n.Kind == yaml.MappingNode {
		open, end = "{", "}"
		for i := 0; i+1 < len(n.Content); i += 2 {
			colon := ":"
			if n.Content[i].Kind == yaml.AliasNode {
				colon = " :" // a colon may be a part of the alias
			}
			parts = append(parts, flow(n.Content[i])+colon+" "+inside(n.Content[i+1]))
		}
	} else {
		for _, item := range n.Content {
			parts = append(parts, inside(item))
		}
	}
	return join(properties(n), open+strings.Join(parts, ", ")+end)
}

// inside writes an entry between brackets. The space keeps a tag without a value from taking in what follows.
func inside(n *yaml.Node) string {
	if text := flow(n); n.Kind != yaml.ScalarNode || properties(n) == "" || scalarText(n) != "" {
		return text
	}
	return properties(n) + " "
}

// scalarText writes a scalar on one line: in quotes only if it was, and in double quotes unless it would need escapes there.
func scalarText(n *yaml.Node) string {
	switch {
	case !needsQuotes(n) && !strings.Contains(n.Value, "\n"):
		return n.Value
	case !strings.ContainsAny(n.Value, "\"\\") && isPrintable(n.Value):
		return `"` + n.Value + `"`
	case isPrintable(n.Value):
		return "'" + strings.ReplaceAll(n.Value, "'", "''") + "'"
	}
	return strconv.Quote(n.Value) // its escapes mean the same in YAML
}

// isPrintable reports whether a text can stand in quotes as it is.
func isPrintable(text string) bool {
	for _, r := range text {
		if r == '\ufeff' || !strconv.IsPrint(r) {
			return false
		}
	}
	return true
}
