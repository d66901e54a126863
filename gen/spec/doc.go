package spec

import (
	"strings"
	"unicode"
)

// DocText returns a doc as it can stand in a comment of Go and in YAML: without control characters but tabs and line feeds,
// without byte order marks, and with a blank in each "+build" at the beginning of a line, which gofmt takes for a build
// constraint wherever it stands. Front ends call it, so that a doc is the same in all that is made of it.
func DocText(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n':
			return r
		case unicode.IsControl(r), r == '\ufeff', r == '\ufffe', r == '\uffff': // YAML refuses the last two
			return -1
		}
		return r
	}, text)
	if !strings.Contains(text, "+build") {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		words := strings.TrimLeft(line, " \t")
		if rest, found := strings.CutPrefix(words, "+build"); found && (rest == "" || rest[0] == ' ' || rest[0] == '\t') {
			lines[i] = line[:len(line)-len(words)] + "+ build" + rest
		}
	}
	return strings.Join(lines, "\n")
}
