package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var fencedBlock = regexp.MustCompile("(?ms)^ *```.*?^ *```$")

// pages returns README.md and the pages of docs/, as paths from this directory.
func pages(t *testing.T) []string {
	t.Helper()
	list := []string{"../README.md"}
	for _, pattern := range []string{"*.md", "*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, found...)
	}
	return list
}

// prose returns the pages that people read without code, links' targets and generated pages. Line numbers stay.
func prose(t *testing.T) map[string][]string {
	t.Helper()
	lines := make(map[string][]string)
	for _, page := range pages(t) {
		if page == "reference/diagnostics.md" { // made from the texts of gen/diagnostic
			continue
		}
		doc, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		text := fencedBlock.ReplaceAllStringFunc(string(doc), func(block string) string {
			return strings.Repeat("\n", strings.Count(block, "\n"))
		})
		text = inlineCode.ReplaceAllString(text, "`")
		text = regexp.MustCompile(`\]\([^)\n]*\)`).ReplaceAllString(text, "]")
		lines[page] = strings.Split(text, "\n")
	}
	return lines
}

// column returns the words in the last column of the tables of a page whose last header is the given one.
func column(t *testing.T, page, header string) []string {
	t.Helper()
	doc, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	inside := false
	for line := range strings.Lines(string(doc)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) < 4 {
			inside = false
			continue
		}
		last := strings.TrimSpace(cells[len(cells)-2])
		switch {
		case last == header:
			inside = true
		case inside && !strings.HasPrefix(last, "---"):
			for word := range strings.SplitSeq(last, ",") {
				if word = strings.TrimSpace(word); word != "" {
					words = append(words, word)
				}
			}
		}
	}
	return words
}

// TestWords holds the documentation to the glossary, in which nothing has a second name, and to the plain words of CONTRIBUTING.md.
func TestWords(t *testing.T) {
	t.Parallel()
	banned := append(column(t, "concepts.md", "not"), column(t, "../CONTRIBUTING.md", "not")...)
	if !slices.Contains(banned, "work item") || !slices.Contains(banned, "anew") {
		t.Fatalf("the tables of concepts.md and CONTRIBUTING.md name the words %q", banned)
	}
	// These pages speak of other systems, in the words of those.
	others := []string{"compare.md", "from-rust.md", "operate/relay.md"}
	words := regexp.MustCompile(`(?i)\b(` + strings.Join(banned, "|") + `)s?\b`)
	for page, lines := range prose(t) {
		if slices.Contains(others, page) {
			continue
		}
		for i, line := range lines {
			if page == "concepts.md" && strings.HasPrefix(line, "| **") {
				continue
			}
			for _, word := range words.FindAllString(line, -1) {
				t.Errorf("%s:%d: write another word for %q, as the tables of docs/concepts.md and CONTRIBUTING.md say", page, i+1, word)
			}
		}
	}
}

// TestLength asks that a page can be read in one sitting, unless it is generated.
func TestLength(t *testing.T) {
	t.Parallel()
	for page, lines := range prose(t) {
		if len(lines) > 501 {
			t.Errorf("%s has %d lines, write at most 500 and give the rest a page of its own", page, len(lines)-1)
		}
	}
}
