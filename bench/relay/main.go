// Relay measures how fast events reach NATS JetStream and Apache Kafka, and checks that kills of processes and of brokers lose, double and
// invert none:
//
//	go run .                                      short, about 2 minutes
//	go run . -kills 500 -restarts 50              the goals of the project
//	go run . -only jetstream -events 1000000
//
// It starts a PostgreSQL, three NATS servers and a Kafka broker of its own.
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
	"path/filepath"
	"syscall"
	"time"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/relay"
	"github.com/ironflow-gen/ironflow/runtime/relay/jetstream/jetstreamtest"
)

// size says how much is measured.
type size struct {
	warmUp, events, kills, restarts, batch int
	replicas                               int
	only                                   string
}

func main() {
	jetstreamtest.RunNode()
	runAsChild()
	var s size
	flag.IntVar(&s.warmUp, "warmup", 100_000, "events that are published before the timed ones: Kafka is slow until Java has compiled it")
	flag.IntVar(&s.events, "events", 300_000, "events whose publication is timed")
	flag.IntVar(&s.kills, "kills", 20, "kills of processes that run the relay, for each broker")
	flag.IntVar(&s.restarts, "restarts", 4, "kills and restarts of a broker's servers, for each broker")
	flag.IntVar(&s.batch, "batch", 5000, "Relay.BatchSize")
	flag.IntVar(&s.replicas, "replicas", 3, "replicas of the JetStream stream")
	flag.StringVar(&s.only, "only", "", "jetstream or kafka; empty for both")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, s, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "relay:", err)
		os.Exit(1)
	}
}

// target is a broker.
type target interface {
	name() string

	// sink returns a sink for a stream or topic, which is made if it is not there; close ends it.
	sink(ctx context.Context, topic string) (sink relay.Sink, close func(), err error)

	// address is what a child needs to make the same sink.
	address() string

	// disturb kills one of the servers, and starts it again after a pause.
	disturb(ctx context.Context) error

	// read reads a stream or topic to its end.
	read(ctx context.Context, topic string, each func(instance string, version int64)) error

	stop()
}

func run(ctx context.Context, s size, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "relay")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	for _, start := range []struct {
		name string
		with func(ctx context.Context, dir string, s size) (target, error)
	}{{"jetstream", startJetStream}, {"kafka", startKafka}} {
		if s.only != "" && s.only != start.name {
			continue
		}
		t, err := start.with(ctx, filepath.Join(dir, start.name), s)
		if err != nil {
			return fmt.Errorf("%s: %w", start.name, err)
		}
		err = measure(ctx, t, s, out)
		t.stop()
		if err != nil {
			return fmt.Errorf("%s: %w", start.name, err)
		}
	}
	return nil
}

// measure runs both parts for a broker, each on a database of its own.
func measure(ctx context.Context, t target, s size, out io.Writer) error {
	took, processor, err := speed(ctx, t, s)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%-10s %-34s %8d events %7.1f s   %.0f events/s, %.1f µs of processor time each in this process\n", t.name(), "one process",
		s.events, took.Seconds(), float64(s.events)/took.Seconds(), float64(processor.Microseconds())/float64(s.events))
	if s.kills == 0 && s.restarts == 0 {
		return nil
	}
	found, err := torment(ctx, t, s)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("%d kills, %d restarts of a server", s.kills, s.restarts)
	fmt.Fprintf(out, "%-10s %-34s %8d events %7.1f s   lost %d, doubled %d, inverted %d\n",
		t.name(), what, found.stored, found.took.Seconds(), found.lost, found.doubled, found.inverted)
	if found.lost+found.doubled+found.inverted > 0 {
		return errors.New("the events that arrived are not those that are stored")
	}
	return nil
}

// speed publishes events that are stored. It returns how long that took, and the processor time of this process: servers are others.
func speed(ctx context.Context, t target, s size) (took, processor time.Duration, err error) {
	server, err := pgserver.Start(ctx, pgserver.Options{Durable: true})
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	db, err := openStore(ctx, server.URL())
	if err != nil {
		return 0, 0, err
	}
	defer db.close()
	sink, closeSink, err := t.sink(ctx, "speed")
	if err != nil {
		return 0, 0, err
	}
	defer closeSink()
	engine, err := newEngine(db.store, sink, "speed", s.batch)
	if err != nil {
		return 0, 0, err
	}
	for _, events := range []int{s.warmUp, s.events} {
		if err := db.fill(ctx, events); err != nil {
			return 0, 0, err
		}
		began, used := time.Now(), processorTime()
		if err := runUntilCaughtUp(ctx, engine); err != nil {
			return 0, 0, err
		}
		took, processor = time.Since(began), processorTime()-used
	}
	n := 0
	if err := t.read(ctx, "speed", func(string, int64) { n++ }); err != nil {
		return 0, 0, err
	}
	if n != s.warmUp+s.events {
		return 0, 0, fmt.Errorf("%d events arrived, %d are stored", n, s.warmUp+s.events)
	}
	return took, processor, nil
}

// processorTime returns what this process has used.
func processorTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

const relayName = "bench"

func newEngine(st runtime.Store, sink relay.Sink, topic string, batch int) (*runtime.Engine, error) {
	return runtime.NewEngine(st, runtime.Config{
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
		Lease:  time.Second,
		Projections: []runtime.AnyProjection{relay.Relay{
			Name: relayName, Sink: sink, Subject: topic, BatchSize: batch, Retry: runtime.RetryPolicy{Base: 20 * time.Millisecond, Max: 500 * time.Millisecond},
		}},
	})
}

func runUntilCaughtUp(ctx context.Context, engine *runtime.Engine) error {
	running, stop := context.WithCancel(ctx)
	stopped := make(chan error, 1)
	go func() { stopped <- engine.Run(running) }()
	awaiting, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	err := engine.AwaitProjection(awaiting, relayName)
	stop()
	return errors.Join(err, <-stopped)
}
