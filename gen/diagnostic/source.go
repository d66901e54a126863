package diagnostic

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// sources gives the lines that diagnostics point at. It reads every file once.
type sources struct {
	read  func(file string) ([]byte, error)
	files map[string][][]byte
}

func newSources(read func(file string) ([]byte, error)) *sources {
	return &sources{read: read, files: make(map[string][][]byte)}
}

// line returns the line of a position, without its end. ok is false when the file has no such place, perhaps because it
// has changed since.
func (s *sources) line(pos Pos) (line []byte, ok bool) {
	lines, known := s.files[pos.File]
	if !known {
		content, err := s.read(pos.File)
		if err == nil {
			// Positions do not count a byte order mark.
			lines = bytes.Split(bytes.TrimPrefix(content, []byte("\ufeff")), []byte("\n"))
		}
		s.files[pos.File] = lines
	}
	if pos.Line < 1 || pos.Line > len(lines) {
		return nil, false
	}
	line = bytes.TrimSuffix(lines[pos.Line-1], []byte("\r"))
	return line, pos.Col >= 1 && pos.Col <= len(line)+1
}

// end returns the column behind the word or quoted text that begins at a position: what an editor underlines. It is at least
// one column further.
func (s *sources) end(pos Pos) int {
	line, ok := s.line(pos)
	if !ok {
		return pos.Col + 1
	}
	return pos.Col + wordLength(line[pos.Col-1:])
}

// wordLength returns the number of bytes of the word or quoted text at the beginning, at least 1.
func wordLength(text []byte) int {
	if len(text) == 0 {
		return 1
	}
	if q := text[0]; q == '"' || q == '\'' || q == '`' {
		for i := 1; i < len(text); i++ {
			switch {
			case text[i] == '\\' && q == '"':
				i++
			case text[i] == q:
				return i + 1
			}
		}
		return 1
	}
	open := 0 // list<tine> is a word as a whole, but at tine it ends before the bracket
	end := bytes.IndexFunc(text, func(r rune) bool {
		switch r {
		case '<':
			open++
		case '>':
			if open--; open < 0 {
				return true
			}
		}
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.Mn, r) && !strings.ContainsRune("_-.<>*", r)
	})
	switch {
	case end < 0:
		return len(text)
	case end == 0:
		_, size := utf8.DecodeRune(text)
		return size
	}
	return max(len(bytes.TrimRight(text[:end], "-.")), 1)
}

// tabWidth is how far apart tab stops are in a snippet.
const tabWidth = 4

// cell is one character of a line as a terminal shows it.
type cell struct {
	text   string
	width  int // in columns
	offset int // in the line, in bytes
}

// cells lays a line out. Tabs become spaces and what a terminal would obey becomes visible, so that nothing in a file moves
// the caret or more.
func cells(line []byte) []cell {
	list := make([]cell, 0, len(line))
	column := 0
	for offset := 0; offset < len(line); {
		r, size := utf8.DecodeRune(line[offset:])
		c := cell{offset: offset}
		switch {
		case r == '\t':
			c.width = tabWidth - column%tabWidth
			c.text = strings.Repeat(" ", c.width)
		case r == utf8.RuneError && size == 1, unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			c.text, c.width = "\ufffd", 1
		default:
			c.text, c.width = string(r), runeWidth(r)
		}
		column += c.width
		list = append(list, c)
		offset += size
	}
	return list
}

// runeWidth is the number of columns that a terminal gives a character.
func runeWidth(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// ellipsis stands for what is cut from a long line.
const ellipsis = "…"

// snippet returns a line cut to some columns around a place, and the line of marks below it: a caret at the place and waves
// below the rest of the word.
func snippet(line []byte, col, most int) (text, marks string) {
	at := col - 1
	length := wordLength(line[at:])
	all := cells(line)
	start, end := 0, len(all)
	total, before, gone := 0, 0, 0
	for _, c := range all {
		if c.offset < at {
			before += c.width
		}
		total += c.width
	}
	if total > most {
		// A third of the room goes to what is before the place, if there is that much.
		skip := max(0, min(before-most/3, total-most+1))
		for start < len(all) && gone < skip {
			gone += all[start].width
			start++
		}
		room := most
		if start > 0 {
			room--
		}
		if total-gone > room {
			room--
		}
		for end = start; end < len(all) && room >= all[end].width; end++ {
			room -= all[end].width
		}
	}
	var shown, below strings.Builder
	if start > 0 {
		shown.WriteString(ellipsis)
		below.WriteByte(' ')
	}
	for _, c := range all[start:end] {
		shown.WriteString(c.text)
		switch {
		case c.offset < at:
			below.WriteString(strings.Repeat(" ", c.width))
		case c.offset == at:
			below.WriteString("^" + strings.Repeat("~", max(c.width-1, 0)))
		case c.offset < at+length:
			below.WriteString(strings.Repeat("~", c.width))
		}
	}
	if end < len(all) {
		shown.WriteString(ellipsis)
	}
	if at >= len(line) { // behind the end of the line
		below.WriteByte('^')
	}
	return strings.TrimRight(shown.String(), " "), below.String()
}
