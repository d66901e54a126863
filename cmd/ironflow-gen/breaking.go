package main

import (
	"flag"

	"github.com/ironflow-gen/ironflow/gen/generate"
)

func breakingCommand() command {
	return command{
		name:    "breaking",
		args:    "[paths]",
		summary: "report changes to declarations that would break stored data",
		details: `
Compares declarations with their locks, which are the files *.ironflow.lock beside them. It reports changes that break stored
events, waiting effects and timers, replay or clients. With -against, it also compares with earlier declarations, because a lock
could have been changed together with its declaration. It writes nothing, and needs no database.

After an error the exit code is 1. Warnings do not change the exit code; most of them say in which order to deploy. To make a
breaking change on purpose, allow it in the declaration, with the code and the subject of the message:

  allow:
    IF3103 event Paid.cents: It was never stored.

The earlier declarations can be a revision of git, which is read without a checkout, a directory with the earlier files, or a
single lock or declaration in YAML. See docs/guide/changing.md.

Examples:
  ironflow-gen breaking ./...                              with the locks alone
  ironflow-gen breaking -against git:origin/main ./...     in CI
  ironflow-gen breaking -against ../old ./...
`,
		docs:      []string{"guide/changing.md", "reference/diagnostics.md"},
		diagnoses: true,
		setup: func(flags *flag.FlagSet) func(call) int {
			against := flags.String("against", "", "earlier declarations to compare with besides the lock: git:`REF`, a directory or a file")
			return func(c call) int { return c.runBreaking(*against) }
		},
	}
}

func (c call) runBreaking(against string) int {
	collectSeldom()
	list, err := generate.Breaking(c.paths(), against)
	switch {
	case err != nil:
		return c.failed(err)
	case c.output.json:
		return c.printJSON(nil, list)
	case len(list) == 0:
		return exitOK
	}
	exit := c.failed(list)
	if !list.Failed() {
		return exitOK
	}
	return exit
}
