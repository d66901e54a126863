package yamlspec

import (
	"bytes"
	"regexp"
	"sort"
	"unicode/utf8"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// source is the text of a declaration with what it takes to turn the marks of the YAML parser into positions.
//
// The parser counts columns in characters, and a carriage return alone ends a line for it. Positions count bytes, and lines as
// editors do.
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
	s := &source{file: file, text: ofVersion11(bytes.TrimPrefix(text, byteOrderMark)), lines: []int{0}, marks: []int{0}}
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
		}
	}
	return s
}

// version12 finds the directive of YAML 1.2 before a document. The parser reads that version and knows only the name of the one before.
var version12 = regexp.MustCompile(`\A(?:[ \t]*(?:#[^\n]*|%[^\n]*|\r)?\n)*?%YAML[ \t]+1\.(2)(?:\s|\z)`)

// ofVersion11 returns a text that says YAML 1.1 where it said YAML 1.2.
func ofVersion11(text []byte) []byte {
	m := version12.FindSubmatchIndex(text)
	if m == nil {
		return text
	}
	text = bytes.Clone(text)
	text[m[2]] = '1'
	return text
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
		case lineBreaks[r] != "":
			d.Report(s.at(i), diagnostic.OddLineBreak, "the character %U (%s) ends a line for YAML and not for editors; replace it by a line feed or a space", r, lineBreaks[r])
			return false
		case isControl(r):
			d.Report(s.at(i), diagnostic.ControlCharacter, "control character %U is not allowed in a declaration; delete it", r)
			return false
		}
		i += size
	}
	return true
}

// lineBreaks are the characters that end a line for YAML and hardly anywhere else, with their names.
var lineBreaks = map[rune]string{'\u0085': "NEL, next line", '\u2028': "LS, line separator", '\u2029': "PS, paragraph separator"}

// isControl reports characters that neither the YAML parser nor Go's source code accepts as they are.
func isControl(r rune) bool {
	switch {
	case r == '\t' || r == '\n' || r == '\r':
		return false
	case r < ' ' || r >= 0x7f && r < 0xa0:
		return true
	}
	return r == '\ufffe' || r == '\uffff'
}
