package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ironflow-gen/ironflow/internal/plain"
)

// table prints rows in columns.
type table struct {
	k      *call
	rows   [][]painted
	widths []int
}

func (k *call) table(titles ...any) *table {
	t := &table{k: k}
	for i := range titles {
		titles[i] = painted{bold, fmt.Sprint(titles[i])}
	}
	t.row(titles...)
	return t
}

// row adds a row. A cell is a text, or painted.
func (t *table) row(cells ...any) {
	row := make([]painted, len(cells))
	for i, cell := range cells {
		p, is := cell.(painted)
		if !is {
			p.text = fmt.Sprint(cell)
		}
		p.text = oneLine(p.text)
		row[i] = p
		if i == len(t.widths) {
			t.widths = append(t.widths, 0)
		}
		t.widths[i] = max(t.widths[i], utf8.RuneCountInString(p.text))
	}
	t.rows = append(t.rows, row)
}

// end prints the table.
func (t *table) end() {
	for _, row := range t.rows {
		var line strings.Builder
		gap := 0
		for i, cell := range row {
			if cell.text != "" {
				line.WriteString(strings.Repeat(" ", gap) + t.k.paint(cell))
				gap = 0
			}
			gap += t.widths[i] - utf8.RuneCountInString(cell.text) + 2
		}
		fmt.Fprintln(t.k.out, line.String())
	}
}

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
