package runtime

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// storeClock is the clock of a Timekeeper. It asks for the time now and then, and counts on from there without regard to the time
// that the process sees, which may be wrong, and may jump.
type storeClock struct {
	store.SystemClock
	store  store.Timekeeper
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

func newStoreClock(store store.Timekeeper, logger *slog.Logger) *storeClock {
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

// ask asks the store. It takes the answer for the time half-way between question and answer. An answer that comes after clockTimeout counts
// as none: the process may have been suspended meanwhile.
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
