package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/ironflow-gen/ironflow/gen/gate"
)

func gateCommand() command {
	return command{
		name:    "gate",
		args:    "[packages]",
		summary: "read a store with the code that is to be deployed",
		details: `
Builds a small program from each package of a workflow and lets it read a live store: every history is decoded and folded
by the new code and compared with what was recorded, and effects, timers, schedules and outcomes that wait are decoded. It
says what the new program could not read, or would leave waiting. The store is only read, and may be in use.

With -against, the program of a revision of git reads events as the new program writes them: can the deploy be taken back?

The exit code is 0 when there is no problem, 1 when there are problems, and 2 when it could not be found out. The packages
need the types Decider, Evolver and Handler, as ironflow-gen has created them. Their zero values are used, and no decider
and no handler is called. Other programs call Engine.Verify. See docs/guide/changing.md.

Examples:
  ironflow-gen gate -store postgres://reader@db/app ./...
  ironflow-gen gate -store orders.db -json ./order
  ironflow-gen gate -against git:origin/main ./...
`,
		docs: []string{"guide/changing.md"},
		setup: func(flags *flag.FlagSet) func(call) int {
			var o gate.Options
			flags.StringVar(&o.Store, "store", "", "the store: a postgres:// `URL` or a file of SQLite")
			flags.StringVar(&o.Schema, "schema", "", "the `schema` in PostgreSQL; ironflow without it")
			flags.StringVar(&o.Against, "against", "", "the older program: git:`REF`")
			flags.BoolVar(&o.JSON, "json", false, "print the report as JSON")
			flags.BoolVar(&o.Progress, "progress", false, "say every few seconds how far it is")
			return func(c call) int { return c.runGate(o) }
		},
	}
}

func (c call) runGate(o gate.Options) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	o.Packages, o.Out, o.Err = c.paths(), c.out, c.errOut
	switch fine, err := gate.Run(ctx, o); {
	case err != nil:
		fmt.Fprintln(c.errOut, "ironflow-gen gate:", err)
		return exitUsage
	case !fine:
		return exitFailed
	}
	return exitOK
}
