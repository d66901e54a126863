package postgres

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime/store"
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
// A ticket counts once its own transaction has committed as durably as any that was answered, see the function feed_ticket: otherwise
// a server that crashed, or the standby that takes over, could give the same numbers and ids again. Then L and X, too, are in the
// log, and whoever comes after has higher ones. What was replicated asynchronously may be lost all the same, so all that is known is
// dropped when another server answers, or the same one after a restart, and when the numbers have fallen behind.
//
// An id is taken only when the sequence has moved, and by one caller for all of this process that ask at the same time. So
// polling costs no ids while nothing is written, and a bounded number of them while much is. A ticket whose commit hangs, as it does
// while a synchronous standby is silent, holds up no answer: the feed stalls there, as the writers do.
type horizon struct {
	pool    *connections
	queries *queries
	repair  string // the statement for a sequence that is behind

	mu      sync.Mutex
	found   sight
	tickets []ticket // not settled yet
	taken   time.Time
	taking  bool    // a ticket is under way
	next    *flight // that callers may still join
	flying  bool
	behind  error // *runtime.SequenceBehind as of the last answer

	read   bool        // by standbys: milestones are kept
	passed []milestone // the oldest first
}

// milestone says that a standby has all of the feed up to settled once it has applied the log up to a place.
type milestone struct {
	settled store.FeedPosition
	place   int64
}

// sight is what a server has said.
type sight struct {
	store.FeedHorizon
	server string // see serverRun
}

type ticket struct {
	issued int64 // L
	id     int64 // X
}

// flight is a round trip, with its result when done is closed.
type flight struct {
	done  chan struct{}
	until time.Time // when the last of those who wait has gone; zero for never
	found sight
	err   error
}

const (
	// maxTickets bounds the memory of a long stall. What was issued after the last ticket waits for the next.
	maxTickets = 64

	// maxMilestones bounds the memory while a standby is far behind. Then every second milestone goes.
	maxMilestones = 256

	// ticketInterval bounds how many transaction ids are used up, and how often the log is flushed, while transactions overlap all
	// the time.
	ticketInterval = 5 * time.Millisecond

	// ticketPatience is how long an answer waits for a ticket.
	ticketPatience = 250 * time.Millisecond

	// ticketTimeout is the shortest time that a ticket has, however soon those who wait for an answer have gone: the commit may have to
	// wait for standbys, and the next caller needs it.
	ticketTimeout = 5 * time.Second

	// horizonTimeout bounds a round trip, which does not end with the context of one of those who wait for it.
	horizonTimeout = 30 * time.Second
)

func newHorizon(pool *connections, queries *queries, repair string) *horizon {
	return &horizon{pool: pool, queries: queries, repair: repair}
}

// settled is what was found so far.
func (h *horizon) settled() sight {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.found
}

// forget drops what is known, because another server answers.
func (h *horizon) forget(server string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.found.server != server {
		h.reset(server)
	}
}

// reset drops what is known; h.mu is held.
func (h *horizon) reset(server string) {
	h.found, h.tickets, h.passed = sight{server: server}, nil, nil
}

// settledAt returns how far a standby has the feed that has applied the log up to a place.
func (h *horizon) settledAt(place int64) store.FeedPosition {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range slices.Backward(h.passed) {
		if m.place <= place {
			return m.settled
		}
	}
	return 0
}

// pass notes the end of the log; h.mu is held.
func (h *horizon) pass(end int64) {
	if n := len(h.passed); n > 0 && h.passed[n-1].settled == h.found.Settled {
		return
	}
	if len(h.passed) == maxMilestones {
		for i := range maxMilestones / 2 {
			h.passed[i] = h.passed[2*i+1]
		}
		h.passed = h.passed[:maxMilestones/2]
	}
	h.passed = append(h.passed, milestone{h.found.Settled, end})
}

// oldest returns the transaction id that the oldest transaction must reach next; 0 when a ticket is under way.
func (h *horizon) oldest() (id int64, waits bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.tickets) == 0 {
		return 0, h.taking
	}
	return h.tickets[0].id, true
}

// refuses fails while the sequence is behind. Only then it asks the server.
func (h *horizon) refuses(ctx context.Context) error {
	h.mu.Lock()
	behind := h.behind
	h.mu.Unlock()
	if behind == nil {
		return nil
	}
	_, err := h.find(ctx)
	return err
}

// find asks the server, in a round trip that begins after the call.
func (h *horizon) find(ctx context.Context) (sight, error) {
	if err := ctx.Err(); err != nil {
		return sight{}, wrap(err, "find how far the feed is settled")
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
		return sight{}, wrap(ctx.Err(), "find how far the feed is settled")
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
		h.taking = h.taking || f != nil && known < noTicket
		h.mu.Unlock()
		if f == nil {
			return
		}
		if known == noTicket {
			f.found, f.err = h.ask(timeout, noTicket)
			close(f.done)
			continue
		}
		asked := make(chan flight, 1)
		go func() {
			found, err := h.ask(max(timeout, ticketTimeout), known)
			h.mu.Lock()
			h.taking = false
			h.mu.Unlock()
			asked <- flight{found: found, err: err}
		}()
		patience := time.NewTimer(ticketPatience)
		select {
		case answer := <-asked:
			f.found, f.err = answer.found, answer.err
		case <-patience.C:
			f.found, f.err = h.ask(timeout, noTicket)
		}
		patience.Stop()
		close(f.done)
	}
}

// noTicket is a number up to which no ticket is taken, whatever was issued.
const noTicket = math.MaxInt64

// known is the number up to which no ticket is to be taken.
func (h *horizon) known() int64 {
	switch n := len(h.tickets); {
	case h.taking, n == maxTickets, n > 0 && time.Since(h.taken) < ticketInterval:
		return noTicket
	case n == 0:
		return int64(h.found.Settled)
	default:
		return h.tickets[n-1].issued
	}
}

// answer is what a round trip brings.
type answer struct {
	server         string
	newest, issued int64
	ticket         *int64
	oldest         int64
	end            int64 // of the log, after the oldest was read
}

// ask makes a round trip. The statements after COMMIT are one transaction, in which the ticket's own id counts as one that runs, and so as
// the oldest when no other is older. It has committed when the batch is closed without an error. The newest event is read before the
// sequence, which therefore is not below it, and in a transaction of its own: who drops the tables locks both, in another order.
func (h *horizon) ask(timeout time.Duration, known int64) (sight, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	var a answer
	err := h.pool.send(ctx, func(batch *pgx.Batch) {
		a = answer{}
		batch.Queue(serverRun).QueryRow(func(row pgx.Row) error { return row.Scan(&a.server) })
		batch.Queue(beginReading)
		batch.Queue(h.queries.newestEvent).QueryRow(func(row pgx.Row) error { return row.Scan(&a.newest) })
		batch.Queue(commit)
		batch.Queue(h.queries.takeTicket, known).QueryRow(func(row pgx.Row) error { return row.Scan(&a.issued, &a.ticket) })
		batch.Queue(oldestTransaction).QueryRow(func(row pgx.Row) error { return row.Scan(&a.oldest) })
		if h.read {
			batch.Queue(logEnd).QueryRow(func(row pgx.Row) error { return row.Scan(&a.end) })
		}
	})
	if err != nil {
		return sight{}, wrap(err, "find how far the feed is settled")
	}
	h.pool.leadsTo(a.server)
	return h.take(a)
}

// take takes an answer in.
func (h *horizon) take(a answer) (sight, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if a.server != h.found.server || a.issued < int64(h.found.Settled) {
		h.reset(a.server)
	}
	h.behind = nil
	if a.newest > a.issued {
		h.reset(a.server)
		h.behind = &store.SequenceBehind{
			Issued: store.FeedPosition(a.issued), Stored: store.FeedPosition(a.newest), Repair: h.repair,
		}
		return sight{}, wrap(h.behind, "find how far the feed is settled")
	}
	if a.ticket != nil {
		h.tickets = append(h.tickets, ticket{a.issued, *a.ticket})
		h.taken = time.Now()
	}
	for len(h.tickets) > 0 && h.tickets[0].id <= a.oldest {
		h.found.Settled = max(h.found.Settled, store.FeedPosition(h.tickets[0].issued))
		h.tickets = h.tickets[1:]
	}
	h.found.Issued = max(store.FeedPosition(a.issued), h.found.Settled)
	h.found.Newest = store.FeedPosition(a.newest)
	if h.read {
		h.pass(a.end)
	}
	return h.found, nil
}

// checkSequence fails when the sequence of events is behind them.
func checkSequence(ctx context.Context, pool *connections, queries *queries, repair string) error {
	var stored, issued int64
	err := pool.send(ctx, func(batch *pgx.Batch) {
		batch.Queue(queries.newestEvent).QueryRow(func(row pgx.Row) error { return row.Scan(&stored) })
		batch.Queue(queries.lastNumber).QueryRow(func(row pgx.Row) error { return row.Scan(&issued) })
	})
	if err != nil {
		return wrap(err, "compare the sequence of events with the events")
	}
	if stored > issued {
		return wrap(&store.SequenceBehind{
			Issued: store.FeedPosition(issued), Stored: store.FeedPosition(stored), Repair: repair,
		}, "open the store")
	}
	return nil
}

// setSequence is the statement that sets the sequence to a number, which is an expression.
func setSequence(schema, to string) string {
	return fmt.Sprintf("SELECT setval('%s.events_global_sequence', %s)", quote(schema), to)
}
