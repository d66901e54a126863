package yamlspec

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// mistake is the place of something that is no YAML.
type mistake struct {
	*source
	all    []line
	number int // of the line with which it shows
}

var (
	// goTypes finds Go's and other spellings of types that YAML takes for its own syntax: "items: []Item", "at: time?".
	goTypes = regexp.MustCompile(`[:<]\s*(\[\]\s*\*?[A-Za-z][\w.]*|\*[A-Za-z]\w*\.\w+|map\[\s*\w*\s*\][\w.*\[\]]*|[A-Za-z]\w*\?)`)
	// genericType finds one that is imported with type arguments: "go: example.com/p.Generic[int]".
	genericType = regexp.MustCompile(`\bgo:\s+["']?([\w./~-]+\.[A-Za-z_]\w*\[[^\s{}]*)`)
	// questions and colons find texts in brackets that end, for YAML, at a question mark or a colon.
	questions = regexp.MustCompile(`\bdoc:\s*([^"'\s,{}][^,{}\n]*\?)`)
	colons    = regexp.MustCompile(`\bdoc:\s+([^"'\s,{}][^,{}\n]*:\s)`)
	// textWithColon is a value without quotes that holds a colon.
	textWithColon = regexp.MustCompile(`^[^"'{}\[\]|>&*!#].*:(\s|$)`)
	// glued finds a name in brackets whose colon lacks a space, gluedLine a whole line of that kind.
	glued     = regexp.MustCompile(`[A-Za-z_]\w*:([{\[])`)
	gluedLine = regexp.MustCompile(`^([A-Za-z_]\w*):(\S.*)$`)
	// bareLine is a line with no colon behind its name.
	bareLine = regexp.MustCompile(`^([A-Za-z_]\w*)(?:\s+(.*))?$`)
	// noComma finds two entries in brackets without a comma between them.
	noComma = regexp.MustCompile(`([^\s,{\[:]+)\s+([A-Za-z_]\w*):\s`)
	// oddStart finds a value that begins with a character with which none can begin.
	oddStart = regexp.MustCompile("(?:^|[\\s{\\[,])([@`%])")
)

// stars and braces are how schedules and the instances that they name begin when they lack quotes.
var (
	stars  = regexp.MustCompile(`\bschedule:\s+(\*[^\n"'{}]*)`)
	braces = regexp.MustCompile(`\binstance:\s+([^"'\s{},]*\{time\}[^"'\s{},]*)`)
)

// explanation is what a look found: the offset of the mistake, what is wrong and what to do about it. The zero one stands
// for nothing.
type explanation struct {
	offset       int
	code         diagnostic.Code
	message, fix string
}

// explain returns what the mistake probably is. The looks go from what can hardly be anything else to what is only likely.
func (m *mistake) explain(message string) (e explanation, ok bool) {
	for _, look := range []func(l *line, message string) explanation{
		m.tab, m.recurrence, m.generic, m.spelling, m.unquoted, m.openQuote, m.noSpace, m.listItem, m.brackets, m.noColon, m.wrongIndent,
	} {
		if e = look(&m.all[m.number], message); e.message != "" {
			return e, true
		}
	}
	return e, false
}

func (m *mistake) content(l *line) []byte { return m.text[l.start:l.end] }

// before returns the line before the one with which the mistake shows, or nil.
func (m *mistake) before() *line {
	if m.number == 0 {
		return nil
	}
	return &m.all[m.number-1]
}

func (m *mistake) lineNumber(l *line) int { return m.at(l.start).Line }

func (m *mistake) tab(l *line, _ string) explanation {
	if i := bytes.IndexByte(m.text[l.start:l.start+l.indent], '\t'); i >= 0 {
		return explanation{l.start + i, diagnostic.TabIndent, "a tab cannot indent a line", "use spaces"}
	}
	return explanation{}
}

// recurrence finds schedules, and the instances that they name, that lack quotes.
func (m *mistake) recurrence(l *line, message string) explanation {
	if s := stars.FindSubmatchIndex(m.content(l)); s != nil && strings.HasPrefix(message, "did not find expected alphabetic") {
		return explanation{l.start + s[2], diagnostic.NeedsQuotes, `YAML takes "*" for the name of a value`, "put the schedule in quotes"}
	}
	if b := braces.FindSubmatchIndex(m.content(l)); b != nil {
		return explanation{l.start + b[2], diagnostic.NeedsQuotes, "YAML takes braces for a mapping",
			fmt.Sprintf("put the text in quotes, as in instance: %q", m.content(l)[b[2]:b[3]])}
	}
	return explanation{}
}

// generic finds a Go type with type arguments, whose brackets YAML takes for a list.
func (m *mistake) generic(l *line, _ string) explanation {
	if g := genericType.FindSubmatchIndex(m.content(l)); g != nil {
		written := string(m.content(l)[g[2]:g[3]])
		return explanation{l.start + g[2], diagnostic.BadGoType, fmt.Sprintf("the Go type %q has type arguments", written), spec.NoArguments}
	}
	return explanation{}
}

// spelling finds types that are written as in Go.
func (m *mistake) spelling(l *line, _ string) explanation {
	if q := questions.FindSubmatchIndex(m.content(l)); q != nil {
		return explanation{l.start + q[2], diagnostic.NeedsQuotes, `a "?" ends a text without quotes between { and }`, "put the text in quotes"}
	}
	if t := goTypes.FindSubmatchIndex(m.content(l)); t != nil {
		written := string(m.content(l)[t[2]:t[3]])
		return explanation{l.start + t[2], diagnostic.ForeignType, fmt.Sprintf("YAML cannot read %q as a type", written), typeHint(written)}
	}
	return explanation{}
}

// unquoted finds texts that need quotes.
func (m *mistake) unquoted(l *line, message string) explanation {
	quote := explanation{0, diagnostic.NeedsQuotes, "a colon and a space end a text without quotes", "put the text in quotes"}
	if c := colons.FindSubmatchIndex(m.content(l)); c != nil {
		quote.offset = l.start + c[2]
		return quote
	}
	name, value, ok := l.key()
	if ok && textWithColon.MatchString(value) && !goTypes.MatchString(": "+value) {
		quote.offset = l.start + l.indent + strings.Index(l.text[len(name):], value) + len(name)
		return quote
	}
	if strings.HasPrefix(message, "found character that cannot start any token") {
		if o := oddStart.FindSubmatchIndex(m.content(l)); o != nil {
			return explanation{l.start + o[2], diagnostic.NeedsQuotes,
				fmt.Sprintf("no name or text can begin with %q", m.text[l.start+o[2]]), "put it in quotes, or delete the character"}
		}
	}
	return explanation{}
}

func (m *mistake) openQuote(l *line, _ string) explanation {
	if l.quoted >= 0 {
		return explanation{l.quoted, diagnostic.OpenQuote, "the text in quotes that begins here has no end", "add a quote"}
	}
	return explanation{}
}

// noSpace finds a colon without a space behind it. The name is then a text, with which the mistake shows in the next line.
func (m *mistake) noSpace(l *line, _ string) explanation {
	for _, l := range []*line{l, m.before()} {
		if l == nil {
			continue
		}
		if name, value, ok := cutGlued(l.text); ok {
			return explanation{l.start + l.indent + len(name) + 1, diagnostic.NoSpace, noSpaceMessage, noSpaceFix(name, value)}
		}
	}
	if g := glued.FindSubmatchIndex(m.content(l)); g != nil {
		return explanation{offset: l.start + g[2], code: diagnostic.NoSpace, message: "a colon needs a space behind it here"}
	}
	return explanation{}
}

// cutGlued splits "name:value", which has no space behind its colon.
func cutGlued(text string) (name, value string, ok bool) {
	g := gluedLine.FindStringSubmatch(text)
	if g == nil {
		return "", "", false
	}
	return g[1], g[2], true
}

const noSpaceMessage = "a colon needs a space behind it"

func noSpaceFix(name, value string) string {
	return fmt.Sprintf(`write "%s: %s"`, name, diagnostic.Shorten(value))
}

// listItem finds "- Name" where the neighbours are "Name: ...", and the other way round.
func (m *mistake) listItem(l *line, _ string) explanation {
	beside := m.beside(m.number)
	if beside < 0 || m.all[beside].isItem() == l.isItem() {
		return explanation{}
	}
	if !l.isItem() {
		// The list is what does not belong here. Its first item is the one to change.
		for l = &m.all[beside]; beside >= 0 && m.all[beside].isItem(); beside = m.beside(beside) {
			l = &m.all[beside]
		}
	}
	rest := strings.TrimSpace(l.text[1:])
	if _, _, ok := (&line{text: rest}).key(); !ok {
		rest += ":"
	}
	return explanation{l.start + l.indent, diagnostic.StrayListItem,
		`"-" begins an entry of a list, but here every line is a name with a colon`, fmt.Sprintf(`write "%s"`, diagnostic.Shorten(rest))}
}

// beside returns the number of the line before with the same indentation and in the same place, -1 when there is none.
func (m *mistake) beside(number int) int {
	indent := m.all[number].indent
	for i := number - 1; i >= 0 && m.all[i].indent >= indent; i-- {
		if m.all[i].indent == indent {
			return i
		}
	}
	return -1
}

// brackets finds brackets that do not match, and commas that lack between them.
func (m *mistake) brackets(l *line, message string) explanation {
	if l.trailing >= 0 {
		if c := m.text[l.trailing]; c == '}' || c == ']' {
			return explanation{l.trailing, diagnostic.Brackets, fmt.Sprintf("there is a %q too many", c), "delete it, or open what it is to close"}
		}
		return explanation{l.trailing, diagnostic.Brackets, "the list or mapping in brackets ends before this", "put it inside, or on a line of its own"}
	}
	if l.opened < 0 && !strings.HasPrefix(message, "did not find expected ',' or") {
		return explanation{}
	}
	inside := bytes.IndexAny(m.content(l), "{[")
	if inside < 0 { // YAML sees a line where there is none: behind a carriage return, say
		return explanation{}
	}
	first := m.content(l)[inside:]
	if end := bytes.IndexByte(first, '\n'); end >= 0 && l.opened >= 0 {
		first = first[:end] // what follows the line is not meant to be inside
	}
	if c := noComma.FindSubmatchIndex(first); c != nil {
		return explanation{offset: l.start + inside + c[3], code: diagnostic.Brackets, message: fmt.Sprintf("a comma is missing before %q", first[c[4]:c[5]])}
	}
	if l.opened >= 0 {
		return explanation{offset: l.opened, code: diagnostic.Brackets, message: fmt.Sprintf("the %q here is not closed", m.text[l.opened])}
	}
	return explanation{offset: l.start + l.indent, code: diagnostic.Brackets,
		message: "a list or mapping in brackets that begins on this line lacks a comma between two entries, or a bracket"}
}

// noColon finds a name without a colon. It is a text then, and the mistake may show with the next line only.
func (m *mistake) noColon(l *line, _ string) explanation {
	if before := m.before(); before != nil && bareLine.MatchString(before.text) && before.indent >= l.indent && !m.continues(m.number-1) {
		l = before
	}
	b := bareLine.FindStringSubmatch(l.text)
	if b == nil {
		return explanation{}
	}
	return explanation{l.start + l.indent + len(b[1]), diagnostic.NoColon,
		"a colon is missing", fmt.Sprintf(`write "%s"`, diagnostic.Shorten(strings.TrimSpace(b[1]+": "+b[2])))}
}

// continues reports whether a line continues the text of the one before.
func (m *mistake) continues(number int) bool {
	if number == 0 {
		return false
	}
	before := &m.all[number-1]
	_, value, ok := before.key()
	return before.indent < m.all[number].indent && (!ok || value != "")
}

// wrongIndent finds lines that are indented unlike those that they could belong to.
func (m *mistake) wrongIndent(l *line, _ string) explanation {
	before := m.before()
	if before == nil {
		return explanation{}
	}
	at := l.start + l.indent
	if l.indent > before.indent {
		if _, value, ok := before.key(); ok && value != "" {
			return explanation{at, diagnostic.WrongIndent,
				fmt.Sprintf("this line is indented by %s, deeper than line %d, which has its value already", spaces(l.indent), m.lineNumber(before)),
				"indent it like the lines that it belongs to"}
		}
		return explanation{}
	}
	var open []int // the indentations that the line could have
	for i := range m.number {
		indent := m.all[i].indent
		open = slices.DeleteFunc(open, func(other int) bool { return other >= indent })
		open = append(open, indent)
	}
	if slices.Contains(open, l.indent) {
		return explanation{}
	}
	could := make([]string, len(open))
	for i, indent := range open {
		could[i] = fmt.Sprint(indent)
	}
	return explanation{at, diagnostic.WrongIndent,
		fmt.Sprintf("this line is indented by %s, but the lines above that it could belong to by %s", spaces(l.indent), diagnostic.Listing(could, "or")),
		"indent it like one of them"}
}

func spaces(n int) string {
	if n == 1 {
		return "1 space"
	}
	return fmt.Sprintf("%d spaces", n)
}
