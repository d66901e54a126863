package main

import (
	"flag"

	"github.com/ironflow-gen/ironflow/gen/schema"
)

func schemaCommand() command {
	return command{
		name:    "schema",
		summary: "print the JSON Schema of declarations in YAML",
		details: `
Prints the JSON Schema (2020-12) of declarations in YAML. Editors use it to complete and explain keys, and to mark mistakes
while you type. Editors with yaml-language-server find it by a comment in the declaration, which "ironflow-gen init" writes:

  ` + schema.Modeline + `

Without a network, write the schema to a file and put its path into the comment.

Examples:
  ironflow-gen schema
  ironflow-gen schema -o ironflow.schema.json
`,
		docs: []string{"reference/generator.md"},
		setup: func(flags *flag.FlagSet) func(call) int {
			output := flags.String("o", "", "the `file` to write, instead of standard output")
			return func(c call) int {
				if len(c.args) > 0 {
					return c.usageError("schema takes no arguments")
				}
				return c.write(*output, schema.JSON())
			}
		},
	}
}
