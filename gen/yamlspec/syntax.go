package yamlspec

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
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

// unknownAnchor finds the name in a message that has no line at all.
var unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)

// syntaxError reports text that is no YAML. The parser says what it ran into, and for a mapping or list only where that
// begins; so the line is searched for, and then what it is that is often written there.
func (s *source) syntaxError(d *spec.Diagnostics, err error) {
	match := parserLine.FindStringSubmatch(err.Error())
	if match == nil {
		d.Report(s.at(0), diagnostic.NotYAML, "this is not valid YAML: %v", err)
		return
	}
	message := match[2]
	if m := unknownAnchor.FindStringSubmatch(message); m != nil {
		s.unknownAlias(d, m[1])
		return
	}
	at := s.parserOffset(match[1], message)
	lines := s.split()
	if number, ok := s.broken(lines); ok {
		m := mistake{source: s, all: lines, number: number}
		if e, ok := m.explain(message); ok {
			d.Report(s.at(e.offset), e.code, "%s; %s", e.message, e.fix)
			return
		}
		at = lines[number].start + lines[number].indent
	}
	d.Report(s.at(at), diagnostic.NotYAML, "this is not valid YAML: %s", message)
}

// unknownAlias reports a name behind a star that stands for nothing. It may be a pointer of Go.
func (s *source) unknownAlias(d *spec.Diagnostics, name string) {
	at := max(bytes.Index(s.text, []byte("*"+name)), 0)
	if spec.ScalarFor(name) != "" || isExported(name) {
		d.Report(s.at(at), diagnostic.ForeignType, `YAML takes "*%s" for a reference; %s`, name, typeHint("*"+name))
		return
	}
	d.Report(s.at(at), diagnostic.UnknownAlias, "alias %q has no anchor before it; write &%s where its content stands", "*"+name, name)
}

// parserOffset returns where the parser says the mistake is.
func (s *source) parserOffset(number, message string) int {
	line := 1
	if number != "" {
		line, _ = strconv.Atoi(number) // digits by the expression; a number out of range ends up at the file's end
		for _, late := range lateMessages {
			if strings.HasPrefix(message, late) {
				line++
				break
			}
		}
	}
	start := s.offset(line, 1)
	for start < len(s.text) && s.text[start] == ' ' {
		start++
	}
	return start
}
