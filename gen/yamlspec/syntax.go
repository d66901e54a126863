package yamlspec

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// parserLine splits what the YAML parser says: "yaml: line 3: did not find expected key".
var parserLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

// lateMessages begin the errors whose line the parser counts from 0; it counts all others from 1.
var lateMessages = []string{
	"did not find expected <", "did not find expected node content", "did not find expected '-' indicator",
	"did not find expected key", "did not find expected ',' or", "found undefined tag handle", "found duplicate %",
	"found incompatible YAML document",
}

var (
	// goTypes finds Go's and other spellings of types that YAML takes for its own syntax: "items: []Item", "at: time?".
	goTypes = regexp.MustCompile(`[:<]\s*(\[\]\s*[A-Za-z]\w*|[A-Za-z]\w*\?)`)
	// questions finds texts in a flow mapping that a question mark breaks in the same way.
	questions = regexp.MustCompile(`\bdoc:\s*([^"'\s,{}][^,{}\n]*\?)`)
	// unknownAnchor finds the name in a message that has no line at all.
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// syntaxError reports text that is no YAML. The parser gives the line of such a mistake at best, and for an unfinished
// mapping or list the line where that begins.
func (s *source) syntaxError(d *spec.Diagnostics, err error) {
	match := parserLine.FindStringSubmatch(err.Error())
	if match == nil {
		d.Report(s.at(0), "this is not valid YAML: %v", err)
		return
	}
	line, message := 1, match[2]
	if match[1] != "" {
		line, _ = strconv.Atoi(match[1]) // digits by the expression; a number out of range ends up at the file's end
		for _, late := range lateMessages {
			if strings.HasPrefix(message, late) {
				line++
				break
			}
		}
	}
	if m := unknownAnchor.FindStringSubmatch(message); m != nil {
		at := max(bytes.Index(s.text, []byte("*"+m[1])), 0)
		d.Report(s.at(at), "alias %q has no anchor before it; write &%s where its content stands", "*"+m[1], m[1])
		return
	}
	start := s.offset(line, 1)
	if at, advice := s.likelyCause(start); advice != "" {
		d.Report(s.at(at), "%s", advice)
		return
	}
	for start < len(s.text) && s.text[start] == ' ' {
		start++
	}
	switch {
	case start < len(s.text) && s.text[start] == '\t':
		message = "a tab cannot indent a line; use spaces"
	case strings.HasPrefix(message, "did not find expected ',' or"):
		message = "a list or mapping in brackets that begins on this line is not closed, or lacks a comma between two entries"
	}
	d.Report(s.at(start), "this is not valid YAML: %s", message)
}

// likelyCause looks for mistakes that are easily made in a declaration, from the line of an error on up to the next empty
// line. It returns the offset of the first, and what to do about it.
func (s *source) likelyCause(start int) (offset int, advice string) {
	rest, _, _ := bytes.Cut(s.text[start:], []byte("\n\n"))
	if m := questions.FindSubmatchIndex(rest); m != nil {
		return start + m[2], `a "?" ends a text without quotes between { and }; put the text in quotes`
	}
	if m := goTypes.FindSubmatchIndex(rest); m != nil {
		written := string(rest[m[2]:m[3]])
		return start + m[2], fmt.Sprintf("YAML cannot read %q as a type; %s", written, typeHint(written))
	}
	return 0, ""
}
