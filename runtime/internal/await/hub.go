package await

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Store is what a hub reads.
type Store interface {
	Summaries(ctx context.Context, instances []store.InstanceKey) ([]store.InstanceSummary, error)
	Undelivered(ctx context.Context, effects []store.Lease) ([]store.Lease, error)
	FeedHorizon(ctx context.Context) (store.FeedHorizon, error)
}

// Config configures a hub.
type Config struct {
	Logger *slog.Logger

	// PollInterval is how often the hub asks whether effects that nobody reports on are still to be delivered.
	PollInterval time.Duration

	// Follow returns the events after a position, and then new ones, see runtime.Engine.Subscribe.
	Follow func(ctx context.Context, after store.FeedPosition, filters ...store.EventFilter) iter.Seq2[store.StoredEvent, error]

	// Listen makes Follow hear of commits of other processes until ctx ends. Nil means that something else does.
	Listen func(ctx context.Context)
}

const (
	// recheck is how often the hub reads all watched instances, unless that takes long. It finds what the feed does not tell: an
	// instance that was deleted, and events while the feed waits for transactions.
	recheck = time.Second

	// settleIn is how long the hub waits before it subscribes to the feed. Most waits for what this process does end before.
	settleIn = 2 * time.Millisecond

	// readSize is how many instances or effects the hub reads at once.
	readSize = 1000

	// share says which part of the time rereading may take: one in so many.
	share = 20
)

// Hub knows what became of the instances that callers wait for. It has goroutines only while callers wait.
type Hub struct {
	store  Store
	config Config
	count  atomic.Int64 // of watched instances; commits read it without the lock

	mu        sync.Mutex
	watched   map[store.InstanceKey]*watched
	workflows map[string]int  // how many of them are watched, by workflow
	following map[string]bool // workflows that follow reads the events of
	pending   map[*waiter][]store.Lease
	stale     map[store.InstanceKey]*watched // to be read
	stop      context.CancelFunc             // nil while there are no goroutines
	failure   error                          // of the last read; nil if it succeeded
	kick      chan struct{}                  // something is stale
	refilter  chan struct{}                  // there is a workflow that follow does not read
}

// watched is an instance that callers wait for.
type watched struct {
	summary store.InstanceSummary
	known   bool // summary was read, or a commit told it
	moves   int  // how often summary was set
	err     error
	waiters map[*waiter]struct{}
}

// NewHub returns a hub.
func NewHub(st Store, config Config) *Hub {
	return &Hub{
		store: st, config: config, watched: make(map[store.InstanceKey]*watched), workflows: make(map[string]int),
		pending: make(map[*waiter][]store.Lease), stale: make(map[store.InstanceKey]*watched),
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Committed tells the hub what this process has stored.
func (h *Hub) Committed(changes []store.Change) {
	if h.count.Load() == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range changes {
		c := &changes[i]
		if w := h.watched[c.Instance]; w != nil {
			s := store.InstanceSummary{Key: c.Instance, Version: c.NewVersion(), Status: c.Status, LastEventAt: c.Now}
			if c.Complete {
				s.CompletedAt = c.Now
			}
			w.advance(s)
		}
		for _, lease := range c.Consume {
			h.touch(lease)
		}
		for _, s := range c.Settle {
			h.touch(s.Lease)
		}
	}
}

// Settled tells the hub that this process has settled deliveries.
func (h *Hub) Settled(settlements []store.Settlement) {
	if h.count.Load() == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range settlements {
		h.touch(s.Lease)
	}
}

// touch wakes those who wait for the delivery of effects.
func (h *Hub) touch(lease store.Lease) {
	if w := h.watched[lease.Instance]; w != nil && lease.Queue == store.EffectQueue && len(h.pending) > 0 {
		w.wake()
	}
}

func (w *watched) wake() {
	for one := range w.waiters {
		signal(one.woken)
	}
}

// advance sets a summary that is newer than the known one.
func (w *watched) advance(s store.InstanceSummary) {
	if !w.known || s.Version > w.summary.Version {
		w.set(s)
	}
}

func (w *watched) set(s store.InstanceSummary) {
	w.summary, w.known, w.err = s, true, nil
	w.moves++
	w.wake()
}

// start starts the goroutines of the hub. Those before may not have ended yet, and must not take the signals of the new ones.
func (h *Hub) start() {
	ctx, cancel := context.WithCancel(context.Background())
	h.stop, h.kick, h.refilter = cancel, make(chan struct{}, 1), make(chan struct{}, 1)
	go h.follow(ctx, h.refilter)
	go h.reread(ctx, h.kick)
	if h.config.Listen != nil {
		go h.config.Listen(ctx)
	}
}

// follow marks instances of which the feed has new events, until ctx ends.
func (h *Hub) follow(ctx context.Context, refilter <-chan struct{}) {
	bound.Sleep(ctx, store.SystemClock{}, settleIn)
	for failures := 0; ctx.Err() == nil; {
		horizon, err := h.store.FeedHorizon(ctx)
		if err != nil {
			failures++
			h.failed(ctx, err)
			pause(ctx, failures)
			continue
		}
		failures = 0
		filters := h.filters(ctx)
		if len(filters) == 0 { // everybody has gone; no filter would mean all events
			select {
			case <-ctx.Done():
			case <-refilter:
			}
			continue
		}
		reading, end := context.WithCancel(ctx)
		go func() {
			defer end()
			select {
			case <-reading.Done():
			case <-refilter:
			}
		}()
		h.markAll(ctx) // what was stored before the subscription began
		for event, err := range h.config.Follow(reading, horizon.Settled, filters...) {
			if err == nil {
				h.heard(&event)
			} else if reading.Err() == nil {
				h.failed(ctx, err)
			}
		}
		end()
	}
}

// filters returns what follow reads from now on.
func (h *Hub) filters(ctx context.Context) (filters []store.EventFilter) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if ctx.Err() != nil {
		return nil
	}
	h.following = make(map[string]bool)
	for name := range h.workflows {
		h.following[name] = true
		filters = append(filters, store.EventFilter{Workflow: name})
	}
	return filters
}

// heard marks the instance of an event as stale, unless its version is known.
func (h *Hub) heard(event *store.StoredEvent) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if w := h.watched[event.Instance]; w != nil && !(w.known && event.Version <= w.summary.Version) {
		h.stale[event.Instance] = w
		signal(h.kick)
	}
}

func (h *Hub) markAll(ctx context.Context) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	for key, w := range h.watched {
		h.stale[key] = w
	}
	signal(h.kick)
}

// reread reads stale instances, and asks after effects that callers wait for, until ctx ends.
func (h *Hub) reread(ctx context.Context, kick chan struct{}) {
	next, poll := time.NewTimer(recheck), time.NewTimer(h.config.PollInterval)
	defer next.Stop()
	defer poll.Stop()
	for failures := 0; ; {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-kick:
			err = h.readStale(ctx)
		case <-poll.C:
			began := time.Now()
			err = h.askAfterEffects(ctx)
			poll.Reset(max(h.config.PollInterval, share*time.Since(began)))
		case <-next.C:
			began := time.Now()
			h.markAll(ctx)
			err = h.readStale(ctx)
			next.Reset(max(recheck, share*time.Since(began)))
		}
		if ctx.Err() != nil {
			return
		}
		h.noteFailure(ctx, err)
		if err == nil {
			failures = 0
			continue
		}
		failures++
		h.failed(ctx, err)
		pause(ctx, failures)
		signal(kick)
	}
}

// noteFailure keeps the error of the last read for those whose contexts end.
func (h *Hub) noteFailure(ctx context.Context, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if ctx.Err() == nil {
		h.failure = err
	}
}

// stalest takes instances to read, with how often their summaries were set.
func (h *Hub) stalest(ctx context.Context) (keys []store.InstanceKey, of []*watched, moves []int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if ctx.Err() != nil {
		return nil, nil, nil
	}
	for key, w := range h.stale {
		if len(keys) == readSize {
			break
		}
		delete(h.stale, key)
		keys, of, moves = append(keys, key), append(of, w), append(moves, w.moves)
	}
	return keys, of, moves
}

// readStale reads the stale instances. Callers get the error unless the store may recover from it.
func (h *Hub) readStale(ctx context.Context) error {
	for {
		keys, of, moves := h.stalest(ctx)
		if len(keys) == 0 {
			return nil
		}
		summaries, err := h.store.Summaries(ctx, keys)
		h.mu.Lock()
		for i, w := range of {
			switch {
			case h.watched[keys[i]] != w: // its callers have gone
			case err != nil && (recoverable(err) || ctx.Err() != nil):
				h.stale[keys[i]] = w
				signal(h.kick)
			case err != nil:
				w.err = err
				w.wake()
			case w.moves != moves[i]: // a commit was told meanwhile
				w.advance(summaries[i])
			case !w.known || !same(w.summary, summaries[i]):
				w.set(summaries[i])
			}
		}
		h.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// recoverable reports whether a read may succeed later.
func recoverable(err error) bool {
	silent := (*store.StoreTimeout)(nil)
	return bound.IsUnavailable(err) || errors.As(err, &silent) || errors.Is(err, context.Canceled)
}

func same(a, b store.InstanceSummary) bool {
	return a.Version == b.Version && a.Status == b.Status && a.Completed() == b.Completed()
}

// askAfterEffects wakes callers whose effects are delivered.
func (h *Hub) askAfterEffects(ctx context.Context) error {
	h.mu.Lock()
	waiting := make(map[store.Lease]bool)
	for _, leases := range h.pending {
		for _, lease := range leases {
			waiting[lease] = false
		}
	}
	h.mu.Unlock()
	var all []store.Lease
	for lease := range waiting {
		all = append(all, lease)
	}
	for from := 0; from < len(all); from += readSize {
		undelivered, err := h.store.Undelivered(ctx, all[from:min(from+readSize, len(all))])
		if err != nil {
			return err
		}
		for _, lease := range undelivered {
			waiting[lease] = true
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for w, leases := range h.pending {
		for _, lease := range leases {
			if waits, asked := waiting[lease]; asked && !waits {
				signal(w.woken)
				break
			}
		}
	}
	return nil
}

func (h *Hub) failed(ctx context.Context, err error) {
	if ctx.Err() == nil {
		h.config.Logger.WarnContext(ctx, "ironflow: looking for what callers of Await wait for failed; it goes on", "error", err)
	}
}
