//go:build unix

package generate_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/generate"
)

// TestPipes checks that nobody waits for a pipe that is called like a declaration or a Go file.
func TestPipes(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"door.ironflow.yaml", "door.yaml", "door.go"} {
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o644); err != nil {
			t.Skip(err)
		}
	}
	if err := os.Symlink("door.ironflow.yaml", filepath.Join(dir, "link.ironflow.yaml")); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(dir, "door.ironflow.yaml") + ": this is a named pipe, and a declaration is a file"
	for _, path := range []string{dir, dir + "/..."} {
		_, err := generate.New([]string{path}, generate.Options{})
		if err == nil || !strings.HasPrefix(err.Error(), path+": no *.ironflow.yaml") || !strings.Contains(err.Error(), pipe) {
			t.Errorf("got %v", err)
		}
	}
	for _, name := range []string{"door.ironflow.yaml", "link.ironflow.yaml", "door.go"} {
		path := filepath.Join(dir, name)
		want := path + ": this is a named pipe, and a declaration is a file"
		if _, err := generate.New([]string{path}, generate.Options{}); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		if _, err := generate.Format([]string{path}); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	write(t, dir, "gate.ironflow.yaml", door)
	for _, step := range run(t, dir) {
		if filepath.Base(step.Path) == "door.go" {
			t.Errorf("%v %s", step.Action, step.Path)
		}
	}
}
