package codec

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// These functions scan text by JSON's grammar. They take a text and a position. They return the position after the text that they
// read, and the problem at that position, or "".

// skipSpace returns the position of the first byte at or after pos that is not white space.
func skipSpace(data []byte, pos int) int {
	for pos < len(data) && (data[pos] == ' ' || data[pos] == '\n' || data[pos] == '\t' || data[pos] == '\r') {
		pos++
	}
	return pos
}

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// notPlain tests the eight bytes of w, beginning with the lowest. In its result, the high bit of the first byte that is not plain
// is set. High bits of later bytes may be set too, those of earlier bytes are not.
func notPlain(w uint64) uint64 {
	quote := w ^ lowBits*'"'
	backslash := w ^ lowBits*'\\'
	return (w | (w-lowBits*' ')&^w | (quote-lowBits)&^quote | (backslash-lowBits)&^backslash) & highBits
}

// skipPlain returns the position of the first byte at or after pos that is not plain: a quote, a backslash, a control
// character or a byte of a character outside ASCII.
func skipPlain(data []byte, pos int) int {
	for ; pos+8 <= len(data); pos += 8 {
		if found := notPlain(binary.LittleEndian.Uint64(data[pos:])); found != 0 {
			return pos + bits.TrailingZeros64(found)/8
		}
	}
	for pos < len(data) && plain(data[pos]) {
		pos++
	}
	return pos
}

// allPlain reports whether there are only plain bytes from pos to end. Seven more bytes after end must be readable; their values
// do not matter.
func allPlain(data []byte, pos, end int) bool {
	for ; pos+8 <= end; pos += 8 {
		if notPlain(binary.LittleEndian.Uint64(data[pos:])) != 0 {
			return false
		}
	}
	if pos == end {
		return true
	}
	rest := 8 * (end - pos) // bits
	last := binary.LittleEndian.Uint64(data[pos:])
	return notPlain(last&(1<<rest-1)|lowBits*' '<<rest) == 0
}

func plain(c byte) bool { return ' ' <= c && c < utf8.RuneSelf && c != '"' && c != '\\' }

// scanString reads the rest of a string from pos, which is after the opening quote. It returns the position of the closing quote
// and whether the string has escapes.
func scanString(data []byte, pos int) (end int, escaped bool, problem string) {
	for {
		pos = skipPlain(data, pos)
		if pos >= len(data) {
			return pos, escaped, "the string does not end"
		}
		switch c := data[pos]; {
		case c == '"':
			return pos, escaped, ""
		case c == '\\':
			escaped = true
			var size int
			if _, size, problem = unescape(data[pos:]); problem != "" {
				return pos, escaped, problem
			}
			pos += size
		case c < ' ':
			return pos, escaped, "a control character in a string must be escaped"
		default:
			r, size := utf8.DecodeRune(data[pos:])
			if r == utf8.RuneError && size == 1 {
				return pos, escaped, "the string is not valid UTF-8"
			}
			pos += size
		}
	}
}

// scanLoose reads the rest of a string from pos by JSON's grammar, which also accepts invalid UTF-8 and single surrogates. It
// returns the position of the closing quote or of the problem.
func scanLoose(data []byte, pos int) (end int, problem string) {
	for {
		pos = skipPlain(data, pos)
		if pos >= len(data) {
			return pos, "the string does not end"
		}
		switch c := data[pos]; {
		case c == '"':
			return pos, ""
		case c == '\\':
			if _, size, problem := unescape(data[pos:]); problem == "" {
				pos += size
			} else if hexRune(data[pos:]) >= 0 { // half of a pair
				pos += 6
			} else {
				return pos, problem
			}
		case c < ' ':
			return pos, "a control character in a string must be escaped"
		default:
			pos++
		}
	}
}

// unescape reads the escape sequence that text begins with and returns the character it stands for and its length.
func unescape(text []byte) (r rune, size int, problem string) {
	if len(text) < 2 {
		return 0, 0, "the string does not end"
	}
	switch text[1] {
	case '"', '\\', '/':
		return rune(text[1]), 2, ""
	case 'b':
		return '\b', 2, ""
	case 'f':
		return '\f', 2, ""
	case 'n':
		return '\n', 2, ""
	case 'r':
		return '\r', 2, ""
	case 't':
		return '\t', 2, ""
	case 'u':
		r = hexRune(text)
		if r < 0 {
			return 0, 0, `\u needs four hexadecimal digits`
		}
		if !utf16.IsSurrogate(r) {
			return r, 6, ""
		}
		if r = utf16.DecodeRune(r, hexRune(text[6:])); r == utf8.RuneError {
			return 0, 0, "a surrogate is without its pair"
		}
		return r, 12, ""
	}
	return 0, 0, "no such escape sequence"
}

// hexRune returns the value of the \uXXXX that text begins with, or -1 when it does not.
func hexRune(text []byte) rune {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return -1
	}
	var r rune
	for _, c := range text[2:6] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// appendUnescaped appends the value of text, which is the inside of a string that scanString has accepted.
func appendUnescaped(b, text []byte) []byte {
	for pos := 0; pos < len(text); {
		start := pos
		for pos < len(text) && text[pos] != '\\' {
			pos++
		}
		b = append(b, text[start:pos]...)
		if pos < len(text) {
			r, size, _ := unescape(text[pos:])
			b = utf8.AppendRune(b, r)
			pos += size
		}
	}
	return b
}

// scanNumber reads the number at pos, where there is a digit or a minus sign. It returns the position after it and whether it is
// an integer, without a fraction or an exponent.
func scanNumber(data []byte, pos int) (end int, integer bool, problem string) {
	if data[pos] == '-' {
		pos++
	}
	first := pos
	if pos = skipDigits(data, pos); pos == first {
		return pos, false, "a number needs a digit here"
	}
	if data[first] == '0' && pos > first+1 {
		return first, false, "a number must not begin with a zero"
	}
	integer = true
	if pos < len(data) && data[pos] == '.' {
		integer = false
		first = pos + 1
		if pos = skipDigits(data, first); pos == first {
			return pos, false, "a number needs a digit here"
		}
	}
	if pos < len(data) && (data[pos] == 'e' || data[pos] == 'E') {
		integer = false
		pos++
		if pos < len(data) && (data[pos] == '+' || data[pos] == '-') {
			pos++
		}
		first = pos
		if pos = skipDigits(data, first); pos == first {
			return pos, false, "a number needs a digit here"
		}
	}
	return pos, integer, ""
}

func skipDigits[S string | []byte](s S, pos int) int {
	for pos < len(s) && isDigit(s[pos]) {
		pos++
	}
	return pos
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// validDecimal reports whether s is -?digits(.digits)?.
func validDecimal[S string | []byte](s S) bool {
	pos := 0
	if len(s) > 0 && s[0] == '-' {
		pos = 1
	}
	end := skipDigits(s, pos)
	if end > pos && end < len(s) && s[end] == '.' {
		pos = end + 1
		end = skipDigits(s, pos)
	}
	return end > pos && end == len(s)
}
