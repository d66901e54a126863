// Package gate builds a small program from a package of workflows and lets it read a store, before the package is deployed. It knows no store itself:
// the program does.
package gate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// Options says what Run does.
type Options struct {
	Packages []string // patterns of the go command
	Store    string   // postgres://… or a file of SQLite; empty for none
	Schema   string   // of PostgreSQL; empty for the default
	Against  string   // git:REF of the program that may have to read what this one writes; empty for none
	JSON     bool
	Progress bool
	Out, Err io.Writer
}

// report is what is printed as JSON.
type report struct {
	Version  int             `json:"version"`
	Packages []packageReport `json:"packages"`
}

type packageReport struct {
	Package  string          `json:"package"`
	Store    json.RawMessage `json:"store,omitempty"`    // the verification of the store
	Rollback json.RawMessage `json:"rollback,omitempty"` // that of the older program on what this one writes
}

// The exit codes of the programs, see package runtime/gate.
const (
	codeOK       = 0
	codeProblems = 1
)

// Run lets the program of each package verify the store, and lets the older one read what the newer one writes. It reports whether there was no
// problem. The error is what kept it from finding out. Nothing is written into the module.
func Run(ctx context.Context, o Options) (fine bool, err error) {
	if o.Store == "" && o.Against == "" {
		return false, errors.New("name the store to verify with -store, or the older program with -against git:REF")
	}
	packages, err := find(ctx, o.Packages)
	if err != nil {
		return false, err
	}
	temp, err := os.MkdirTemp("", "ironflow-gate-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(temp)
	r := runner{Options: o, temp: temp, fine: true}
	if o.Against != "" {
		if r.before, err = checkOut(ctx, packages[0].Dir, o.Against, filepath.Join(temp, "before")); err != nil {
			return false, err
		}
	}
	all := report{Version: 1}
	for i, p := range packages {
		one, err := r.one(ctx, i, p)
		if err != nil {
			return false, fmt.Errorf("%s: %w", p.ImportPath, err)
		}
		all.Packages = append(all.Packages, one)
	}
	if o.JSON {
		text, err := json.MarshalIndent(all, "", "  ")
		if err != nil {
			return false, err
		}
		fmt.Fprintf(o.Out, "%s\n", text)
	}
	return r.fine, nil
}

type runner struct {
	Options
	temp   string
	before *revision // nil for none
	fine   bool
}

// one runs the programs of one package.
func (r *runner) one(ctx context.Context, n int, p goPackage) (one packageReport, err error) {
	one.Package = p.ImportPath
	program := filepath.Join(r.temp, fmt.Sprint("now", n))
	if err := build(ctx, p, program, r.Store, r.Schema); err != nil {
		return one, err
	}
	if r.Store != "" {
		args := []string{"-store", r.Store}
		if r.Progress {
			args = append(args, "-progress")
		}
		if one.Store, err = r.run(ctx, p.ImportPath, program, args); err != nil {
			return one, err
		}
	}
	if r.before == nil {
		return one, nil
	}
	samples := filepath.Join(r.temp, fmt.Sprint("samples", n))
	if _, err := r.output(ctx, program, []string{"-samples", samples}); err != nil {
		return one, err
	}
	old, there, err := r.before.find(p)
	if err != nil {
		return one, err
	}
	if !there {
		fmt.Fprintf(r.Err, "%s: %s does not have the package, so there is nothing to go back to\n", p.ImportPath, r.Against)
		return one, nil
	}
	program = filepath.Join(r.temp, fmt.Sprint("before", n))
	if err := build(ctx, old, program, "", ""); err != nil {
		return one, fmt.Errorf("the program of %s: %w", r.Against, err)
	}
	one.Rollback, err = r.run(ctx, p.ImportPath+", read by "+r.Against, program, []string{"-read", samples})
	return one, err
}

// run runs a program and prints what it says, or returns it as JSON.
func (r *runner) run(ctx context.Context, title, program string, args []string) (json.RawMessage, error) {
	if r.JSON {
		args = append(args, "-json")
	} else {
		fmt.Fprintf(r.Out, "%s: ", title)
	}
	text, err := r.output(ctx, program, args)
	if err != nil {
		return nil, err
	}
	if r.JSON {
		return text, nil
	}
	_, err = r.Out.Write(text)
	return nil, err
}

func (r *runner) output(ctx context.Context, program string, args []string) ([]byte, error) {
	var out bytes.Buffer
	command := exec.CommandContext(ctx, program, args...)
	command.Stdout, command.Stderr = &out, r.Err
	err := command.Run()
	if code := command.ProcessState.ExitCode(); code == codeProblems {
		r.fine, err = false, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the program could not read it: %w", err)
	}
	return out.Bytes(), nil
}
