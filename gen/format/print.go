package format

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

const (
	step     = 2   // of the indentation
	flowMost = 120 // columns of a line with brackets
)

// line is one line of output.
type line struct {
	indent  int
	text    string
	comment string // behind the text
	keep    bool   // a blank line below would be a part of the text that ends here

	// Of an entry whose value stands behind its key, here and in the source.
	head   int // columns of the key with its colon
	number int // of the line in the source
	column int // of the value in the source, in characters
}

// printer writes nodes and comments in the order of the source.
type printer struct {
	*source
	comments []comment // those that are not yet written
	out      []line
	opened   bool // the last line has opened a block, which begins without a blank line
	number   int  // of the last line of the source of which something is written
	long     bool // the last section has a line for each entry
}

func (p *printer) document(root *yaml.Node) {
	if p.isBlock(root) || !fits(root, 0) {
		p.flushBefore(root.Line, 0)
		if mark := properties(root); mark != "" {
			p.add(line{text: "--- " + mark})
			p.opened = true
		}
		p.blockNode(root, 0, 0, len(p.text)+1)
	} else {
		p.flushBefore(root.Line, 0)
		p.add(line{})
		p.value(root, root.Line, 0, 0, len(p.text)+1)
	}
	p.flush(0, func(comment) bool { return true })
}

func (p *printer) add(l line) {
	p.out = append(p.out, l)
	p.opened = false
}

// last is the line that is being written.
func (p *printer) last() *line { return &p.out[len(p.out)-1] }

// blank adds a blank line unless there is one, or nothing that it could keep apart.
func (p *printer) blank() {
	if len(p.out) > 0 && !p.opened && p.last().text != "" && !p.last().keep {
		p.add(line{})
	}
}

// flush writes the next comments, as long as they belong, on lines of their own.
func (p *printer) flush(indent int, belongs func(comment) bool) {
	for len(p.comments) > 0 && belongs(p.comments[0]) {
		c := p.comments[0]
		p.comments = p.comments[1:]
		p.keepBlank(c.line)
		p.add(line{indent: indent, text: c.text})
	}
}

// keepBlank keeps one of the blank lines before a line of the source.
func (p *printer) keepBlank(number int) {
	if number > p.number && p.isBlank(number-1) {
		p.blank()
	}
	p.number = max(p.number, number)
}

// flushBefore writes the comments before a line, and keeps a blank line that is before it.
func (p *printer) flushBefore(number, indent int) {
	p.flush(indent, func(c comment) bool { return c.line < number })
	p.keepBlank(number)
}

// behind writes the comment that stands behind what was written last, on the line of the source where that ends and before
// the next node.
func (p *printer) behind(number, next int) {
	if len(p.comments) > 0 && p.comments[0].line == number && p.comments[0].offset < next && p.last().comment == "" {
		p.last().comment = p.comments[0].text
		p.comments = p.comments[1:]
	}
}

// isBlock reports whether a node gets a line for each entry: it is written so, or too much for one line.
func (p *printer) isBlock(n *yaml.Node) bool {
	if n.Kind != yaml.MappingNode && n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		return false
	}
	return n.Style&yaml.FlowStyle == 0 || n.Line != p.endLine(n)
}

// fits reports whether a list or mapping in brackets fits on a line of which some columns are taken.
func fits(n *yaml.Node, taken int) bool {
	return len(n.Content) == 0 || taken+utf8.RuneCountInString(flow(n)) <= flowMost
}

// blockNode writes a mapping or list with a line for each entry. next is the offset of what follows it in the source.
func (p *printer) blockNode(n *yaml.Node, indent, depth, next int) {
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			p.entry(n, i, indent, depth, next)
		}
	} else {
		for i, item := range n.Content {
			after := next
			if i+1 < len(n.Content) {
				after = p.offset(n.Content[i+1])
			}
			p.item(item, indent, depth, after)
		}
	}
	// What follows at the depth of the entries belongs to them.
	if n.Style&yaml.FlowStyle != 0 {
		p.flush(indent, func(c comment) bool { return c.offset < p.places[n].end })
		return
	}
	column := n.Content[0].Column
	if n.Kind == yaml.SequenceNode {
		column = n.Column
		if p.places[n].indent == column-1 {
			column++ // the list is only as deep as its key, so a comment at that depth is about the next key
		}
	}
	if depth > 0 {
		p.flush(indent, func(c comment) bool { return c.offset < next && c.column >= column })
	}
}

// entry writes a key of a mapping with its value.
func (p *printer) entry(n *yaml.Node, i, indent, depth, next int) {
	key, value := n.Content[i], n.Content[i+1]
	if i+2 < len(n.Content) {
		next = p.offset(n.Content[i+2])
	}
	first := len(p.out)
	p.flushBefore(key.Line, indent)
	colon := ":"
	if key.Kind == yaml.AliasNode {
		colon = " :" // a colon may be a part of the alias
	}
	p.add(line{indent: indent, text: flow(key) + colon})
	head := len(p.out) - 1
	p.value(value, p.endLine(key), indent, depth, next)
	if l := p.last(); head == len(p.out)-1 && value.Line == key.Line && p.endLine(value) == key.Line && !isEmpty(value) {
		l.head, l.number, l.column = utf8.RuneCountInString(flow(key)+colon), key.Line, p.column(value)
	}
	if depth == 0 {
		p.separate(first, head+1 < len(p.out) && value.Kind != yaml.ScalarNode)
	}
}

// separate puts blank lines around long sections, which are those with a line for each entry. A section begins with the line
// first, maybe a comment.
func (p *printer) separate(first int, long bool) {
	before := p.long
	p.long = long
	if first == 0 || !before && !long || p.out[first].text == "" || p.out[first-1].text == "" || p.out[first-1].keep {
		return
	}
	p.out = slices.Insert(p.out, first, line{})
}

// value writes what belongs behind a key or "-", on the same line or below. number is the line of the key.
func (p *printer) value(n *yaml.Node, number, indent, depth, next int) {
	l := p.last()
	if n.Kind == yaml.ScalarNode || n.Kind == yaml.AliasNode || !p.isBlock(n) && fits(n, l.indent+utf8.RuneCountInString(l.text)+1) {
		p.commentsBetween(n)
		if n.Kind == yaml.ScalarNode {
			p.scalar(n, indent, next)
			return
		}
		l = p.last()
		l.text = join(l.text, flow(n))
		p.behind(p.endLine(n), next)
		return
	}
	l.text = join(l.text, properties(n))
	p.behind(number, p.offset(n.Content[0]))
	p.opened = true
	p.blockNode(n, indent+step, depth+1, next)
}

// commentsBetween writes the comments between a key and its value above the key: there is no room for them elsewhere.
func (p *printer) commentsBetween(n *yaml.Node) {
	at := len(p.out) - 1
	for len(p.comments) > 0 && p.comments[0].offset < p.places[n].value {
		p.out = slices.Insert(p.out, at, line{indent: p.out[at].indent, text: p.comments[0].text})
		p.comments = p.comments[1:]
		at++
	}
}

// item writes an entry of a list.
func (p *printer) item(n *yaml.Node, indent, depth, next int) {
	p.flushBefore(n.Line, indent)
	if !p.isBlock(n) && (n.Kind == yaml.ScalarNode || fits(n, indent+2)) || properties(n) != "" {
		p.add(line{indent: indent, text: "-"})
		p.value(n, n.Line, indent, depth, next)
		return
	}
	// The first entry stands behind the dash, and comments before it above.
	first := len(p.out)
	p.blockNode(n, indent+step, depth+1, next)
	for strings.HasPrefix(p.out[first].text, "#") {
		p.out[first].indent = indent
		first++
	}
	l := &p.out[first]
	l.text, l.indent = "- "+l.text, indent
	if l.head > 0 {
		l.head += len("- ")
	}
}

// bytes returns the text.
func (p *printer) bytes() []byte {
	alignValues(p.out)
	alignComments(p.out)
	var out bytes.Buffer
	for _, l := range p.out {
		if l.text != "" {
			out.WriteString(strings.Repeat(" ", l.indent) + l.text)
		}
		out.WriteString(l.comment + "\n")
	}
	return out.Bytes()
}

// alignValues keeps values aligned that are aligned in the source, on lines that follow each other there and here.
func alignValues(lines []line) {
	align(lines, func(a, b line) bool {
		return a.head > 0 && b.head > 0 && a.number+1 == b.number && a.column == b.column
	}, func(l *line) int { return l.head }, func(l *line, more string) {
		text := []rune(l.text)
		l.text = string(text[:l.head]) + more + string(text[l.head:])
	})
}

// alignComments aligns the comments behind lines that follow each other.
func alignComments(lines []line) {
	align(lines, func(a, b line) bool {
		return a.comment != "" && b.comment != ""
	}, func(l *line) int { return utf8.RuneCountInString(l.text) }, func(l *line, more string) {
		if l.comment != "" {
			l.comment = more + " " + l.comment
		}
	})
}

// align pads the lines of each run to the widest of them. Lines in a run have the same indentation, and each belongs with
// the next.
func align(lines []line, together func(a, b line) bool, width func(*line) int, pad func(l *line, more string)) {
	for i := 0; i < len(lines); {
		end, widest := i+1, width(&lines[i])
		for ; end < len(lines) && lines[end].indent == lines[i].indent && together(lines[end-1], lines[end]); end++ {
			widest = max(widest, width(&lines[end]))
		}
		for ; i < end; i++ {
			pad(&lines[i], strings.Repeat(" ", widest-width(&lines[i])))
		}
	}
}

// isEmpty reports whether a node is an empty value with nothing written for it.
func isEmpty(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && flow(n) == "" }

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + " " + b
}
