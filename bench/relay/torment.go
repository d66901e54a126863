package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"time"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// childVariable has the orders of a child in its environment.
const childVariable = "IRONFLOW_BENCH_RELAY"

// orders are what a process that runs the relay is told.
type orders struct{ Target, Address, Database, Topic string }

// runAsChild runs the relay if the process was started for that, until its parent ends or kills it.
func runAsChild() {
	told := os.Getenv(childVariable)
	if told == "" {
		return
	}
	var o orders
	if err := json.Unmarshal([]byte(told), &o); err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	if err := o.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "relay:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func (o *orders) run(ctx context.Context) error {
	t, err := attach(o.Target, o.Address)
	if err != nil {
		return err
	}
	db, err := openStore(ctx, o.Database)
	if err != nil {
		return err
	}
	defer db.close()
	sink, closeSink, err := t.sink(ctx, o.Topic)
	if err != nil {
		return err
	}
	defer closeSink()
	engine, err := newEngine(db.store, sink, o.Topic, 500)
	if err != nil {
		return err
	}
	return engine.Run(ctx)
}

// attach returns a target that others run.
func attach(name, address string) (target, error) {
	switch name {
	case "jetstream":
		return attachJetStream(address)
	case "kafka":
		return &kafkaTarget{seed: address}, nil
	}
	return nil, fmt.Errorf("unknown target %q", name)
}

// outcome is what the torment led to.
type outcome struct {
	stored, lost, doubled, inverted int
	took                            time.Duration
}

// torment stores events while processes that run the relay, and servers of the broker, are killed.
func torment(ctx context.Context, t target, s size) (found outcome, err error) {
	began := time.Now()
	server, err := pgserver.Start(ctx, pgserver.Options{Durable: true})
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	db, err := openStore(ctx, server.URL())
	if err != nil {
		return found, err
	}
	defer db.close()
	const topic = "torment"
	if _, closeSink, err := t.sink(ctx, topic); err != nil { // makes the topic
		return found, err
	} else {
		closeSink()
	}
	told, err := json.Marshal(orders{t.name(), t.address(), server.URL(), topic})
	if err != nil {
		return found, err
	}
	var children [2]*exec.Cmd
	defer func() {
		for _, c := range children {
			if c != nil {
				_ = c.Process.Kill()
				_ = c.Wait()
			}
		}
	}()
	for i := range children {
		if children[i], err = startChild(string(told)); err != nil {
			return found, err
		}
	}

	writing, stopWriting := context.WithCancel(ctx)
	written := make(chan error, 1)
	go func() { written <- write(writing, db) }()
	disturbed := make(chan error, 1)
	go func() {
		for range s.restarts {
			if err := t.disturb(ctx); err != nil {
				disturbed <- err
				return
			}
		}
		disturbed <- nil
	}()
	for range s.kills {
		time.Sleep(200*time.Millisecond + rand.N(600*time.Millisecond))
		i := rand.IntN(len(children))
		_ = children[i].Process.Kill()
		_ = children[i].Wait()
		if children[i], err = startChild(string(told)); err != nil {
			break
		}
	}
	err = errors.Join(err, <-disturbed)
	stopWriting()
	if err = errors.Join(err, <-written); err != nil {
		return found, err
	}
	if err := awaitRelay(ctx, db); err != nil {
		return found, err
	}
	c := checker{seen: make(map[string]int64)}
	if err := t.read(ctx, topic, c.see); err != nil {
		return found, err
	}
	for _, version := range db.versions {
		found.stored += int(version)
	}
	found.lost, found.doubled, found.inverted, found.took = c.lost(db.versions), c.doubled, c.inverted, time.Since(began)
	return found, nil
}

func startChild(told string) (*exec.Cmd, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := exec.Command(program)
	c.Env = append(os.Environ(), childVariable+"="+told)
	if _, err := c.StdinPipe(); err != nil { // it closes with this process
		return nil, err
	}
	c.Stderr = os.Stderr
	return c, c.Start()
}

// write stores events until ctx ends.
func write(ctx context.Context, db *database) error {
	for ctx.Err() == nil {
		if err := db.append(context.WithoutCancel(ctx), 1+rand.IntN(200)); err != nil {
			return err
		}
		time.Sleep(rand.N(100 * time.Millisecond))
	}
	return nil
}

// awaitRelay waits until the children have published all events. It fails if they publish none for two minutes.
func awaitRelay(ctx context.Context, db *database) error {
	operations, err := admin.New(db.store, admin.Config{})
	if err != nil {
		return err
	}
	last, moved := store.FeedPosition(-1), time.Now()
	for {
		list, err := operations.Projections(ctx)
		switch {
		case err != nil:
			return err
		case len(list) > 0 && list[0].Behind == 0:
			return nil
		case len(list) > 0 && list[0].Position != last:
			last, moved = list[0].Position, time.Now()
		case time.Since(moved) > 2*time.Minute:
			return fmt.Errorf("the relay publishes nothing: %+v", list)
		}
		time.Sleep(100 * time.Millisecond)
	}
}
