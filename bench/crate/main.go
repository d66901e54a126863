// Command crate runs the same decisions by ironflow for Go and by the published Rust crate ironflow, in turn, on one server. The script
// run builds both and starts it:
//
//	cd bench/crate && ./run          # five rounds, some four minutes
//	cd bench/crate && ./run -quick   # one shorter round
//	cd bench/crate && ./run -sweep   # the crate with pools of several sizes
//
// The exit code is 1 when a required goal is missed, and 2 when something could not be measured. README.md says what is compared.
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
	"time"

	"github.com/ironflow-gen/ironflow/bench/internal/report"
	"github.com/ironflow-gen/ironflow/bench/internal/server"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, out, log io.Writer) int {
	flags := flag.NewFlagSet("crate", flag.ContinueOnError)
	flags.SetOutput(log)
	quick := flags.Bool("quick", false, "one round, and a shorter one")
	rounds := flags.Int("rounds", 0, "take the medians of `n` rounds (default 5, quick 1)")
	asJSON := flags.Bool("json", false, "print JSON instead of a table")
	sweep := flags.Bool("sweep", false, "measure the crate with pools of several sizes instead of comparing")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	plan := plan{rounds: 5, instances: 10_000, warmUp: time.Second, window: 2 * time.Second}
	if *quick {
		plan.rounds, plan.warmUp, plan.window = 1, 300*time.Millisecond, 700*time.Millisecond
	}
	if *rounds > 0 {
		plan.rounds = *rounds
	}
	ok, err := plan.compete(ctx, *sweep, *asJSON, out, log)
	switch {
	case err != nil:
		fmt.Fprintln(log, "crate:", err)
		return 2
	case !ok:
		return 1
	}
	return 0
}

// plan is how much is measured.
type plan struct {
	rounds, instances int
	warmUp, window    time.Duration // of one measurement
}

// compete measures and prints. It reports whether no required goal is missed.
func (p plan) compete(ctx context.Context, sweep, asJSON bool, out, log io.Writer) (ok bool, err error) {
	published, err := findCrate(ctx)
	if err != nil {
		return false, err
	}
	server, err := server.Start(ctx)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	machine, err := server.Describe(ctx)
	if err != nil {
		return false, err
	}
	machine += "\n" + published.versions
	fmt.Fprintln(log, machine)

	entrants := contest
	if sweep {
		entrants = pools
	}
	began := time.Now()
	samples := make(map[string][]float64)
	for round := range p.rounds {
		for _, e := range entrants {
			found, err := e.measure(ctx, p, server, published)
			if err != nil {
				return false, fmt.Errorf("%s: %w", e, err)
			}
			fmt.Fprintf(log, "round %d, %s: %s\n", round+1, e, found)
			for figure, value := range found {
				name := e.String() + "/" + figure
				samples[name] = append(samples[name], value)
			}
		}
	}
	if sweep {
		return true, nil
	}
	medians := make(map[string]float64)
	for name, values := range samples {
		medians[name] = report.Median(values)
	}
	results := report.Evaluate(rows(), medians)
	if asJSON {
		return report.AllOK(results), report.JSON(out, results)
	}
	fmt.Fprintf(out, "%s\n%d round(s) of %v after %v, medians; took %v; the reference is the crate\n\n",
		machine, p.rounds, p.window, p.warmUp, time.Since(began).Round(time.Second))
	return report.AllOK(results), report.Table(out, results)
}

// goals are what is asked of the ratio of the rates, by the number of callers.
var goals = []struct {
	callers           int
	required, stretch float64
}{{1, 2, 2.5}, {8, 2.5, 3.5}, {64, 8, 11}, {256, 14, 20}}

// The sizes of the pools. The crate's is the best of a sweep: see README.md.
const ourConnections, crateConnections = 10, 16

// contest lists who competes, in the order of a round, and pools what a sweep tries.
var contest, pools = func() (contest, pools []entrant) {
	for _, g := range goals {
		contest = append(contest, entrant{"ours", g.callers, ourConnections}, entrant{"crate", g.callers, crateConnections})
	}
	for _, connections := range []int{4, 8, 10, 16, 32, 64} {
		for _, callers := range []int{8, 64, 256} {
			pools = append(pools, entrant{"crate", callers, connections})
		}
	}
	return contest, pools
}()

// rows is the table.
func rows() []report.Row {
	var rows []report.Row
	for _, g := range goals {
		callers := fmt.Sprintf("decisions against the crate, %d callers", g.callers)
		if g.callers == 1 {
			callers = "decisions against the crate, 1 caller"
		}
		ours, crate := entrant{"ours", g.callers, ourConnections}.String(), entrant{"crate", g.callers, crateConnections}.String()
		row := func(name, unit, figure string, atMost bool) report.Row {
			return report.Row{Name: name, Unit: unit, Ours: []string{ours + "/" + figure}, Reference: crate + "/" + figure, AtMost: atMost}
		}
		rate := row(callers, "/s", "rate", false)
		rate.Required, rate.Stretch = g.required, g.stretch
		rows = append(rows, rate, row(callers+", p50", "ms", "p50", true), row(callers+", processor time", "µs", "cpu", true))
	}
	return rows
}
