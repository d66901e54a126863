//go:build linux || darwin

package generate_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// A test process that may write files of so many bytes only gets these variables.
const (
	diskFullIn = "IRONFLOW_TEST_DISK_FULL_IN"
	diskFullAt = "IRONFLOW_TEST_DISK_FULL_AT"
)

func init() { processes[diskFullIn] = generateOnFullDisk }

// generateOnFullDisk generates with stubs where writes end in the middle of a file, as on a disk that gets full.
func generateOnFullDisk(dir string) {
	most, err := strconv.ParseUint(os.Getenv(diskFullAt), 10, 64)
	if err != nil {
		panic(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: most, Max: most}); err != nil {
		panic(err)
	}
	generateAndExit(dir)
}

// TestDiskFull lets the disk get full at different sizes of files. Either everything is written or nothing, no temporary file is left,
// and when there is room again, the next run does it all.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	whole := t.TempDir()
	prepareGrown(t, whole)
	runStubs(t, whole)
	want := read(t, whole)
	failures := 0
	for _, most := range []uint64{0, 1, 100, 500, 1000, 2000, 4000, 1 << 20} {
		dir := t.TempDir()
		prepareGrown(t, dir)
		before := read(t, dir)
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), diskFullIn+"="+dir, fmt.Sprintf("%s=%d", diskFullAt, most))
		output, err := cmd.Output()
		after := read(t, dir)
		if err == nil {
			if !maps.Equal(after, want) {
				t.Errorf("with %d bytes there is %v", most, names(after))
			}
			continue
		}
		failures++
		if !strings.Contains(string(output), "writing "+dir) || !strings.Contains(string(output), "file too large") {
			t.Errorf("with %d bytes: got %v, %q", most, err, output)
		}
		if !maps.Equal(after, before) {
			t.Errorf("with %d bytes files were left behind or changed: %v", most, names(after))
		}
		runStubs(t, dir)
		if after := read(t, dir); !maps.Equal(after, want) {
			t.Errorf("with room again, there is %v", names(after))
		}
	}
	if failures < 4 || failures > 7 {
		t.Errorf("%d of 8 runs failed", failures)
	}
}
