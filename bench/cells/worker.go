package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/bench/cells/node"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/cells"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// childVariable has the orders of a child process in its environment.
const childVariable = "IRONFLOW_BENCH_CELLS"

// orders are what a child process is told.
type orders struct {
	URL, Name   string
	Seed        uint64
	Generations []cells.Generation // each cell is the schema of its name
	Do          string             // work, close or retire
}

// Exit codes of a child.
const (
	exitFailed = 1
	exitInUse  = 3 // the oldest generation cannot be retired yet
)

// runAsChild does what the process was told, if it was started for that, until its parent ends or kills it.
func runAsChild() {
	told := os.Getenv(childVariable)
	if told == "" {
		return
	}
	var o orders
	if err := json.Unmarshal([]byte(told), &o); err != nil {
		panic(err)
	}
	err := o.run(context.Background())
	var inUse *cells.GenerationInUse
	switch {
	case errors.As(err, &inUse):
		fmt.Println(inUse)
		os.Exit(exitInUse)
	case err != nil:
		fmt.Fprintf(os.Stderr, "cells: process %s, %s: %v\n", o.Name, o.Do, err)
		os.Exit(exitFailed)
	}
	os.Exit(0)
}

func (o *orders) run(ctx context.Context) error {
	open, err := openCells(ctx, o)
	if err != nil {
		return err
	}
	defer open.close()
	switch o.Do {
	case "close":
		return open.router.CloseOlder(ctx)
	case "retire":
		return open.router.Retire(ctx, o.Generations[0].Number)
	}
	return open.work(ctx, o)
}

// separator is that of all lists.
const separator = ":"

// Times of the torment. Nothing that was sent to a node may arrive after the node was deleted: it would begin again.
const (
	lease    = 1500 * time.Millisecond
	life     = 2 * time.Second // of a node
	keep     = 8 * time.Second
	patience = 4 * time.Second // no input is sent again when its node is older than this
)

// opened is a router over schemas of a server.
type opened struct {
	pools  map[string]*pgxpool.Pool // by cell
	router *cells.Router
	log    *slog.Logger
}

func (o *opened) close() {
	for _, pool := range o.pools {
		pool.Close()
	}
}

func openCells(ctx context.Context, o *orders) (_ *opened, err error) {
	open := &opened{pools: make(map[string]*pgxpool.Pool), log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})).With("process", o.Name)}
	defer func() {
		if err != nil {
			open.close()
		}
	}()
	retry := runtime.RetryPolicy{MaxAttempts: 10_000, Base: 5 * time.Millisecond, Max: 200 * time.Millisecond}
	config := cells.Config{
		Cells: make(map[string]runtime.Store), Generations: o.Generations, Separator: separator,
		Engine: runtime.Config{
			Name: o.Name, Lease: lease, PollInterval: 50 * time.Millisecond, EffectRetry: retry, TimerRetry: retry, EffectHandlers: 16, TimerHandlers: 16,
			StoreTimeout: 5 * time.Second, StopTimeout: 5 * time.Second, Logger: open.log,
			Retention: runtime.Retention{Completed: keep, ForTests: true, Archive: open.archive, Interval: time.Hour},
		},
	}
	for _, g := range o.Generations {
		for _, name := range g.Cells {
			if open.pools[name] != nil {
				continue
			}
			if open.pools[name], err = openPool(ctx, o.URL, 6); err != nil {
				return nil, err
			}
			if config.Cells[name], err = postgres.New(ctx, open.pools[name], postgres.WithSchema(name)); err != nil {
				return nil, err
			}
		}
	}
	open.router, err = cells.New(ctx, config, node.NewWorkflow(node.Decider{}, node.Evolver{}, node.Handler{}))
	return open, err
}

func openPool(ctx context.Context, url string, connections int32) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	config.MaxConns = connections
	return pgxpool.NewWithConfig(ctx, config)
}

// cellKey is the key of a context whose value is the cell that retention is applied to.
type cellKey struct{}

// archive keeps the events of instances that retention deletes. Instances that the reader of the feed has not read are not deleted.
func (o *opened) archive(ctx context.Context, instances []runtime.ArchivedInstance) (unread []runtime.InstanceKey, err error) {
	cell, applied := ctx.Value(cellKey{}).(string)
	if !applied { // the engine by itself
		for _, i := range instances {
			unread = append(unread, i.Key)
		}
		return unread, nil
	}
	return unread, pgx.BeginFunc(ctx, o.pools[cell], func(tx pgx.Tx) error {
		var read int64
		if err := tx.QueryRow(ctx, `SELECT coalesce(max(sequence), 0) FROM torment.read WHERE cell = $1`, cell).Scan(&read); err != nil {
			return err
		}
		for _, i := range instances {
			if i.Events[len(i.Events)-1].GlobalSequence > read {
				unread = append(unread, i.Key)
				continue
			}
			for _, e := range i.Events {
				if _, err := tx.Exec(ctx, `INSERT INTO torment.archived VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
					cell, e.GlobalSequence, e.Instance.ID, e.Version, e.Type, string(e.Payload), e.RecordedAt); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// What a process says when it begins to send, and when it has stopped. Each other line is the tag of an accepted input.
const (
	up    = "up"
	quiet = "quiet"
)

// work runs a router and sends inputs until the first line of standard input. It ends with standard input.
func (o *opened) work(ctx context.Context, told *orders) error {
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- o.router.Run(running) }()
	var background, senders sync.WaitGroup
	background.Go(func() { o.applyRetention(running) })
	s := &sender{client: node.NewClient(o.router), name: told.Name}
	fmt.Println(up)
	sending, enough := context.WithCancel(ctx)
	defer enough()
	for n := range 4 {
		senders.Go(func() { s.send(sending, n, rand.New(rand.NewPCG(told.Seed, uint64(n)))) })
	}
	lines := bufio.NewScanner(os.Stdin)
	if lines.Scan() {
		enough()
		senders.Wait()
		fmt.Println(quiet)
		_, _ = io.Copy(io.Discard, os.Stdin)
	}
	enough()
	senders.Wait()
	stop()
	background.Wait()
	return <-ended
}

// applyRetention deletes completed instances again and again.
func (o *opened) applyRetention(ctx context.Context) {
	for ctx.Err() == nil {
		for _, cell := range o.router.Cells() {
			_, _ = o.router.Engine(cell).ApplyRetention(context.WithValue(ctx, cellKey{}, cell)) // the next pass does what this one has not done
		}
		select {
		case <-ctx.Done():
		case <-time.After(300 * time.Millisecond):
		}
	}
}

// sender sends inputs to nodes whose ids follow from the time: so all processes send to the same nodes.
type sender struct {
	client *node.Client
	name   string
	mu     sync.Mutex
}

// birth is the distance of the times at which nodes of one partition begin.
const birth = 200 * time.Millisecond

// partition is a set of nodes, which have one unique key together.
type partition int64

func (p partition) id(n int) string { return fmt.Sprintf("p%d:%d", p, n) }
func (p partition) key() string     { return fmt.Sprintf("p%d:key", p) }
func (p partition) age() time.Duration {
	return time.Duration(time.Now().UnixNano() - int64(p)*int64(birth))
}

// young chooses a partition that is not older than some others.
func young(random *rand.Rand, others int64) partition {
	return partition(time.Now().UnixNano()/int64(birth) - random.Int64N(others))
}

const nodesOfPartition = 3

func (s *sender) send(ctx context.Context, sender int, random *rand.Rand) {
	for n := 0; ctx.Err() == nil; n++ {
		tag := fmt.Sprintf("%s.%d.%d", s.name, sender, n)
		of := young(random, 8)
		id := of.id(random.IntN(nodesOfPartition))
		open := node.Open{NodeID: id, Key: id, Tag: tag + "o", Milliseconds: life.Milliseconds()}
		if random.IntN(2) == 0 {
			open.Key = of.key()
		}
		push := node.Push{NodeID: id, Tag: tag, Kind: node.Kinds[random.IntN(len(node.Kinds))], Other: young(random, 12).id(random.IntN(nodesOfPartition))}
		if random.IntN(4) == 0 || !s.insist(ctx, of, random, push.Tag, func(ctx context.Context, option runtime.ExecuteOption) (bool, error) {
			out, err := s.client.Push(ctx, push, option)
			return out.Accepted(), err
		}) {
			s.insist(ctx, of, random, open.Tag, func(ctx context.Context, option runtime.ExecuteOption) (bool, error) {
				out, err := s.client.Open(ctx, open, option)
				return out.Accepted(), err
			})
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(random.IntN(60)) * time.Millisecond):
		}
	}
}

// insist sends an input by its id, sometimes twice at once, and again after an error. It reports whether it was accepted.
func (s *sender) insist(ctx context.Context, to partition, random *rand.Rand, tag string, send func(context.Context, runtime.ExecuteOption) (bool, error)) bool {
	once := func() (bool, error) {
		calling, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		accepted, err := send(calling, runtime.WithInputID(tag))
		if err == nil && accepted {
			s.say(tag)
		}
		return accepted, err
	}
	var twin sync.WaitGroup
	defer twin.Wait()
	if random.IntN(10) == 0 {
		twin.Go(func() { _, _ = once() })
	}
	for to.age() < patience {
		accepted, err := once()
		if err == nil || refused(err) {
			return accepted
		}
	}
	return false
}

// refused says whether an error means that nothing was stored: the unique key is taken, or the list of cells is too old.
func refused(err error) bool {
	var taken *runtime.UniqueKeyConflict
	var elsewhere *store.Elsewhere
	return errors.As(err, &taken) || errors.As(err, &elsewhere) && elsewhere.Err == nil
}

// say writes a line at once, so that a kill does not tear it.
func (s *sender) say(tag string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = os.Stdout.WriteString(tag + "\n")
}
