package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/gen/generate"
)

func generatorProbes() []probe { return []probe{{name: "generate", run: generateTen}} }

// declaration is the example's. What is called order in it becomes another workflow each.
//
//go:embed testdata/order.ironflow.yaml
var declaration string

// generateTen measures how long ten workflows take from their declarations to the text of all their files, which are not
// written.
func generateTen(ctx context.Context, b *bench) (figures, error) {
	root := filepath.Join(b.dir, "workflows")
	defer os.RemoveAll(root)
	for n := range 10 {
		name := fmt.Sprintf("order%d", n)
		dir := filepath.Join(root, name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		text := strings.NewReplacer("workflow: order", "workflow: "+name, "package: order", "package: "+name).Replace(declaration)
		if err := os.WriteFile(filepath.Join(dir, name+".ironflow.yaml"), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	var took []time.Duration
	for n := range 12 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		began := time.Now()
		if _, err := generate.New([]string{root + "/..."}, generate.Options{}); err != nil {
			return nil, err
		}
		if n >= 2 {
			took = append(took, time.Since(began))
		}
	}
	return times(took), nil
}
