package starter_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/generate/starter"
)

// TestJoinWorkspace runs the command that makes a module below a workspace part of it. Without it the go command refuses the module.
func TestJoinWorkspace(t *testing.T) {
	t.Setenv("GOWORK", "")
	t.Setenv("GOFLAGS", "")
	root := t.TempDir()
	for name, content := range map[string]string{
		"go.work": "go 1.26.0\n", "a b/go.mod": "module example.com/apart\n\ngo 1.26.0\n", "a b/cmd/x/main.go": "package main\n\nfunc main() {}\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(root, "a b", "cmd")
	module, err := starter.FindModule(dir, "orders", "")
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) error {
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		return cmd.Run()
	}
	if run("list", "./...") == nil {
		t.Error("the go command lists a module that is no part of the workspace")
	}
	join, needed := module.JoinWorkspace()
	if !needed || join.String() != "go work use .." {
		t.Fatalf("got %s, %t", join, needed)
	}
	if err := run(join.Args...); err != nil {
		t.Fatal(err)
	}
	if err := run("list", "./..."); err != nil {
		t.Error(err)
	}
	if join, needed := module.JoinWorkspace(); needed {
		t.Errorf("%s is needed again", join)
	}
	t.Setenv("GOWORK", "off")
	if err := os.Remove(filepath.Join(root, "go.work")); err != nil {
		t.Fatal(err)
	}
	if _, needed := module.JoinWorkspace(); needed {
		t.Error("there is no workspace")
	}
}
