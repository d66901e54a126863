// Command subscription renews memberships: a timer ends the trial, a recurring timer begins each period, an effect with limits
// takes the money, and a schedule that belongs to no subscriber writes a report.
//
//	go run ./examples/subscription                              # embedded store, in a file that is deleted afterwards
//	go run ./examples/subscription -file members.db             # the same, in a file that stays
//	DATABASE_URL=postgres://... go run ./examples/subscription  # PostgreSQL
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/ironflow-gen/ironflow/examples/internal/storage"
	"github.com/ironflow-gen/ironflow/examples/subscription/subscription"
	"github.com/ironflow-gen/ironflow/runtime"
)

func main() {
	file := flag.String("file", "", "keep the subscriptions in this SQLite file")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, os.Getenv("DATABASE_URL"), *file); err != nil {
		fmt.Fprintln(os.Stderr, "subscription:", err)
		os.Exit(1)
	}
}

// Ada pays, Bob has no money, and Cy does not like it.
const ada, bob, cy = "ada", "bob", "cy"

func run(ctx context.Context, out io.Writer, database, file string) error {
	store, closeStore, err := storage.Open(ctx, database, file)
	if err != nil {
		return err
	}
	defer closeStore()
	// Two processes: each period is charged once all the same.
	running, stop := context.WithCancel(ctx)
	stopped := make(chan error, 2)
	bank := &bank{keys: make(map[string]string)}
	var client *subscription.Client
	for range 2 {
		engine, err := runtime.NewEngine(store, runtime.Config{Logger: slog.New(slog.DiscardHandler)},
			subscription.NewWorkflow(subscription.Decider{}, subscription.Evolver{}, subscription.Handler{Bank: bank}))
		if err != nil {
			stop()
			return err
		}
		client = subscription.NewClient(engine)
		go func() { stopped <- engine.Run(running) }()
	}
	err = show(ctx, out, client)
	stop()
	if err = errors.Join(err, <-stopped, <-stopped); err != nil {
		return err
	}
	return print(ctx, out, client)
}

func show(ctx context.Context, out io.Writer, client *subscription.Client) error {
	for _, id := range []string{ada, bob, cy} {
		in := subscription.Subscribe{SubscriptionID: id, Plan: "monthly"}
		outcome, err := client.Subscribe(ctx, in, runtime.WithInputID("subscribe"))
		if err != nil {
			return err
		}
		if outcome.Rejected() {
			return fmt.Errorf("%s: %v", id, outcome)
		}
	}
	fmt.Fprintln(out, "three have subscribed")
	cancelled, err := client.Cancel(ctx, subscription.Cancel{SubscriptionID: cy})
	if err != nil {
		return err
	}
	if cancelled.Rejected() {
		return fmt.Errorf("%s: %v", cy, cancelled)
	}
	for _, goal := range []struct {
		id      string
		reached func(runtime.View[subscription.State]) bool
	}{
		{ada, func(v runtime.View[subscription.State]) bool { return v.State.Paid >= 2 }},
		{bob, func(v runtime.View[subscription.State]) bool { return v.Completed }},
		{cy, func(v runtime.View[subscription.State]) bool { return v.Completed }},
		{"report", func(v runtime.View[subscription.State]) bool { return v.State.Report >= 2 }},
	} {
		if err := waitFor(ctx, client, goal.id, goal.reached); err != nil {
			return err
		}
	}
	return nil
}

// waitFor polls the state of an instance, which may not be there yet.
func waitFor(
	ctx context.Context, client *subscription.Client, id string, reached func(runtime.View[subscription.State]) bool,
) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		view, err := client.State(ctx, id)
		var unknown *runtime.UnknownInstance
		switch {
		case err != nil && !errors.As(err, &unknown):
			return err
		case err == nil && reached(view):
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is still %+v: %w", id, view, ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func print(ctx context.Context, out io.Writer, client *subscription.Client) error {
	for _, id := range []string{ada, bob, cy, "report"} {
		history, err := client.History(ctx, id)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "\n%s\n", id)
		for _, event := range history {
			fmt.Fprintf(out, "  %2d %T%+v\n", event.Version, event.Event, event.Event)
		}
	}
	return nil
}

// bank takes the money of each key once.
type bank struct {
	mu   sync.Mutex
	keys map[string]string
}

var errNoMoney = errors.New("there is no money in the account")

func (b *bank) Charge(_ context.Context, subscriber, plan, key string) error {
	if subscriber == bob {
		return errNoMoney
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keys[key] = subscriber + " " + plan
	return nil
}
