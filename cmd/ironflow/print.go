package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ironflow-gen/ironflow/internal/plain"
)

// table prints rows in columns.
type table struct{ w *tabwriter.Writer }

func (k *call) table(titles ...string) table {
	t := table{tabwriter.NewWriter(k.out, 0, 0, 2, ' ', 0)}
	t.row(titles...)
	return t
}

func (t table) row(cells ...string) {
	for i := range cells {
		cells[i] = oneLine(cells[i])
	}
	fmt.Fprintln(t.w, strings.TrimRight(strings.Join(cells, "\t"), "\t "))
}

func (t table) end() { _ = t.w.Flush() }

// oneLine shows what would break a line, or move the cursor of a terminal, as an escape, and cuts long texts.
func oneLine(s string) string {
	const most = 200
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n++; n > most {
			b.WriteString("…")
			break
		}
		plain.WriteRune(&b, r)
	}
	return b.String()
}

// json prints one value on a line.
func (k *call) print(v any) error {
	e := json.NewEncoder(k.out)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// ago says how long ago a time was.
func (k *call) ago(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	d := k.now.Sub(t)
	if d < 0 {
		return "in " + plain.Short(-d)
	}
	return plain.Short(d) + " ago"
}

// more says how to go on with a list.
func (k *call) more(next string) {
	if next != "" {
		fmt.Fprintf(k.errs, "ironflow: there is more; add -cursor %s\n", next)
	}
}

func newline(w io.Writer) { fmt.Fprintln(w) }
