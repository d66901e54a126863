//go:build unix

// Command failover torments the primary of a cluster that Patroni manages, while engines work on it, and then checks what is stored.
//
//	go run ./bench/failover                  100 rounds
//	go run ./bench/failover -rounds 5        a short form
//
// It starts etcd and three PostgreSQL servers on loopback, with synchronous replication. It needs the programs etcd and patroni, which
// Debian has in the packages etcd-server and patroni. Each round kills the server, kills the whole node, freezes the node, cuts it off from
// clients, standbys and etcd, or asks for a switchover. Then it waits until another node is the primary and each engine has stored an input.
//
// The exit code is 1 when an answered input is lost, an event is doubled, the feed lacks an event, or an engine took longer to come back than
// -back allows, and 2 when the run failed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ironflow-gen/ironflow/bench/internal/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(failover(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is one run of the program.
type run struct {
	rounds, callers, engines int
	seed                     uint64
	only                     string
	back                     time.Duration
	keep                     bool
	log                      io.Writer

	cluster *cluster
	load    *load
	done    []round
}

// round is what was measured in one round.
type round struct {
	torment  string
	promoted time.Duration // from the torment until another node accepted a write
	back     time.Duration // from then until each engine had stored an input
	silence  time.Duration // between the last answer before and the first after, of the slowest engine
}

// failover is the whole program; it returns the exit code.
func failover(ctx context.Context, args []string, out, log io.Writer) int {
	r := &run{log: log}
	flags := flag.NewFlagSet("failover", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.IntVar(&r.rounds, "rounds", 100, "torment the primary `n` times")
	flags.IntVar(&r.callers, "callers", 96, "`n` callers, each of which sends one input after the other")
	flags.IntVar(&r.engines, "engines", 2, "`n` engines, each with a pool of its own")
	flags.Uint64Var(&r.seed, "seed", 1, "of the random choices")
	flags.StringVar(&r.only, "only", "", "only this `torment`")
	flags.DurationVar(&r.back, "back", 5*time.Second, "each engine must be back this `time` after another node accepts writes")
	flags.BoolVar(&r.keep, "keep", false, "keep the directory with the data and logs of the servers")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	err := r.all(ctx)
	r.print(out)
	var wrong []string
	if r.load != nil {
		wrong = r.load.violations
	}
	for _, d := range r.done {
		if d.back > r.back {
			wrong = append(wrong, fmt.Sprintf("an engine was back %v after another node accepted writes (%s)", d.back.Round(time.Millisecond), d.torment))
		}
	}
	for _, v := range wrong[:min(len(wrong), 50)] {
		fmt.Fprintln(out, v)
	}
	if err != nil {
		fmt.Fprintln(log, "failover:", err)
		return 2
	}
	if len(wrong) > 0 {
		fmt.Fprintf(out, "%d violations, seed %d\n", len(wrong), r.seed)
		return 1
	}
	fmt.Fprintln(out, "no violations")
	return 0
}

func (r *run) all(ctx context.Context) (err error) {
	if r.cluster, err = startCluster(ctx, r.log); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.cluster.stop(r.keep)) }()
	if err := r.cluster.healthy(ctx); err != nil {
		return fmt.Errorf("the cluster did not start: %w", err)
	}
	if r.load, err = startLoad(ctx, r.cluster.clientURL(), r.engines, r.callers); err != nil {
		return err
	}
	defer r.load.abort()
	random := rand.New(rand.NewPCG(r.seed, 0))
	for n := range r.rounds {
		torment := torments[n%len(torments)]
		if n >= len(torments) {
			torment = torments[random.IntN(len(torments))]
		}
		for _, t := range torments {
			if t.name == r.only {
				torment = t
			}
		}
		done, err := r.round(ctx, torment)
		if err != nil {
			return fmt.Errorf("round %d, %s: %w", n+1, torment.name, err)
		}
		r.done = append(r.done, done)
		fmt.Fprintf(r.log, "round %3d  %-10s  another node accepts writes after %6.2f s, engines are back %5.2f s later; %d inputs answered\n",
			n+1, done.torment, done.promoted.Seconds(), done.back.Seconds(), r.load.answered())
	}
	if err := r.cluster.healthy(ctx); err != nil {
		return err
	}
	return r.load.end(ctx) // after the last round
}

// round torments the primary, and waits until all is well again.
func (r *run) round(ctx context.Context, torment torment) (done round, err error) {
	done.torment = torment.name
	if err := r.cluster.healthy(ctx); err != nil {
		return done, err
	}
	if err := r.load.flowing(ctx, time.Minute); err != nil {
		return done, err
	}
	old, err := r.cluster.leader(ctx)
	if err != nil {
		return done, err
	}
	r.load.measure()
	began := time.Now()
	heal, err := torment.do(r.cluster, ctx, old)
	if err != nil {
		return done, err
	}
	writable, err := r.cluster.otherPrimary(ctx, old)
	if err != nil {
		return done, errors.Join(err, heal())
	}
	done.promoted = writable.Sub(began)
	err = r.load.flowing(ctx, time.Minute)
	done.back = time.Since(writable)
	if err := errors.Join(err, heal()); err != nil {
		return done, err
	}
	done.silence = r.load.silence()
	return done, nil
}

// print prints the table.
func (r *run) print(out io.Writer) {
	if len(r.done) == 0 {
		return
	}
	fmt.Fprintf(out, "%s\n", report.Platform())
	fmt.Fprintf(out, "%-12s %6s  %22s  %22s  %22s\n", "", "rounds", "another node writes", "engines back later", "without an answer")
	line := func(name string, rounds []round) {
		fmt.Fprintf(out, "%-12s %6d", name, len(rounds))
		for _, of := range []func(round) time.Duration{
			func(d round) time.Duration { return d.promoted }, func(d round) time.Duration { return d.back },
			func(d round) time.Duration { return d.silence },
		} {
			var seconds []float64
			for _, d := range rounds {
				seconds = append(seconds, of(d).Seconds())
			}
			fmt.Fprintf(out, "  %8.2f s, max %6.2f s", report.Median(seconds), slices.Max(seconds))
		}
		fmt.Fprintln(out)
	}
	for _, t := range torments {
		var rounds []round
		for _, d := range r.done {
			if d.torment == t.name {
				rounds = append(rounds, d)
			}
		}
		if len(rounds) > 0 {
			line(t.name, rounds)
		}
	}
	line("all", r.done)
	for _, text := range r.load.totals {
		fmt.Fprintln(out, strings.TrimSpace(text))
	}
}
