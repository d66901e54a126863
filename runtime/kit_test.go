package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// epoch is where the clocks of these tests start. It has nanoseconds, which no store keeps.
var epoch = time.Date(2031, time.March, 4, 5, 6, 7, 890_123_456, time.UTC)

// clock moves when it is told to.
type clock struct {
	mu     sync.Mutex
	now    time.Time
	alarms []clockAlarm
}

type clockAlarm struct {
	pause time.Duration
	at    time.Time
	ring  chan time.Time
}

func newClock() *clock { return &clock{now: epoch} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := clockAlarm{d, c.now.Add(d), make(chan time.Time, 1)}
	if d <= 0 {
		a.ring <- c.now
	} else {
		c.alarms = append(c.alarms, a)
	}
	return a.ring
}

// advance moves the clock, also back. Pauses do not get longer by that: they do not go by the time of day.
func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	for i := range c.alarms {
		c.alarms[i].at = c.alarms[i].at.Add(min(d, 0))
	}
	var wait []clockAlarm
	for _, a := range c.alarms {
		if a.at.After(c.now) {
			wait = append(wait, a)
		} else {
			a.ring <- c.now
		}
	}
	c.alarms = wait
}

// sleepers is how many wait for a pause of exactly this length to end.
func (c *clock) sleepers(pause time.Duration) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.alarms {
		if a.pause == pause {
			n++
		}
	}
	return n
}

// ownTime is the clock of the process.
type ownTime struct{}

func (ownTime) Now() time.Time                         { return time.Now() }
func (ownTime) After(d time.Duration) <-chan time.Time { return time.After(d) }

// logbook collects what engines log, for tests that ask for it and for those that fail.
type logbook struct {
	t     *testing.T
	mu    sync.Mutex
	lines []string
}

func (l *logbook) Write(line []byte) (int, error) {
	l.mu.Lock()
	l.lines = append(l.lines, string(line))
	l.mu.Unlock()
	return l.t.Output().Write(line)
}

func (l *logbook) contains(parts ...string) bool { return l.count(parts...) > 0 }

// count returns how many lines have all of the parts.
func (l *logbook) count(parts ...string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		all := true
		for _, part := range parts {
			all = all && strings.Contains(line, part)
		}
		if all {
			n++
		}
	}
	return n
}

func (b *bed) wantLog(parts ...string) {
	b.Helper()
	b.eventually(fmt.Sprintf("a log line with %q", parts), func() bool { return b.log.contains(parts...) })
}

// config is that of an engine on a manual clock: nothing runs out while the clock stands.
func (b *bed) config(c store.Clock) runtime.Config {
	return runtime.Config{
		Logger: slog.New(slog.NewTextHandler(b.log, nil)),
		Clock:  c,
		Lease:  24 * time.Hour,
	}
}

// realConfig is that of an engine whose time is real, and short.
func (b *bed) realConfig() runtime.Config {
	return runtime.Config{
		Logger:       slog.New(slog.NewTextHandler(b.log, nil)),
		PollInterval: 10 * time.Millisecond,
		EffectRetry:  runtime.RetryPolicy{MaxAttempts: 4, Base: time.Millisecond, Max: 5 * time.Millisecond},
		TimerRetry:   runtime.RetryPolicy{MaxAttempts: 4, Base: time.Millisecond, Max: 5 * time.Millisecond},
	}
}

func (b *bed) engine(config runtime.Config, workflows ...*runtime.Workflow) *runtime.Engine {
	b.Helper()
	return b.engineOn(b.store, config, workflows...)
}

func (b *bed) engineOn(store runtime.Store, config runtime.Config, workflows ...*runtime.Workflow) *runtime.Engine {
	b.Helper()
	engine, err := runtime.NewEngine(store, config, workflows...)
	if err != nil {
		b.Fatal(err)
	}
	return engine
}

// run runs the workers of an engine until the test ends or stop is called, which returns what Run returns.
func (b *bed) run(engine *runtime.Engine) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		err = engine.Run(ctx)
	}()
	stop = func() error {
		cancel()
		select {
		case <-done:
			return err
		case <-time.After(30 * time.Second):
			return errors.New("Run does not return")
		}
	}
	b.Cleanup(func() {
		if err := stop(); err != nil && !strings.Contains(err.Error(), "ignore their cancelled context") {
			b.Errorf("Run: %v", err)
		}
	})
	return stop
}

// eventually polls until the condition holds.
func (b *bed) eventually(what string, condition func() bool) {
	b.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.Fatalf("it does not happen: %s\n%s", what, b.dump())
		}
	}
}

// advanceUntil moves the clock in steps until the condition holds.
func (b *bed) advanceUntil(c *clock, step time.Duration, what string, condition func() bool) {
	b.Helper()
	b.eventually(what, func() bool {
		if condition() {
			return true
		}
		c.advance(step)
		return false
	})
}

// beat moves the clock to the next heartbeat of the only worker that holds leases, which are three times as long.
func (b *bed) beat(c *clock, pause time.Duration) {
	b.Helper()
	b.eventually("the heartbeat is over", func() bool { return c.sleepers(pause) == 1 })
	c.advance(pause)
}

// wait waits for a channel to be closed or sent to.
func wait[T any](b *bed, what string, c <-chan T) (v T) {
	b.Helper()
	select {
	case v = <-c:
	case <-time.After(20 * time.Second):
		b.Fatalf("it does not happen: %s\n%s", what, b.dump())
	}
	return v
}

// eventuallyTable polls until the rows are as wanted.
func (b *bed) eventuallyTable(columns, table, condition string, want ...string) {
	b.Helper()
	b.eventually(fmt.Sprintf("%s of %s %s are %q", columns, table, condition, want), func() bool {
		return strings.Join(b.table(columns, table, condition), "\n") == strings.Join(want, "\n")
	})
}

// tickets is a workflow with plain evolver.
func tickets(d ticket.Decider, h ticket.Handler) *runtime.Workflow {
	return ticket.NewWorkflow(d, ticket.Evolver{}, h)
}

func ledgers(d ledger.Decider, h ledger.Handler) *runtime.Workflow {
	return ledger.NewWorkflow(d, ledger.Evolver{}, h)
}

// must returns an outcome that was accepted.
func must[E, R any](b *bed, out runtime.Outcome[E, R], err error) runtime.Outcome[E, R] {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
	if !out.Accepted() {
		b.Fatalf("not accepted: %+v", out)
	}
	return out
}

// wantError says that an error has all of these texts in it.
func wantError(t testing.TB, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", texts)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q does not say %q", err, text)
		}
	}
}

// opened is a decider's answer to Open that asks for the given effects.
func opened(effects ...ticket.OpenEffect) func(time.Time, ticket.State, ticket.Open) ticket.OpenDecision {
	return func(_ time.Time, _ ticket.State, in ticket.Open) ticket.OpenDecision {
		return ticket.AcceptOpen(ticket.Opened{Subject: in.Subject}).Effect(effects...)
	}
}
