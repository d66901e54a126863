package main

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/ironflow-gen/ironflow/gen/generate"
)

func generateCommand() command {
	return command{
		name:    "generate",
		args:    "[paths]",
		summary: "generate Go code from declarations (what is done without a command)",
		details: `
Generates the Go package of each workflow declaration into its directory. A declaration is a file named *.ironflow.yaml or
*.ironflow.yml (docs/reference/declaration.md), or Go types with the comment //ironflow:workflow on a struct
(docs/reference/annotated-go.md). A path is a declaration, a directory, or a directory followed by /... for all below it. The
default is the current directory.

Files named *_ironflow.go are generated and always rewritten. decider.go, handler.go and decider_test.go are written when
they are missing, and then they are yours: what stands in a file without the head of a generated one is never changed. When the
declaration asks for methods that they lack, generated code is written all the same, the methods are reported with stubs ready
to paste, and the exit code is 1, because the package does not compile without them. With -stubs, the stubs are added to the
end of the file that has the type: they compile, and fail when they are called.

When a declaration has a mistake, or a Go file beside it does not parse, nothing at all is written, and every mistake is
printed as file:line:column: message [code]. On a terminal it is shown where it is in the source; "ironflow-gen help explain" is
about the codes.

Examples:
  ironflow-gen                              the declaration in this directory
  ironflow-gen ./...                        all below it, without vendor, testdata and the like
  ironflow-gen orders/orders.ironflow.yaml
  ironflow-gen -n ./...                     only say what would be written
  ironflow-gen -stubs ./...                 also add stubs of the methods that your files lack

In Go code, for "go generate":
  //go:generate go tool ironflow-gen
`,
		docs:      []string{"reference/declaration.md", "reference/annotated-go.md", "reference/generator.md"},
		diagnoses: true,
		setup: func(flags *flag.FlagSet) func(call) int {
			dryRun := flags.Bool("n", false, "dry run: print what would be written or removed, and do nothing")
			verbose := flags.Bool("v", false, "print every file, also those that stay as they are")
			stubs := flags.Bool("stubs", false, "add stubs of missing methods to the end of your files; nothing that stands there changes")
			return func(c call) int { return runGenerate(c, *dryRun, *verbose, *stubs) }
		},
	}
}

func runGenerate(c call, dryRun, verbose, stubs bool) int {
	collectSeldom()
	plan, err := generate.New(c.paths(), generate.Options{UnderGoGenerate: os.Getenv("GOFILE") != "", Stubs: stubs})
	if err != nil {
		return c.failed(err)
	}
	if !dryRun {
		if err := plan.Apply(); err != nil {
			return c.failed(err)
		}
	}
	if c.output.json {
		return c.printJSON(plan, plan.Findings)
	}
	return c.printPlan(plan, dryRun, verbose)
}

// collectSeldom lets garbage lie while it is little. Ten packages make 20 MB of it, and collecting it eight times on the way is
// a tenth of the work.
func collectSeldom() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}

// printPlan tells what concerns the user, and returns the exit code.
func (c call) printPlan(plan *generate.Plan, dryRun, verbose bool) int {
	for _, step := range plan.Steps {
		c.printStep(step, dryRun, verbose)
	}
	return c.printFindings(plan)
}

// printFindings tells what is wrong with files of the user's, and has stubs ready to be pasted.
func (c call) printFindings(plan *generate.Plan) int {
	if len(plan.Findings) == 0 {
		return exitOK
	}
	exit := c.failed(plan.Findings)
	for _, m := range plan.Missing {
		where := "at the end of " + m.File
		if m.New {
			where = "into a new file " + m.File
		}
		fmt.Fprintf(c.out, "to paste %s:\n\n%s\n", where, m.Stubs)
	}
	if !plan.Findings.Failed() {
		return exitOK
	}
	return exit
}

// verbs say what is done, or would be done, with a file.
var verbs = map[generate.Action]struct{ done, would string }{
	generate.Write:     {"wrote", "would write"},
	generate.Create:    {"created", "would create"},
	generate.Append:    {"appended to", "would append to"},
	generate.Remove:    {"removed", "would remove"},
	generate.Empty:     {"emptied", "would empty"},
	generate.Unchanged: {"unchanged", "unchanged"},
	generate.Keep:      {"kept", "kept"},
	generate.Ignore:    {"ignored", "ignored"},
}

// printStep tells about a file. Unasked it tells only what concerns the user: that there is a new file of theirs, that
// stubs were added to one, or that a file is gone. A dry run tells about all that it would change.
func (c call) printStep(step generate.Step, dryRun, verbose bool) {
	tell := verbose
	switch step.Action {
	case generate.Create, generate.Append, generate.Remove, generate.Empty:
		tell = true
	case generate.Write:
		tell = tell || dryRun
	}
	switch {
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
