package gospec

import (
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

// tool begins every directive, as in //ironflow:event.
const tool = "ironflow"

// directive is one line of a comment that begins with //ironflow:, with its arguments.
type directive struct {
	name string
	pos  token.Pos // of the slashes
	args []argument
	used bool // somebody has asked for it
}

// argument is one of the words behind a directive's name: key=value or, without a key, a value.
type argument struct {
	key      string
	keyPos   token.Pos
	value    string
	valuePos token.Pos // of its first character, within quotes
}

// what names a directive in messages.
func (d *directive) what() string { return "//" + tool + ":" + d.name }

// isMessage reports whether the directive makes a message of a struct.
func (d *directive) isMessage() bool {
	switch d.name {
	case "input", "event", "effect", "rejection":
		return true
	}
	return false
}

// parseDirective reads a comment of one line that begins with //ironflow:. It reports what is not well formed, and returns
// what it understands all the same; nil when that is nothing, or none of this package's business.
func (r *reader) parseDirective(c *ast.Comment) *directive {
	parsed, ok := ast.ParseDirective(c.Slash, c.Text)
	if !ok {
		r.report(c.Slash, diagnostic.UnknownDirective, `"%s" is no directive; write its name right behind the colon, in small letters, like //ironflow:event`, diagnostic.Shorten(c.Text))
		return nil
	}
	if slices.Contains(others, parsed.Name) {
		return nil
	}
	d := &directive{name: parsed.Name, pos: c.Slash}
	s := scanner{text: parsed.Args, pos: parsed.ArgsPos}
	for s.skipSpace(); s.text != ""; s.skipSpace() {
		a, ok := s.argument()
		if !ok {
			r.report(a.valuePos, diagnostic.DirectiveSyntax, `a quote in %s is not closed, or something stands right behind it; write the whole value in quotes, like schedule="0 9 * * MON"`, d.what())
			continue
		}
		d.args = append(d.args, a)
	}
	return d
}

// scanner splits the arguments of a directive. Package ast knows arguments that are quoted as a whole; here a value alone
// may be, as in doc="In two words".
type scanner struct {
	text string
	pos  token.Pos
}

func (s *scanner) skip(n int) string {
	skipped := s.text[:n]
	s.text = s.text[n:]
	s.pos += token.Pos(n)
	return skipped
}

func (s *scanner) skipSpace() {
	s.skip(len(s.text) - len(strings.TrimLeftFunc(s.text, unicode.IsSpace)))
}

// word skips up to the next space.
func (s *scanner) word() string {
	end := strings.IndexFunc(s.text, unicode.IsSpace)
	if end < 0 {
		end = len(s.text)
	}
	return s.skip(end)
}

// argument reads the next argument. When its quotes are not right, it is skipped with all that may belong to it.
func (s *scanner) argument() (a argument, ok bool) {
	a.keyPos = s.pos
	if end := strings.IndexFunc(s.text, func(c rune) bool { return c == '=' || c == '"' || c == '`' || unicode.IsSpace(c) }); end > 0 && s.text[end] == '=' {
		a.key = s.skip(end)
		s.skip(len("="))
	}
	a.valuePos = s.pos
	if s.text == "" || s.text[0] != '"' && s.text[0] != '`' {
		a.value = s.word()
		return a, true
	}
	quoted, err := strconv.QuotedPrefix(s.text)
	if err != nil {
		s.skip(len(s.text))
		return a, false
	}
	a.value, _ = strconv.Unquote(quoted) // of which QuotedPrefix has made sure
	s.skip(len(quoted))
	if s.text != "" && !unicode.IsSpace([]rune(s.text)[0]) {
		s.word()
		return a, false
	}
	a.valuePos++
	return a, true
}
