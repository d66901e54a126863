package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/ironflow-gen/ironflow/gen/generate"
	"github.com/ironflow-gen/ironflow/gen/watch"
)

func watchCommand() command {
	return command{
		name:    "watch",
		args:    "[paths]",
		summary: "generate, and again after every change of a declaration",
		details: `
Runs "ironflow-gen generate" with the same paths, and again whenever a declaration is changed, added or removed. It prints
mistakes and waits for the next change. An interrupt (Ctrl-C) ends it with exit code 0.

With -json, each run prints one JSON document on one line.

Examples:
  ironflow-gen watch
  ironflow-gen watch ./...
`,
		docs:      []string{"reference/generator.md"},
		diagnoses: true,
		setup: func(flags *flag.FlagSet) func(call) int {
			interval := flags.Duration("interval", 300*time.Millisecond, "how often to look for changes")
			return func(c call) int { return runWatch(c, *interval) }
		},
	}
}

func runWatch(c call, interval time.Duration) int {
	if interval <= 0 {
		return c.usageError("the interval %v is not longer than zero; use 300ms, for example", interval)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if !c.output.json {
		fmt.Fprintln(c.out, "watching; press Ctrl-C to end")
	}
	watch.Watcher{
		Files:    func() ([]string, error) { return generate.Declarations(c.paths()) },
		Run:      c.generateAgain,
		Interval: interval,
	}.Watch(ctx)
	return exitOK
}

// generateAgain generates, and prints the time and the result.
func (c call) generateAgain() {
	started := time.Now()
	plan, err := generate.New(c.paths(), generate.Options{LeaveLock: true})
	if err == nil {
		err = plan.Apply()
	}
	if c.output.json {
		if err == nil {
			err = plan.Findings
		}
		c.printJSON(plan, err)
		return
	}
	fmt.Fprint(c.out, started.Format(time.TimeOnly), " ")
	if err != nil {
		fmt.Fprintln(c.out, "nothing is written:")
		c.failed(err)
		return
	}
	changed := 0
	for _, step := range plan.Steps {
		if step.Changes() {
			changed++
		}
	}
	switch changed {
	case 0:
		fmt.Fprintln(c.out, "everything is up to date")
	case 1:
		fmt.Fprintln(c.out, "1 file written")
	default:
		fmt.Fprintf(c.out, "%d files written\n", changed)
	}
	c.printPlan(plan, false, false)
}
