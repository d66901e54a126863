//go:build unix

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

	"github.com/ironflow-gen/ironflow/bench/chaos/storm"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
)

const (
	lease      = 1500 * time.Millisecond
	projection = "chaos"
)

// order is what a worker process is told, in its environment.
type order struct {
	URL       string
	Name      string // of the process, unique
	Seed      uint64
	Instances int
	Senders   int
}

// report is what a worker process says of an input: one line of JSON.
type report struct {
	Tag, Instance, Input string
	Outcome              string // accepted, refused; unknown for an error
	Error                string
}

// engineConfig is the configuration of all engines.
func engineConfig(name string, pool *pgxpool.Pool, log io.Writer) runtime.Config {
	retry := runtime.RetryPolicy{MaxAttempts: 10_000, Base: 5 * time.Millisecond, Max: 200 * time.Millisecond}
	return runtime.Config{
		Name: name, Lease: lease, PollInterval: 50 * time.Millisecond, EffectRetry: retry, TimerRetry: retry,
		EffectHandlers: 16, TimerHandlers: 16, StoreTimeout: 5 * time.Second, UnavailableTimeout: 3 * time.Second,
		SnapshotEvery: 20, StopTimeout: 5 * time.Second,
		Logger:      slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelError})),
		Projections: []runtime.AnyProjection{runtime.Projection[pgx.Tx]{Name: projection, ApplyBatch: project, Retry: retry}},
		Retention: runtime.Retention{
			Completed: 2 * lease, ForTests: true, BatchSize: 20,
			Archive: func(ctx context.Context, instances []runtime.ArchivedInstance) ([]runtime.InstanceKey, error) {
				return nil, archive(ctx, pool, instances)
			},
		},
	}
}

func openPool(ctx context.Context, url, name string, connections int32) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	config.MaxConns = connections
	config.ConnConfig.RuntimeParams["application_name"] = name
	return pgxpool.NewWithConfig(ctx, config)
}

// work is the worker process: an engine, and senders of inputs until the first line of in. It ends with in.
func work(ctx context.Context, o order, in io.Reader, out, log io.Writer) error {
	pool, err := openPool(ctx, o.URL, "worker", 20)
	if err != nil {
		return err
	}
	defer pool.Close()
	w := &worker{order: o, pool: pool, out: out}
	if err := w.start(ctx, log); err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- w.engine.Run(running) }()
	var deleting sync.WaitGroup
	deleting.Go(func() { w.forget(running) })

	sending, quiet := context.WithCancel(ctx)
	defer quiet()
	var senders sync.WaitGroup
	for n := range o.Senders {
		senders.Go(func() { w.send(sending, rand.New(rand.NewPCG(o.Seed, uint64(n))), n) })
	}
	lines := bufio.NewScanner(in)
	if lines.Scan() {
		quiet()
		senders.Wait()
		fmt.Fprintln(out, `{"Outcome":"quiet"}`)
		for lines.Scan() {
		}
	}
	quiet()
	stop()
	senders.Wait()
	deleting.Wait()
	return <-ended
}

// forget deletes completed instances again and again, in all workers at the same time. That of Run waits for minutes after a worker
// was killed that was at it.
func (w *worker) forget(ctx context.Context) {
	for ctx.Err() == nil {
		_, _ = w.engine.ApplyRetention(ctx) // the store may be down; the next pass does it
		select {
		case <-ctx.Done():
		case <-time.After(300 * time.Millisecond):
		}
	}
}

type worker struct {
	order
	pool   *pgxpool.Pool
	store  *postgres.Store
	engine *runtime.Engine
	client *storm.Client

	mu  sync.Mutex
	out io.Writer
}

// start opens the store as often as it takes: the server may be down.
func (w *worker) start(ctx context.Context, log io.Writer) error {
	for {
		store, err := postgres.New(ctx, w.pool)
		if err == nil {
			w.store = store
			w.engine, err = runtime.NewEngine(store, engineConfig(w.Name, w.pool, log),
				storm.NewWorkflow(storm.Decider{}, storm.Evolver{}, storm.Handler{On: w.handle}))
			if err != nil {
				return err
			}
			w.client = storm.NewClient(w.engine)
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// say reports what became of an input. A line is written at once, so that a kill does not tear it.
func (w *worker) say(r report) {
	line, err := json.Marshal(r)
	if err != nil {
		panic(err) // a struct of strings
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.out.Write(append(line, '\n'))
}

// send sends inputs to random instances.
func (w *worker) send(ctx context.Context, random *rand.Rand, sender int) {
	for n := 0; ctx.Err() == nil; n++ {
		i := random.IntN(w.Instances)
		id, tag := fmt.Sprint("s", i), fmt.Sprintf("%s.%d.%d", w.Name, sender, n)
		open := func() bool {
			return w.report(ctx, random, tag+"o", id, "Open", func(ctx context.Context, options ...runtime.ExecuteOption) (bool, error) {
				out, err := w.client.Open(ctx, storm.Open{StormID: id, Name: fmt.Sprint("n", i/2), Tag: tag + "o"}, options...)
				return out.Accepted(), err
			})
		}
		switch p := random.IntN(100); {
		case p < 3:
			w.report(ctx, random, tag, id, "Close", func(ctx context.Context, options ...runtime.ExecuteOption) (bool, error) {
				out, err := w.client.Close(ctx, storm.Close{StormID: id, Tag: tag}, options...)
				return out.Accepted(), err
			})
		case p < 15:
			w.within(ctx, random, tag, id)
		default:
			if !w.report(ctx, random, tag, id, "Add", w.add(random, id, tag)) {
				open()
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(random.IntN(60)) * time.Millisecond):
		}
	}
}

// add asks for work of a random kind.
func (w *worker) add(random *rand.Rand, id, tag string) input {
	in := storm.Add{StormID: id, Tag: tag, Kind: storm.Work[random.IntN(len(storm.Work))], Amount: 1 + random.Int64N(9)}
	return func(ctx context.Context, options ...runtime.ExecuteOption) (bool, error) {
		out, err := w.client.Add(ctx, in, options...)
		return out.Accepted(), err
	}
}

type input func(ctx context.Context, options ...runtime.ExecuteOption) (accepted bool, err error)

// report sends an input under its id, sometimes twice at once and sometimes with little patience, and again after an error. It
// returns false when the input was refused.
func (w *worker) report(ctx context.Context, random *rand.Rand, tag, id, name string, send input) bool {
	option := runtime.WithInputID(tag)
	once := func(patience time.Duration) (bool, error) {
		calling, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		accepted, err := send(calling, option)
		w.say(described(report{Tag: tag, Instance: id, Input: name}, accepted, err))
		return accepted || err != nil, err
	}
	var twin sync.WaitGroup
	if random.IntN(10) == 0 {
		twin.Go(func() { _, _ = once(2 * time.Second) })
	}
	patience := 3 * time.Second
	if random.IntN(20) == 0 {
		patience = time.Duration(1+random.IntN(8)) * time.Millisecond
	}
	defer twin.Wait()
	for range 3 {
		accepted, err := once(patience)
		var taken *runtime.UniqueKeyConflict
		if err == nil || errors.As(err, &taken) {
			return accepted
		}
		patience = 3 * time.Second
	}
	return true
}

func described(r report, accepted bool, err error) report {
	switch {
	case err != nil:
		r.Outcome, r.Error = "unknown", err.Error()
	case accepted:
		r.Outcome = "accepted"
	default:
		r.Outcome = "refused"
	}
	return r
}

// within sends inputs to one or two instances in a transaction of its own, which stays open for a while and then commits or rolls
// back. It commits refused inputs too, which must leave nothing behind.
func (w *worker) within(ctx context.Context, random *rand.Rand, tag, id string) {
	ctx = context.WithoutCancel(ctx)
	open, commit := time.Duration(random.IntN(80))*time.Millisecond, random.IntN(3) > 0
	reports := []report{{Tag: tag, Instance: id, Input: "Add within"}}
	if random.IntN(3) == 0 {
		reports = append(reports, report{Tag: tag + "b", Instance: fmt.Sprint("s", random.IntN(w.Instances)), Input: "Add within"})
	}
	accepted := make([]bool, len(reports))
	err := pgx.BeginFunc(ctx, w.pool, func(tx pgx.Tx) (err error) {
		for i, r := range reports {
			send := w.add(random, r.Instance, r.Tag)
			if accepted[i], err = send(ctx, runtime.Within(w.store.Tx(tx)), runtime.WithInputID(r.Tag)); err != nil {
				return err
			}
			if !accepted[i] {
				continue
			}
			if _, err := tx.Exec(ctx, `INSERT INTO chaos.within (tag) VALUES ($1)`, r.Tag); err != nil {
				return err
			}
		}
		time.Sleep(open)
		if !commit {
			return errRolledBack
		}
		return nil
	})
	for i, r := range reports {
		if errors.Is(err, errRolledBack) {
			w.say(described(r, false, nil))
		} else {
			w.say(described(r, accepted[i], err))
		}
	}
}

var errRolledBack = errors.New("rolled back on purpose")

// handle records when it began and ended under which lease. It answers late leases too: the store must refuse them.
func (w *worker) handle(ctx context.Context, call runtime.EffectCall) error {
	of, err := runtime.ParseIdempotencyKey(call.IdempotencyKey)
	if err != nil {
		return err
	}
	number := rand.Int64()
	_, err = w.pool.Exec(ctx, `
		INSERT INTO chaos.handled (number, instance, version, position, commit_id, token, claimed_at, run_at, holder)
		SELECT $1, instance, version, position, commit_id, token, claimed_at, run_at, holder FROM ironflow.effects
		WHERE instance = $2 AND workflow = $3 AND version = $4 AND position = $5 AND holder = $6 AND attempts = $7
		  AND run_at > clock_timestamp() AND claimed_at IS NOT NULL`,
		number, call.Instance.ID, call.Instance.Workflow, of.Version, of.Position, w.Name, call.Attempt)
	if err == nil {
		takes := time.Duration(rand.IntN(40)) * time.Millisecond
		if rand.IntN(10) == 0 {
			takes = time.Duration(rand.Int64N(int64(2 * lease))) // heartbeats keep it
		}
		time.Sleep(takes)
	}
	// Also when the answer to the insert was lost. One that comes later than this finds its number taken.
	for ended := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if _, err := w.pool.Exec(context.WithoutCancel(ctx), `
			INSERT INTO chaos.handled (number, ended_at) VALUES ($1, $2) ON CONFLICT (number) DO UPDATE SET ended_at = $2`, number, ended); err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	switch rand.IntN(20) {
	case 0:
		return runtime.Snooze(50 * time.Millisecond)
	case 1:
		return runtime.RetryAfter(errors.New("busy"), 30*time.Millisecond)
	case 2:
		return errors.New("broken")
	}
	return nil
}

// project writes a row for each event.
func project(ctx context.Context, tx pgx.Tx, events []runtime.StoredEvent) error {
	rows := make([][]any, len(events))
	for i, e := range events {
		rows[i] = []any{e.Instance.ID, e.Version, e.GlobalSequence}
	}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"chaos", "projected"}, []string{"instance", "version", "global_sequence"}, pgx.CopyFromRows(rows))
	return err
}

// archive keeps the events of instances that retention deletes. The primary key of the table shows when an instance comes again with
// another history.
func archive(ctx context.Context, pool *pgxpool.Pool, instances []runtime.ArchivedInstance) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		for _, instance := range instances {
			for _, e := range instance.Events {
				if _, err := tx.Exec(ctx, `
					INSERT INTO chaos.archived (instance, version, global_sequence, type, payload, first, completes) VALUES ($1, $2, $3, $4, $5, $6, $7)
					ON CONFLICT (global_sequence) DO NOTHING`,
					e.Instance.ID, e.Version, e.GlobalSequence, e.Type, string(e.Payload), instance.Events[0].GlobalSequence,
					e.Version == instance.Version); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// childVariable has the order of a worker process.
const childVariable = "IRONFLOW_CHAOS_WORKER"

// runAsWorker reports whether this process is a worker, and its exit code.
func runAsWorker(ctx context.Context) (bool, int) {
	text := os.Getenv(childVariable)
	if text == "" {
		return false, 0
	}
	var o order
	err := json.Unmarshal([]byte(text), &o)
	if err == nil {
		err = work(ctx, o, os.Stdin, os.Stdout, os.Stderr)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "chaos: worker %s: %v\n", o.Name, err)
		return true, 1
	}
	return true, 0
}
