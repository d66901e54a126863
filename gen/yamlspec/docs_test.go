package yamlspec_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

var fenced = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")

// TestDocs parses every YAML snippet of the documentation. One that is no whole declaration is completed with what it
// mentions and does not declare.
func TestDocs(t *testing.T) {
	for page, atLeast := range map[string]int{"../../docs/reference/declaration.md": 9, "../../docs/reference/types.md": 2,
		"../../docs/guide/time.md": 4, "../../docs/guide/effects.md": 2, "../../docs/guide/other-workflows.md": 1, "../../docs/guide/deciding.md": 1,
		"../../README.md": 1, "../../docs/howto.md": 4, "../../docs/from-rust.md": 1} {
		t.Run(strings.TrimSuffix(filepath.Base(page), ".md"), func(t *testing.T) { parsePage(t, page, atLeast) })
	}
}

func parsePage(t *testing.T, page string, atLeast int) {
	doc, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	snippets := fenced.FindAllSubmatchIndex(doc, -1)
	if len(snippets) < atLeast {
		t.Fatalf("found %d snippets", len(snippets))
	}
	for _, at := range snippets {
		line := 1 + strings.Count(string(doc[:at[2]]), "\n")
		t.Run(fmt.Sprintf("line%d", line), func(t *testing.T) {
			source := complete(string(doc[at[2]:at[3]]))
			if _, err := yamlspec.Parse("docs.yaml", []byte(source)); err != nil {
				t.Errorf("%v\n%s", err, source)
			}
		})
	}
}

var (
	transitionLine = regexp.MustCompile(`(?m)^      ([A-Z]\w*):(.*(?:\n        .*)*)`)
	eventMove      = regexp.MustCompile(`\b([A-Z]\w*): [a-z_]+`)
	timerInputs    = regexp.MustCompile(`\{(?:doc: [^,]+, )?input: ([A-Z]\w*)`)
	transitionName = regexp.MustCompile(`reject: ([A-Z]\w*)`)
	section        = regexp.MustCompile(`(?m)^(\w+):`)
	sectionEntry   = regexp.MustCompile(`^  (\w+):`)
)

// complete adds to a fragment the sections and entries that make it a declaration.
func complete(fragment string) string {
	if strings.HasPrefix(fragment, "ironflow: 1\n") {
		return fragment
	}
	_, states, _ := strings.Cut(fragment, "\nstates:")
	if strings.HasPrefix(fragment, "states:") {
		states = fragment
	}
	needed := map[string][]string{"inputs": nil, "events": nil, "rejections": nil}
	need := func(section, name string) { needed[section] = append(needed[section], name) }
	for _, m := range transitionLine.FindAllStringSubmatch(states, -1) {
		need("inputs", m[1])
		for _, event := range eventMove.FindAllStringSubmatch(m[2], -1) {
			need("events", event[1])
		}
	}
	for _, m := range timerInputs.FindAllStringSubmatch(fragment, -1) {
		need("inputs", m[1])
	}
	for _, m := range transitionName.FindAllStringSubmatch(fragment, -1) {
		need("rejections", m[1])
	}
	have := make(map[string]bool)
	for _, m := range section.FindAllStringSubmatch(fragment, -1) {
		have[m[1]] = true
	}
	if states == "" && !have["inputs"] {
		need("inputs", "Create")
	}
	if states == "" && !have["events"] {
		need("events", "Created")
	}
	bodies := map[string]string{"inputs": "{fields: {order_id: string}}", "events": "{}", "rejections": "{}"}
	for _, section := range []string{"inputs", "events", "rejections"} {
		declared := declaredIn(fragment, section)
		var lines string
		slices.Sort(needed[section])
		for _, name := range slices.Compact(needed[section]) {
			if !slices.Contains(declared, name) {
				lines += fmt.Sprintf("  %s: %s\n", name, bodies[section])
			}
		}
		switch {
		case lines == "":
		case have[section]:
			fragment = strings.Replace("\n"+fragment, "\n"+section+":\n", "\n"+section+":\n"+lines, 1)
		default:
			fragment += section + ":\n" + lines
		}
	}
	head := "ironflow: 1\nworkflow: docs\npackage: docs\n"
	if !have["id"] {
		head += "id: order_id\n"
	}
	return head + strings.TrimPrefix(fragment, "\n")
}

// declaredIn lists the entries of a section.
func declaredIn(fragment, section string) []string {
	var names []string
	inside := false
	for line := range strings.Lines(fragment) {
		if line[0] != ' ' && line[0] != '\n' {
			inside = strings.HasPrefix(line, section+":")
		}
		if m := sectionEntry.FindStringSubmatch(line); m != nil && inside {
			names = append(names, m[1])
		}
	}
	return names
}
