// Package diagnostic is how every part of ironflow-gen tells a user about a mistake: where it is, which of the known
// mistakes it is, what is wrong and what to do about it.
//
// Each kind of mistake has a [Code], which never changes, and a [Rule] that explains it. A [List] collects what a run finds;
// [Errors] hands it to the caller.
package diagnostic

import (
	"cmp"
	"fmt"
	"strings"
)

// Pos is a place in a file. Line and Col count from 1, Col in bytes.
type Pos struct {
	File string
	Line int
	Col  int
}

func (p Pos) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col) }

// Compare orders positions by file, line and column.
func (p Pos) Compare(q Pos) int {
	return cmp.Or(strings.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line), cmp.Compare(p.Col, q.Col))
}

// Diagnostic is one mistake, worded so that the user knows what to change.
type Diagnostic struct {
	Pos     Pos
	Code    Code
	Message string    // what is wrong
	Fix     string    // what to do about it; may be empty
	Related []Related // other places that have to do with it
}

// Related is another place that a mistake has to do with, and what is there.
type Related struct {
	Pos     Pos
	Message string
}

// Relate adds another place to a diagnostic. A place without a line is none, and left out.
func (d *Diagnostic) Relate(pos Pos, message string) {
	if pos.Line > 0 {
		d.Related = append(d.Related, Related{Pos: pos, Message: message})
	}
}

// Severity is that of the diagnostic's code.
func (d *Diagnostic) Severity() Severity { return d.Code.Severity() }

// Text is the message with the fix, without position and code.
func (d *Diagnostic) Text() string {
	if d.Fix == "" {
		return d.Message
	}
	return d.Message + "; " + d.Fix
}

// String is the diagnostic on one line, as in "order.yaml:3:7: what is wrong; what to do [IF0203]".
func (d Diagnostic) String() string {
	severity := ""
	if s := d.Severity(); s != Error {
		severity = s.String() + ": "
	}
	return fmt.Sprintf("%s: %s%s [%s]", d.Pos, severity, d.Text(), d.Code)
}
