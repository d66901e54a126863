package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

var (
	link       = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading    = regexp.MustCompile(`(?m)^#+ (.*)$`)
	inlineCode = regexp.MustCompile("`[^`\n]*`")
)

// anchors returns the names by which GitHub lets the headings of a page be linked.
func anchors(page string) []string {
	var names []string
	for _, m := range heading.FindAllStringSubmatch(page, -1) {
		title := link.ReplaceAllString(m[1], "]")
		var name strings.Builder
		for _, r := range strings.ToLower(title) {
			switch {
			case r == ' ':
				name.WriteByte('-')
			case r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r):
				name.WriteRune(r)
			}
		}
		names = append(names, name.String())
	}
	return names
}

// TestLinks follows each link within the repository, to its file and its heading.
func TestLinks(t *testing.T) {
	t.Parallel()
	var pages []string
	for _, pattern := range []string{"*.md", "*/*.md", "../*.md", "../bench/*/README.md", "../.github/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	if len(pages) < 20 {
		t.Fatalf("found only %q", pages)
	}
	followed := 0
	for _, page := range pages {
		text := fencedBlock.ReplaceAllStringFunc(read(t, page), func(block string) string { return strings.Repeat("\n", strings.Count(block, "\n")) })
		for i, line := range strings.Split(text, "\n") {
			for _, m := range link.FindAllStringSubmatch(inlineCode.ReplaceAllString(line, "`"), -1) {
				if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
					continue
				}
				followed++
				path, anchor, _ := strings.Cut(m[1], "#")
				target := page
				if path != "" {
					target = filepath.Join(filepath.Dir(page), filepath.FromSlash(path))
				}
				if _, err := os.Stat(target); err != nil {
					t.Errorf("%s:%d: nothing is at %s", page, i+1, m[1])
					continue
				}
				if anchor != "" && !slices.Contains(anchors(fencedBlock.ReplaceAllString(read(t, target), "")), anchor) {
					t.Errorf("%s:%d: %s has no heading %q", page, i+1, target, anchor)
				}
			}
		}
	}
	if followed < 100 {
		t.Errorf("followed %d links", followed)
	}
}
