// Command cells measures what a cells.Router costs, and what several cells bring where the commit's latency is the limit. It starts a
// PostgreSQL server of its own; each cell is a schema on it.
//
//	go run ./bench/cells           five rounds of 5 s for each case, about three minutes
//	go run ./bench/cells -quick    one round of 2 s
//
// The exit code is 1 when a goal is missed, and 2 when something could not be measured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/bench/internal/load"
	"github.com/ironflow-gen/ironflow/bench/internal/report"
	"github.com/ironflow-gen/ironflow/bench/internal/server"
	"github.com/ironflow-gen/ironflow/bench/internal/tally"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/cells"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// Goals are ratios.
const (
	mostCost    = 1.15 // processor time of a decision with 8 cells to that with 1
	leastGrowth = 3.6  // throughput of 4 cells to that of 1
)

func run(ctx context.Context, args []string, out, log io.Writer) int {
	flags := flag.NewFlagSet("cells", flag.ContinueOnError)
	flags.SetOutput(log)
	quick := flags.Bool("quick", false, "one short round")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	b := bench{rounds: 5, window: 5 * time.Second, warmUp: 2 * time.Second, log: log}
	if *quick {
		b.rounds, b.window, b.warmUp = 1, 2*time.Second, time.Second
	}
	ok, err := b.measure(ctx, out)
	switch {
	case err != nil:
		fmt.Fprintln(log, "cells:", err)
		return 2
	case !ok:
		return 1
	}
	return 0
}

type bench struct {
	rounds         int
	window, warmUp time.Duration
	log            io.Writer
	server         *server.Server
}

// instances that the callers choose from.
const instances = 10_000

// system is a router over some cells of their own.
type system struct {
	client  *tally.Client
	callers int
}

func (b *bench) measure(ctx context.Context, out io.Writer) (ok bool, err error) {
	if b.server, err = server.Start(ctx); err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, b.server.Stop()) }()
	about, err := b.server.Describe(ctx)
	if err != nil {
		return false, err
	}
	fmt.Fprintln(out, about)

	plain := runtime.Config{Logger: slog.New(slog.DiscardHandler)}
	small := plain // a batch at a time, of few inputs: the rate is that of commits
	small.Batches, small.BatchSize = 1, 8
	systems := make(map[string]*system)
	for _, s := range []struct {
		name    string
		cells   int
		config  runtime.Config
		delay   bool
		callers int
	}{
		{"one", 1, plain, false, 256}, {"eight", 8, plain, false, 256},
		{"slow one", 1, small, true, 16}, {"slow four", 4, small, true, 64},
	} {
		client, done, err := b.open(ctx, s.name, s.cells, s.config, s.delay)
		if err != nil {
			return false, err
		}
		defer done()
		systems[s.name] = &system{client, s.callers}
	}
	costs, rates := make(map[string][]float64), make(map[string][]float64)
	for round := range b.rounds {
		for _, name := range []string{"one", "eight", "slow one", "slow four"} {
			s := systems[name]
			result, err := load.Load{
				Callers: s.callers, WarmUp: b.warmUp, Window: b.window, Server: b.server.ProcessorTime,
				Call: func(ctx context.Context, random *rand.Rand, n int) error {
					return load.Add(ctx, s.client, load.InstanceID(random.IntN(instances)), n)
				},
			}.Run(ctx)
			if err != nil {
				return false, fmt.Errorf("%s: %w", name, err)
			}
			cost := result.Each(result.Client) + result.Each(result.Server)
			fmt.Fprintf(b.log, "round %d: %s: %.0f/s, %.1f µs\n", round+1, name, result.Rate(), cost)
			costs[name], rates[name] = append(costs[name], cost), append(rates[name], result.Rate())
		}
	}
	one, eight := report.Median(costs["one"]), report.Median(costs["eight"])
	slow, four := report.Median(rates["slow one"]), report.Median(rates["slow four"])
	verdict := map[bool]string{true: "met", false: "missed"}
	cheap, grows := eight/one <= mostCost, four/slow >= leastGrowth
	table := [][]string{
		{"case", "1 cell", "more cells", "ratio", "goal", ""},
		{"processor time of a decision, 8 cells on one server", fmt.Sprintf("%.1f µs", one), fmt.Sprintf("%.1f µs", eight),
			fmt.Sprintf("%.2fx", eight/one), "≤ " + strconv.FormatFloat(mostCost, 'f', -1, 64) + "x", verdict[cheap]},
		{"decisions where a commit takes 10 ms, 4 cells", fmt.Sprintf("%.0f/s", slow), fmt.Sprintf("%.0f/s", four),
			fmt.Sprintf("%.2fx", four/slow), "≥ " + strconv.FormatFloat(leastGrowth, 'f', -1, 64) + "x", verdict[grows]},
	}
	return cheap && grows, report.Columns(out, table)
}

// open makes cells and a router over them. With delay, each commit waits 10 ms before its log is written.
func (b *bench) open(ctx context.Context, name string, n int, config runtime.Config, delay bool) (_ *tally.Client, done func(), err error) {
	c := cells.Config{Cells: make(map[string]runtime.Store), Engine: config}
	generation := cells.Generation{Number: 1}
	var pools []*pgxpool.Pool
	done = func() {
		for _, pool := range pools {
			pool.Close()
		}
	}
	defer func() {
		if err != nil {
			done()
		}
	}()
	for i := range n {
		cell := fmt.Sprintf("cell%d", i)
		pool, err := b.pool(ctx, delay)
		if err != nil {
			return nil, nil, err
		}
		pools = append(pools, pool)
		schema := fmt.Sprintf("%c%d_%d", name[len(name)-1], len(name), i)
		if err := postgres.Migrate(ctx, pool, postgres.WithSchema(schema)); err != nil {
			return nil, nil, err
		}
		if c.Cells[cell], err = postgres.New(ctx, pool, postgres.WithSchema(schema)); err != nil {
			return nil, nil, err
		}
		generation.Cells = append(generation.Cells, cell)
	}
	c.Generations = []cells.Generation{generation}
	router, err := cells.New(ctx, c, tally.NewWorkflow(tally.Decider{}, tally.Evolver{}, tally.Handler{}))
	if err != nil {
		return nil, nil, err
	}
	client := tally.NewClient(router)
	return client, done, load.CreateAll(ctx, client, instances)
}

func (b *bench) pool(ctx context.Context, delay bool) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(b.server.URL())
	if err != nil {
		return nil, err
	}
	config.MaxConns = 6
	if delay {
		config.ConnConfig.RuntimeParams["commit_delay"] = "10000" // microseconds
		config.ConnConfig.RuntimeParams["commit_siblings"] = "0"
	}
	return pgxpool.NewWithConfig(ctx, config)
}
