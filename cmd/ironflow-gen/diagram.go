package main

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/diagram"
	"github.com/ironflow-gen/ironflow/gen/generate"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// diagramFlags are the flags of diagram.
type diagramFlags struct {
	format string
	output string
}

func diagramCommand() command {
	return command{
		name:    "diagram",
		args:    "[path]",
		summary: "draw the state machine of a workflow",
		details: `
Draws the state machine of a workflow: its states, the inputs and events that lead from one to the next, and the effects and
timers that go with them. The path is a declaration or its directory; without one it is the current directory.

mermaid is text for Markdown, which GitHub and others draw; dot is text for Graphviz; svg is a picture and needs no other
program. Without -format, the file name of -o decides by its end: .svg, .dot, .gv or .mmd. Without -o, the format is mermaid.

Examples:
  ironflow-gen diagram                       print it for Mermaid
  ironflow-gen diagram -o order.svg          a picture
  ironflow-gen diagram -format dot orders | dot -Tpng > orders.png
`,
		docs:      []string{"reference/generator.md"},
		diagnoses: true,
		setup: func(flags *flag.FlagSet) func(call) int {
			var f diagramFlags
			flags.StringVar(&f.format, "format", "", "the `format`: "+strings.Join(diagram.Formats(), ", "))
			flags.StringVar(&f.output, "o", "", "the `file` to write, instead of standard output")
			return func(c call) int { return runDiagram(c, f) }
		},
	}
}

// diagramFormats has the formats by the end of file names.
var diagramFormats = map[string]string{".svg": "svg", ".dot": "dot", ".gv": "dot", ".mmd": "mermaid", ".mermaid": "mermaid"}

func runDiagram(c call, flags diagramFlags) int {
	if flags.format == "" {
		end := filepath.Ext(flags.output)
		format, ok := diagramFormats[strings.ToLower(end)]
		switch {
		case ok:
			flags.format = format
		case end == "":
			flags.format = "mermaid"
		default:
			return c.usageError("%s does not end in the name of a format; use .svg, .dot, .gv or .mmd, or the flag -format", flags.output)
		}
	}
	if known := diagram.Formats(); !slices.Contains(known, flags.format) {
		_, hint := spec.Suggest(flags.format, known)
		return c.usageError("unknown format %q; %s", flags.format, hint)
	}
	w, exit := c.load("diagram draws one workflow at a time")
	if w == nil {
		return exit
	}
	picture, err := diagram.Draw(w, flags.format)
	if err != nil {
		return c.failed(err)
	}
	return c.write(flags.output, picture)
}

// load reads the declaration of a command that takes one. If there are none or several, or if it has mistakes, load returns nil
// and the exit code. The text several says that the command takes one.
func (c call) load(several string) (w *spec.Workflow, exit int) {
	if len(c.args) > 1 {
		return nil, c.usageError("%s", several)
	}
	list, err := generate.Load(c.paths())
	switch {
	case err != nil:
		return nil, c.failed(err)
	case len(list) != 1:
		return nil, c.usageError("%s holds %d declarations; name one of them", c.paths()[0], len(list))
	}
	return list[0], exitOK
}

// write writes a result to a file, or to standard output if file is empty.
func (c call) write(file string, content []byte) int {
	var err error
	if file == "" || file == "-" {
		_, err = c.out.Write(content)
	} else {
		err = os.WriteFile(file, content, 0o644)
	}
	if err != nil {
		return c.failed(err)
	}
	return exitOK
}
