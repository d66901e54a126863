// Command grow measures decisions and lists in tables that have grown: it fills millions of instances with four events each by SQL, on a
// PostgreSQL server that it starts and removes.
//
//	go run ./bench/grow -instances 4000000   about five minutes and 8 GB on the disk for temporary files
//	go run ./bench/grow -instances 200000    less than a minute
//	go run ./bench/grow -only console        the pages of the console alone
//
// The exit code is 1 when a required goal is missed, and 2 when something could not be measured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ironflow-gen/ironflow/bench/internal/report"
	"github.com/ironflow-gen/ironflow/bench/internal/server"
	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, out, log io.Writer) int {
	flags := flag.NewFlagSet("grow", flag.ContinueOnError)
	flags.SetOutput(log)
	instances := flags.Int("instances", 4_000_000, "fill `n` instances, at least 10,000")
	rounds := flags.Int("rounds", 3, "take the medians of `n` rounds")
	only := flags.String("only", "", "measure only cases whose names begin with `text`, such as console")
	asJSON := flags.Bool("json", false, "print JSON instead of a table")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	ok, err := grow(ctx, max(*instances, 10_000), max(*rounds, 1), *only, *asJSON, out, log)
	switch {
	case err != nil:
		fmt.Fprintln(log, "grow:", err)
		return 2
	case !ok:
		return 1
	}
	return 0
}

// grow fills, measures and prints. It reports whether no required goal is missed.
func grow(ctx context.Context, instances, rounds int, only string, asJSON bool, out, log io.Writer) (ok bool, err error) {
	if err := checkDisk(ctx, instances); err != nil {
		return false, err
	}
	s, err := server.Start(ctx)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	machine, err := s.Describe(ctx)
	if err != nil {
		return false, err
	}
	fmt.Fprintln(log, machine)
	pool, err := s.Pool(ctx, 10)
	if err != nil {
		return false, err
	}
	defer pool.Close()
	if err := postgres.Migrate(ctx, pool); err != nil {
		return false, err
	}
	began := time.Now()
	if err := fill(ctx, s.Admin, instances, log); err != nil {
		return false, err
	}
	if err := s.Rest(ctx, "ironflow"); err != nil {
		return false, err
	}
	filled := time.Since(began).Round(time.Second)
	var size string
	if err := s.Admin.QueryRow(ctx, "SELECT pg_size_pretty(pg_database_size(current_database()))").Scan(&size); err != nil {
		return false, err
	}
	fmt.Fprintf(log, "filled in %v, %s\n", filled, size)
	store, err := postgres.New(ctx, pool)
	if err != nil {
		return false, err
	}

	operations, err := admin.New(store, admin.Config{StoreTimeout: 5 * time.Minute})
	if err != nil {
		return false, err
	}
	g := &grown{Server: s, store: store, admin: operations, instances: instances}
	if err := g.describe(ctx); err != nil {
		return false, err
	}
	samples := make(map[string][]float64)
	for round := range rounds {
		for _, c := range g.cases() {
			if !strings.HasPrefix(c.name, only) {
				continue
			}
			began := time.Now()
			found, err := c.measure(ctx)
			if err != nil {
				return false, fmt.Errorf("%s: %w", c.name, err)
			}
			fmt.Fprintf(log, "round %d, %s: %s (%.1f s)\n", round+1, c.name, found, time.Since(began).Seconds())
			for figure, value := range found {
				samples[c.name+"/"+figure] = append(samples[c.name+"/"+figure], value)
			}
		}
	}
	medians := make(map[string]float64)
	for name, values := range samples {
		medians[name] = report.Median(values)
	}
	results := report.Evaluate(slices.DeleteFunc(rows(), func(r report.Row) bool { return !strings.HasPrefix(r.Ours[0], only) }), medians)
	if asJSON {
		return report.AllOK(results), report.JSON(out, results)
	}
	fmt.Fprintf(out, "%s\n%d instances with %d events each, %s, filled in %v; medians of %d round(s); took %v\n\n",
		machine, instances, eventsEach, size, filled, rounds, time.Since(began).Round(time.Second))
	return report.AllOK(results), report.Table(out, results)
}

// rows is the table.
func rows() []report.Row {
	row := func(name, unit, figure string) report.Row {
		return report.Row{Name: name, Unit: unit, Ours: []string{figure}, AtMost: unit != "/s"}
	}
	// A lone caller's processor time is mostly that of processors that fall asleep and wake up, so the goal is about many callers.
	goal := row("decisions, cold, 64 callers, processor time", "µs", "cold, 64 callers/cpu")
	goal.Required, goal.Stretch = 150, 100
	all := []report.Row{
		row("decision, cold, p50", "µs", "cold, 1 caller/p50"),
		row("decision, cold, processor time", "µs", "cold, 1 caller/cpu"),
		row("decisions, cold, 64 callers", "/s", "cold, 64 callers/rate"), goal,
		row("decision, warm, p50", "µs", "warm, 1 caller/p50"),
		row("decision, warm, processor time", "µs", "warm, 1 caller/cpu"),
		row("decisions, warm, 64 callers", "/s", "warm, 64 callers/rate"),
		row("decisions, warm, 64 callers, processor time", "µs", "warm, 64 callers/cpu"),
	}
	for _, c := range []struct{ name, figure string }{
		{"list of the newest 50", "list"},
		{"list of the newest 50 that are active", "list, active"},
		{"list of 50 in a status that most have", "list, common status"},
		{"list of 50 in a status that 1 in 10,000 has", "list, rare status"},
		{"inspect an instance", "inspect"},
		{"count of all, by status", "count"},
		{"count of a status that 1 in 10,000 has", "count, rare status"},
		{"health", "backlog"},
	} {
		all = append(all, row(c.name+", p50", "ms", c.figure+"/p50"), row(c.name+", p99", "ms", c.figure+"/p99"))
	}
	stuck := row("stuck, p99", "ms", "stuck/p99")
	stuck.Required = 1000
	all = append(all, row("stuck, p50", "ms", "stuck/p50"), stuck)
	for _, c := range []struct{ name, figure string }{
		{"find by a search field", "find, search field"}, {"find by the beginning of the id", "find, beginning of ids"},
	} {
		p50 := row(c.name+", p50", "ms", c.figure+"/p50")
		p50.Required = 5
		all = append(all, p50, row(c.name+", p99", "ms", c.figure+"/p99"))
	}
	return append(all, consoleRows()...)
}
