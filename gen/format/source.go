package format

import (
	"bytes"
	"sort"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// source is the text of a declaration with what the nodes do not tell: where each of them ends, and the comments.
type source struct {
	text     []byte
	lines    []int // offset of each line
	places   map[*yaml.Node]place
	comments []comment
}

// place says where a node is.
type place struct {
	value  int // offset of the value of a scalar, which is behind its anchor and tag
	end    int // offset behind it
	indent int // of the mapping or list with lines of its own that it stands in, -1 for none
}

// comment is one comment, from "#" to the end of its line.
type comment struct {
	offset int
	line   int
	column int
	text   string
}

func newSource(text []byte, root *yaml.Node) *source {
	s := &source{text: text, lines: []int{0}, places: make(map[*yaml.Node]place)}
	for i, c := range text {
		if c == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	at := s.scan(root, 0, -1)
	s.commentsTo(at, len(text))
	return s
}

func (s *source) offset(n *yaml.Node) int { return s.lines[n.Line-1] + n.Column - 1 }

// column returns the number of characters before a node on its line.
func (s *source) column(n *yaml.Node) int {
	return utf8.RuneCount(s.text[s.lines[n.Line-1]:s.offset(n)])
}

// lineAt returns the number of the line, from 1, that an offset is on.
func (s *source) lineAt(offset int) int { return sort.SearchInts(s.lines, offset+1) }

// endLine returns the line that a node ends on.
func (s *source) endLine(n *yaml.Node) int { return s.lineAt(max(s.places[n].end-1, s.offset(n))) }

// isBlank reports whether there is nothing on a line.
func (s *source) isBlank(line int) bool {
	if line < 1 || line > len(s.lines) {
		return false
	}
	return len(bytes.TrimSpace(s.rest(s.lines[line-1]))) == 0
}

// rest returns the text from an offset to the end of its line.
func (s *source) rest(offset int) []byte {
	if end := bytes.IndexByte(s.text[offset:], '\n'); end >= 0 {
		return s.text[offset : offset+end]
	}
	return s.text[offset:]
}

// scan walks a node and all in it in the order of the text, finds the ends, and collects the comments between them. at is
// where to go on, indent the indentation of the block that the node stands in, -1 for none. It returns where the node ends.
func (s *source) scan(n *yaml.Node, at, indent int) int {
	start := s.offset(n)
	at = s.commentsTo(at, start)
	at = max(at, start)
	where := place{value: at, indent: indent}
	switch n.Kind {
	case yaml.MappingNode, yaml.SequenceNode:
		inside := indent
		if n.Style&yaml.FlowStyle == 0 && len(n.Content) > 0 {
			inside = n.Content[0].Column - 1
			if n.Kind == yaml.SequenceNode {
				inside = n.Column - 1
			}
		}
		for _, child := range n.Content {
			at = s.scan(child, at, inside)
		}
		if n.Style&yaml.FlowStyle != 0 {
			at = s.closing(at)
		}
	case yaml.AliasNode:
		at += 1 + len(n.Value)
	case yaml.ScalarNode:
		where.value = s.properties(n, start)
		at = s.scalarEnd(n, where.value, indent)
	}
	where.end = at
	s.places[n] = where
	return at
}

// commentsTo collects the comments between two offsets that no scalar stands between, and returns the second.
func (s *source) commentsTo(from, to int) int {
	for i := from; i < to; i++ {
		if s.text[i] != '#' || i > 0 && !isSpace(s.text[i-1]) {
			continue
		}
		text := string(bytes.TrimRight(s.rest(i), " \t"))
		line := s.lineAt(i)
		s.comments = append(s.comments, comment{offset: i, line: line, column: i - s.lines[line-1] + 1, text: text})
		i += len(text)
	}
	return max(from, to)
}

// closing returns the offset behind the bracket that closes a list or mapping whose last entry ends at an offset. Comments
// before it are collected.
func (s *source) closing(at int) int {
	for i := at; i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == '}' || c == ']':
			return i + 1
		case c == '#' && isSpace(s.text[max(i-1, 0)]):
			end := i + len(s.rest(i))
			s.commentsTo(i, end)
			i = end
		}
	}
	return len(s.text)
}

// properties returns the offset of the value of a scalar, behind its anchor and tag.
func (s *source) properties(n *yaml.Node, at int) int {
	for at < len(s.text) && (s.text[at] == '&' && n.Anchor != "" || s.text[at] == '!') {
		for at < len(s.text) && !isSpace(s.text[at]) && (n.Value != "" || !strings.ContainsRune(",}]", rune(s.text[at]))) {
			at++
		}
		// The value may be on another line; an empty one is right here.
		if n.Value != "" || n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			at = s.skipSpace(at)
		}
	}
	return at
}

// skipSpace skips white space and collects the comments in it.
func (s *source) skipSpace(at int) int {
	for at < len(s.text) {
		switch {
		case isSpace(s.text[at]):
			at++
		case s.text[at] == '#' && isSpace(s.text[max(at-1, 0)]):
			end := at + len(s.rest(at))
			s.commentsTo(at, end)
			at = end
		default:
			return at
		}
	}
	return at
}

// scalarEnd returns the offset behind a scalar whose value begins at an offset.
func (s *source) scalarEnd(n *yaml.Node, at, indent int) int {
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		for i := at + 1; i < len(s.text); i++ {
			switch s.text[i] {
			case '\\':
				i++
			case '"':
				return i + 1
			}
		}
		return len(s.text)
	case n.Style&yaml.SingleQuotedStyle != 0:
		for i := at + 1; i < len(s.text); i++ {
			if s.text[i] != '\'' {
				continue
			}
			if i+1 == len(s.text) || s.text[i+1] != '\'' {
				return i + 1
			}
			i++
		}
		return len(s.text)
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		header := s.rest(at)
		s.commentsTo(at, at+len(header))
		_, end := s.block(at, indent)
		return end
	}
	// A text without quotes has the same characters as its value, but for white space.
	for _, c := range []byte(n.Value) {
		if isSpace(c) {
			continue
		}
		for at < len(s.text) && s.text[at] != c {
			at++
		}
		at++
	}
	return min(at, len(s.text))
}

// block returns the lines of a block of text whose header is at an offset, without their indentation, and the offset behind
// the last of them.
func (s *source) block(header, indent int) (lines []string, end int) {
	end = header + len(s.rest(header))
	width := 0
	if digit := strings.IndexAny(string(s.rest(header)[:min(3, len(s.rest(header)))]), "123456789"); digit >= 0 {
		width = max(indent, 0) + int(s.text[header+digit]-'0')
	}
	for number := s.lineAt(header) + 1; number <= len(s.lines) && s.lines[number-1] < len(s.text); number++ {
		line := s.rest(s.lines[number-1])
		content := bytes.TrimLeft(line, " ")
		depth := len(line) - len(content)
		last := s.lines[number-1]+len(line) == len(s.text) // and without a line end, so it is none when it is empty
		switch {
		case len(content) == 0 && (width == 0 || depth < width):
			if !last {
				lines = append(lines, "")
			}
			continue
		case width == 0 && depth <= indent, depth < width:
			return lines, end
		case width == 0:
			width = depth
		}
		end = s.lines[number-1] + len(line)
		if len(line) > width || !last {
			lines = append(lines, string(line[width:]))
		}
	}
	return lines, end
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
