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
		summary: "draw the states of a workflow",
		details: `
Draws the state machine of a workflow: its states, what leads from one to the next, and the effects and timers that go with
it. The path is a declaration or its directory; without one it is the current directory.

mermaid is text for Markdown, which GitHub and others draw; dot is text for Graphviz; svg is a picture, for which no other
program is needed. Without -format, the end of the name behind -o decides: .svg, .dot, .gv or .mmd. What is printed is
mermaid then.

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

// diagramFormats are the formats by the end of a file's name.
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
			return c.usageError("the end of %s is that of no format; use .svg, .dot, .gv or .mmd, or say -format", flags.output)
		}
	}
	if known := diagram.Formats(); !slices.Contains(known, flags.format) {
		_, hint := spec.Suggest(flags.format, known)
		return c.usageError("the format %q is not known; %s", flags.format, hint)
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

// load reads the only declaration of a command that takes no more, which several says. It returns nil and the exit code when
// there is another number of them, or one with mistakes.
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

// write writes a result to a file, or to standard output if there is none.
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
