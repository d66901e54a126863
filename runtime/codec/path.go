package codec

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Encoders and decoders do not keep track of the path. The text up to the failure, which an encoder has written or a decoder has
// read, has all of it. So a path costs another pass over that text after an error, and nothing without one.

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
	pos   int // the text up to here is read
}

// read follows the document to the end of text, which must begin with the text of the previous call.
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
				return // the next call begins with this string again
			}
			if n := len(t.steps); n > 0 && !t.steps[n-1].array && t.steps[n-1].key == nil {
				t.steps[n-1].key = text[start:end:end]
			}
			t.pos = end
		}
	}
}

// maxPath is the largest number of bytes of a path.
const maxPath = 256

// renderPath returns steps as text, as in items[2].sku. It leaves out keys of objects for which isData returns true; objects are
// numbered from 0.
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
		case s.key == nil: // between two fields, the place is the object itself
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

// quote returns s as a Go string literal; of a long s only the beginning, and an ellipsis.
func quote(s string) string {
	head, ellipsis := cut(s)
	return strconv.Quote(head) + ellipsis
}

// cut returns the beginning of s, at most excerptLen bytes of whole characters, and an ellipsis if s is longer.
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
