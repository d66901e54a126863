package runtime

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Clock is where the engine gets the time from, for decisions as well as for leases, backoff and polling. Processes that
// share a store should agree on the time to well within the lease: a skew costs repeated attempts and late effects, never
// correctness. On a Timekeeper, engines agree as long as Config.Clock is left alone.
// Safe for concurrent use.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

type systemClock struct{}

func (systemClock) Now() time.Time                         { return time.Now() }
func (systemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Timekeeper is a Store that has a clock, one for all processes on it. It is the clock of engines whose config has none.
type Timekeeper interface {
	Store

	// Time returns the time of the store while it is called.
	Time(ctx context.Context) (time.Time, error)
}

// storeClock is the clock of a Timekeeper. It asks for the time now and then, and counts on from there without regard to the time
// that the process sees, which may be wrong, and may jump.
type storeClock struct {
	systemClock
	store  Timekeeper
	logger *slog.Logger
	local  func() time.Time // until the store has answered
	first  sync.Once

	mu      sync.Mutex
	time    time.Time // of the store
	as      time.Time // with the monotonic reading of the process; zero before the first answer
	asking  bool
	nextAsk time.Time // likewise
}

const (
	// clockInterval is how often the store is asked. Between two answers the process counts by itself, which is good to a few
	// microseconds a second.
	clockInterval = 10 * time.Second

	// clockTimeout bounds a question. An answer that took long says little about the time.
	clockTimeout = time.Second
)

func newStoreClock(store Timekeeper, logger *slog.Logger) *storeClock {
	return &storeClock{store: store, logger: logger, local: time.Now}
}

// Now waits for the store only the first time.
func (c *storeClock) Now() time.Time {
	c.first.Do(c.ask)
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.asking && !now.Before(c.nextAsk) {
		c.asking = true
		go c.ask()
	}
	if c.as.IsZero() {
		return c.local()
	}
	return c.time.Add(now.Sub(c.as))
}

// ask asks the store. It takes the answer for the time half-way between question and answer.
func (c *storeClock) ask() {
	ctx, cancel := context.WithTimeout(context.Background(), clockTimeout)
	defer cancel()
	before := time.Now()
	now, err := c.store.Time(ctx)
	after := time.Now()
	if err != nil {
		c.logger.Warn("ironflow: the store does not tell the time; that of this process, or the last answer, is used until it does", "error", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asking, c.nextAsk = false, after.Add(clockTimeout)
	if err == nil {
		c.nextAsk = after.Add(clockInterval)
		c.time, c.as = now, before.Add(after.Sub(before)/2)
	}
}

// storedTime is t as a store gives it back. Everything that is decided with, or compared, goes through it.
func storedTime(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
