package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis/unitchecker"

	"github.com/ironflow-gen/ironflow/gen/generate"
	"github.com/ironflow-gen/ironflow/gen/vet"
)

// vetFlags are the flags of vet.
type vetFlags struct {
	fix, diff bool
	tags      string
	passes    map[string]bool // switched on or off by name
}

func vetCommand() command {
	return command{
		name:    "vet",
		args:    "[packages]",
		summary: "find mistakes in deciders, evolvers, handlers and callers of clients",
		details: `
Finds mistakes in the code that you write for workflows, which compile but go wrong at run time: deciders and evolvers that
depend on the clock, on randomness, on the outside world or on the order of a map; decisions that the declaration does not
allow; handlers that ignore their context or the idempotency key; callers that ignore rejections. It also checks functions of
the module that deciders call. Packages are named as for the go command, and must compile; the default is the current directory.
Test files and generated files are not checked.

To suppress a finding, write a comment with a reason at the end of its line, or alone on the line above: //ironflow:ignore clock
the log says how long it took

By default all passes run. -clock runs only that pass, -clock=false all others. docs/reference/vet.md describes the passes.

Examples:
  ironflow-gen vet ./...
  ironflow-gen vet -fix ./...                          apply the fixes that are safe
  ironflow-gen vet -maporder=false ./orders
  go vet -vettool=$(which ironflow-gen) ./...          the same passes, run by the go command
`,
		docs:      []string{"reference/vet.md"},
		diagnoses: true,
		setup: func(flags *flag.FlagSet) func(call) int {
			f := vetFlags{passes: make(map[string]bool)}
			flags.BoolVar(&f.fix, "fix", false, "apply the suggested fixes, and report the remaining findings")
			flags.BoolVar(&f.diff, "diff", false, "print the suggested fixes as a unified diff, and write nothing")
			flags.StringVar(&f.tags, "tags", "", "build `tags`, separated by commas")
			for _, pass := range vet.Analyzers() {
				title, _, _ := strings.Cut(pass.Doc, "\n")
				flags.BoolFunc(pass.Name, title, func(value string) error {
					on := value == "true"
					if !on && value != "false" {
						return fmt.Errorf("it is true or false")
					}
					f.passes[pass.Name] = on
					return nil
				})
			}
			return func(c call) int { return runVet(c, f) }
		},
	}
}

func runVet(c call, flags vetFlags) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	names, err := flags.names()
	if err != nil {
		return c.usageError("%v", err)
	}
	for _, path := range c.paths() {
		switch {
		case strings.HasSuffix(path, ".go") || strings.HasSuffix(path, ".yaml"):
			return c.usageError("vet checks packages, not files: write ./%s instead of %s", filepath.ToSlash(filepath.Dir(path)), path)
		case isDirectoryAlone(path):
			return c.usageError("packages are named as for the go command: write ./%s instead of %s", path, path)
		}
	}
	findings, err := vet.Check(ctx, c.paths(), vet.Options{Tags: flags.tags, Analyzers: names})
	if err != nil {
		return c.failed(err)
	}
	if flags.fix || flags.diff {
		files, left, err := findings.Fix()
		if err != nil {
			return c.failed(err)
		}
		for _, f := range files {
			rewrite := generate.Rewrite{Path: f.Path, Old: f.Before, New: f.After}
			if flags.diff {
				fmt.Fprint(c.out, rewrite.Diff())
				continue
			}
			if err := rewrite.Write(); err != nil {
				return c.failed(err)
			}
			if !c.output.json {
				fmt.Fprintln(c.out, "fixed", f.Path)
			}
		}
		findings = left
	}
	err = findings.Err()
	switch {
	case c.output.json:
		return c.printJSON(nil, err)
	case err != nil:
		return c.failed(err)
	}
	return exitOK
}

// isDirectoryAlone reports whether a path is a directory that the go command would take for a package path, because it does not
// begin with ./ or ../.
func isDirectoryAlone(path string) bool {
	slashed := filepath.ToSlash(path)
	if filepath.IsAbs(path) || slashed == "." || slashed == ".." || strings.HasPrefix(slashed, "./") || strings.HasPrefix(slashed, "../") {
		return false
	}
	info, err := os.Stat(strings.TrimSuffix(slashed, "/..."))
	return err == nil && info.IsDir() && !isPackage(path)
}

// isPackage reports whether the go command finds a package by this path, such as one of the standard library.
func isPackage(path string) bool {
	list, err := exec.Command("go", "list", "--", path).Output()
	return err == nil && len(list) > 0
}

// names returns the passes to run, or nil for all.
func (f vetFlags) names() ([]string, error) {
	var on []string
	for name, value := range f.passes {
		if value {
			on = append(on, name)
		}
	}
	switch {
	case len(f.passes) == 0:
		return nil, nil
	case len(on) == len(f.passes):
		slices.Sort(on)
		return on, nil
	case len(on) > 0:
		return nil, fmt.Errorf("name the passes to run, as in -clock, or the passes to leave out, as in -clock=false; not both")
	}
	names := slices.DeleteFunc(vet.Names(), func(name string) bool { _, off := f.passes[name]; return off })
	if len(names) == 0 {
		return nil, fmt.Errorf("no pass is left to run; leave out one of the flags")
	}
	return names, nil
}

// isVetTool reports whether the go command calls the program for "go vet -vettool": to describe itself or its flags, or to check
// the package that a .cfg file describes.
func isVetTool(args []string) bool {
	return len(args) == 1 && (args[0] == "-V=full" || args[0] == "-flags") ||
		len(args) > 0 && strings.HasSuffix(args[len(args)-1], ".cfg")
}

// serveVet answers the go command, and exits.
func serveVet() { unitchecker.Main(vet.Analyzers()...) }
