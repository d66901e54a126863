package diagnostic

import (
	"fmt"
	"slices"
	"strings"
)

// maxDiagnostics is more mistakes than anybody fixes at once. It bounds the work for a file that is no declaration at all.
const maxDiagnostics = 200

// List collects the mistakes of one run. The zero value is ready to use. Not safe for concurrent use.
type List struct {
	all  []*Diagnostic
	seen map[seen]bool
	full bool
}

// seen tells diagnostics apart.
type seen struct {
	pos  Pos
	code Code
	text string
}

// Report adds a mistake. The format is the message and, after the first "; " in it, the fix, which may turn out empty:
//
//	list.Report(pos, diagnostic.UnknownKey, "%s has no key %q; %s", what, key, hint)
//
// The result is for adding related places. The same text with the same code and position is kept once. After 200 mistakes
// one more says that there are others, and those are dropped.
func (l *List) Report(pos Pos, code Code, format string, args ...any) *Diagnostic {
	key := seen{pos, code, fmt.Sprintf(format, args...)}
	// An argument may hold the separator too, so it is looked for in the format.
	const mark = "\x00"
	message, fix, _ := strings.Cut(fmt.Sprintf(strings.Replace(format, "; ", mark, 1), args...), mark)
	diag := &Diagnostic{Pos: pos, Code: code, Message: message, Fix: fix}
	if l.full || l.seen[key] {
		return diag
	}
	if len(l.all) == maxDiagnostics {
		l.full = true
		diag.Code, diag.Message, diag.Fix = TooMany, fmt.Sprintf("more than %d mistakes", maxDiagnostics), "fix the others first"
	}
	if l.seen == nil {
		l.seen = make(map[seen]bool)
	}
	l.seen[key] = true
	l.all = append(l.all, diag)
	return diag
}

// Full reports whether the limit is reached and further mistakes are dropped.
func (l *List) Full() bool { return l.full }

// Empty reports whether nothing was found.
func (l *List) Empty() bool { return len(l.all) == 0 }

// Sorted returns the mistakes by file, line and column.
func (l *List) Sorted() []Diagnostic {
	list := make(Errors, len(l.all))
	for i, d := range l.all {
		list[i] = *d
	}
	list.Sort()
	return list
}

// Err returns nil, or an [Errors] with the mistakes, sorted.
func (l *List) Err() error {
	if l.Empty() {
		return nil
	}
	return Errors(l.Sorted())
}

// Errors is a list of mistakes as an error.
type Errors []Diagnostic

// Error is one line for each mistake.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, d := range e {
		lines[i] = d.String()
	}
	return strings.Join(lines, "\n")
}

// Failed reports whether there is more than warnings in the list.
func (e Errors) Failed() bool {
	return slices.ContainsFunc(e, func(d Diagnostic) bool { return d.Severity() == Error })
}

// Sort orders the mistakes by file, line and column; those of one place keep their order.
func (e Errors) Sort() {
	slices.SortStableFunc(e, func(a, b Diagnostic) int { return a.Pos.Compare(b.Pos) })
}
