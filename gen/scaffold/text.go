package scaffold

import (
	"go/format"
	"strings"
	"unicode"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/internal/capture"
)

// maxComment is how wide a comment gets, without its indentation.
const maxComment = 110

// doc renders a declaration's documentation as the comment of its method, "" when there is none.
func doc(name, text string) string {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return ""
	case strings.HasPrefix(text, name+" "):
		return comment(text)
	}
	return comment(name + ": " + text)
}

// comment renders text as line comments, each of them ended by a newline. Long lines are wrapped.
func comment(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = printable(line)
		for {
			head, rest := cut(line)
			b.WriteString(strings.TrimRight("// "+head, " ") + "\n")
			if line = rest; line == "" {
				break
			}
		}
	}
	return b.String()
}

// example renders code as a block in line comments, laid out as gofmt does.
func example(code string) string {
	if formatted, err := format.Source([]byte(code)); err == nil {
		code = string(formatted)
	}
	code = capture.Plain(code)
	var b strings.Builder
	b.WriteString("//\n")
	for line := range strings.Lines(code) {
		b.WriteString(strings.TrimRight("//\t"+line, " \t\n") + "\n")
	}
	return b.String()
}

// cut returns as many words of a line as fit into a comment, and the rest.
func cut(line string) (head, rest string) {
	if len(line) <= maxComment {
		return line, ""
	}
	at := strings.LastIndexByte(line[:maxComment+1], ' ')
	if at <= 0 {
		if at = strings.IndexByte(line, ' '); at <= 0 {
			return line, ""
		}
	}
	return line[:at], strings.TrimLeft(line[at:], " ")
}

// printable drops what Go source may not contain, and the end of the line.
func printable(line string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.IsControl(r), r == '\uFEFF', r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, line)
}

// counted writes a noun and names: "the event A", "the events A and B".
func counted(noun string, names []string, last string) string {
	if len(names) != 1 {
		noun += "s"
	}
	return "the " + noun + " " + diagnostic.Listing(names, last)
}
