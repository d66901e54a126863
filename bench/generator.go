package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/gen/generate"
)

func generatorProbes() []probe {
	return []probe{{name: "generate", run: generateTen}, {name: "breaking", run: breakingFifty}}
}

// declaration is the example's. What is called order in it becomes another workflow each.
//
//go:embed testdata/order.ironflow.yaml
var declaration string

// generateTen measures how long ten workflows take from their declarations to the text of all their files, which are not
// written.
func generateTen(ctx context.Context, b *bench) (figures, error) {
	root := filepath.Join(b.dir, "workflows")
	defer os.RemoveAll(root)
	if err := writeDeclarations(root, 10, declaration); err != nil {
		return nil, err
	}
	return repeated(ctx, func() error {
		_, err := generate.New([]string{root + "/..."}, generate.Options{})
		return err
	})
}

// writeDeclarations writes a declaration as that of n workflows, each in a directory of its own.
func writeDeclarations(root string, n int, declaration string) error {
	for n := range n {
		name := fmt.Sprintf("order%d", n)
		dir := filepath.Join(root, name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		text := strings.NewReplacer("workflow: order", "workflow: "+name, "package: order", "package: "+name).Replace(declaration)
		if err := os.WriteFile(filepath.Join(dir, name+".ironflow.yaml"), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// repeated measures ten calls, after two that are not measured.
func repeated(ctx context.Context, call func() error) (figures, error) {
	var took []time.Duration
	for n := range 12 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		began := time.Now()
		if err := call(); err != nil {
			return nil, err
		}
		if n >= 2 {
			took = append(took, time.Since(began))
		}
	}
	return times(took), nil
}

// breakingFifty measures how long fifty workflows, in each of which an event was renamed, take to be compared with their locks and with a
// revision of git.
func breakingFifty(ctx context.Context, b *bench) (figures, error) {
	root := filepath.Join(b.dir, "breaking")
	defer os.RemoveAll(root)
	if err := writeDeclarations(root, 50, declaration); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(root, "go.mod"), []byte("module example.com/orders\n"), 0o644); err != nil {
		return nil, err
	}
	plan, err := generate.New([]string{root + "/..."}, generate.Options{})
	if err == nil {
		err = plan.Apply()
	}
	if err != nil {
		return nil, err
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}, {"-c", "user.name=bench", "-c", "user.email=bench@example.com", "commit", "-q", "-m", "before"}} {
		command := exec.CommandContext(ctx, "git", args...)
		command.Dir = root
		if text, err := command.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("git %s: %w: %s", args[0], err, text)
		}
	}
	if err := writeDeclarations(root, 50, strings.ReplaceAll(declaration, "Cancelled", "Dropped")); err != nil {
		return nil, err
	}
	return repeated(ctx, func() error {
		list, err := generate.Breaking([]string{root + "/..."}, "git:HEAD")
		if err == nil && len(list) < 50 {
			err = fmt.Errorf("%d findings in 50 workflows", len(list))
		}
		return err
	})
}
