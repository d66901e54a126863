package docs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRecipes asks that each excerpt of recipes.md is in the package of its recipe, word for word, and that each package is on the page.
func TestRecipes(t *testing.T) {
	t.Parallel()
	page := read(t, "recipes.md")
	sections := strings.Split(page, "\n## ")[1:]
	for _, section := range sections {
		title, _, _ := strings.Cut(section, "\n")
		_, link, ok := strings.Cut(section, "](../examples/recipes/")
		name, _, _ := strings.Cut(link, ")")
		if !ok {
			t.Errorf("%q names no package", title)
			continue
		}
		var source strings.Builder
		files, err := filepath.Glob("../examples/recipes/" + name + "/" + name + ".*")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			source.WriteString(read(t, file))
		}
		blocks := strings.Split(section, "\n```")
		if len(blocks) < 3 {
			t.Errorf("%q shows nothing", title)
		}
		for i := 1; i < len(blocks); i += 2 {
			_, code, _ := strings.Cut(blocks[i], "\n")
			if !strings.Contains(source.String(), code) {
				t.Errorf("%q shows code that is not in examples/recipes/%s:\n%s", title, name, code)
			}
		}
	}
	entries, err := os.ReadDir("../examples/recipes")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "internal" && !strings.Contains(page, "](../examples/recipes/"+e.Name()+")") {
			t.Errorf("recipes.md does not show %s", e.Name())
		}
	}
}
