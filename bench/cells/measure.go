package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
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

type bench struct {
	rounds         int
	window, warmUp time.Duration
	log            io.Writer
}

// system is a router over some cells of their own.
type system struct {
	name    string
	cells   int
	servers int  // the cells are spread over so many
	slow    bool // each commit takes 10 ms, and each batch has few inputs, so that the rate is that of commits
	callers int  // of all cells together

	client *tally.Client
	costs  []float64 // processor time of a decision in microseconds, for each round
	rates  []float64 // decisions in a second
}

// instancesOfCell is how many the callers choose from, for each cell.
const instancesOfCell = 2500

// measure prints the table, and reports whether the goals are met.
func (b *bench) measure(ctx context.Context, out io.Writer) (ok bool, err error) {
	var servers []*server.Server
	defer func() {
		for _, s := range servers {
			err = errors.Join(err, s.Stop())
		}
	}()
	for range 4 {
		s, err := server.Start(ctx)
		if err != nil {
			return false, err
		}
		servers = append(servers, s)
	}
	about, err := servers[0].Describe(ctx)
	if err != nil {
		return false, err
	}
	fmt.Fprintln(out, about)

	one := &system{name: "one cell", cells: 1, servers: 1, callers: 256}
	eight := &system{name: "eight cells", cells: 8, servers: 1, callers: 8 * 256}
	spread := &system{name: "eight cells for the callers of one", cells: 8, servers: 1, callers: 256}
	slow := &system{name: "one slow cell", cells: 1, servers: 1, slow: true, callers: 16}
	four := &system{name: "four slow cells", cells: 4, servers: 4, slow: true, callers: 4 * 16}
	shared := &system{name: "four slow cells on one server", cells: 4, servers: 1, slow: true, callers: 4 * 16}
	all := []*system{one, eight, spread, slow, four, shared}
	for _, s := range all {
		done, err := s.open(ctx, servers)
		if err != nil {
			return false, fmt.Errorf("%s: %w", s.name, err)
		}
		defer done()
	}
	for round := range b.rounds {
		for _, s := range all {
			if err := b.round(ctx, s, servers[0]); err != nil {
				return false, fmt.Errorf("%s: %w", s.name, err)
			}
			fmt.Fprintf(b.log, "round %d: %s: %.0f/s, %.1f µs\n", round+1, s.name, s.rates[round], s.costs[round])
		}
	}
	ok, table := compare([]comparison{
		{"processor time of a decision, 8 cells on one server, 256 callers for each", "µs", one.costs, eight.costs, 1.15},
		{"the same, 256 callers for all cells together", "µs", one.costs, spread.costs, 0},
		{"decisions where a commit takes 10 ms, 4 cells, a server for each", "/s", slow.rates, four.rates, 3.6},
		{"the same, all cells on one server", "/s", slow.rates, shared.rates, 0},
	})
	return ok, report.Columns(out, table)
}

// comparison is a row of the table: the medians of what was measured with one cell, and with more.
type comparison struct {
	name, unit string
	one, more  []float64
	goal       float64 // of the ratio: the most for a time, the least for a rate; 0 for none
}

func compare(rows []comparison) (ok bool, table [][]string) {
	ok = true
	table = [][]string{{"case", "1 cell", "more cells", "ratio", "goal", ""}}
	for _, r := range rows {
		one, more := report.Median(r.one), report.Median(r.more)
		line := []string{r.name, fmt.Sprintf("%.1f %s", one, r.unit), fmt.Sprintf("%.1f %s", more, r.unit), fmt.Sprintf("%.2fx", more/one), "", ""}
		if r.goal > 0 {
			sign, met := "≥ ", more/one >= r.goal
			if r.unit == "µs" {
				sign, met = "≤ ", more/one <= r.goal
			}
			line[4], line[5] = sign+strconv.FormatFloat(r.goal, 'f', -1, 64)+"x", map[bool]string{true: "met", false: "missed"}[met]
			ok = ok && met
		}
		table = append(table, line)
	}
	return ok, table
}

func (b *bench) round(ctx context.Context, s *system, server *server.Server) error {
	result, err := load.Load{
		Callers: s.callers, WarmUp: b.warmUp, Window: b.window, Server: server.ProcessorTime,
		Call: func(ctx context.Context, random *rand.Rand, n int) error {
			return load.Add(ctx, s.client, load.InstanceID(random.IntN(s.cells*instancesOfCell)), n)
		},
	}.Run(ctx)
	if err != nil {
		return err
	}
	s.costs = append(s.costs, result.Each(result.Client)+result.Each(result.Server))
	s.rates = append(s.rates, result.Rate())
	return nil
}

// open makes the cells, the router over them, and the instances.
func (s *system) open(ctx context.Context, servers []*server.Server) (done func(), err error) {
	c := cells.Config{Cells: make(map[string]runtime.Store), Engine: runtime.Config{Logger: slog.New(slog.DiscardHandler)}}
	if s.slow {
		c.Engine.Batches, c.Engine.BatchSize = 1, 8
	}
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
	for i := range s.cells {
		pool, err := s.pool(ctx, servers[i%s.servers])
		if err != nil {
			return nil, err
		}
		pools = append(pools, pool)
		schema := fmt.Sprintf("%s_%d", strings.ReplaceAll(s.name, " ", "_"), i)
		if err := postgres.Migrate(ctx, pool, postgres.WithSchema(schema)); err != nil {
			return nil, err
		}
		cell := fmt.Sprint("cell", i)
		if c.Cells[cell], err = postgres.New(ctx, pool, postgres.WithSchema(schema)); err != nil {
			return nil, err
		}
		generation.Cells = append(generation.Cells, cell)
	}
	c.Generations = []cells.Generation{generation}
	router, err := cells.New(ctx, c, tally.NewWorkflow(tally.Decider{}, tally.Evolver{}, tally.Handler{}))
	if err != nil {
		return nil, err
	}
	s.client = tally.NewClient(router)
	return done, load.CreateAll(ctx, s.client, s.cells*instancesOfCell)
}

// pool opens the connections of a cell. On those of a slow one, each commit waits 10 ms before the server writes its log.
func (s *system) pool(ctx context.Context, server *server.Server) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(server.URL())
	if err != nil {
		return nil, err
	}
	config.MaxConns = 6
	if s.slow {
		config.ConnConfig.RuntimeParams["commit_delay"] = "10000" // microseconds
		config.ConnConfig.RuntimeParams["commit_siblings"] = "0"
	}
	return pgxpool.NewWithConfig(ctx, config)
}
