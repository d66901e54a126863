package docs_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// surroundings are what the Go of projections.md takes for granted: the declarations of the first block stand alone, each of
// the others in a function of its own.
const surroundings = `package main

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/runtime"
)

var (
	ctx      context.Context
	store    runtime.Store
	workflow *runtime.Workflow
	engine   *runtime.Engine
	position runtime.FeedPosition
)

func publish(runtime.StoredEvent) {}

func main() {}
`

// TestGoOfProjections compiles the Go of projections.md.
func TestGoOfProjections(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("projections.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```go\n(.*?)^```$").FindAllStringSubmatch(string(doc), -1)
	if len(blocks) != 5 {
		t.Fatalf("found %d blocks of Go, want 5", len(blocks))
	}
	source := surroundings + "\n" + blocks[0][1]
	for _, block := range blocks[1:] {
		source += "\nfunc _() error {\n\tvar err error\n\t_ = err\n" +
			redeclare(block[1]) + "\treturn nil\n}\n"
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "main.go")
	if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	// The file is of this module for the compiler only.
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, "docs", "snippets", "main.go"): file}})
	if err != nil {
		t.Fatal(err)
	}
	overlayFile := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlayFile, overlay, 0o644); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlayFile, "-o", os.DevNull, "./docs/snippets")
	build.Dir = root
	if output, err := build.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\n%s", err, output, source)
	}
}

// redeclare uses the variables that a block declares for its reader only.
func redeclare(block string) string {
	for _, name := range []string{"engine", "projection", "info"} {
		if strings.Contains(block, name+", err := ") || strings.Contains(block, name+" := ") {
			block += "_ = " + name + "\n"
		}
	}
	return block
}
