package diagnostic

import (
	"fmt"
	"strings"
)

// Text explains a rule for a terminal.
func (r *Rule) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n\n%s\n", r.Code, r.Title, r.Why)
	if r.Severity != Error {
		fmt.Fprintf(&b, "\nThis is a %s.\n", r.Severity)
	}
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
	for i, area := range areas {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(area.Title + "\n")
		for _, r := range area.rules() {
			fmt.Fprintf(&b, "  %s  %s\n", r.Code, r.Title)
		}
	}
	return b.String()
}

func (a Area) rules() []*Rule {
	var list []*Rule
	for _, r := range Rules() {
		if strings.HasPrefix(r.Code.text, a.Prefix) {
			list = append(list, r)
		}
	}
	return list
}

// languages of the examples, as Markdown calls them.
var languages = map[Form]string{YAML: "yaml", Files: "text", Go: "go", Methods: "go"}

// Markdown is docs/diagnostics.md.
//
//go:generate sh -c "go run ../../cmd/ironflow-gen explain -markdown > ../../docs/diagnostics.md"
func Markdown() string {
	var b strings.Builder
	b.WriteString(`# Diagnostics

Every mistake that ` + "`ironflow-gen`" + ` reports has a code. A code keeps its meaning from version to version, while the words of the
message may change. ` + "`ironflow-gen explain CODE`" + ` prints what is written here. How diagnostics are printed, also for editors, is in
[generator.md](generator.md#diagnostics).

The examples show the part of a declaration that matters. This page is written by ` + "`ironflow-gen explain -markdown`" + `.

`)
	for _, area := range areas {
		fmt.Fprintf(&b, "- [%s](#%s)\n", area.Title, strings.ToLower(strings.ReplaceAll(area.Title, " ", "-")))
	}
	for _, area := range areas {
		fmt.Fprintf(&b, "\n## %s\n", area.Title)
		for _, r := range area.rules() {
			r.markdown(&b)
		}
	}
	return b.String()
}

func (r *Rule) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n### %s\n\n**%s**", r.Code, escapeMarkdown(r.Title))
	if r.Severity != Error {
		fmt.Fprintf(b, " (%s)", r.Severity)
	}
	b.WriteString("\n\n" + escapeMarkdown(r.Why) + "\n")
	for _, example := range []struct{ title, text string }{{"Wrong", r.Wrong}, {"Right", r.Right}} {
		if example.text != "" {
			fmt.Fprintf(b, "\n%s:\n\n```%s\n%s\n```\n", example.title, languages[r.Form], example.text)
		}
	}
}

// escapeMarkdown keeps what looks like markup in a text as it is written.
func escapeMarkdown(text string) string {
	return strings.NewReplacer("<", `\<`, ">", `\>`, "*", `\*`, "_", `\_`).Replace(text)
}
