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
		summary: "fail if generated code is not up to date, and show the difference",
		details: `
Computes what "ironflow-gen generate" would do with the same paths, and changes nothing. If files would be written or removed,
it prints a unified diff to standard output and exits with 1, so that CI refuses generated code that does not match the
declarations. It also exits with 1 if a method is missing in your own files, if a change would break stored data by the lock,
or, with -against, if "ironflow-gen breaking" finds an error. Differences in line ends are ignored.

Examples:
  ironflow-gen check ./...                  in CI
  ironflow-gen check ./... | git apply      the same as generating
`,
		docs:      []string{"reference/generator.md"},
		diagnoses: true,
		setup: func(flags *flag.FlagSet) func(call) int {
			against := flags.String("against", "", "also compare with earlier declarations, as breaking does: git:`REF`, a directory or a file")
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
