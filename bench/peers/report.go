package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/ironflow-gen/ironflow/bench/internal/report"
)

// goal is what a row of the table is to show: that ours is faster than reference by a factor. Zero requires nothing.
type goal struct {
	name              string
	ours, reference   string // names of entrants
	required, stretch float64
}

// row is a goal with what was measured. Its JSON is that of the benchmarks in the folder above.
type row struct {
	Case      string   `json:"case"`
	Ours      float64  `json:"ours"`      // a second, the median of the rounds
	Reference float64  `json:"reference"` // a second, the median of the rounds
	Ratio     float64  `json:"ratio"`
	Required  *float64 `json:"required"` // nil when nothing is
	OK        bool     `json:"ok"`

	goal
}

// compare makes the rows for which both sides ran.
func compare(rates map[string][]float64) []row {
	rows := []row{}
	for _, g := range goals {
		if len(rates[g.ours]) == 0 || len(rates[g.reference]) == 0 {
			continue
		}
		r := row{Case: g.name, Ours: report.Median(rates[g.ours]), Reference: report.Median(rates[g.reference]), goal: g}
		r.Ratio = r.Ours / r.Reference
		r.OK = r.Ratio >= g.required
		if g.required > 0 {
			r.Required = &g.required
		}
		rows = append(rows, r)
	}
	return rows
}

func anyMissed(rows []row) bool {
	return slices.ContainsFunc(rows, func(r row) bool { return !r.OK })
}

func printJSON(out io.Writer, rows []row) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(rows)
}

func printTable(out io.Writer, rows []row, rounds int) error {
	fmt.Fprintf(out, "\nPer second, medians of %d rounds:\n\n", rounds)
	const head, line = "%-60s %9s %9s %7s %9s %8s  %s\n", "%-60s %9.0f %9.0f %7.2f %9s %8s  %s\n"
	fmt.Fprintf(out, head, "case", "ironflow", "peer", "ratio", "required", "stretch", "")
	for _, r := range rows {
		var required, stretch, verdict string
		if r.required > 0 {
			required, stretch, verdict = fmt.Sprintf("%.1f", r.required), fmt.Sprintf("%.1f", r.stretch), "ok"
		}
		switch {
		case !r.OK:
			verdict = "MISSED"
		case r.stretch > 0 && r.Ratio >= r.stretch:
			verdict = "stretch"
		}
		if _, err := fmt.Fprintf(out, line, r.Case, r.Ours, r.Reference, r.Ratio, required, stretch, verdict); err != nil {
			return err
		}
	}
	return nil
}

// printRates prints what a sweep found.
func printRates(out io.Writer, entrants []entrant, rates map[string][]float64) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, e := range entrants {
		if len(rates[e.name]) > 0 {
			fmt.Fprintf(w, "%s\t%.0f\t\n", e.name, report.Median(rates[e.name]))
		}
	}
	return w.Flush()
}
