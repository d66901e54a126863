//go:build unix

// Command chaos torments workers and their server, and then checks what the database holds. It starts a PostgreSQL server of its own.
//
//	go run ./bench/chaos                           a minute, four workers
//	go run ./bench/chaos -seed 7 -duration 5m      longer, with other choices
//
// Workers are processes that are killed, frozen for longer than a lease, and cut off. The server refuses writes, crashes and starts
// again, and the workflow is paused. The exit code is 1 when something is wrong in the database, and 2 when the run failed.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/bench/chaos/storm"
	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if is, code := runAsWorker(ctx); is {
		os.Exit(code)
	}
	os.Exit(chaos(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// chaos is the whole program; it returns the exit code.
func chaos(ctx context.Context, args []string, out, log io.Writer) int {
	r := &run{log: log, counts: make(map[string]int), outcomes: make(map[string]*outcome)}
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.Uint64Var(&r.seed, "seed", 1, "of the random choices")
	flags.DurationVar(&r.duration, "duration", time.Minute, "torment for this `time`")
	flags.DurationVar(&r.drain, "drain", time.Minute, "all work must end within this `time` after the torment")
	flags.IntVar(&r.processes, "workers", 4, "`n` worker processes")
	flags.BoolVar(&r.verbose, "v", false, "show the errors that the engines log")
	flags.IntVar(&r.instances, "instances", 16, "send to `n` instances")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	err := r.all(ctx)
	for _, name := range slices.Sorted(maps.Keys(r.counts)) {
		fmt.Fprintf(out, "%-44s %8d\n", name, r.counts[name])
	}
	if len(r.violations) > 0 {
		fmt.Fprintf(out, "%d violations, seed %d:\n", len(r.violations), r.seed)
		for _, v := range slices.Concat(r.violations, r.named) {
			fmt.Fprintln(out, v)
		}
		return 1
	}
	if err != nil {
		fmt.Fprintln(log, "chaos:", err)
		return 2
	}
	fmt.Fprintln(out, "no violations")
	return 0
}

// run is one run of the program.
type run struct {
	seed                 uint64
	duration, drain      time.Duration
	processes, instances int
	log                  io.Writer
	verbose              bool

	server  *pgserver.Server
	pool    *pgxpool.Pool
	engine  *runtime.Engine
	client  *storm.Client
	workers []*process
	started int

	background sync.WaitGroup
	pausing    atomic.Bool

	mu         sync.Mutex
	counts     map[string]int
	outcomes   map[string]*outcome
	violations []string
	named      []string // the histories of instances that violations name
}

// outcome is what was said of an input.
type outcome struct {
	instance, input            string
	accepted, refused, unknown int
}

func (r *run) violation(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.violations = append(r.violations, fmt.Sprintf(format, args...))
}

func (r *run) count(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[what]++
}

const schema = `
CREATE SCHEMA chaos;
CREATE TABLE chaos.within (tag text PRIMARY KEY);
CREATE TABLE chaos.handled (
	number bigint PRIMARY KEY, instance text, version bigint, position int, commit_id bigint,
	token bigint, claimed_at timestamptz, run_at timestamptz, holder text, ended_at timestamptz);
CREATE TABLE chaos.projected (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, instance text, version bigint, global_sequence bigint);
CREATE TABLE chaos.archived (
	instance text, version bigint, global_sequence bigint PRIMARY KEY, type text, payload json, first bigint, completes bool);`

func (r *run) all(ctx context.Context) (err error) {
	// What was committed is in the files of the log; a crash of the server leaves them.
	if r.server, err = pgserver.Start(ctx, pgserver.Options{Settings: map[string]string{"synchronous_commit": "on"}}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.server.Stop()) }()
	if r.pool, err = openPool(ctx, r.server.URL(), "chaos", 8); err != nil {
		return err
	}
	defer r.pool.Close()
	if err := postgres.Migrate(ctx, r.pool); err != nil {
		return err
	}
	if _, err := r.pool.Exec(ctx, schema); err != nil {
		return err
	}
	store, err := postgres.New(ctx, r.pool)
	if err != nil {
		return err
	}
	// This process sends and reads only: no Run.
	r.engine, err = runtime.NewEngine(store, engineConfig("chaos", r.pool, r.log), storm.NewWorkflow(storm.Decider{}, storm.Evolver{},
		storm.Handler{On: func(context.Context, runtime.EffectCall) error { return nil }}))
	if err != nil {
		return err
	}
	r.client = storm.NewClient(r.engine)
	defer r.killAll()
	for range r.processes {
		w, err := r.startWorker(ctx)
		if err != nil {
			return err
		}
		r.workers = append(r.workers, w)
	}
	watching, done := context.WithCancel(ctx)
	defer done()
	var watch sync.WaitGroup
	watch.Go(func() { r.watchLimits(watching) })
	tormenting, stop := context.WithTimeout(ctx, r.duration)
	defer stop()
	if err := r.torment(tormenting, rand.New(rand.NewPCG(r.seed, 0))); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	err = r.end(ctx)
	done()
	watch.Wait()
	if err != nil {
		return err
	}
	if err := r.check(ctx); err != nil {
		return err
	}
	return r.histories(ctx)
}

// process is a worker process.
type process struct {
	command *exec.Cmd
	in      io.WriteCloser
	quiet   chan struct{} // closed when its senders have stopped
	read    chan struct{} // closed when all that it said is read
}

func (r *run) startWorker(ctx context.Context) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	r.started++
	told, err := json.Marshal(order{
		URL: r.server.URL(), Name: fmt.Sprint("w", r.started), Seed: r.seed + uint64(r.started), Instances: r.instances, Senders: 5,
	})
	if err != nil {
		return nil, err
	}
	w := &process{command: exec.Command(self), quiet: make(chan struct{}), read: make(chan struct{})}
	w.command.Env = append(os.Environ(), childVariable+"="+string(told))
	if r.verbose {
		w.command.Stderr = r.log
	}
	if w.in, err = w.command.StdinPipe(); err != nil {
		return nil, err
	}
	said, err := w.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := w.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(w.read)
		for lines := bufio.NewScanner(said); lines.Scan(); {
			var said report
			if err := json.Unmarshal(lines.Bytes(), &said); err != nil {
				continue // torn by a kill
			}
			if said.Outcome == "quiet" {
				close(w.quiet)
				continue
			}
			r.hear(said)
		}
	}()
	return w, nil
}

func (r *run) hear(said report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o := r.outcomes[said.Tag]
	if o == nil {
		o = &outcome{instance: said.Instance, input: said.Input}
		r.outcomes[said.Tag] = o
	}
	switch said.Outcome {
	case "accepted":
		o.accepted++
	case "refused":
		o.refused++
	default:
		o.unknown++
	}
}

func (w *process) kill() error {
	if err := w.command.Process.Kill(); err != nil {
		return err
	}
	<-w.read
	_ = w.command.Wait() // it was killed
	return nil
}

func (r *run) killAll() {
	for _, w := range r.workers {
		if w.command.ProcessState == nil {
			_ = w.kill() // has it ended, there is nothing to kill
		}
	}
}

// end lets the senders stop, closes all instances, waits until all work is done, and ends the workers.
func (r *run) end(ctx context.Context) error {
	for _, w := range r.workers {
		if _, err := fmt.Fprintln(w.in, "quiet"); err != nil {
			return err
		}
	}
	for _, w := range r.workers {
		select {
		case <-w.quiet:
		case <-time.After(r.drain):
			return errors.New("the senders of a worker do not stop")
		}
	}
	for i := range r.instances {
		out, err := r.client.Close(ctx, storm.Close{StormID: fmt.Sprint("s", i), Tag: fmt.Sprint("end.", i)})
		if err != nil {
			return err
		}
		if out.Accepted() {
			r.count("instances closed at the end")
		}
	}
	const left = `
		SELECT (SELECT count(*) FROM ironflow.effects) + (SELECT count(*) FROM ironflow.timers)
		     + (SELECT count(*) FROM ironflow.instances WHERE completed_at IS NULL)
		     + (SELECT count(*) FROM ironflow.events e WHERE NOT EXISTS (
		           SELECT FROM chaos.projected p WHERE p.global_sequence = e.global_sequence))`
	began := time.Now()
	for n := 1; n > 0; time.Sleep(50 * time.Millisecond) {
		if err := r.pool.QueryRow(ctx, left).Scan(&n); err != nil {
			return err
		}
		if time.Since(began) > r.drain {
			r.violation("%d effects, timers, active instances and unprojected events are left %v after the torment", n, r.drain)
			break
		}
	}
	r.mu.Lock()
	r.counts["drained after ms"] = int(time.Since(began).Milliseconds())
	r.mu.Unlock()
	for _, w := range r.workers {
		w.in.Close()
		<-w.read
		if err := w.command.Wait(); err != nil {
			r.violation("a worker did not end by itself: %v", err)
		}
	}
	return nil
}
