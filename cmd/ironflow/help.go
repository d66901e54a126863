package main

import (
	"flag"
	"fmt"
	"io"
	"strings"
	"time"
)

// flagSet returns the flags of the command.
func (c *command) flagSet(o *options) *flag.FlagSet {
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.store, "store", "", "the `store`: postgres://… or the name of an SQLite file; default: $"+storeVariable)
	flags.StringVar(&o.schema, "schema", "", "the `schema` of PostgreSQL; default: ironflow")
	flags.BoolVar(&o.json, "json", false, "print JSON, for programs")
	timeout, text := time.Minute, "1m"
	if c.lasts {
		timeout, text = 24*time.Hour, "24h"
	}
	if c.serves {
		timeout, text = 0, "until it is interrupted"
	}
	flags.DurationVar(&o.timeout, "timeout", timeout, "how long the command may take; default: "+text)
	flags.BoolVar(&o.write, "write", false, "allow the command to change the store")
	if c.writes || c.mayWrite {
		flags.StringVar(&o.reason, "reason", "", "`why` the store is changed; the audit log keeps it")
		flags.StringVar(&o.by, "as", "", "`who` changes the store; default: the name of the user")
	}
	if c.flags != nil {
		c.flags(flags, o)
	}
	return flags
}

// overview is what "ironflow help" prints.
func overview() string {
	var b strings.Builder
	b.WriteString(`ironflow lists, explains and repairs the instances, deliveries and projections in a store.

    ironflow COMMAND -store STORE [flags] [arguments]

STORE is postgres://… or the name of an SQLite file. Instead of -store, you can set the variable ` + storeVariable + `.
Commands that change the store need -write and -reason. An instance is named WORKFLOW/ID.

`)
	for i := range commands {
		c := &commands[i]
		fmt.Fprintf(&b, "    %-34s %s\n", strings.TrimSpace(c.name+" "+c.arguments), c.does)
	}
	b.WriteString(`
"ironflow help COMMAND" lists the flags of a command, with examples.

Exit codes: 0, all is well; 1, something is stuck or wrong, or does not exist; 2, a mistake on the command line; 3, any other error, for
example the store cannot be reached.
`)
	return b.String()
}

func (c *command) usage() string {
	return "usage: ironflow " + strings.TrimSpace(c.name+" -store STORE [flags] "+c.arguments)
}

// help is what "ironflow help COMMAND" prints.
func (c *command) help() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%s.\n\nFlags:\n", c.usage(), strings.ToUpper(c.does[:1])+c.does[1:])
	flags := c.flagSet(new(options))
	flags.VisitAll(func(f *flag.Flag) {
		value, usage := flag.UnquoteUsage(f)
		fmt.Fprintf(&b, "  %-22s %s\n", strings.TrimSpace("-"+f.Name+" "+value), usage)
	})
	if len(c.examples) > 0 {
		b.WriteString("\nExamples:\n")
		for _, e := range c.examples {
			fmt.Fprintf(&b, "  ironflow %s\n", e)
		}
	}
	return b.String()
}

func find(name string) *command {
	for i := range commands {
		if commands[i].name == name {
			return &commands[i]
		}
	}
	return nil
}
