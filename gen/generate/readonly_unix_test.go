//go:build unix

package generate_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/generate"
)

// nobodyIn makes the test process generate in a directory that it may not write to.
const nobodyIn = "IRONFLOW_TEST_NOBODY_IN"

// nobody is the user that this process becomes when it is root's.
const nobody = 65534

func init() { processes[nobodyIn] = generateAsNobody }

func generateAsNobody(dir string) {
	plan, err := generate.New([]string{dir}, generate.Options{})
	if err == nil {
		err = plan.Apply()
	}
	fmt.Print(err)
	os.Exit(0)
}

// TestReadOnlyDirectory generates where nothing may be written. Root may write anywhere, so it becomes somebody else.
func TestReadOnlyDirectory(t *testing.T) {
	dir, err := os.MkdirTemp("", "readonly")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	prepareGrown(t, dir)
	before := read(t, dir)
	if os.Geteuid() == 0 {
		for name := range before {
			if err := os.Chown(filepath.Join(dir, name), nobody, nobody); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o755)
	self, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	bin, err := os.MkdirTemp("", "nobody")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(bin)
	if err := errors.Join(os.Chmod(bin, 0o755), os.WriteFile(filepath.Join(bin, "test"), self, 0o755)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(bin, "test"))
	cmd.Env = append(os.Environ(), nobodyIn+"="+dir)
	cmd.Dir = bin
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	output, err := cmd.CombinedOutput()
	if want := "cannot write to " + dir + ": permission denied"; err != nil || !slices.Contains(strings.Split(string(output), "\n"), want) {
		t.Errorf("got %s (%v), want %s", output, err, want)
	}
	if after := read(t, dir); !maps.Equal(before, after) {
		t.Errorf("files were left behind or changed: %v", names(after))
	}
}
