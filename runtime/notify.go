package runtime

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/backoff"
	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// The least time between two notifications of a kind. One on each commit would have each commit wait for a lock that all
// of them share. Events are news on every commit, whether or not anybody in another process waits for them; so they are
// told less often.
const (
	workNotifyInterval  = 10 * time.Millisecond
	eventNotifyInterval = 50 * time.Millisecond
)

// announcer tells other processes about news of one kind, beside the commits and with a goroutine while there is some.
type announcer struct {
	notifier store.Notifier // nil when the store has none
	logger   *slog.Logger
	what     store.News
	interval time.Duration
	failures int // in a row; of the goroutine

	mu      sync.Mutex
	news    bool
	running bool
}

func newAnnouncer(notifier store.Notifier, logger *slog.Logger, what store.News, interval time.Duration) *announcer {
	return &announcer{notifier: notifier, logger: logger, what: what, interval: interval}
}

func (a *announcer) announce() {
	if a.notifier == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.news = true
	if !a.running {
		a.running = true
		go a.run()
	}
}

// toleratedFailures is how many notifications in a row may fail without a word. The last one may come when the program
// has closed its connections already.
const toleratedFailures = 2

func (a *announcer) run() {
	for a.takeNews() {
		ctx := context.Background()
		err := a.notifier.Notify(ctx, a.what)
		if err == nil {
			a.failures = 0
		} else if a.failures++; a.failures > toleratedFailures {
			a.logger.WarnContext(ctx, "ironflow: notifying other processes failed; they poll", "error", err)
		}
		time.Sleep(a.interval)
	}
}

func (a *announcer) takeNews() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.running = a.news
	a.news = false
	return a.running
}

// listenBackoff is for a connection to listen on that was lost. Polling goes on meanwhile.
var listenBackoff = backoff.Backoff{Base: time.Second, Max: time.Minute}

// listen calls wake on news of other processes until stop ends.
func listen(stop context.Context, notifier store.Notifier, logger *slog.Logger, wake func(store.News)) {
	if notifier == nil {
		return
	}
	for failures := 0; stop.Err() == nil; {
		began := time.Now()
		err := notifier.Listen(stop, wake)
		if stop.Err() != nil {
			return
		}
		if failures++; time.Since(began) > listenBackoff.Max {
			failures = 1
		}
		logger.WarnContext(stop, "ironflow: listening for other processes failed; polling goes on", "error", err)
		bound.Sleep(stop, store.SystemClock{}, listenBackoff.Pause(failures))
	}
}
