//go:build unix

package generate_test

import (
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
	for _, path := range []string{dir, dir + "/..."} {
		if _, err := generate.New([]string{path}, generate.Options{}); err == nil || !strings.HasPrefix(err.Error(), path+": no *.ironflow.yaml") {
			t.Errorf("got %v", err)
		}
	}
	write(t, dir, "gate.ironflow.yaml", door)
	for _, step := range run(t, dir) {
		if filepath.Base(step.Path) == "door.go" {
			t.Errorf("%v %s", step.Action, step.Path)
		}
	}
}
