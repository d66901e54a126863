package main

import (
	"flag"

	"github.com/ironflow-gen/ironflow/gen/generate"
)

func breakingCommand() command {
	return command{
		name:    "breaking",
		args:    "[paths]",
		summary: "say what a changed declaration would break of what is stored",
		details: `
Compares declarations with their locks, the files *.ironflow.lock beside them, and says what stored events, effects and timers
in flight, replay and clients could meet. With -against, it also compares with what the declarations were: a lock that was
changed together with its declaration proves nothing. It writes nothing, and needs no database.

Errors stop, and the exit code is 1. Warnings are worth a look, and most of them are about the order of a deploy. A change that
is meant is allowed in the declaration, with the code and the subject as the message has them:

  allow:
    IF3103 event Paid.cents: It was never stored.

What there was before is a revision of git, which is read and not checked out, a directory with the files of then, or a lock or
a declaration in YAML. See docs/guide/changing.md.

Examples:
  ironflow-gen breaking ./...                              with the locks alone
  ironflow-gen breaking -against git:origin/main ./...     in CI
  ironflow-gen breaking -against ../old ./...
`,
		docs:      []string{"guide/changing.md", "reference/diagnostics.md"},
		diagnoses: true,
		setup: func(flags *flag.FlagSet) func(call) int {
			against := flags.String("against", "", "what to compare with beside the lock: git:`REF`, a directory or a file")
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
