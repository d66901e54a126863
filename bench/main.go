// Command bench measures how fast ironflow is, against the store it replaces and against what the machine allows, all in
// one run and on a PostgreSQL server that it starts itself.
//
//	go run ./bench                   the whole table, five rounds: about ten minutes
//	go run ./bench -quick            less of everything, in less than a minute
//	go run ./bench -run 'decisions'  the cases whose names match a regular expression
//	go run ./bench -json             for machines: an array of {"case", "ours", "reference", "ratio", "required", "ok"}
//
// The exit code is 1 when a required goal is missed, and 2 when something could not be measured. docs/performance.md says
// what the cases are and what limits them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime/pprof"
	"syscall"
	"time"

	"github.com/ironflow-gen/ironflow/bench/internal/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole program; it returns the exit code.
func run(ctx context.Context, args []string, out, log io.Writer) int {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(log)
	var (
		quick   = flags.Bool("quick", false, "measure less of everything, in less than a minute")
		asJSON  = flags.Bool("json", false, "print JSON instead of a table")
		pattern = flags.String("run", "", "measure only the cases that match this regular `expression`")
		rounds  = flags.Int("rounds", 0, "take the medians of `n` rounds (default 5, quick 1)")
		ours    = flags.Bool("ours", false, "leave the references out, to compare two versions in turn")
		profile = flags.String("profile", "", "write cpu.pprof and allocs.pprof of this process to a `folder`")
	)
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	fail := func(err error) int {
		fmt.Fprintln(log, "bench:", err)
		return 2
	}
	if flags.NArg() > 0 {
		return fail(fmt.Errorf("unexpected argument %q", flags.Arg(0)))
	}
	filter, err := regexp.Compile(*pattern)
	if err != nil {
		return fail(err)
	}
	size := fullSize
	if *quick {
		size = quickSize
	}
	if *rounds > 0 {
		size.rounds = *rounds
	}
	selected := selectRows(filter)
	if *ours {
		for i := range selected {
			selected[i].Reference = ""
			selected[i].Required, selected[i].Stretch = 0, 0
		}
	}
	if len(selected) == 0 {
		return fail(fmt.Errorf("no case matches %q", *pattern))
	}
	if *profile != "" {
		stop, err := startProfiles(*profile)
		if err != nil {
			return fail(err)
		}
		defer func() {
			if err := stop(); err != nil {
				fmt.Fprintln(log, "bench:", err)
			}
		}()
	}

	began := time.Now()
	b, err := start(ctx, size)
	if err != nil {
		return fail(err)
	}
	defer b.stop()
	machine, err := b.Describe(ctx)
	if err != nil {
		return fail(err)
	}
	fmt.Fprintln(log, machine)
	figures, err := b.measure(ctx, probesOf(selected), log)
	if err != nil {
		if ctx.Err() != nil {
			err = errors.New("interrupted")
		}
		return fail(err)
	}

	results := report.Evaluate(selected, figures)
	if *asJSON {
		err = report.JSON(out, results)
	} else {
		fmt.Fprintf(out, "%s\n%d round(s) of %v after %v, medians; took %v\n\n",
			machine, size.rounds, size.window, size.warmUp, time.Since(began).Round(time.Second))
		err = report.Table(out, results)
	}
	if err != nil {
		return fail(err)
	}
	if !report.AllOK(results) {
		return 1
	}
	return 0
}

// startProfiles profiles this process, which is the client of what is measured, until stop is called.
func startProfiles(folder string) (stop func() error, err error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	cpu, err := os.Create(filepath.Join(folder, "cpu.pprof"))
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return nil, errors.Join(err, cpu.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		allocs, err := os.Create(filepath.Join(folder, "allocs.pprof"))
		if err == nil {
			err = errors.Join(pprof.Lookup("allocs").WriteTo(allocs, 0), allocs.Close())
		}
		return errors.Join(err, cpu.Close())
	}, nil
}

// size is how much is measured.
type size struct {
	rounds         int
	warmUp, window time.Duration // of one measurement under load

	instances      int   // that decisions are spread over
	pgbenchClients []int // the best counts
	effects        int   // to deliver
	seedEffects    int   // the same for the baseline, which is slower
	loops          int
	timers         int
	latencies      int // samples of the way from commit to handler
	histories      int // decisions on an instance of each length
	claims         int
	deadLetters    int
	finished       int // instances
	keys           int // that wait
}

var fullSize = size{
	rounds: 5, warmUp: time.Second, window: 2 * time.Second,
	instances: 10_000, pgbenchClients: []int{32, 64},
	effects: 100_000, seedEffects: 20_000, loops: 20_000, timers: 20_000, latencies: 200, histories: 400,
	claims: 400, deadLetters: 100_000, finished: 1_000_000, keys: 1_000_000,
}

var quickSize = size{
	rounds: 1, warmUp: 300 * time.Millisecond, window: 700 * time.Millisecond,
	instances: 10_000, pgbenchClients: []int{48},
	effects: 30_000, seedEffects: 5_000, loops: 5_000, timers: 5_000, latencies: 100, histories: 100,
	claims: 100, deadLetters: 20_000, finished: 100_000, keys: 20_000,
}
