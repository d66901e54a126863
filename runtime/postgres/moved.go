package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// suspicion is how long a call waits for the server before somebody asks whether that is still the server that new connections lead to.
var suspicion = 3 * time.Second

// wait is a call that waits for the server. A server that is frozen or cut off answers nothing, and its connections stay open. Once another
// server has taken its place, or it was started again, no answer will come that counts.
type wait struct {
	since  time.Time
	server string // that the pool led to when the wait began, see serverRun; empty if that is not known
	end    func()
	ended  bool
}

// waits notes a call that waits, and calls end when it waits for a server that was replaced. The returned function is called when the call
// has its answer.
func (c *connections) waits(end func()) (done func() (ended bool)) {
	w := &wait{since: time.Now(), end: end}
	c.mu.Lock()
	w.server = c.server
	c.waiting[w] = struct{}{}
	c.mu.Unlock()
	timer := time.AfterFunc(suspicion, c.suspect)
	return func() bool {
		timer.Stop()
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.waiting, w)
		if len(c.waiting) == 0 && c.stopAsking != nil {
			c.stopAsking()
		}
		return w.ended
	}
}

// leadsTo notes which server a connection of the pool has reached.
func (c *connections) leadsTo(server string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.server = server
}

// suspect asks new connections which server they reach, while a call waits for long. One goroutine at a time does.
func (c *connections) suspect() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c.mu.Lock()
	if c.stopAsking != nil || len(c.waiting) == 0 {
		c.mu.Unlock()
		return
	}
	c.stopAsking = cancel
	c.mu.Unlock()
	for c.waitsForLong() {
		if server, err := c.askAgain(ctx); err == nil {
			c.replaced(server)
		}
		select {
		case <-time.After(suspicion / 3):
		case <-ctx.Done():
		}
	}
}

// waitsForLong reports whether a call waits for longer than suspicion. If none does, the caller stops asking.
func (c *connections) waitsForLong() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for w := range c.waiting {
		if time.Since(w.since) >= suspicion {
			return true
		}
	}
	c.stopAsking = nil
	return false
}

// askAgain returns which server a new connection reaches.
func (c *connections) askAgain(ctx context.Context) (server string, err error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	conn, err := c.connect(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, serverRun).Scan(&server)
	return server, err
}

// connect opens a connection as the pool does, beside it.
func (c *connections) connect(ctx context.Context) (*pgx.Conn, error) {
	config := c.pool.Config()
	if config.BeforeConnect != nil { // which may have the password of the hour
		if err := config.BeforeConnect(ctx, config.ConnConfig); err != nil {
			return nil, err
		}
	}
	return pgx.ConnectConfig(ctx, config.ConnConfig)
}

// replaced ends the long waits for other servers than the given one, and drops the connections that nobody uses.
func (c *connections) replaced(server string) {
	c.mu.Lock()
	var old []*wait
	for w := range c.waiting {
		if w.server != "" && w.server != server && time.Since(w.since) >= suspicion && !w.ended {
			w.ended = true
			old = append(old, w)
		}
	}
	c.server = server
	c.mu.Unlock()
	if len(old) == 0 {
		return
	}
	// Not Pool.Reset: it says goodbye to a silent server, for which pgx takes 15 s, and would count the connections for as long.
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, idle := range c.pool.AcquireAllIdle(ctx) {
		idle.Hijack().PgConn().Conn().Close()
	}
	for _, w := range old {
		w.end()
	}
	c.noteClosed()
}
