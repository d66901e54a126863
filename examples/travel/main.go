// Command travel books trips: a saga over child workflows. A trip starts a booking for the flight and one for the hotel, each a
// workflow of its own, and hears of their ends. When there is no hotel, the flight is refunded, by another child.
//
//	go run ./examples/travel                                 # embedded store, in a file that is deleted afterwards
//	go run ./examples/travel -file trips.db                  # the same, in a file that stays
//	DATABASE_URL=postgres://... go run ./examples/travel     # PostgreSQL
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
	"github.com/ironflow-gen/ironflow/examples/travel/booking"
	"github.com/ironflow-gen/ironflow/examples/travel/refund"
	"github.com/ironflow-gen/ironflow/examples/travel/trip"
	"github.com/ironflow-gen/ironflow/runtime"
)

func main() {
	file := flag.String("file", "", "keep the trips in this SQLite file")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, os.Getenv("DATABASE_URL"), *file); err != nil {
		fmt.Fprintln(os.Stderr, "travel:", err)
		os.Exit(1)
	}
}

// trips are what the example plans, and how each of them ends.
var trips = []struct {
	id, destination string
	ends            trip.Status
}{
	{"rome", "Rome", trip.StatusBooked},
	{"oslo", "Oslo", trip.StatusFailed},         // there is no hotel
	{"moon", "the Moon", trip.StatusFailed},     // nobody flies there
	{"atlantis", "Atlantis", trip.StatusFailed}, // nobody answers
}

func run(ctx context.Context, out io.Writer, database, file string) error {
	store, closeStore, err := storage.Open(ctx, database, file)
	if err != nil {
		return err
	}
	defer closeStore()
	out = &sharedWriter{out: out}
	provider := &provider{out: out, done: make(map[string]bool)}
	engine, err := runtime.NewEngine(store, runtime.Config{Logger: slog.New(slog.DiscardHandler)},
		trip.NewWorkflow(trip.Decider{}, trip.Evolver{}),
		booking.NewWorkflow(booking.Decider{}, booking.Evolver{}, booking.Handler{Provider: provider}),
		refund.NewWorkflow(refund.Decider{}, refund.Evolver{}, refund.Handler{Provider: provider}),
	)
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	stopped := make(chan error, 1)
	go func() { stopped <- engine.Run(running) }()
	err = planAll(ctx, out, engine)
	stop()
	return errors.Join(err, <-stopped)
}

func planAll(ctx context.Context, out io.Writer, engine *runtime.Engine) error {
	client := trip.NewClient(engine)
	for _, t := range trips {
		outcome, err := client.Plan(ctx, trip.Plan{TripID: t.id, Destination: t.destination}, runtime.WithInputID("plan"))
		if err != nil {
			return err
		}
		if outcome.Rejected() {
			return fmt.Errorf("trip %s: %v", t.id, outcome)
		}
	}
	for _, t := range trips {
		view, err := waitForEnd(ctx, client, t.id)
		if err != nil {
			return err
		}
		if view.State.Status != t.ends {
			return fmt.Errorf("trip %s ended as %s, want %s", t.id, view.State.Status, t.ends)
		}
		fmt.Fprintf(out, "\ntrip to %s: %s %s\n", t.destination, view.State.Status, view.State.Failure)
		history, err := client.History(ctx, t.id)
		if err != nil {
			return err
		}
		for _, event := range history {
			fmt.Fprintf(out, "  %2d %T%+v\n", event.Version, event.Event, event.Event)
		}
		why, err := engine.Why(ctx, runtime.InstanceKey{Workflow: "trip", ID: t.id}, view.Version)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "why it ended so:\n%s", why)
	}
	return nil
}

// waitForEnd polls until a trip has ended, which takes a few children one after the other.
func waitForEnd(ctx context.Context, client *trip.Client, id string) (runtime.View[trip.State], error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		view, err := client.State(ctx, id)
		if err != nil || view.Completed {
			return view, err
		}
		select {
		case <-ctx.Done():
			return view, fmt.Errorf("trip %s is still in state %s: %w", id, view.State.Status, ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// sharedWriter lets the handlers and planAll write to one writer.
type sharedWriter struct {
	mu  sync.Mutex
	out io.Writer
}

func (w *sharedWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.Write(b)
}

// provider sells flights and hotels. It does each thing once for a key, however often it is asked.
type provider struct {
	out io.Writer

	mu   sync.Mutex
	done map[string]bool
}

var errNoAnswer = errors.New("the provider does not answer")

func (p *provider) Book(_ context.Context, what, destination, key string) (reference, refusal string, err error) {
	switch {
	case destination == "Atlantis":
		return "", "", errNoAnswer
	case destination == "the Moon", destination == "Oslo" && what == "hotel":
		return "", "there is no " + what, nil
	}
	p.once(key, "%s to %s is booked\n", what, destination)
	return "REF-" + destination + "-" + what, "", nil
}

func (p *provider) Refund(_ context.Context, reference, key string) error {
	p.once(key, "%s is refunded\n", reference)
	return nil
}

func (p *provider) once(key, format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.done[key] {
		p.done[key] = true
		fmt.Fprintf(p.out, format, args...)
	}
}
