package emit

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/dave/jennifer/jen"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// comment renders text as line comments. Each line becomes exactly one: nothing in a declaration's doc can end the
// comment or become a compiler directive.
func comment(text string) *jen.Statement {
	s := jen.Null()
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if i > 0 {
			s.Line()
		}
		s.Comment(strings.TrimRight("// "+printable(line), " "))
	}
	return s
}

// printable drops what Go source may not contain.
func printable(line string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return ' '
		}
		if unicode.IsControl(r) || r == '\uFEFF' || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, line)
}

// docOr returns the declaration's doc, or a sentence in its place.
func docOr(doc, sentence string) string {
	if strings.TrimSpace(doc) != "" {
		return doc
	}
	return sentence
}

// docAfter puts the declaration's doc, when there is one, behind an introducing sentence.
func docAfter(sentence, doc string) string {
	if strings.TrimSpace(doc) != "" {
		return sentence + "\n\n" + doc
	}
	return sentence
}

// lineWidth is where generated comments and lists go on in the next line.
const lineWidth = 120

// wrap breaks a sentence into lines that fit into a comment.
func wrap(sentence string) string {
	var b strings.Builder
	column := 0
	for i, word := range strings.Split(sentence, " ") {
		switch column += len(" ") + len(word); {
		case i == 0:
		case column > lineWidth-len("//"):
			b.WriteByte('\n')
			column = len(" ") + len(word)
		default:
			b.WriteByte(' ')
		}
		b.WriteString(word)
	}
	return b.String()
}

// oneOf says what a sealed interface stands for.
func oneOf(name string, variants []string) string {
	switch len(variants) {
	case 0:
		return name + " has no variants: none is declared."
	case 1:
		return fmt.Sprintf("%s can only be %s.", name, variants[0])
	default:
		return fmt.Sprintf("%s is one of %s.", name, listing(variants, "or"))
	}
}

// listing writes names as a sentence does, "A, B or C", also when there are none.
func listing(names []string, last string) string {
	if len(names) == 0 {
		return "none"
	}
	return diagnostic.Listing(names, last)
}

// storedNames are the names of messages in all that is stored.
func storedNames(messages []*spec.Message) []string {
	var names []string
	for _, m := range messages {
		names = append(names, m.Name.Stored())
	}
	return names
}

func messageNames(messages []*spec.Message) []string {
	var names []string
	for _, m := range messages {
		names = append(names, m.Name.Text)
	}
	return names
}

var durationUnits = []struct {
	unit time.Duration
	name string
}{
	{time.Hour, "Hour"}, {time.Minute, "Minute"}, {time.Second, "Second"}, {time.Millisecond, "Millisecond"},
	{time.Microsecond, "Microsecond"}, {time.Nanosecond, "Nanosecond"},
}

// duration renders d in its largest whole unit, as in 30 * time.Minute.
func duration(d time.Duration) *jen.Statement {
	for _, u := range durationUnits {
		switch {
		case d == u.unit:
			return jen.Qual("time", u.name)
		case d%u.unit == 0:
			return jen.Lit(int(d/u.unit)).Op("*").Qual("time", u.name)
		}
	}
	panic("unreachable: every duration is a number of nanoseconds")
}

// number renders a number without an exponent or a fraction that it does not need.
func number(f float64) *jen.Statement { return jen.Op(strconv.FormatFloat(f, 'f', -1, 64)) }

// stringList renders []string{"a", "b"}.
func stringList(names []string) *jen.Statement {
	return jen.Index().String().Values(literals(names)...)
}

// literals renders names as elements of a list, on as many lines as they need.
func literals(names []string) []jen.Code {
	const start = 40 // about where a list begins in its line
	var list []jen.Code
	column := start
	for _, n := range names {
		item := jen.Null()
		width := len(n) + len(`"", `)
		if column += width; column > lineWidth {
			item = jen.Line()
			column = width
		}
		list = append(list, item.Lit(n))
	}
	return list
}

func storedTexts(names []spec.Name) []string {
	var texts []string
	for _, n := range names {
		texts = append(texts, n.Stored())
	}
	return texts
}

func nameTexts(names []spec.Name) []string {
	var texts []string
	for _, n := range names {
		texts = append(texts, n.Text)
	}
	return texts
}

// keyed renders one element of a composite literal, as in Name: "order".
func keyed(name string, value jen.Code) *jen.Statement { return jen.Id(name).Op(":").Add(value) }

// sliceOf renders the type of a slice of the runtime's.
func sliceOf(name string) *jen.Statement { return jen.Index().Add(workflowID(name)) }
