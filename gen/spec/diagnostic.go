package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Pos is a place in a declaration. Line and Col count from 1, Col in bytes.
type Pos struct {
	File string
	Line int
	Col  int
}

func (p Pos) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col) }

// compare orders positions by file, line and column.
func (p Pos) compare(q Pos) int {
	return cmp.Or(strings.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line), cmp.Compare(p.Col, q.Col))
}

// Diagnostic is one mistake in a declaration, worded so that the user knows what to change.
type Diagnostic struct {
	Pos     Pos
	Message string
}

func (d Diagnostic) String() string { return d.Pos.String() + ": " + d.Message }

// maxDiagnostics is more mistakes than anybody fixes at once. It bounds the work for a file that is no declaration at all.
const maxDiagnostics = 200

// Diagnostics collects the mistakes of one run. The zero value is ready to use. Not safe for concurrent use.
type Diagnostics struct {
	list []Diagnostic
	seen map[Diagnostic]bool
	full bool
}

// Report adds a mistake. The same message at the same position is kept once. After 200 mistakes one more says that there
// are others, and those are dropped.
func (d *Diagnostics) Report(pos Pos, format string, args ...any) {
	diag := Diagnostic{Pos: pos, Message: fmt.Sprintf(format, args...)}
	if d.full || d.seen[diag] {
		return
	}
	if len(d.list) == maxDiagnostics {
		d.full = true
		diag.Message = fmt.Sprintf("more than %d mistakes; fix the others first", maxDiagnostics)
	}
	if d.seen == nil {
		d.seen = make(map[Diagnostic]bool)
	}
	d.seen[diag] = true
	d.list = append(d.list, diag)
}

// Full reports whether the limit is reached and further mistakes are dropped.
func (d *Diagnostics) Full() bool { return d.full }

// Sorted returns the mistakes by file, line and column.
func (d *Diagnostics) Sorted() []Diagnostic {
	list := slices.Clone(d.list)
	slices.SortStableFunc(list, func(a, b Diagnostic) int { return a.Pos.compare(b.Pos) })
	return list
}

// Empty reports whether nothing was found.
func (d *Diagnostics) Empty() bool { return len(d.list) == 0 }

// Err returns nil, or an error whose text is one line for each mistake.
func (d *Diagnostics) Err() error {
	if d.Empty() {
		return nil
	}
	return Errors(d.Sorted())
}

// Errors is a list of mistakes as an error.
type Errors []Diagnostic

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, d := range e {
		lines[i] = d.String()
	}
	return strings.Join(lines, "\n")
}
