package generate

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Temporary files are called .ironflow-PID-RANDOM.tmp: hidden, no Go files, and known by the process that writes them.
const (
	temporaryPrefix = ".ironflow-"
	temporarySuffix = ".tmp"
)

// createTemporary creates a temporary file with the permissions of a new one.
func createTemporary(dir string) (*os.File, error) {
	for {
		name := fmt.Sprintf("%s%d-%016x%s", temporaryPrefix, os.Getpid(), rand.Uint64(), temporarySuffix)
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

// removeLeftovers removes the temporary files of runs that were killed from the directories of the plan. What cannot be
// removed harms nobody, so it is no error.
func (w *writer) removeLeftovers(steps []Step) {
	seen := make(map[string]bool)
	for _, step := range steps {
		dir := filepath.Dir(step.Path)
		if resolved, err := filepath.EvalSymlinks(step.Path); err == nil {
			dir = filepath.Dir(resolved)
		}
		if seen[dir] {
			continue
		}
		seen[dir] = true
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if pid, ok := writerOf(e.Name()); ok && e.Type().IsRegular() && !isRunning(pid) {
				os.Remove(filepath.Join(dir, e.Name()))
			}
		}
	}
}

// writerOf returns the process that a temporary file is of.
func writerOf(name string) (pid int, ok bool) {
	rest, ok := strings.CutPrefix(name, temporaryPrefix)
	if !ok || !strings.HasSuffix(rest, temporarySuffix) {
		return 0, false
	}
	number, _, ok := strings.Cut(rest, "-")
	pid, err := strconv.Atoi(number)
	return pid, ok && err == nil && pid > 0
}

// isRunning reports whether a process is there, or may be.
func isRunning(pid int) bool {
	process, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	defer process.Release()
	return !errors.Is(process.Signal(syscall.Signal(0)), os.ErrProcessDone)
}
