package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/ironflow-gen/ironflow/gen/generate"
)

func generateCommand() command {
	return command{
		name:    "generate",
		args:    "[paths]",
		summary: "generate Go code from declarations (what is done without a command)",
		details: `
Generates the Go package of each workflow declaration, a file named *.ironflow.yaml or *.ironflow.yml, into its directory.
A path is a declaration, a directory, or a directory followed by /... for all below it; without paths it is the current
directory. The format is described in docs/declaration.md.

Files named *_ironflow.go are generated and always rewritten. decider.go, handler.go and decider_test.go are written when
they are missing, and then they are yours: no file without the head of a generated one is ever changed. When the
declaration asks for methods that they lack, these are printed, ready to paste.

When a declaration has a mistake, nothing at all is written, and every mistake is printed as file:line:column: message [code]. On a
terminal it is shown where it is in the source; "ironflow-gen help explain" is about the codes.

Examples:
  ironflow-gen                              the declaration in this directory
  ironflow-gen ./...                        all below it, without vendor, testdata and the like
  ironflow-gen orders/orders.ironflow.yaml
  ironflow-gen -n ./...                     only say what would be written

In Go code, for "go generate":
  //go:generate go tool ironflow-gen
`,
		diagnoses: true,
		setup: func(flags *flag.FlagSet) func(call) int {
			dryRun := flags.Bool("n", false, "dry run: print what would be written or removed, and do nothing")
			verbose := flags.Bool("v", false, "print every file, also those that stay as they are")
			return func(c call) int { return runGenerate(c, *dryRun, *verbose) }
		},
	}
}

func runGenerate(c call, dryRun, verbose bool) int {
	plan, err := generate.New(c.paths(), generate.Options{UnderGoGenerate: os.Getenv("GOFILE") != ""})
	if err != nil {
		return c.failed(err)
	}
	if !dryRun {
		if err := plan.Apply(); err != nil {
			return c.failed(err)
		}
	}
	if c.output.json {
		return c.printJSON(plan, nil)
	}
	for _, step := range plan.Steps {
		c.printStep(step, dryRun, verbose)
	}
	for _, advice := range plan.Advice {
		fmt.Fprintln(c.out, advice.Text)
		if advice.Code != "" {
			fmt.Fprintf(c.out, "\n%s\n", advice.Code)
		}
	}
	return exitOK
}

// verbs say what is done, or would be done, with a file.
var verbs = map[generate.Action]struct{ done, would string }{
	generate.Write:     {"wrote", "would write"},
	generate.Create:    {"created", "would create"},
	generate.Remove:    {"removed", "would remove"},
	generate.Empty:     {"emptied", "would empty"},
	generate.Unchanged: {"unchanged", "unchanged"},
	generate.Keep:      {"kept", "kept"},
	generate.Ignore:    {"ignored", "ignored"},
}

// printStep tells about a file. Unasked it tells only what concerns the user: that there is a new file of theirs, that one
// could not be written, or that one is gone. A dry run tells about all that it would change.
func (c call) printStep(step generate.Step, dryRun, verbose bool) {
	tell := verbose
	switch step.Action {
	case generate.Create, generate.Remove, generate.Empty:
		tell = true
	case generate.Write:
		tell = tell || dryRun
	}
	switch {
	case step.Doubt:
		fmt.Fprintf(c.errOut, "not written: %s: %s\n", step.Path, step.Note)
	case !tell:
	case dryRun:
		fmt.Fprintln(c.out, verbs[step.Action].would, withNote(step))
	default:
		fmt.Fprintln(c.out, verbs[step.Action].done, withNote(step))
	}
}

func withNote(step generate.Step) string {
	if step.Note == "" {
		return step.Path
	}
	return step.Path + ": " + step.Note
}
