package postgres

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime"
)

// horizon finds out how far the feed is settled.
//
// Events are numbered by a sequence when they are inserted, and become visible when their transaction commits, in another
// order. Who reads on from the highest number it has seen misses those that were numbered before and committed after.
// Nor is it enough to leave out the events of transactions that are younger than the oldest that runs: an event's
// transaction may be older than one with lower numbers.
//
// What works rests on one property of the writers: they have their transaction id before they take a number. So:
//
//	L := the last number that was issued
//	X := a transaction id of one's own, taken after L was read
//
// Whoever has a number up to L has a transaction id below X. As soon as the oldest transaction that runs is X or younger,
// all of those have ended; what they wrote is visible, and no number up to L will be used by anyone else. L is settled.
// The pair of L and X is called a ticket here.
//
// An id is taken only when the sequence has moved, and by one caller for all of this process that ask at the same time. So
// polling costs no ids while nothing is written, and a bounded number of them while much is.
type horizon struct {
	pool *connections
	take string // the statement takeTicket

	mu      sync.Mutex
	found   runtime.FeedHorizon
	tickets []ticket // not settled yet
	taken   time.Time
	next    *flight // that callers may still join
	flying  bool
}

type ticket struct {
	issued int64 // L
	id     int64 // X
}

// flight is a round trip, with its result when done is closed.
type flight struct {
	done  chan struct{}
	until time.Time // when the last of those who wait has gone; zero for never
	found runtime.FeedHorizon
	err   error
}

const (
	// maxTickets bounds the memory of a long stall. What was issued after the last ticket waits for the next.
	maxTickets = 64

	// ticketInterval bounds how many transaction ids are used up while transactions overlap all the time.
	ticketInterval = 5 * time.Millisecond

	// horizonTimeout bounds a round trip, which does not end with the context of one of those who wait for it.
	horizonTimeout = 30 * time.Second
)

func newHorizon(pool *connections, queries *queries) *horizon {
	return &horizon{pool: pool, take: queries.takeTicket}
}

// settled is what was found so far.
func (h *horizon) settled() runtime.FeedPosition {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.found.Settled
}

// oldest returns the transaction id that the oldest transaction must reach next.
func (h *horizon) oldest() (id int64, waits bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.tickets) == 0 {
		return 0, false
	}
	return h.tickets[0].id, true
}

// find asks the server, in a round trip that begins after the call.
func (h *horizon) find(ctx context.Context) (runtime.FeedHorizon, error) {
	if err := ctx.Err(); err != nil {
		return runtime.FeedHorizon{}, wrap(err, "find how far the feed is settled")
	}
	h.mu.Lock()
	f := h.next
	if f == nil {
		f = &flight{done: make(chan struct{}), until: time.Now()}
		h.next = f
		if !h.flying {
			h.flying = true
			go h.fly()
		}
	}
	f.awaited(ctx)
	h.mu.Unlock()
	select {
	case <-f.done:
		return f.found, f.err
	case <-ctx.Done():
		return runtime.FeedHorizon{}, wrap(ctx.Err(), "find how far the feed is settled")
	}
}

// awaited lets the flight last for as long as one more caller waits; h.mu is held.
func (f *flight) awaited(ctx context.Context) {
	until, bounded := ctx.Deadline()
	switch {
	case !bounded:
		f.until = time.Time{}
	case !f.until.IsZero() && until.After(f.until):
		f.until = until
	}
}

// fly makes round trips while somebody waits for one.
func (h *horizon) fly() {
	for {
		h.mu.Lock()
		f := h.next
		h.next = nil
		h.flying = f != nil
		known := h.known()
		timeout := horizonTimeout
		if f != nil && !f.until.IsZero() {
			timeout = min(timeout, time.Until(f.until))
		}
		h.mu.Unlock()
		if f == nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		f.found, f.err = h.ask(ctx, known)
		cancel()
		close(f.done)
	}
}

// known is the number up to which no ticket is to be taken.
func (h *horizon) known() int64 {
	switch n := len(h.tickets); {
	case n == 0:
		return int64(h.found.Settled)
	case n == maxTickets, time.Since(h.taken) < ticketInterval:
		return math.MaxInt64
	default:
		return h.tickets[n-1].issued
	}
}

// ask makes a round trip. Both statements are one transaction, in which the ticket's own id counts as one that runs, and
// so as the oldest when no other is older.
func (h *horizon) ask(ctx context.Context, known int64) (runtime.FeedHorizon, error) {
	var issued, oldest int64
	var id *int64
	err := h.pool.send(ctx, func(batch *pgx.Batch) {
		batch.Queue(h.take, known).QueryRow(func(row pgx.Row) error { return row.Scan(&issued, &id) })
		batch.Queue(oldestTransaction).QueryRow(func(row pgx.Row) error { return row.Scan(&oldest) })
	})
	if err != nil {
		return runtime.FeedHorizon{}, wrap(err, "find how far the feed is settled")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if issued < int64(h.found.Settled) { // the database was restored from a backup
		h.found, h.tickets = runtime.FeedHorizon{}, nil
	}
	if id != nil {
		h.tickets = append(h.tickets, ticket{issued, *id})
		h.taken = time.Now()
	}
	for len(h.tickets) > 0 && h.tickets[0].id <= oldest {
		h.found.Settled = max(h.found.Settled, runtime.FeedPosition(h.tickets[0].issued))
		h.tickets = h.tickets[1:]
	}
	h.found.Issued = max(runtime.FeedPosition(issued), h.found.Settled)
	return h.found, nil
}
