package codec

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Neither end keeps track of where it is. The document up to the point of failure says it all: what an encoder has
// written and what a decoder has read. So a path costs one more pass over that text when something goes wrong, and
// nothing when all is well.

// step is one container on the way to a place in a document.
type step struct {
	array bool
	index int    // of an array: the current element
	key   []byte // of an object: the current key between its quotes; nil before the first key and after a comma
}

// pathTo returns the containers that are open at the end of text, which must be the beginning of a valid document.
// It may end anywhere, even within a string.
func pathTo(text []byte) []step {
	var t tracer
	t.read(text)
	return t.steps
}

// tracer follows a document through its containers.
type tracer struct {
	steps []step
	pos   int // up to here it has read
}

// read follows the document to the end of text, which must begin with what was read before.
func (t *tracer) read(text []byte) {
	for ; t.pos < len(text); t.pos++ {
		switch text[t.pos] {
		case '{', '[':
			t.steps = append(t.steps, step{array: text[t.pos] == '['})
		case '}', ']':
			if n := len(t.steps); n > 0 {
				t.steps = t.steps[:n-1]
			}
		case ',':
			if n := len(t.steps); n > 0 {
				t.steps[n-1].index++
				t.steps[n-1].key = nil
			}
		case '"':
			start := t.pos + 1
			end := start
			for ; end < len(text) && text[end] != '"'; end++ {
				if text[end] == '\\' {
					end++
				}
			}
			if end >= len(text) {
				return // it begins with the string once more when there is more text
			}
			if n := len(t.steps); n > 0 && !t.steps[n-1].array && t.steps[n-1].key == nil {
				t.steps[n-1].key = text[start:end:end]
			}
			t.pos = end
		}
	}
}

// maxPath is how many bytes of a path are kept.
const maxPath = 256

// renderPath writes steps as in items[2].sku. Keys of the objects of which isData says so, by their number from 0 on, are left out.
func renderPath(steps []step, isData func(object int) bool) string {
	var b []byte
	for i, s := range steps {
		if len(b) > maxPath {
			break
		}
		switch {
		case s.array:
			b = fmt.Appendf(b, "[%d]", s.index)
			continue
		case s.key == nil: // between two fields: the place is the object itself
			continue
		case isData(i):
			b = fmt.Appendf(b, "[#%d]", s.index)
			continue
		}
		switch key := appendUnescaped(nil, s.key); {
		case !isIdentifier(key):
			b = fmt.Appendf(b, "[%s]", quote(string(key)))
		case len(b) > 0:
			b = append(b, '.')
			fallthrough
		default:
			b = append(b, key...)
		}
	}
	if len(b) <= maxPath {
		return string(b)
	}
	return strings.ToValidUTF8(string(b[:maxPath]), "") + "..."
}

// isIdentifier reports whether key can follow a dot in a path.
func isIdentifier(key []byte) bool {
	for i, c := range key {
		if !isLetter(c) && (i == 0 || !isDigit(c)) {
			return false
		}
	}
	return len(key) > 0 && len(key) <= excerptLen
}

func isLetter(c byte) bool { return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

// excerptLen is how many bytes of a declared name an error quotes.
const excerptLen = 40

// quote returns s, or its beginning and an ellipsis when it is long, as a Go string literal.
func quote(s string) string {
	head, ellipsis := cut(s)
	return strconv.Quote(head) + ellipsis
}

// cut returns the beginning of s, whole characters of at most excerptLen bytes, and an ellipsis if that is not all.
func cut(s string) (head, ellipsis string) {
	if len(s) <= excerptLen {
		return s, ""
	}
	end := excerptLen
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end], "..."
}
