package project

import (
	"context"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/backoff"
	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// FeedWatch tells the readers of this process when there are new events to read. However many readers wait, one goroutine looks
// at the store, and only while at least one waits.
type FeedWatch struct {
	store  store.Feed
	config Config

	mu       sync.Mutex
	waiting  int
	stop     context.CancelFunc // of the goroutine; nil while there is none
	settled  store.FeedPosition // as the last look has seen it; 0 while nobody waits
	issued   store.FeedPosition // likewise
	furthest store.FeedPosition // that a reader waits at who has not seen the end of a look
	moved    chan struct{}      // closed when settled has moved, or a reader is beyond issued
	wake     chan struct{}      // look now
}

// NewFeedWatch returns a watch over a feed.
func NewFeedWatch(feed store.Feed, config Config) *FeedWatch {
	return &FeedWatch{store: feed, config: config, moved: make(chan struct{}), wake: make(chan struct{}, 1)}
}

// Pauses between looks: after a look, and the longest one while the feed waits for transactions.
const (
	lookPause         = 5 * time.Millisecond
	longestStallPause = 100 * time.Millisecond

	// busyPause is the longest pause between looks for busyTime after new events: other processes notify less often than they
	// commit, so more events may have come unnoticed.
	busyPause = 10 * time.Millisecond
	busyTime  = 60 * time.Millisecond
)

// LookAgain has the watch look at the store at once: this process or another one has stored events.
func (w *FeedWatch) LookAgain() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// wait returns when the feed can be read beyond a position, when a look finds that no event was given a number as high, or when ctx has
// ended. In the second case the database was set back, and nothing may ever be stored that takes the feed to the position again.
func (w *FeedWatch) wait(ctx context.Context, position store.FeedPosition) {
	w.enter(position)
	defer w.leave()
	for looked := false; ; looked = true {
		w.mu.Lock()
		settled, issued, moved := w.settled, w.issued, w.moved
		w.mu.Unlock()
		if settled > position || looked && issued < position {
			return
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return
		}
	}
}

func (w *FeedWatch) enter(position store.FeedPosition) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting++
	w.furthest = max(w.furthest, position)
	if w.stop == nil {
		ctx, cancel := context.WithCancel(context.Background())
		w.stop = cancel
		go w.look(ctx)
	}
}

func (w *FeedWatch) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting--; w.waiting == 0 {
		w.stop()
		w.stop = nil
		w.settled, w.issued, w.furthest = 0, 0, 0 // what a look found says nothing of later
	}
}

// look follows the horizon until ctx ends.
func (w *FeedWatch) look(ctx context.Context) {
	stall := stallWatch{w: w}
	var busyUntil time.Time
	for failures := 0; ctx.Err() == nil; {
		horizon, err := w.store.FeedHorizon(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			failures++
			w.config.Logger.ErrorContext(ctx, "ironflow: looking for new events failed", "failures", failures, "error", err)
			bound.Sleep(ctx, w.config.Clock, backoff.Poll.Pause(failures))
			continue
		}
		failures = 0
		if w.reached(horizon) {
			busyUntil = time.Now().Add(busyTime)
		}
		if pause := stall.observe(ctx, horizon); pause > 0 {
			bound.Sleep(ctx, store.SystemClock{}, pause)
			continue
		}
		bound.Sleep(ctx, store.SystemClock{}, lookPause) // so that events that are stored in quick succession cost one look
		var soon <-chan time.Time
		if time.Now().Before(busyUntil) {
			soon = time.After(busyPause)
		}
		select {
		case <-ctx.Done():
		case <-soon:
		case <-w.wake:
			if ctx.Err() != nil {
				w.LookAgain() // the goroutine that looks next has not heard of it
			}
		case <-w.config.Clock.After(w.config.PollInterval):
		}
	}
}

// reached wakes the readers that wait, if settled has moved, or one of them is beyond what was issued. It reports whether it did.
func (w *FeedWatch) reached(horizon store.FeedHorizon) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	moved := horizon.Settled != w.settled || horizon.Issued < w.furthest
	w.settled, w.issued = horizon.Settled, horizon.Issued
	if !moved {
		return false
	}
	w.furthest = 0
	close(w.moved)
	w.moved = make(chan struct{})
	return true
}

// stallWatch logs when the horizon stands still although there are events behind it, with the transactions that hold it back.
type stallWatch struct {
	w       *FeedWatch
	settled store.FeedPosition // of the last look
	since   time.Time          // since when the feed has waited; zero when it does not wait
	pause   time.Duration
	nextLog time.Time
	logged  bool
}

// stallLogInterval is how often a stall that lasts is logged again.
const stallLogInterval = time.Minute

// observe returns how long to wait before the next look; 0 when the feed does not wait.
func (s *stallWatch) observe(ctx context.Context, horizon store.FeedHorizon) time.Duration {
	log, now := s.w.config.Logger, time.Now()
	if horizon.Settled >= horizon.Issued || horizon.Settled != s.settled {
		if s.logged {
			log.InfoContext(ctx, "ironflow: the feed goes on", "settled", int64(horizon.Settled), "issued", int64(horizon.Issued))
		}
		*s = stallWatch{w: s.w, settled: horizon.Settled}
	}
	if horizon.Settled >= horizon.Issued {
		return 0
	}
	if s.since.IsZero() {
		s.since, s.pause = now, lookPause
		s.nextLog = now.Add(s.w.config.FeedStallAfter)
	}
	if now.After(s.nextLog) {
		s.logged, s.nextLog = true, now.Add(stallLogInterval)
		s.warn(ctx, horizon, now.Sub(s.since))
	}
	pause := s.pause
	s.pause = min(s.pause*2, longestStallPause)
	return pause
}

func (s *stallWatch) warn(ctx context.Context, horizon store.FeedHorizon, lasted time.Duration) {
	log := s.w.config.Logger
	blockers, err := s.w.store.FeedBlockers(ctx)
	if err != nil {
		log.ErrorContext(ctx, "ironflow: the search for what stalls the feed failed", "error", err)
	}
	if on, is := s.w.store.(store.Replicas); is && len(blockers) == 0 {
		if replica, err := on.ReplicaStatus(ctx); err == nil && replica != nil {
			log.WarnContext(ctx, "ironflow: the feed waits for the read replica", "settled", int64(horizon.Settled),
				"issued", int64(horizon.Issued), "stalled_for", lasted, "replica", replica.String())
			return
		}
	}
	stalled := &store.FeedStalled{FeedStatus: store.FeedStatus{FeedHorizon: horizon, Blockers: blockers}, For: lasted}
	attrs := []any{"settled", int64(horizon.Settled), "issued", int64(horizon.Issued), "stalled_for", lasted, "error", stalled}
	if len(blockers) > 0 {
		b := blockers[0]
		attrs = append(attrs, "blocker_pid", b.PID, "blocker_transaction", b.TransactionID, "blocker_application", b.Application,
			"blocker_state", b.State, "blocker_since", b.Since)
	}
	log.WarnContext(ctx, "ironflow: a transaction stalls the feed", attrs...)
}
