// Package report is the table of a benchmark: its cases with what was measured, the goals, and whether they are reached.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Row is a case of the table. Ours and the reference are names of figures.
type Row struct {
	Name      string
	Unit      string   // begins with a slash if it is a rate
	Ours      []string // the highest of them
	Reference string   // empty: none
	AtMost    bool     // lower is better
	Required  float64  // of the ratio where there is a reference, and otherwise of the figure; 0: for information only
	Stretch   float64  // a further goal; 0: none
}

// Result is a row with its figures.
type Result struct {
	Row
	OK bool // no goal is missed

	measured, compared, ratio float64 // NaN where there is none
	stretched                 bool    // the further goal is reached, too
}

// Evaluate fills rows with figures, by name.
func Evaluate(rows []Row, figures map[string]float64) []Result {
	results := make([]Result, len(rows))
	for i, r := range rows {
		results[i] = r.evaluate(figures)
	}
	return results
}

// AllOK reports whether no goal is missed.
func AllOK(results []Result) bool {
	return !slices.ContainsFunc(results, func(r Result) bool { return !r.OK })
}

func (r Row) evaluate(figures map[string]float64) Result {
	get := func(name string) float64 {
		if value, ok := figures[name]; ok {
			return value
		}
		return math.NaN()
	}
	out := Result{Row: r, measured: get(r.Ours[0]), compared: get(r.Reference)}
	for _, name := range r.Ours[1:] {
		out.measured = math.Max(out.measured, get(name))
	}
	out.ratio = out.measured / out.compared
	judged := out.ratio
	if r.Reference == "" {
		judged = out.measured
	}
	reaches := func(goal float64) bool {
		if r.AtMost {
			return judged <= goal
		}
		return judged >= goal
	}
	out.OK = r.Required == 0 || reaches(r.Required)
	out.stretched = r.Stretch != 0 && reaches(r.Stretch)
	return out
}

// JSON prints results for machines, as an array of {"case", "ours", "reference", "ratio", "required", "ok"}.
func JSON(out io.Writer, results []Result) error {
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
		lines[i] = line{r.Name, orNull(r.measured), orNull(r.compared), orNull(r.ratio), nil, r.OK}
		if r.Required != 0 {
			lines[i].Required = &r.Required
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

// Table prints results for people.
func Table(out io.Writer, results []Result) error {
	cells := [][]string{{"case", "ours", "reference", "ratio", "required", "stretch", "ok"}}
	for _, r := range results {
		cells = append(cells, []string{r.Name, withUnit(r.measured, r.Unit), withUnit(r.compared, r.Unit), ratio(r.ratio),
			r.goal(r.Required), r.goal(r.Stretch), r.verdict()})
	}
	return Columns(out, cells)
}

// Columns prints lines of cells, the first of which are the heads of the columns. The first and the last column stand on the
// left, those between on the right.
func Columns(out io.Writer, cells [][]string) error {
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

func (r Result) goal(goal float64) string {
	if goal == 0 {
		return ""
	}
	sign := "≥ "
	if r.AtMost {
		sign = "≤ "
	}
	if r.Reference != "" {
		return sign + strconv.FormatFloat(goal, 'g', -1, 64) + "x"
	}
	return sign + withUnit(goal, r.Unit)
}

func (r Result) verdict() string {
	switch {
	case r.Required == 0:
		return ""
	case !r.OK:
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
		return Number(value) + unit
	default:
		return Number(value) + " " + unit
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

// Number writes about three digits, and commas between thousands.
func Number(value float64) string {
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
