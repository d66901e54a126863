// Package usermodule makes modules outside of this one that use it, as users have them, for tests.
package usermodule

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Module is a module called example.com/user, which requires this one and finds it in its checkout.
type Module struct{ Dir string }

// New makes a module in a directory of its own. root is the path of the checkout from the directory of the test.
func New(t testing.TB, root string) Module {
	t.Helper()
	root, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	m := Module{t.TempDir()}
	m.Write(t, "go.mod", fmt.Appendf(nil, `module example.com/user

go 1.26.0

require github.com/ironflow-gen/ironflow v0.0.0

replace github.com/ironflow-gen/ironflow => %s
`, root))
	return m
}

// Write writes a file, by its path in the module, with the directories that lead to it.
func (m Module) Write(t testing.TB, name string, content []byte) {
	t.Helper()
	path := filepath.Join(m.Dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Run runs the go command in the module.
func (m Module) Run(t testing.TB, args ...string) {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = m.Dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %v: %v\n%s", args, err, out)
	}
}
