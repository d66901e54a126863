package yamlspec

import (
	"bytes"
	"sort"
	"unicode/utf8"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// source is the text of a declaration with what it takes to turn the marks of the YAML parser into positions.
//
// The parser counts columns in characters and ends lines at every break that YAML 1.1 knows, among them some that no
// editor shows as one. Positions count bytes, and lines as editors do.
type source struct {
	file  string
	text  []byte
	lines []int // offset of each line, as editors count
	marks []int // number of the first character of each line, as the parser counts
	steps []int // offset of every stepth character, so that a long line needs no walk from its beginning
}

// step is the distance in characters of the offsets that a source remembers.
const step = 64

var byteOrderMark = []byte("\ufeff")

func newSource(file string, text []byte) *source {
	s := &source{file: file, text: bytes.TrimPrefix(text, byteOrderMark), lines: []int{0}, marks: []int{0}}
	character := 0
	for i := 0; i < len(s.text); character++ {
		if character%step == 0 {
			s.steps = append(s.steps, i)
		}
		r, size := utf8.DecodeRune(s.text[i:])
		i += size
		switch r {
		case '\n':
			s.lines = append(s.lines, i)
			s.marks = append(s.marks, character+1)
		case '\r':
			if i == len(s.text) || s.text[i] != '\n' {
				s.marks = append(s.marks, character+1)
			}
		case '\u0085', '\u2028', '\u2029':
			s.marks = append(s.marks, character+1)
		}
	}
	return s
}

// at returns the position of a byte.
func (s *source) at(offset int) spec.Pos {
	line := sort.SearchInts(s.lines, offset+1) // the number of lines that begin at or before it
	return spec.Pos{File: s.file, Line: line, Col: offset - s.lines[line-1] + 1}
}

// offset returns the byte that the parser calls by this line and column, both counting from 1.
func (s *source) offset(line, column int) int {
	if line < 1 || line > len(s.marks) {
		return len(s.text)
	}
	character := s.marks[line-1] + column - 1
	if character/step >= len(s.steps) {
		return len(s.text)
	}
	at := s.steps[character/step]
	for range character % step {
		_, size := utf8.DecodeRune(s.text[at:])
		at += size
	}
	return at
}

// check reports bytes that no declaration may hold and returns whether the text is fit for the parser.
func (s *source) check(d *spec.Diagnostics) bool {
	for i := 0; i < len(s.text); {
		r, size := utf8.DecodeRune(s.text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			d.Report(s.at(i), diagnostic.NotUTF8, "byte %#02x is not valid UTF-8; save the file as UTF-8", s.text[i])
			return false
		case isControl(r):
			d.Report(s.at(i), diagnostic.ControlCharacter, "control character %U is not allowed in a declaration; delete it", r)
			return false
		}
		i += size
	}
	return true
}

// isControl reports characters that neither the YAML parser nor Go's source code accepts as they are.
func isControl(r rune) bool {
	switch {
	case r == '\t' || r == '\n' || r == '\r' || r == '\u0085':
		return false
	case r < ' ' || r >= 0x7f && r < 0xa0:
		return true
	}
	return r == '\ufffe' || r == '\uffff'
}
