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
		summary: "look for mistakes in deciders, evolvers, handlers and callers of clients",
		details: `
Looks at the code that you write for workflows, for what compiles and goes wrong when it runs: deciders and evolvers that depend on
the clock, on randomness, on the outside or on the order of a map; decisions that the declaration does not allow; handlers that
ignore their context or the idempotency key; callers that ignore rejections. What deciders call is followed through the packages of
the module. Packages are named as for the go command, and have to compile; without any it is the current directory. Test files and
generated files are not looked at.

A finding is suppressed by a comment at the end of its line, or alone on the line above, that gives a reason:
  //ironflow:ignore clock the log says how long it took

Without the name of a pass, all run. -clock runs that one alone, -clock=false all others. docs/reference/vet.md describes them.

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
			flags.BoolVar(&f.fix, "fix", false, "apply the suggested fixes, and report what is left")
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
			return c.usageError("vet looks at packages, not at files: write ./%s in place of %s", filepath.ToSlash(filepath.Dir(path)), path)
		case isDirectoryAlone(path):
			return c.usageError("packages are named as for the go command: write ./%s in place of %s", path, path)
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

// isDirectoryAlone reports whether a path is a directory here that the go command would not take for one, because it begins
// with its name.
func isDirectoryAlone(path string) bool {
	slashed := filepath.ToSlash(path)
	if filepath.IsAbs(path) || slashed == "." || slashed == ".." || strings.HasPrefix(slashed, "./") || strings.HasPrefix(slashed, "../") {
		return false
	}
	info, err := os.Stat(strings.TrimSuffix(slashed, "/..."))
	return err == nil && info.IsDir() && !isPackage(path)
}

// isPackage reports whether the go command finds a package by this path, as it does its own.
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
		return nil, fmt.Errorf("name the passes that are to run, as in -clock, or those that are not, as in -clock=false; not both")
	}
	names := slices.DeleteFunc(vet.Names(), func(name string) bool { _, off := f.passes[name]; return off })
	if len(names) == 0 {
		return nil, fmt.Errorf("no pass is left to run")
	}
	return names, nil
}

// isVetTool reports whether the go command calls the program as a tool of "go vet -vettool": to describe itself or its flags,
// or to look at the package that a .cfg file describes.
func isVetTool(args []string) bool {
	return len(args) == 1 && (args[0] == "-V=full" || args[0] == "-flags") ||
		len(args) > 0 && strings.HasSuffix(args[len(args)-1], ".cfg")
}

// serveVet does what the go command asks of such a tool, and exits.
func serveVet() { unitchecker.Main(vet.Analyzers()...) }
