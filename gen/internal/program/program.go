// Package program builds and runs small generated programs in a user's module, for what needs the runtime or the user's code: the generator itself
// imports neither.
package program

import (
	"bytes"
	"context"
	"encoding/json"
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

// Source is a package main.
type Source struct {
	Main []byte // the file

	// Below is the directory of a package of the user's: the program may import what that package may import, and is built as it is, with its
	// workspace and flags. Empty for a program that imports the library only: it is a part of the module in Module, and go.mod and go.sum need not
	// have what it needs.
	Below, Module string
}

// Build builds a program into the file binary. It writes nothing into the module. A program that cannot be built is *Failed.
func Build(ctx context.Context, s Source, binary string) error {
	work, err := os.MkdirTemp("", "ironflow-gen-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	main := filepath.Join(work, "main.go")
	if err := os.WriteFile(main, s.Main, 0o600); err != nil {
		return err
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", binary)
	if s.Below != "" {
		err = s.overlay(build, work, main)
	} else {
		err = s.alone(build, work, main)
	}
	if err != nil {
		return err
	}
	if text, err := build.CombinedOutput(); err != nil {
		return &Failed{fmt.Sprintf("building a program in %s: %v\n%s", build.Dir, err, bytes.TrimSpace(text))}
	}
	return nil
}

// overlay builds the main file in a directory that is only there for the go command.
func (s Source) overlay(build *exec.Cmd, work, main string) error {
	const dir = "ironflow_program_main"
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(s.Below, dir, "main.go"): main}})
	if err != nil {
		return err
	}
	overlay := filepath.Join(work, "overlay.json")
	build.Dir = s.Below
	build.Args = append(build.Args, "-overlay", overlay, "./"+dir)
	return os.WriteFile(overlay, text, 0o600)
}

// alone builds the main file with copies of go.mod and go.sum, to which the go command adds what is missing.
func (s Source) alone(build *exec.Cmd, work, main string) error {
	for _, name := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(filepath.Join(s.Module, name))
		if err != nil && !(errors.Is(err, fs.ErrNotExist) && name == "go.sum") {
			return err
		}
		if err := os.WriteFile(filepath.Join(work, name), content, 0o600); err != nil {
			return err
		}
	}
	build.Dir = s.Module
	build.Args = append(build.Args, "-mod=mod", "-modfile="+filepath.Join(work, "go.mod"), main)
	build.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	return nil
}

// Run builds a program and runs it in dir with arguments. Standard output goes to out. A program that exits with another code than 0 is *Failed.
func Run(ctx context.Context, s Source, dir string, args []string, out io.Writer) error {
	work, err := os.MkdirTemp("", "ironflow-gen-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	binary := filepath.Join(work, "program")
	if err := Build(ctx, s, binary); err != nil {
		return err
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
