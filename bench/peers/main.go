// Command peers runs ironflow against other engines that keep their work in PostgreSQL, on one server in one run:
//
//	cd bench/peers && go run .          # a few minutes
//	cd bench/peers && go run . -quick   # less than 90 seconds
//
// It prints one table of medians and ratios, as JSON with -json, and exits with 1 when a goal is missed. README.md says what
// is compared and with which settings.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	flags := flag.NewFlagSet("peers", flag.ContinueOnError)
	flags.SetOutput(errOut)
	quick := flags.Bool("quick", false, "fewer rounds and less work in each")
	asJSON := flags.Bool("json", false, "print an array of case, ours, reference, ratio, required and ok")
	sweep := flags.Bool("sweep", false, "look for the best settings of the peers instead of comparing")
	only := flags.String("only", "", "run only entrants whose name contains this")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}

	missed, err := func() (missed bool, err error) {
		server, err := pgserver.Start(ctx, pgserver.Options{Durable: true})
		if err != nil {
			return false, err
		}
		defer func() { err = errors.Join(err, server.Stop()) }()
		track := &track{url: server.URL(), log: errOut}

		entrants, rounds, sizes := contest(), 5, fullSizes
		if *sweep {
			entrants, rounds = sweepEntrants(), 3
		}
		if *quick {
			rounds, sizes = min(rounds, 3), quickSizes
		}
		rates, err := track.race(ctx, named(entrants, *only), sizes, rounds)
		if err != nil {
			return false, err
		}
		if *sweep {
			return false, printRates(out, entrants, rates)
		}
		rows := compare(rates)
		if *asJSON {
			err = printJSON(out, rows)
		} else {
			err = printTable(out, rows, rounds)
		}
		return anyMissed(rows), err
	}()
	switch {
	case err != nil:
		fmt.Fprintln(errOut, "peers:", err)
		return 2
	case missed:
		return 1
	}
	return 0
}

func named(entrants []entrant, name string) []entrant {
	var left []entrant
	for _, e := range entrants {
		if strings.Contains(e.name, name) {
			left = append(left, e)
		}
	}
	return left
}
