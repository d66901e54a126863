//go:build unix

package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestOpenOfReadOnlyFile(t *testing.T) {
	t.Parallel()
	// Not below t.TempDir, which another user may not enter.
	directory, err := os.MkdirTemp("", "ironflow-readonly-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(directory); err != nil {
			t.Error(err)
		}
	})
	path := filepath.Join(directory, "store.db")
	closeAll(t, openFile(t, path))
	if err := errors.Join(os.Chmod(path, 0o444), os.Chmod(directory, 0o777)); err != nil {
		t.Fatal(err)
	}
	cmd := child(t, "open", path)
	if os.Geteuid() == 0 { // for whom nothing is read-only
		cmd.Path = copyOf(t, cmd.Path, filepath.Join(directory, "test"))
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	output, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(output), "must be readable and writable") {
		t.Errorf("got error %v and output %s", err, output)
	}
}

// copyOf copies a program to where every user may run it.
func copyOf(t *testing.T, program, to string) string {
	t.Helper()
	content, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, content, 0o755); err != nil {
		t.Fatal(err)
	}
	return to
}
