package main

import (
	"flag"
	"fmt"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

func explainCommand() command {
	return command{
		name:    "explain",
		args:    "[codes]",
		summary: "explain the codes of mistakes, with examples",
		details: `
Every mistake that ironflow-gen reports has a code, which stays the same in later versions. For each given code, explain says
why it is a mistake and what to do, and shows a declaration with the mistake and one without it. Without arguments it lists all
codes. You can leave out "IF" and leading zeros of a code. The same texts are in docs/reference/diagnostics.md.

Examples:
  ironflow-gen explain IF0306               or 306
  ironflow-gen explain                      all codes
`,
		docs:  []string{"reference/diagnostics.md"},
		setup: func(*flag.FlagSet) func(call) int { return runExplain },
	}
}

func runExplain(c call) int {
	if len(c.args) == 0 {
		fmt.Fprint(c.out, diagnostic.Overview())
		return exitOK
	}
	for i, code := range c.args {
		rule, ok := diagnostic.LookUp(code)
		if !ok {
			return c.unknownCode(code)
		}
		if i > 0 {
			fmt.Fprintln(c.out)
		}
		fmt.Fprint(c.out, rule.Text())
	}
	return exitOK
}

func knownCodes() []string {
	var codes []string
	for _, r := range diagnostic.Rules() {
		codes = append(codes, string(r.Code))
	}
	return codes
}

func (c call) unknownCode(code string) int {
	if nearest, _ := spec.Suggest(code, knownCodes()); nearest != "" {
		return c.usageError("there is no code %q; did you mean %s?", code, nearest)
	}
	return c.usageError("there is no code %q; \"ironflow-gen explain\" lists them", code)
}
