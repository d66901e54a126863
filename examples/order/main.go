// Command order drives a few orders through the workflow of package order: success, retries, a declined card, a timeout,
// rejections, and a restart while a payment is under way. It prints the history of each order and the state machine.
//
//	go run ./examples/order                                  # embedded store, in a file that is deleted afterwards
//	go run ./examples/order -file orders.db                  # the same, in a file that stays
//	DATABASE_URL=postgres://... go run ./examples/order      # PostgreSQL
//
// Kill it at any moment and start it again on the same file or database: every order ends as it should.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/ironflow-gen/ironflow/examples/internal/storage"
	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/runtime"
)

func main() {
	file := flag.String("file", "", "keep the orders in this SQLite file")
	verbose := flag.Bool("v", false, "log what the engine does")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, *file, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "order:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, file string, verbose bool) error {
	level := slog.LevelError + 1 // failing payments are part of the show
	if verbose {
		level = slog.LevelDebug
	}
	config := runtime.Config{
		Logger:      slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})),
		Lease:       500 * time.Millisecond, // after it, others go on with a killed process's payments; the timeout is 3 s
		StopTimeout: 100 * time.Millisecond,
	}
	store, closeStore, err := storage.Open(ctx, os.Getenv("DATABASE_URL"), file)
	if err != nil {
		return err
	}
	defer closeStore()

	fmt.Fprintln(out, "== first process: take the orders")
	gateway := newGateway(out)
	err = withShop(ctx, store, config, gateway, func(s *shop) error {
		if err := s.placeOrders(ctx, out); err != nil {
			return err
		}
		return s.waitForSlowCard(ctx, gateway)
	})
	if err != nil {
		return err
	}

	fmt.Fprintln(out, "\n== second process: finish them")
	gateway = newGateway(out)
	gateway.providerIsFast = true
	return withShop(ctx, store, config, gateway, func(s *shop) error {
		if err := s.waitForAll(ctx); err != nil {
			return err
		}
		if err := s.printHistories(ctx, out); err != nil {
			return err
		}
		_, err := fmt.Fprintf(out, "\n== the state machine, as Mermaid draws it\n\n%s", order.Machine().Mermaid())
		return err
	})
}
