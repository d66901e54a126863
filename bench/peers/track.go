package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// poolSize is how many connections everyone's pool has: the default of DBOS, the only peer that has one.
const poolSize = 20

// entrant is an engine with its settings, doing one kind of work.
type entrant struct {
	name string
	size func(sizes) int // of the sizes, the one for this engine

	// measure does n units of work in the empty database at url, and returns how long that took. What it needs before
	// and after does not count.
	measure func(ctx context.Context, url string, n int) (time.Duration, error)
}

// sizes are units of work of one measurement, chosen so that each takes a second or more.
type sizes struct{ effects, slowEffects, loops, dbos, goWorkflows int }

var (
	fullSizes  = sizes{effects: 60_000, slowEffects: 4_000, loops: 20_000, dbos: 4_000, goWorkflows: 1_500}
	quickSizes = sizes{effects: 20_000, slowEffects: 2_000, loops: 10_000, dbos: 2_000, goWorkflows: 600}
)

// track is the server that everyone runs on.
type track struct {
	url string
	log io.Writer
}

// race lets the entrants run in turn, and returns the rates of each in units of work a second, by name.
func (t *track) race(ctx context.Context, entrants []entrant, s sizes, rounds int) (map[string][]float64, error) {
	rates := make(map[string][]float64)
	for round := range rounds {
		for _, e := range entrants {
			n := e.size(s)
			took, err := t.measure(ctx, e, n)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", e.name, err)
			}
			rate := float64(n) / took.Seconds()
			fmt.Fprintf(t.log, "round %d of %d  %-40s %8.0f/s\n", round+1, rounds, e.name, rate)
			rates[e.name] = append(rates[e.name], rate)
		}
	}
	return rates, nil
}

// measure gives an entrant a database of its own, so that nobody pays for what others, or earlier rounds, left behind.
func (t *track) measure(ctx context.Context, e entrant, n int) (time.Duration, error) {
	if err := t.exec(ctx, "DROP DATABASE IF EXISTS peers WITH (FORCE)", "CREATE DATABASE peers"); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	runtime.GC()
	return e.measure(ctx, withPath(t.url, "/peers"), n)
}

func (t *track) exec(ctx context.Context, statements ...string) error {
	conn, err := pgx.Connect(ctx, t.url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

func withPath(server, path string) string {
	parsed, err := url.Parse(server)
	if err != nil {
		return server // the driver will say what is wrong with it
	}
	parsed.Path = path
	return parsed.String()
}

func newPool(ctx context.Context, url string, size int) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	config.MaxConns = int32(size)
	return pgxpool.NewWithConfig(ctx, config)
}

// settleDown lets a queue that was just filled look like one that has been in use: statistics are there, and what was
// written is on the disk.
func settleDown(ctx context.Context, pool *pgxpool.Pool) error {
	for _, statement := range []string{"VACUUM ANALYZE", "CHECKPOINT"} {
		if _, err := pool.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// finish counts down the units of work that handlers saw.
type finish struct {
	left atomic.Int64
	line chan struct{}
}

func newFinish(n int) *finish {
	f := &finish{line: make(chan struct{})}
	f.left.Store(int64(n))
	return f
}

func (f *finish) pass() {
	if f.left.Add(-1) == 0 {
		close(f.line)
	}
}

func (f *finish) wait(ctx context.Context) error {
	select {
	case <-f.line:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%d units of work left: %w", f.left.Load(), context.Cause(ctx))
	}
}

// waitFor asks until the query, of one boolean, answers true.
func waitFor(ctx context.Context, pool *pgxpool.Pool, query string) error {
	for {
		var yes bool
		if err := pool.QueryRow(ctx, query).Scan(&yes); err != nil || yes {
			return err
		}
		select {
		case <-time.After(2 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// expect fails when the query, of one number, does not answer n: work that was not done makes no rate.
func expect(ctx context.Context, pool *pgxpool.Pool, n int, query string) error {
	var got int
	if err := pool.QueryRow(ctx, query).Scan(&got); err != nil {
		return err
	}
	if got != n {
		return fmt.Errorf("%s: %d, want %d", query, got, n)
	}
	return nil
}

// atOnce calls f for 0 to n-1 with so many callers at the same time, and returns the first error.
func atOnce(callers, n int, f func(i int) error) error {
	var (
		next   atomic.Int64
		group  sync.WaitGroup
		once   sync.Once
		failed error
	)
	for range callers {
		group.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				if err := f(int(i)); err != nil {
					once.Do(func() { failed = err })
					next.Store(int64(n))
				}
			}
		})
	}
	group.Wait()
	return failed
}
