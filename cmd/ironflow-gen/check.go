package main

import (
	"errors"
	"flag"
	"fmt"

	"github.com/ironflow-gen/ironflow/gen/generate"
)

func checkCommand() command {
	return command{
		name:    "check",
		args:    "[paths]",
		summary: "fail when generated code is not up to date, and show the difference",
		details: `
Works out what "ironflow-gen generate" would do with the same paths, and changes nothing. When files would be written or
removed, it prints a unified diff to standard output and exits with 1, so that CI refuses code that is not what the
declarations give. It also exits with 1 when your own files lack a method, and when a change would break what the lock says is
stored; with -against, also what "ironflow-gen breaking" finds. Line ends do not count as a difference.

Examples:
  ironflow-gen check ./...                  in CI
  ironflow-gen check ./... | git apply      the same as generating
`,
		docs:      []string{"reference/generator.md"},
		diagnoses: true,
		setup: func(flags *flag.FlagSet) func(call) int {
			against := flags.String("against", "", "also compare with what was before, as breaking does: git:`REF`, a directory or a file")
			return func(c call) int { return runCheck(c, *against) }
		},
	}
}

func runCheck(c call, against string) int {
	collectSeldom()
	plan, err := generate.New(c.paths(), generate.Options{})
	if err != nil {
		return c.failed(err)
	}
	diff, err := plan.Check()
	if against != "" {
		broken, failure := generate.Breaking(c.paths(), against)
		if broken.Failed() {
			failure = errors.Join(failure, broken)
		}
		err = errors.Join(err, failure)
	}
	switch {
	case c.output.json:
		return c.printJSON(nil, err)
	case err == nil:
		return exitOK
	}
	fmt.Fprint(c.out, diff)
	return c.failed(err)
}

// paths are the arguments, or the current directory.
func (c call) paths() []string {
	if len(c.args) == 0 {
		return []string{"."}
	}
	return c.args
}
