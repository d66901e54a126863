package runtime

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// The shortest time between two notifications of a kind. Notifying in each commit would make all commits wait for one lock. Every
// commit has new events, and often no other process waits for them, so events are notified less often.
const (
	workNotifyInterval  = 10 * time.Millisecond
	eventNotifyInterval = 50 * time.Millisecond
)

// announcer notifies other processes of news of one kind, outside of commits. It has a goroutine only while it notifies.
type announcer struct {
	notifier store.Notifier // nil if the store has none
	logger   *slog.Logger
	what     store.News
	interval time.Duration
	failures int // in a row; used by run only

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

// toleratedFailures is how many notifications in a row may fail before a warning. The last notification of a program may fail
// because its connections are closed.
const toleratedFailures = 2

func (a *announcer) run() {
	if !a.takeNews() {
		return
	}
	ctx := context.Background()
	err := a.notifier.Notify(ctx, a.what)
	if err == nil {
		a.failures = 0
	} else if a.failures++; a.failures > toleratedFailures {
		a.logger.WarnContext(ctx, "ironflow: notifying other processes failed; they poll instead", "error", err)
	}
	time.AfterFunc(a.interval, a.run) // without a goroutine that waits: a bubble of testing/synctest must not end before its goroutines
}

func (a *announcer) takeNews() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.running = a.news
	a.news = false
	return a.running
}
