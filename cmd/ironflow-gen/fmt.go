package main

import (
	"errors"
	"flag"
	"fmt"

	"github.com/ironflow-gen/ironflow/gen/generate"
)

func fmtCommand() command {
	return command{
		name:    "fmt",
		args:    "[paths]",
		summary: "format declarations in the canonical layout",
		details: `
Formats declarations in YAML in the canonical layout, and prints them. Only the layout changes: comments, names and the order of
everything stay. A declaration with mistakes is formatted too, if it is valid YAML. Paths are as for "ironflow-gen generate";
"-" means standard input.

Examples:
  ironflow-gen fmt -w ./...                 lay out all declarations
  ironflow-gen fmt -l ./...                 list those that are not laid out; exits with 1 if there are any
  ironflow-gen fmt -d ./...                 show what would change; exits with 1 if anything would
  ironflow-gen fmt - < order.ironflow.yaml  for editors
`,
		docs:      []string{"reference/generator.md"},
		diagnoses: true,
		setup: func(flags *flag.FlagSet) func(call) int {
			var f fmtFlags
			flags.BoolVar(&f.list, "l", false, "list the files whose layout would change, instead of printing them")
			flags.BoolVar(&f.write, "w", false, "write the files instead of printing them")
			flags.BoolVar(&f.diff, "d", false, "print diffs instead of the files")
			return func(c call) int { return runFmt(c, f) }
		},
	}
}

type fmtFlags struct{ list, write, diff bool }

func runFmt(c call, flags fmtFlags) int {
	if len(c.args) == 1 && c.args[0] == "-" {
		if flags.write {
			return c.usageError("standard input cannot be written; leave out -w")
		}
		file, err := generate.FormatReader("standard input", c.in)
		if err != nil {
			return c.failed(err)
		}
		return c.printFormatted([]generate.Rewrite{file}, nil, flags)
	}
	files, err := generate.Format(c.paths())
	return c.printFormatted(files, err, flags)
}

// printFormatted prints or writes the files, as the flags say. err is about other files, which could not be formatted.
func (c call) printFormatted(files []generate.Rewrite, err error, flags fmtFlags) int {
	exit := exitOK
	var changed []fileJSON
	for _, f := range files {
		if f.Changed() {
			changed = append(changed, fileJSON{Path: f.Path, Action: "format"})
		}
		switch {
		case flags.write && f.Changed():
			err = errors.Join(err, f.Write())
		case f.Changed() && (flags.list || flags.diff || c.output.json):
			exit = exitFailed
		}
		if c.output.json {
			continue
		}
		switch {
		case !flags.list && !flags.diff && !flags.write:
			c.out.Write(f.New)
		case !f.Changed():
			continue
		case flags.list:
			fmt.Fprintln(c.out, f.Path)
		}
		if flags.diff {
			fmt.Fprint(c.out, f.Diff())
		}
	}
	if c.output.json {
		return max(exit, c.printDocument(err, func(doc *document) { doc.Files = changed }))
	}
	if err != nil {
		return c.failed(err)
	}
	return exit
}
