package diagnostic

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// Printer prints diagnostics for people. Without Snippets each takes one line, "file:line:col: message; fix [CODE]", which
// editors and CI understand; with them it is shown where it is in the source.
type Printer struct {
	Out      io.Writer
	Snippets bool
	Color    bool
	Width    int                               // of a line, in columns; 0 is 100
	ReadFile func(file string) ([]byte, error) // os.ReadFile if nil
}

// The colours, as parameters of the terminal's escape sequence.
const (
	bold    = "1"
	red     = "1;31"
	yellow  = "1;33"
	blue    = "1;34"
	green   = "32"
	faint   = "2"
	minimum = 40 // columns of a line, however narrow the terminal
)

// Print prints a list in its order.
func (p *Printer) Print(list Errors) error {
	var b strings.Builder
	if !p.Snippets {
		for _, d := range list {
			b.WriteString(d.String() + "\n")
		}
		_, err := io.WriteString(p.Out, b.String())
		return err
	}
	read := p.ReadFile
	if read == nil {
		read = os.ReadFile
	}
	src := newSources(read)
	for i := range list {
		p.diagnostic(&b, src, &list[i])
		b.WriteByte('\n')
	}
	if len(list) > 0 {
		b.WriteString(p.summary(list))
	}
	_, err := io.WriteString(p.Out, b.String())
	return err
}

// diagnostic prints one with its snippet.
func (p *Printer) diagnostic(b *strings.Builder, src *sources, d *Diagnostic) {
	severity := red
	if d.Severity() == Warning {
		severity = yellow
	}
	fmt.Fprintf(b, "%s: %s %s\n", p.paint(bold, d.Pos.String()), p.paint(severity, fmt.Sprintf("%s[%s]:", d.Severity(), d.Code)),
		p.paint(bold, d.Message))
	gutter := len(fmt.Sprint(d.Pos.Line))
	for _, r := range d.Related {
		gutter = max(gutter, len(fmt.Sprint(r.Pos.Line)))
	}
	p.snippet(b, src, d.Pos, gutter, severity, "")
	for _, r := range d.Related {
		if r.Pos.File != d.Pos.File {
			p.row(b, gutter, "", p.paint(faint, r.Pos.String()))
		}
		p.snippet(b, src, r.Pos, gutter, blue, r.Message)
	}
	if d.Fix != "" {
		fmt.Fprintf(b, "%*s %s %s\n", gutter+1, "", p.paint(blue, "="), p.paint(green, "fix: ")+d.Fix)
	}
}

// snippet prints the line of a position with marks below it.
func (p *Printer) snippet(b *strings.Builder, src *sources, pos Pos, gutter int, color, label string) {
	line, ok := src.line(pos)
	if !ok {
		return
	}
	columns := p.Width
	if columns <= 0 {
		columns = 100
	}
	text, marks := snippet(line, pos.Col, max(columns-gutter-4, minimum))
	p.row(b, gutter, fmt.Sprint(pos.Line), text)
	if label != "" {
		label = " " + label
	}
	indent := len(marks) - len(strings.TrimLeft(marks, " "))
	p.row(b, gutter, "", marks[:indent]+p.paint(color, marks[indent:]+label))
}

// row prints one line with a line number, or none, before it.
func (p *Printer) row(b *strings.Builder, gutter int, number, text string) {
	row := fmt.Sprintf(" %*s %s", gutter, number, "| ")
	fmt.Fprintf(b, "%s%s\n", p.paint(blue, row), text)
}

func (p *Printer) summary(list Errors) string {
	mistakes := fmt.Sprintf("%d mistakes", len(list))
	if len(list) == 1 {
		mistakes = "1 mistake"
	}
	return fmt.Sprintf("%s; \"ironflow-gen explain %s\" says more about %s\n", mistakes, list[0].Code, list[0].Code)
}

func (p *Printer) paint(color, text string) string {
	if !p.Color || text == "" {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// Split takes an error apart, however it is joined: into the diagnostics in it, sorted and each once, and what remains.
func Split(err error) (list Errors, others []error) {
	collect(err, &list, &others)
	list.Sort()
	return slices.CompactFunc(list, func(a, b Diagnostic) bool {
		return a.Pos == b.Pos && a.Code == b.Code && a.Text() == b.Text()
	}), others
}

func collect(err error, list *Errors, others *[]error) {
	switch e := err.(type) {
	case nil:
	case interface{ Unwrap() []error }: // errors.Join
		for _, one := range e.Unwrap() {
			collect(one, list, others)
		}
	case Errors:
		*list = append(*list, e...)
	default:
		*others = append(*others, err)
	}
}
