package otel_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// surroundings are what the Go of the documentation takes for granted.
const surroundings = `package main

import (
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/otel"
)

var (
	store    runtime.Store
	workflow *runtime.Workflow
)

func main() {
	var err error
	_ = err
`

var fencedGo = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")

// TestDocumentationCompiles compiles the Go of the documentation that needs this module, which package docs leaves out.
func TestDocumentationCompiles(t *testing.T) {
	t.Parallel()
	const page = "docs/operate/telemetry.md"
	doc, err := os.ReadFile("../../" + page)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, block := range fencedGo.FindAllStringSubmatch(string(doc), -1) {
		if code := block[1]; strings.Contains(code, "ironflow/runtime/otel") {
			n++
			compile(t, page, surroundings+code+"_ = stop\n}\n")
		}
	}
	if n != 1 {
		t.Errorf("%s has %d blocks with this module, want 1", page, n)
	}
}

// compile builds a program that only the compiler sees.
func compile(t *testing.T, page, source string) {
	t.Helper()
	dir := t.TempDir()
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	file, overlayFile := filepath.Join(dir, "main.go"), filepath.Join(dir, "overlay.json")
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(here, "snippet", "main.go"): file}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{file: []byte(source), overlayFile: overlay} {
		if err := os.WriteFile(name, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlayFile, "-o", os.DevNull, "./snippet")
	if output, err := build.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", page, err, output)
	}
}
