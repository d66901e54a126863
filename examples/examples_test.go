// Package examples_test runs the examples as whoever reads the README does.
package examples_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/examples/internal/storage/storagetest"
	"github.com/ironflow-gen/ironflow/internal/pgserver"
)

func TestMain(m *testing.M) { os.Exit(pgserver.Main(m)) }

// TestEachEndsByItself runs what "go run ./examples/NAME" does, on both stores: without an argument, with DATABASE_URL or without. Each
// example has to end by itself, without an error, and say something.
func TestEachEndsByItself(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	t.Parallel()
	programs, err := filepath.Glob("*/main.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, program := range programs {
		names = append(names, filepath.Dir(program))
	}
	for _, promised := range []string{"order", "subscription", "travel", "dashboard"} {
		if !slices.Contains(names, promised) {
			t.Errorf("there is no example %q", promised)
		}
	}
	bin := t.TempDir() + string(filepath.Separator)
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin)
	for _, name := range names {
		build.Args = append(build.Args, "./"+name)
	}
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storagetest.OnBoth(t, func(t *testing.T, database, _ string) {
				const enough = 2 * time.Minute // each takes seconds
				ctx, cancel := context.WithTimeout(t.Context(), enough)
				defer cancel()
				temp := t.TempDir()
				run := exec.CommandContext(ctx, bin+name)
				run.Env = append(os.Environ(), "DATABASE_URL="+database, "TMPDIR="+temp)
				var out, errOut bytes.Buffer
				run.Stdout, run.Stderr = &out, &errOut
				err := run.Run()
				switch {
				case ctx.Err() != nil:
					t.Fatalf("it does not end within %v\n%s%s", enough, &out, &errOut)
				case err != nil:
					t.Fatalf("%v\n%s%s", err, &out, &errOut)
				case strings.TrimSpace(out.String()) == "" || errOut.Len() > 0:
					t.Errorf("it prints\n%s\nand as errors\n%s", &out, &errOut)
				}
				if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
					t.Errorf("it leaves %v, error %v", left, err)
				}
			})
		})
	}
}
