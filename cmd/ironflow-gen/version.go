package main

import (
	"flag"
	"fmt"

	"github.com/ironflow-gen/ironflow/gen/generate/buildinfo"
)

func versionCommand() command {
	return command{
		name:    "version",
		summary: "print the version",
		details: `
Prints the version of ironflow-gen, or (devel) if it was built from sources without a version.

Example:
  ironflow-gen version
`,
		setup: func(*flag.FlagSet) func(call) int { return runVersion },
	}
}

func runVersion(c call) int {
	if len(c.args) > 0 {
		return c.usageError("version takes no arguments")
	}
	fmt.Fprintln(c.out, "ironflow-gen", buildinfo.Current().Version)
	return exitOK
}
