package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// result is a row with its figures. Numbers that there are none of are NaN.
type result struct {
	row
	measured, compared, ratio float64
	ok                        bool // no goal is missed
	stretched                 bool // the further goal is reached, too
}

// evaluate fills the rows with figures, by "probe/figure".
func evaluate(rows []row, figures map[string]float64) []result {
	results := make([]result, len(rows))
	for i, r := range rows {
		results[i] = r.evaluate(figures)
	}
	return results
}

func (r row) evaluate(figures map[string]float64) result {
	get := func(name string) float64 {
		if value, ok := figures[name]; ok {
			return value
		}
		return math.NaN()
	}
	out := result{row: r, measured: get(r.ours[0]), compared: get(r.reference)}
	for _, name := range r.ours[1:] {
		out.measured = math.Max(out.measured, get(name))
	}
	out.ratio = out.measured / out.compared
	judged := out.ratio
	if r.reference == "" {
		judged = out.measured
	}
	reaches := func(goal float64) bool {
		if r.atMost {
			return judged <= goal
		}
		return judged >= goal
	}
	out.ok = r.required == 0 || reaches(r.required)
	out.stretched = r.stretch != 0 && reaches(r.stretch)
	return out
}

// printJSON prints the results for machines.
func printJSON(out io.Writer, results []result) error {
	type line struct {
		Case      string   `json:"case"`
		Ours      *float64 `json:"ours"`
		Reference *float64 `json:"reference"`
		Ratio     *float64 `json:"ratio"`
		Required  *float64 `json:"required"`
		OK        bool     `json:"ok"`
	}
	lines := make([]line, len(results))
	for i, r := range results {
		lines[i] = line{r.name, orNull(r.measured), orNull(r.compared), orNull(r.ratio), nil, r.ok}
		if r.required != 0 {
			lines[i].Required = &r.required
		}
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(lines)
}

func orNull(value float64) *float64 {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return nil
	}
	return &value
}

// printTable prints the results for people.
func printTable(out io.Writer, results []result) error {
	cells := [][]string{{"case", "ours", "reference", "ratio", "required", "stretch", "ok"}}
	for _, r := range results {
		cells = append(cells, []string{r.name, withUnit(r.measured, r.unit), withUnit(r.compared, r.unit), ratio(r.ratio),
			r.goal(r.required), r.goal(r.stretch), r.verdict()})
	}
	widths := make([]int, len(cells[0]))
	for _, line := range cells {
		for column, cell := range line {
			widths[column] = max(widths[column], utf8.RuneCountInString(cell))
		}
	}
	for i, line := range cells {
		var text strings.Builder
		for column, cell := range line {
			padding := strings.Repeat(" ", widths[column]-utf8.RuneCountInString(cell))
			if column == 0 || column == len(line)-1 {
				text.WriteString(cell + padding + "  ")
			} else {
				text.WriteString(padding + cell + "  ")
			}
		}
		if _, err := fmt.Fprintln(out, strings.TrimRight(text.String(), " ")); err != nil {
			return err
		}
		if i == 0 {
			if _, err := fmt.Fprintln(out, strings.Repeat("-", utf8.RuneCountInString(text.String())-2)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r result) goal(goal float64) string {
	if goal == 0 {
		return ""
	}
	sign := "≥ "
	if r.atMost {
		sign = "≤ "
	}
	if r.reference != "" {
		return sign + strconv.FormatFloat(goal, 'g', -1, 64) + "x"
	}
	return sign + withUnit(goal, r.unit)
}

func (r result) verdict() string {
	switch {
	case r.required == 0:
		return ""
	case !r.ok:
		return "MISSED"
	case r.stretched:
		return "stretch"
	default:
		return "yes"
	}
}

func withUnit(value float64, unit string) string {
	switch {
	case math.IsNaN(value):
		return ""
	case strings.HasPrefix(unit, "/"):
		return number(value) + unit
	default:
		return number(value) + " " + unit
	}
}

func ratio(value float64) string {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return ""
	}
	if value < 10 {
		return fmt.Sprintf("%.2fx", value)
	}
	return fmt.Sprintf("%.1fx", value)
}

// number writes about three digits, and commas between thousands.
func number(value float64) string {
	switch {
	case value < 10:
		return strconv.FormatFloat(value, 'f', 2, 64)
	case value < 100:
		return strconv.FormatFloat(value, 'f', 1, 64)
	}
	digits := strconv.FormatFloat(value, 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
