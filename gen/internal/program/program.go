// Package program runs small generated programs in a user's module, for what needs the runtime or the user's code: the generator itself imports
// neither.
package program

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Failed says that a program did not do its work.
type Failed struct {
	Text string // what it printed on standard error, or why it could not be built
}

func (e *Failed) Error() string { return e.Text }

// Run builds the source of a package main as a part of the module in moduleDir, and runs it in dir with arguments. Standard output goes to out.
// The module's go.mod and go.sum stay as they are, whatever the program needs. A program that cannot be built, or exits with another code than 0,
// is *Failed.
func Run(ctx context.Context, moduleDir, dir string, source []byte, args []string, out io.Writer) error {
	work, err := os.MkdirTemp("", "ironflow-gen-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	for _, name := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(filepath.Join(moduleDir, name))
		if err != nil && !(errors.Is(err, fs.ErrNotExist) && name == "go.sum") {
			return err
		}
		if err := os.WriteFile(filepath.Join(work, name), content, 0o644); err != nil {
			return err
		}
	}
	main, binary := filepath.Join(work, "main.go"), filepath.Join(work, "program")
	if err := os.WriteFile(main, source, 0o644); err != nil {
		return err
	}
	build := exec.CommandContext(ctx, "go", "build", "-mod=mod", "-modfile="+filepath.Join(work, "go.mod"), "-o", binary, main)
	build.Dir = moduleDir
	build.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	if text, err := build.CombinedOutput(); err != nil {
		return &Failed{fmt.Sprintf("building a program in %s: %v\n%s", moduleDir, err, bytes.TrimSpace(text))}
	}
	run := exec.CommandContext(ctx, binary, args...)
	var complaints strings.Builder
	run.Dir, run.Stdout, run.Stderr = dir, out, &complaints
	if err := run.Run(); err != nil {
		if text := strings.TrimSpace(complaints.String()); text != "" {
			return &Failed{text}
		}
		return &Failed{err.Error()}
	}
	return nil
}
