package main

import (
	"flag"
	"fmt"
	"io"
	"strings"
)

func helpCommand() command {
	return command{
		name:    "help",
		args:    "[command]",
		summary: "explain a command",
		details: `
Without an argument, help lists all commands.

Example:
  ironflow-gen help init
`,
		setup: func(*flag.FlagSet) func(call) int { return runHelp },
	}
}

func runHelp(c call) int {
	switch len(c.args) {
	case 0:
		printOverview(c.out)
		return exitOK
	case 1:
		cmd, ok := lookUp(c.args[0])
		if !ok {
			return c.unknownCommand(c.args[0])
		}
		printHelp(c.out, cmd)
		return exitOK
	}
	return c.usageError("help takes one command")
}

func printOverview(w io.Writer) {
	fmt.Fprint(w, `ironflow-gen turns workflow declarations, files named *.ironflow.yaml or annotated Go types, into Go.

Usage: ironflow-gen [command] [flags] [arguments]

Without a command, it generates:
`)
	width := 0
	for _, cmd := range commands() {
		width = max(width, len(cmd.name))
	}
	for _, cmd := range commands() {
		fmt.Fprintf(w, "  %-*s  %s\n", width, cmd.name, cmd.summary)
	}
	fmt.Fprint(w, `
Examples:
  ironflow-gen init orders       a new package, ready to run
  ironflow-gen                   generate from the declaration in this directory
  ironflow-gen ./...             generate from all declarations below it
  ironflow-gen help generate     more about a command

In a module that has ironflow-gen as a tool, write "go tool ironflow-gen".
Documentation: `+docsURL+`/reference/generator.md
`)
}

// docsURL is the address of the documentation's pages.
const docsURL = "https://github.com/ironflow-gen/ironflow/blob/main/docs"

func printHelp(w io.Writer, cmd command) {
	var unused output
	flags, _ := cmd.flags(&unused)
	flags.SetOutput(w)
	usage := "ironflow-gen " + cmd.name
	hasFlags := len(flagNames(flags)) > 0
	if hasFlags {
		usage += " [flags]"
	}
	fmt.Fprintf(w, "Usage: %s\n\n%s\n", strings.TrimSpace(usage+" "+cmd.args), strings.TrimSpace(cmd.details))
	if hasFlags {
		fmt.Fprintln(w, "\nFlags:")
		flags.PrintDefaults()
	}
	if len(cmd.docs) > 0 {
		fmt.Fprintln(w, "\nDocumentation:")
		for _, page := range cmd.docs {
			fmt.Fprintf(w, "  %s/%s\n", docsURL, page)
		}
	}
}

func flagNames(flags *flag.FlagSet) []string {
	var names []string
	flags.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
	return names
}
