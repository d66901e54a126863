package diagnostic

import (
	"fmt"
	"strings"
)

// Text explains a rule for a terminal.
func (r *Rule) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n\n%s\n", r.Code, r.Title, r.Why)
	for _, example := range []struct{ title, text string }{{"Wrong", r.Wrong}, {"Right", r.Right}} {
		if example.text == "" {
			continue
		}
		fmt.Fprintf(&b, "\n%s:\n\n", example.title)
		for line := range strings.Lines(example.text + "\n") {
			b.WriteString("    " + line)
		}
	}
	return b.String()
}

// Overview lists all codes with their titles.
func Overview() string {
	var b strings.Builder
	for i, area := range Areas() {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(area.Title + "\n")
		for _, r := range area.Rules {
			fmt.Fprintf(&b, "  %s  %s\n", r.Code, r.Title)
		}
	}
	return b.String()
}
