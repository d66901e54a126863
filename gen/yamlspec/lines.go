package yamlspec

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"sort"

	"gopkg.in/yaml.v3"
)

// line is a line of the declaration with those that a bracket, a quote or a block of text makes a part of it. A line that
// continues a text without quotes counts as one of its own.
type line struct {
	start, end int // offsets, without the line break
	indent     int
	text       string // its first line, without indentation and comment

	opened   int // offset of a bracket that is never closed, or -1
	quoted   int // offset of a quote that is never closed, or -1
	trailing int // offset of what follows a list or mapping in brackets, or -1
}

var (
	keyedLine = regexp.MustCompile(`^("[^"]*"|'[^']*'|[^\s"'{}\[\],#&*!|>%@-][^:#]*):(?:\s+(.*))?$`)
	blockText = regexp.MustCompile(`^[|>][+-]?[0-9]?[+-]?[ \t]*(?:#.*)?$`)
)

func (l *line) isItem() bool {
	return l.text == "-" || len(l.text) > 1 && l.text[0] == '-' && l.text[1] == ' '
}

// key returns the name before the colon and what follows it.
func (l *line) key() (name, value string, ok bool) {
	m := keyedLine.FindStringSubmatch(l.text)
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}

// split divides the text into lines. It knows as much of YAML as it takes to tell where one ends that is written well; what
// is not may make a part of another.
func (s *source) split() []line {
	var list []line
	for at := 0; at < len(s.text); {
		end := s.endOfLine(at)
		content := bytes.TrimLeft(s.text[at:end], " \t\r")
		if len(content) == 0 || content[0] == '#' {
			at = end + 1
			continue
		}
		l := s.lineAt(at, end-len(content)-at)
		list = append(list, l)
		at = l.end + 1
	}
	return list
}

// endOfLine returns the offset of the next line break.
func (s *source) endOfLine(at int) int {
	if i := bytes.IndexByte(s.text[at:], '\n'); i >= 0 {
		return at + i
	}
	return len(s.text)
}

// lineAt reads the line that begins at start.
func (s *source) lineAt(start, indent int) line {
	l := line{start: start, indent: indent, opened: -1, quoted: -1, trailing: -1}
	first := s.endOfLine(start)
	comment := first
	var open []int  // the brackets
	closed := false // a bracket was the last thing
	fresh := true   // a name or value may begin here
	at := start + indent
scan:
	for ; at < len(s.text); at++ {
		c := s.text[at]
		blank := at+1 == len(s.text) || bytes.IndexByte([]byte(" \t\r\n"), s.text[at+1]) >= 0
		switch {
		case c == '\n' && len(open) == 0:
			break scan
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			continue
		case c == '#' && bytes.IndexByte([]byte(" \t\n"), s.text[max(at-1, 0)]) >= 0:
			end := s.endOfLine(at)
			if at < first {
				comment = at
			}
			at = end - 1
			continue
		case fresh && (c == '{' || c == '['):
			open = append(open, at)
			continue
		case len(open) > 0 && (c == '}' || c == ']'):
			open = open[:len(open)-1]
			closed, fresh = len(open) == 0, false
			continue
		case len(open) > 0 && c == ',', c == ':' && blank, c == '-' && blank && fresh && len(open) == 0:
			fresh = true
			closed = false
			continue
		case fresh && (c == '"' || c == '\''):
			end := s.endOfQuote(at)
			if end < 0 {
				l.quoted = at
				at = len(s.text)
				break scan
			}
			at = end
		case fresh && len(open) == 0 && (c == '|' || c == '>') && blockText.Match(s.text[at:s.endOfLine(at)]):
			at = s.endOfBlock(s.endOfLine(at), indent)
			break scan
		}
		if closed && l.trailing < 0 {
			l.trailing = at
		}
		fresh = fresh && (c == '&' || c == '!') // an anchor or a tag comes before the value
		if fresh {
			for at+1 < len(s.text) && bytes.IndexByte([]byte(" \t\r\n"), s.text[at+1]) < 0 {
				at++
			}
		}
	}
	if len(open) > 0 {
		l.opened = open[0]
	}
	l.end = min(at, len(s.text))
	l.text = string(bytes.TrimRight(s.text[start+indent:min(comment, first)], " \t\r"))
	return l
}

// endOfQuote returns the offset of the quote that ends a text, -1 when there is none.
func (s *source) endOfQuote(at int) int {
	quote := s.text[at]
	for at++; at < len(s.text); at++ {
		switch {
		case s.text[at] == '\\' && quote == '"':
			at++
		case s.text[at] == quote && quote == '\'' && at+1 < len(s.text) && s.text[at+1] == quote:
			at++
		case s.text[at] == quote:
			return at
		}
	}
	return -1
}

// endOfBlock returns the end of a block of text whose first line ends at end, under a key with some indentation.
func (s *source) endOfBlock(end, indent int) int {
	for end < len(s.text) {
		next := s.endOfLine(end + 1)
		content := bytes.TrimLeft(s.text[end+1:next], " ")
		if len(bytes.TrimSpace(content)) > 0 && next-end-1-len(content) <= indent {
			break
		}
		end = next
	}
	return end
}

// maxSearched limits the text in which the line of a mistake is searched for, which parses it a dozen times.
const maxSearched = 128 << 10

// broken returns the number of the first line with which the text is no YAML any more, whatever follows.
func (s *source) broken(lines []line) (number int, ok bool) {
	if len(s.text) > maxSearched {
		return 0, false
	}
	number = sort.Search(len(lines), func(i int) bool { return !isYAML(s.text[:lines[i].end]) })
	return number, number < len(lines)
}

func isYAML(text []byte) bool {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var node yaml.Node
		switch err := decoder.Decode(&node); {
		case errors.Is(err, io.EOF):
			return true
		case err != nil:
			return false
		}
	}
}
