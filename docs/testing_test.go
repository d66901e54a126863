package docs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTestingGuide checks that the tests which the guide shows are tests of the example, which run.
func TestTestingGuide(t *testing.T) {
	var tests strings.Builder
	files, err := filepath.Glob("../examples/order/order/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tests.Write(content)
	}
	for page, want := range map[string]int{"guide/testing.md": 10, "../README.md": 1} {
		doc, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, block := range fencedGo.FindAllSubmatch(doc, -1) {
			if code := string(block[1]); !strings.Contains(code, "kit") && !strings.Contains(code, "Histories(") {
				continue
			}
			n++
			if !strings.Contains(tests.String(), string(block[1])) {
				t.Errorf("%s shows what is no part of the tests in examples/order/order:\n%s", page, block[1])
			}
		}
		if n != want {
			t.Errorf("%s has %d tests, want %d", page, n, want)
		}
	}
}
