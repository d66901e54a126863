// Command generators runs ironflow-gen against other generators of Go, each on the same domain in its own language:
//
//	cd bench/generators && go run .          # medians of eleven rounds, a few minutes
//	cd bench/generators && go run . -quick   # of three
//
// It prints what each takes and writes, and the comparisons with their goals, these as JSON with -json, and exits with 1 when a
// goal is missed. README.md says what is compared, and why that is fair.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/ironflow-gen/ironflow/bench/internal/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the whole program; it returns the exit code.
func run(ctx context.Context, args []string, out, log io.Writer) int {
	flags := flag.NewFlagSet("generators", flag.ContinueOnError)
	flags.SetOutput(log)
	quick := flags.Bool("quick", false, "the medians of three rounds")
	rounds := flags.Int("rounds", 0, "take the medians of `n` rounds (default 11, quick 3)")
	asJSON := flags.Bool("json", false, "print an array of case, ours, reference, ratio, required and ok")
	compile := flags.Bool("compile", false, "instead of measuring, check that what all of them generate compiles; takes minutes at first")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if *rounds <= 0 {
		*rounds = 11
		if *quick {
			*rounds = 3
		}
	}

	missed, err := func() (bool, error) {
		machine := report.Platform()
		if load := report.LoadAverage(); load != "" {
			machine += "; load average before " + load
		}
		work, err := newWorkspace(ctx, log)
		if err != nil {
			return false, err
		}
		defer work.remove()
		contest := work.contest()
		if *compile {
			return false, work.compile(ctx, contest)
		}
		figures, err := measure(ctx, contest, *rounds, log)
		if err != nil {
			return false, err
		}
		results := report.Evaluate(rows(), figures)
		if *asJSON {
			return !report.AllOK(results), report.JSON(out, results)
		}
		fmt.Fprintf(out, "%s; medians of %d rounds\n\n", machine, *rounds)
		if err := printEntrants(out, contest, figures); err != nil {
			return false, err
		}
		fmt.Fprintln(out)
		return !report.AllOK(results), report.Table(out, results)
	}()
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(log, "generators: interrupted")
		return 2
	case err != nil:
		fmt.Fprintln(log, "generators:", err)
		return 2
	case missed:
		return 1
	}
	return 0
}
