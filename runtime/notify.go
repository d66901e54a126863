package runtime

import (
	"context"
	"sync"
	"time"
)

// notifyInterval is the least time between two notifications. One on each commit would have each commit wait for a lock
// that all of them share.
const notifyInterval = 10 * time.Millisecond

// announcer tells other processes about new work, beside the commits and with a goroutine while there is news.
type announcer struct {
	notifier Notifier // nil when the store has none
	config   Config

	mu      sync.Mutex
	news    bool
	running bool
}

func newAnnouncer(store Store, config Config) *announcer {
	notifier, _ := store.(Notifier)
	return &announcer{notifier: notifier, config: config}
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

func (a *announcer) run() {
	for a.takeNews() {
		ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
		if err := a.notifier.Notify(ctx); err != nil {
			a.config.Logger.WarnContext(ctx, "ironflow: notifying other processes failed; they poll", "error", err)
		}
		cancel()
		time.Sleep(notifyInterval)
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
var listenBackoff = RetryPolicy{Base: time.Second, Max: time.Minute}

// listen calls wake on news of other processes until stop ends.
func (a *announcer) listen(stop context.Context, wake func()) {
	if a.notifier == nil {
		return
	}
	for failures := 0; stop.Err() == nil; {
		began := time.Now()
		err := a.notifier.Listen(stop, wake)
		if stop.Err() != nil {
			return
		}
		if failures++; time.Since(began) > listenBackoff.Max {
			failures = 1
		}
		a.config.Logger.WarnContext(stop, "ironflow: listening for other processes failed; polling goes on", "error", err)
		select {
		case <-stop.Done():
		case <-time.After(listenBackoff.delay(failures)):
		}
	}
}
