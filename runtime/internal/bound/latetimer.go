package bound

import (
	"context"
	"sync"
	"time"
)

// lateTimer is a context with a deadline, like that of context.WithDeadline. Its timer starts when somebody waits for it.
type lateTimer struct {
	context.Context // the parent
	deadline        time.Time

	mu     sync.Mutex
	own    context.Context // with a timer; nil until somebody waits
	cancel context.CancelFunc
}

func (c *lateTimer) Deadline() (time.Time, bool) {
	if of, has := c.Context.Deadline(); has && of.Before(c.deadline) {
		return of, true
	}
	return c.deadline, true
}

func (c *lateTimer) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.own == nil {
		c.own, c.cancel = context.WithDeadline(c.Context, c.deadline)
	}
	return c.own.Done()
}

func (c *lateTimer) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.own != nil {
		return c.own.Err()
	}
	if err := c.Context.Err(); err != nil {
		return err
	}
	if !time.Now().Before(c.deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// stop frees what the timer holds. Whoever still waits is told that the context has ended.
func (c *lateTimer) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancel != nil {
		c.cancel()
	}
}
