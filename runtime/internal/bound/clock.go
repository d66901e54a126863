package bound

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// storeClock is the clock of a Timekeeper. It asks the store for the time now and then, and adds the time that has passed since
// by the process's monotonic clock. The process's wall clock may be wrong, or may jump.
type storeClock struct {
	store.SystemClock
	store  store.Timekeeper
	logger *slog.Logger
	local  func() time.Time // until the store has answered
	first  sync.Once

	mu      sync.Mutex
	time    time.Time // of the store
	as      time.Time // the process's time at the answer, with its monotonic reading; zero before the first answer
	asking  bool
	nextAsk time.Time // the process's time of the next question, with its monotonic reading
}

const (
	// clockInterval is the time between two questions to the store. Between two answers, the process's clock is wrong by a few
	// microseconds a second at most.
	clockInterval = 10 * time.Second

	// clockTimeout limits a question. An answer that took longer is too inexact.
	clockTimeout = time.Second
)

// ClockOf returns the clock of a store: that of its database if the store has one, else the system's.
func ClockOf(on *Store, logger *slog.Logger) store.Clock {
	if !Has[store.Timekeeper](on) {
		return store.SystemClock{}
	}
	return newStoreClock(on, logger)
}

func newStoreClock(store store.Timekeeper, logger *slog.Logger) *storeClock {
	return &storeClock{store: store, logger: logger, local: time.Now}
}

// Now waits for the store only when it is called for the first time.
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

// ask asks the store for the time. It takes the answer as the time half-way between question and answer. It drops an answer that
// comes after clockTimeout, because the process may have been suspended meanwhile.
func (c *storeClock) ask() {
	ctx, cancel := context.WithTimeout(context.Background(), clockTimeout)
	defer cancel()
	before := time.Now()
	now, err := c.store.Time(ctx)
	after := time.Now()
	if took := after.Sub(before); err == nil && took > clockTimeout {
		err = fmt.Errorf("the answer took %v", took)
	}
	if err != nil {
		c.logger.Warn("ironflow: the store did not answer with the time; until it does, the engine counts from the last answer, or uses this process's clock", "error", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asking, c.nextAsk = false, after.Add(clockTimeout)
	if err == nil {
		c.nextAsk = after.Add(clockInterval)
		c.time, c.as = now, before.Add(after.Sub(before)/2)
	}
}
