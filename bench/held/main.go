// Command held measures what a snapshot that somebody holds for long costs: claims of effects, their throughput, and the table of a
// bystander in the same database. It starts a PostgreSQL server of its own.
//
//	go run ./bench/held              a minute before, ten minutes held, a minute to recover, a minute after: 13 minutes
//	go run ./bench/held -quick       the same in a minute
//	go run ./bench/held -rate 2000   decisions a second, each of which asks for an effect
//
// While the snapshot is held, no dead row can be removed, and the entries of all effects that are done stay in the claim's index. The
// exit code is 1 when a goal is missed, and 2 when something could not be measured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/bench/internal/report"
	"github.com/ironflow-gen/ironflow/bench/internal/tally"
	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// plan is how long each part takes.
type plan struct {
	rate                         int
	warmUp, window, held, settle time.Duration
}

var (
	full  = plan{rate: 1000, warmUp: 20 * time.Second, window: time.Minute, held: 10 * time.Minute, settle: time.Minute}
	quick = plan{rate: 500, warmUp: 5 * time.Second, window: 8 * time.Second, held: 25 * time.Second, settle: 10 * time.Second}
)

// run is the whole program; it returns the exit code.
func run(ctx context.Context, args []string, out, log io.Writer) int {
	flags := flag.NewFlagSet("held", flag.ContinueOnError)
	flags.SetOutput(log)
	isQuick := flags.Bool("quick", false, "a minute in all")
	rate := flags.Int("rate", 0, "`n` decisions a second (default 1000, quick 500)")
	held := flags.Duration("held", 0, "hold the snapshot for this `time` (default 10m, quick 25s)")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	p := full
	if *isQuick {
		p = quick
	}
	if *rate > 0 {
		p.rate = *rate
	}
	if *held > 0 {
		p.held = *held
	}
	if p.held < p.window {
		p.held = p.window
	}
	phases, err := p.measure(ctx, log)
	if err != nil {
		fmt.Fprintln(log, "held:", err)
		return 2
	}
	return phases.print(out)
}

// sample is what was seen within one window.
type sample struct {
	name      string
	claims    []time.Duration // that got something
	delays    []time.Duration // from a decision to its effect's handler
	bystander []time.Duration // reads by key
	handled   int
	took      time.Duration
}

type phases []*sample

// meter collects into the window that is open.
type meter struct {
	telemetry.NoTelemetry
	mu     sync.Mutex
	window *sample // nil between windows
}

func (m *meter) note(add func(*sample)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.window != nil {
		add(m.window)
	}
}

// Claimed implements telemetry.Telemetry.
func (m *meter) Claimed(c telemetry.ClaimReport) {
	if c.Queue == store.EffectQueue && c.Claimed > 0 && c.Err == nil {
		m.note(func(s *sample) { s.claims = append(s.claims, c.Duration) })
	}
}

// during collects for a time.
func (m *meter) during(ctx context.Context, name string, d time.Duration, log io.Writer) (*sample, error) {
	s := &sample{name: name}
	began := time.Now()
	m.mu.Lock()
	m.window = s
	m.mu.Unlock()
	err := sleep(ctx, d)
	m.mu.Lock()
	m.window = nil
	m.mu.Unlock()
	s.took = time.Since(began)
	fmt.Fprintln(log, s)
	return s, err
}

func (s *sample) String() string {
	return fmt.Sprintf("%-8s claim %s, delay %s, %.0f effects/s, bystander %s", s.name, spread(s.claims), spread(s.delays), s.rate(), spread(s.bystander))
}

func (s *sample) rate() float64 { return float64(s.handled) / s.took.Seconds() }

func spread(took []time.Duration) string {
	return fmt.Sprintf("p50 %.2f ms p99 %.2f ms", milliseconds(took, 50), milliseconds(took, 99))
}

func milliseconds(took []time.Duration, percentile float64) float64 {
	sorted := slices.Sorted(slices.Values(took))
	return float64(report.Percentile(sorted, percentile)) / float64(time.Millisecond)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return errors.New("interrupted")
	case <-time.After(d):
		return nil
	}
}

// print writes the table and returns the exit code.
func (p phases) print(out io.Writer) int {
	before, code := p[0], 0
	goal := func(what string, ratio, atMost float64) {
		verdict := "yes"
		if !(ratio <= atMost) {
			verdict, code = "MISSED", 1
		}
		fmt.Fprintf(out, "%-48s %6.2fx  at most %.2fx  %s\n", what, ratio, atMost, verdict)
	}
	for _, s := range p {
		fmt.Fprintln(out, s)
	}
	fmt.Fprintln(out)
	for i, s := range p[1:] {
		claim := 3.0
		if i == 1 {
			claim = 1.5 // back to normal
		}
		goal(s.name+": claim, p50; before", milliseconds(s.claims, 50)/milliseconds(before.claims, 50), claim)
		goal(s.name+": time of an effect; before", before.rate()/s.rate(), 1/0.95)
		goal(s.name+": bystander's read, p50; before", milliseconds(s.bystander, 50)/milliseconds(before.bystander, 50), 1.1)
	}
	return code
}

// measure runs the load, and takes a sample before the snapshot is held, at the end of the time it is, and after that.
func (p plan) measure(ctx context.Context, log io.Writer) (found phases, err error) {
	server, err := pgserver.Start(ctx, pgserver.Options{Durable: true, Settings: map[string]string{
		"shared_buffers": "1GB", "max_wal_size": "4GB", "checkpoint_timeout": "15min", "autovacuum_naptime": "30s",
	}})
	if err != nil {
		return nil, err
	}
	defer server.Stop()
	pool, err := pgxpool.New(ctx, server.URL())
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	if err := postgres.Migrate(ctx, pool); err != nil {
		return nil, err
	}
	store, err := postgres.New(ctx, pool)
	if err != nil {
		return nil, err
	}
	const bystanders = 200_000
	for _, sql := range []string{
		"CREATE TABLE bystander (id int PRIMARY KEY, note text NOT NULL)",
		fmt.Sprintf("INSERT INTO bystander SELECT n, 'a note' FROM generate_series(1, %d) n", bystanders),
		"VACUUM ANALYZE bystander",
	} {
		if _, err := pool.Exec(ctx, sql); err != nil {
			return nil, err
		}
	}

	m := &meter{}
	handler := tally.Handler{OnTell: func(call runtime.EffectCall) {
		delay := time.Since(call.RequestedAt)
		m.note(func(s *sample) { s.handled, s.delays = s.handled+1, append(s.delays, delay) })
	}}
	quiet := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	engine, err := runtime.NewEngine(store, runtime.Config{Logger: quiet, Telemetry: m}, tally.NewWorkflow(tally.Decider{}, tally.Evolver{}, handler))
	if err != nil {
		return nil, err
	}
	loaded, stop := context.WithCancelCause(ctx)
	var load sync.WaitGroup
	defer load.Wait()
	defer stop(nil)
	start := func(what string, run func(context.Context) error) {
		load.Go(func() {
			if err := run(loaded); err != nil && loaded.Err() == nil {
				stop(fmt.Errorf("%s: %w", what, err))
			}
		})
	}
	start("engine", engine.Run)
	start("decisions", func(ctx context.Context) error { return p.decide(ctx, tally.NewClient(engine)) })
	start("bystander", func(ctx context.Context) error { return read(ctx, server.URL(), bystanders, m) })

	window := func(name string) {
		if err != nil {
			return
		}
		var s *sample
		if s, err = m.during(loaded, name, p.window, log); err == nil {
			found = append(found, s)
		}
	}
	if err = sleep(loaded, p.warmUp); err == nil {
		window("before")
	}
	if err == nil {
		err = hold(loaded, server.URL(), func() error {
			err := sleep(loaded, p.held-p.window)
			if err == nil {
				var s *sample
				s, err = m.during(loaded, "held", p.window, log)
				found = append(found, s)
			}
			return err
		})
	}
	if err == nil {
		err = sleep(loaded, p.settle)
	}
	window("after")
	if cause := context.Cause(loaded); err != nil && cause != nil {
		err = cause
	}
	return found, err
}

// hold keeps a snapshot while f runs.
func hold(ctx context.Context, url string, f func() error) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, sql := range []string{"BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT count(*) FROM pg_class"} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return f()
}

// decide makes decisions at the rate, whatever they take: four for each instance, each with an effect.
func (p plan) decide(ctx context.Context, client *tally.Client) error {
	const callers = 64
	due := make(chan int, p.rate)
	failed := make(chan error, callers)
	var group sync.WaitGroup
	defer group.Wait()
	defer close(due)
	for range callers {
		group.Go(func() {
			for n := range due {
				outcome, err := client.Add(ctx, tally.Add{TallyID: fmt.Sprintf("tally-%d", n/4), Amount: 1, Note: "a note"})
				if err == nil && !outcome.Accepted() {
					err = fmt.Errorf("an input was not accepted: %v", outcome)
				}
				if err != nil {
					failed <- err
					return
				}
			}
		})
	}
	began := time.Now()
	for n := 0; ; {
		for ; n < int(time.Since(began).Seconds()*float64(p.rate)); n++ {
			select {
			case due <- n:
			case err := <-failed:
				return err
			case <-ctx.Done():
				return nil
			}
		}
		select {
		case <-time.After(time.Millisecond):
		case err := <-failed:
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

// read reads rows of the bystander's table by key, 200 a second.
func read(ctx context.Context, url string, rows int, m *meter) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for ctx.Err() == nil {
		var note string
		began := time.Now()
		if err := conn.QueryRow(ctx, "SELECT note FROM bystander WHERE id = $1", rand.IntN(rows)+1).Scan(&note); err != nil {
			return err
		}
		took := time.Since(began)
		m.note(func(s *sample) { s.bystander = append(s.bystander, took) })
		if sleep(ctx, 5*time.Millisecond) != nil {
			return nil
		}
	}
	return nil
}
