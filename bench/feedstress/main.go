// Command feedstress writes events with all means there are, follows them with all kinds of readers, and says what each of
// these missed. It starts a PostgreSQL server of its own.
//
//	go run ./bench/feedstress                    200,000 events, 32 writers, 20 instances
//	go run ./bench/feedstress -events 20000      less of it
//	go run ./bench/feedstress -store sqlite      on the embedded store
//
// Writers append to one instance or to several at once, work under locks, keep transactions open after they have numbered their
// events, some of them for long, and roll some back. Readers are those of ironflow and, for comparison, two that go by
// what is visible. The exit code is 1 when a reader of ironflow lost, repeated or inverted an event, and 2 when the run
// failed, or proves nothing because the others lost none.
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
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// size is how much is done.
type size struct {
	events, writers, streams int
	seed                     uint64
	long                     time.Duration // how long the longest transactions are
}

// run is the whole program; it returns the exit code.
func run(ctx context.Context, args []string, out, log io.Writer) int {
	flags := flag.NewFlagSet("feedstress", flag.ContinueOnError)
	flags.SetOutput(log)
	var size size
	flags.IntVar(&size.events, "events", 200_000, "write at least `n` events")
	flags.IntVar(&size.writers, "writers", 32, "by `n` writers at the same time")
	flags.IntVar(&size.streams, "streams", 20, "to `n` instances")
	flags.Uint64Var(&size.seed, "seed", 1, "of the random choices of the writers")
	flags.DurationVar(&size.long, "long", time.Second, "keep some transactions open for up to this `time`")
	store := flags.String("store", "postgres", "postgres or sqlite")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	fail := func(err error) int {
		fmt.Fprintln(log, "feedstress:", err)
		return 2
	}
	if flags.NArg() > 0 {
		return fail(fmt.Errorf("unexpected argument %q", flags.Arg(0)))
	}
	if size.events < 1 || size.writers < 1 || size.streams < 1 {
		return fail(errors.New("there must be at least one event, one writer and one instance"))
	}
	open := map[string]func(context.Context) (backend, error){"postgres": openPostgres, "sqlite": openSQLite}[*store]
	if open == nil {
		return fail(fmt.Errorf("there is no store %q, only postgres and sqlite", *store))
	}
	b, err := open(ctx)
	if err != nil {
		return fail(err)
	}
	defer b.close()
	report, err := stress(ctx, b, size, log)
	if err != nil {
		return fail(err)
	}
	report.print(out)
	return report.verdict(out)
}

// report is what came of a run.
type report struct {
	took    time.Duration
	stored  int
	writes  tally
	readers []result
}

// result is what one reader got.
type result struct {
	name                               string
	ours                               bool // else it is there for comparison
	events, lost, repeated, inversions int
}

func (r *report) print(out io.Writer) {
	w := r.writes
	fmt.Fprintf(out, "%d events in %d commits, %v: %d to several instances, %d kept open (the longest for %v), %d rolled back, %d lost a race\n\n",
		r.stored, w.commits, r.took.Round(time.Millisecond), w.several, w.slow, w.longest.Round(time.Millisecond), w.aborted, w.conflicts)
	fmt.Fprintf(out, "%-36s %9s %9s %9s %9s\n", "reader", "events", "lost", "repeated", "inverted")
	for _, p := range r.readers {
		fmt.Fprintf(out, "%-36s %9d %9d %9d %9d\n", p.name, p.events, p.lost, p.repeated, p.inversions)
	}
	fmt.Fprintln(out)
}

// verdict says in words what the numbers mean, and returns the exit code.
func (r *report) verdict(out io.Writer) int {
	wrong, others, losses := 0, 0, 0
	for _, p := range r.readers {
		if p.ours {
			wrong += p.lost + p.repeated + p.inversions
		} else {
			others++
			losses += p.lost + p.inversions
		}
	}
	switch {
	case wrong > 0:
		fmt.Fprintln(out, "FAILED: a reader of ironflow missed something")
		return 1
	case others > 0 && losses == 0:
		fmt.Fprintln(out, "This proves nothing: reading what is visible lost nothing either. Write more, or by more writers.")
		return 2
	}
	fmt.Fprintln(out, "0 lost, 0 repeated, 0 inverted at every reader of ironflow")
	return 0
}
