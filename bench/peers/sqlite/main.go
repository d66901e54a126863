// Command sqlite compares the SQLite drivers that need no C compiler, on the statements of package runtime/sqlite:
//
//	cd bench/peers/sqlite && go run .          # about two minutes
//	cd bench/peers/sqlite && go run . -quick   # half a minute
//
// Each driver stores the same decisions, in batches, in a file that the store has made, with what is committed on disk. It prints the
// medians of the rounds. README.md says what is compared.
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
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/ironflow-gen/ironflow/bench/internal/load"
	"github.com/ironflow-gen/ironflow/bench/internal/report"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, out, log io.Writer) int {
	flags := flag.NewFlagSet("sqlite", flag.ContinueOnError)
	flags.SetOutput(log)
	quick := flags.Bool("quick", false, "fewer rounds, and fewer decisions in each")
	rounds := flags.Int("rounds", 5, "take the medians of `n` rounds")
	pageSize := flags.Int("page", 4096, "make files with pages of `n` bytes")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	decisions := 60_000
	if *quick {
		*rounds, decisions = 2, 20_000
	}
	if err := compare(ctx, *rounds, decisions, *pageSize, out, log); err != nil {
		fmt.Fprintln(log, "sqlite:", err)
		return 2
	}
	return 0
}

// batches are how many decisions share a commit.
var batches = []int{1, 8, 64}

// compare lets the drivers run in turn, round after round.
func compare(ctx context.Context, rounds, decisions, pageSize int, out, log io.Writer) error {
	dir, err := os.MkdirTemp("", "ironflow-sqlite-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	rates, used := map[string][]float64{}, map[string][]float64{}
	for round := range rounds {
		for _, batch := range batches {
			for _, d := range drivers {
				if err := ctx.Err(); err != nil {
					return err
				}
				n := decisions
				if batch == 1 {
					n /= 10
				}
				took, processor, err := measure(ctx, d, dir, n, batch, pageSize)
				if err != nil {
					return fmt.Errorf("%s: %w", d.name, err)
				}
				name := fmt.Sprintf("%s, batches of %d", d.name, batch)
				rate := float64(n) / took.Seconds()
				each := float64(processor.Nanoseconds()) / 1000 / float64(n)
				fmt.Fprintf(log, "round %d, %s: %.0f/s, %.1f µs\n", round+1, name, rate, each)
				rates[name], used[name] = append(rates[name], rate), append(used[name], each)
			}
		}
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "driver\tbatch\tdecisions/s\tprocessor time, µs\t")
	for _, batch := range batches {
		for _, d := range drivers {
			name := fmt.Sprintf("%s, batches of %d", d.name, batch)
			fmt.Fprintf(w, "%s\t%d\t%.0f\t%.1f\t\n", d.name, batch, report.Median(rates[name]), report.Median(used[name]))
		}
	}
	return w.Flush()
}

// measure stores decisions in a new file.
func measure(ctx context.Context, d entrant, dir string, decisions, batch, pageSize int) (took, processor time.Duration, err error) {
	path := filepath.Join(dir, "decisions.db")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !os.IsNotExist(err) {
			return 0, 0, err
		}
	}
	if err := prepareFile(d, path, pageSize); err != nil {
		return 0, 0, err
	}
	store, err := sqlite.Open(ctx, path) // makes the tables
	if err != nil {
		return 0, 0, err
	}
	if err := store.Close(); err != nil {
		return 0, 0, err
	}
	db, err := d.open(path)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	w, err := newWork(db)
	if err != nil {
		return 0, 0, err
	}
	if err := w.create(); err != nil {
		return 0, 0, err
	}
	used, began := load.ProcessorTime(), time.Now()
	for n := 0; n < decisions; n += batch {
		if err := w.store(batch); err != nil {
			return 0, 0, err
		}
	}
	took, processor = time.Since(began), load.ProcessorTime()-used
	return took, processor, w.check(decisions)
}

// prepareFile decides the size of the file's pages, before it has tables.
func prepareFile(d entrant, path string, pageSize int) error {
	db, err := d.open(path)
	if err != nil {
		return err
	}
	for _, sql := range []string{fmt.Sprint("PRAGMA page_size = ", pageSize), "VACUUM"} {
		if err := execute(db, sql); err != nil {
			return errors.Join(err, db.close())
		}
	}
	return db.close()
}
