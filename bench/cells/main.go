// Command cells measures what a cells.Router costs, and what several cells bring where the commit's latency is the limit. It starts
// PostgreSQL servers of its own.
//
//	go run ./bench/cells               three rounds of 4 s for each case, about two minutes
//	go run ./bench/cells -quick        one round of 2 s
//	go run ./bench/cells -kills 200    no measurement: add and retire generations while processes are killed
//
// The exit code is 1 when a goal is missed, and 2 when something could not be measured.
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
	runAsChild()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, out, log io.Writer) int {
	flags := flag.NewFlagSet("cells", flag.ContinueOnError)
	flags.SetOutput(log)
	quick := flags.Bool("quick", false, "one short round")
	kills := flags.Int("kills", 0, "add and retire generations while `n` processes are killed, and measure nothing")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if *kills > 0 {
		t := torment{kills: *kills, processes: 4, log: log}
		return exitCode(log, func() (bool, error) { return t.run(ctx, out) })
	}
	b := bench{rounds: 3, window: 4 * time.Second, warmUp: 1500 * time.Millisecond, log: log}
	if *quick {
		b.rounds, b.window, b.warmUp = 1, 2*time.Second, time.Second
	}
	return exitCode(log, func() (bool, error) { return b.measure(ctx, out) })
}

func exitCode(log io.Writer, do func() (ok bool, err error)) int {
	ok, err := do()
	switch {
	case err != nil:
		fmt.Fprintln(log, "cells:", err)
		return 2
	case !ok:
		return 1
	}
	return 0
}
