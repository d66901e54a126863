package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // a declaration has mistakes, or something could not be read or written
	exitUsage  = 2
)

// command is one of the commands. Its setup declares the flags and returns the function to run after they are parsed.
type command struct {
	name    string
	args    string // as in the usage line
	summary string
	details string   // for its help
	docs    []string // the pages that say more
	setup   func(flags *flag.FlagSet) func(c call) int

	diagnoses bool // it reports diagnostics, so it has -json and -color
}

// call is a call of a command.
type call struct {
	name        string
	args        []string // without the flags
	in          io.Reader
	out, errOut io.Writer
	output      output
}

// commands returns all commands.
func commands() []command {
	return []command{
		generateCommand(),
		initCommand(),
		checkCommand(),
		breakingCommand(),
		gateCommand(),
		watchCommand(),
		fmtCommand(),
		vetCommand(),
		testfromCommand(),
		diagramCommand(),
		convertCommand(),
		schemaCommand(),
		explainCommand(),
		versionCommand(),
		helpCommand(),
	}
}

// Run is the whole program: it takes the arguments without the program's name, and returns the exit code.
func Run(args []string, in io.Reader, out, errOut io.Writer) int {
	name := "generate"
	switch {
	case len(args) > 0 && isHelp(args[0]):
		name, args = "help", args[1:]
		if len(args) > 0 && !isCommand(args[0]) { // -h anywhere prints help
			args = nil
		}
	case len(args) > 0 && (args[0] == "-version" || args[0] == "--version"):
		name, args = "version", args[1:]
	case len(args) > 0 && !strings.HasPrefix(args[0], "-") && !isPath(args[0]):
		name, args = args[0], args[1:]
	}
	c := call{name: name, args: args, in: in, out: out, errOut: errOut}
	cmd, ok := lookUp(name)
	if !ok {
		return c.unknownCommand(name)
	}
	return c.run(cmd)
}

func isHelp(arg string) bool { return arg == "-h" || arg == "-help" || arg == "--help" }

// isPath reports whether an argument is a path and not a command. A directory with the name of a command is written as ./init.
func isPath(arg string) bool {
	if _, ok := lookUp(arg); ok {
		return false
	}
	_, err := os.Stat(arg)
	return err == nil || strings.ContainsAny(arg, `./\`)
}

func isCommand(name string) bool {
	_, ok := lookUp(name)
	return ok
}

func lookUp(name string) (command, bool) {
	for _, c := range commands() {
		if c.name == name {
			return c, true
		}
	}
	return command{}, false
}

// flags returns the flags of a command, and the function to run after they are parsed.
func (cmd command) flags(out *output) (*flag.FlagSet, func(call) int) {
	flags := flag.NewFlagSet(cmd.name, flag.ContinueOnError)
	run := cmd.setup(flags)
	if cmd.diagnoses {
		out.addFlags(flags)
	}
	return flags, run
}

// run parses the arguments and runs the command. Flags may be before, between and after the other arguments.
func (c call) run(cmd command) int {
	flags, run := cmd.flags(&c.output)
	flags.SetOutput(io.Discard) // the errors are printed here
	var others []string
	for rest := c.args; ; {
		switch err := flags.Parse(rest); {
		case errors.Is(err, flag.ErrHelp):
			printHelp(c.out, cmd)
			return exitOK
		case err != nil:
			return c.flagError(flags, err)
		}
		if flags.NArg() == 0 {
			break
		}
		others = append(others, flags.Arg(0))
		rest = flags.Args()[1:]
	}
	c.args = others
	return run(c)
}

// usageError prints a mistake in the arguments, and the command that prints the usage.
func (c call) usageError(format string, args ...any) int {
	fmt.Fprintf(c.errOut, "ironflow-gen: "+format+"\n", args...)
	help := "ironflow-gen help"
	if _, ok := lookUp(c.name); ok {
		help += " " + c.name
	}
	fmt.Fprintf(c.errOut, "Run %q for usage.\n", help)
	return exitUsage
}

func (c call) unknownCommand(name string) int {
	var names []string
	for _, known := range commands() {
		names = append(names, known.name)
	}
	c.name = ""
	if _, hint := spec.Suggest(name, names); hint != "" {
		return c.usageError("%q is neither a command nor a path that exists; %s", name, hint)
	}
	return c.usageError("%q is neither a command nor a path that exists", name)
}

// flagError explains an error of package flag, which has no types for its errors.
func (c call) flagError(flags *flag.FlagSet, err error) int {
	name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !unknown {
		return c.usageError("%s", explainedFlagError(err.Error()))
	}
	known := flagNames(flags)
	if nearest, _ := spec.Suggest(name, known); nearest != "" && len(name) > 1 { // a single letter is similar to every other one
		return c.usageError("unknown flag -%s; did you mean -%s?", name, nearest)
	}
	if len(known) == 0 {
		return c.usageError("unknown flag -%s; %s has no flags", name, c.name)
	}
	return c.usageError("unknown flag -%s; %s has -%s", name, c.name, strings.Join(known, ", -"))
}

// explainedFlagError adds how to write a value, for which package flag says only that it could not be parsed.
func explainedFlagError(text string) string {
	text, unparsed := strings.CutSuffix(text, ": parse error")
	switch {
	case !unparsed:
		return text
	case strings.HasPrefix(text, "invalid boolean value"):
		return text + "; use true or false"
	}
	return text + "; write a duration like 500ms or 2s" // no flag has a number for a value
}
