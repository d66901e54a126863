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
		summary: "generate Go code from declarations (the default command)",
		details: `
Generates the Go package of each workflow declaration into its directory. A declaration is a file named *.ironflow.yaml or
*.ironflow.yml (docs/reference/declaration.md), or Go types with the comment //ironflow:workflow on a struct
(docs/reference/annotated-go.md). A path is a declaration, a directory, or a directory followed by /... for all declarations
below it. The default is the current directory.

Files named *_ironflow.go are generated and always rewritten. decider.go, handler.go and decider_test.go are written if they are
missing, and then they are yours: ironflow-gen never changes text in a file without the header of generated files. If your files
lack methods that the declaration needs, ironflow-gen still writes the generated code, prints stubs of these methods, and exits
with 1, because the package does not compile without them. With -stubs, it adds the stubs to the end of the file that has the
type: they compile, and fail when they are called.

If a declaration has a mistake, or a Go file beside it does not parse, nothing is written. Every mistake is printed as
file:line:column: message [code], on a terminal with its line of the source. "ironflow-gen help explain" says more about the
codes.

Examples:
  ironflow-gen                              the declaration in this directory
  ironflow-gen ./...                        all below it, without vendor, testdata and the like
  ironflow-gen orders/orders.ironflow.yaml
  ironflow-gen -n ./...                     only print what would be written
  ironflow-gen -stubs ./...                 also add stubs of the methods that your files lack

In Go code, for "go generate":
  //go:generate go tool ironflow-gen
`,
		docs:      []string{"reference/declaration.md", "reference/annotated-go.md", "reference/generator.md"},
		diagnoses: true,
		setup: func(flags *flag.FlagSet) func(call) int {
			dryRun := flags.Bool("n", false, "dry run: print which files would be written or removed, and change nothing")
			verbose := flags.Bool("v", false, "print every file, including unchanged ones")
			stubs := flags.Bool("stubs", false, "add stubs of missing methods to the end of your files; the text that is there does not change")
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

// collectSeldom makes the garbage collector run less often. Ten packages make 20 MB of garbage; collecting it eight times takes a
// tenth of the time.
func collectSeldom() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}

// printPlan prints the steps and findings that concern the user, and returns the exit code.
func (c call) printPlan(plan *generate.Plan, dryRun, verbose bool) int {
	for _, step := range plan.Steps {
		c.printStep(step, dryRun, verbose)
	}
	return c.printFindings(plan)
}

// printFindings prints the mistakes in the user's files, with stubs to paste.
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

// verbs has the words for what is done, or would be done, with a file.
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

// printStep prints what is done with a file. By default it prints only what concerns the user: a new file of theirs, stubs added
// to one, or a removed file. A dry run prints every change that it would make.
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
