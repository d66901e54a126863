package console

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

const (
	lookEvery   = time.Second      // how often the hub asks how far the feeds are, while pages are open
	beatEvery   = 15 * time.Second // how often a page hears something, so that proxies keep its connection
	streamFor   = 2 * time.Minute  // how long a stream lasts; the browser then opens another, so a server that stops need not wait for more
	maxStreams  = 200              // open streams; more pages are not live
	retryStream = 2000             // milliseconds after which the browser opens a stream again
)

// hub tells open pages that events were stored. It asks the store once for all of them, and only while there are some.
type hub struct {
	console *console

	mu      sync.Mutex
	pages   map[chan struct{}]bool
	stop    context.CancelFunc
	samples []sample // the oldest first
}

// serve is the stream of a page.
func (h *hub) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", "GET")
		refuse(w, "this is only read", http.StatusMethodNotAllowed)
		return
	}
	news, leave := h.join()
	if news == nil {
		w.Header().Set("Retry-After", "60")
		refuse(w, "too many pages are open", http.StatusServiceUnavailable)
		return
	}
	defer leave()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	answer := http.NewResponseController(w)
	_ = answer.SetWriteDeadline(time.Time{}) // a server's limit is for pages
	if _, err := fmt.Fprintf(w, "retry: %d\n\n", retryStream); err != nil || answer.Flush() != nil {
		return
	}
	beat, end := time.NewTicker(beatEvery), time.NewTimer(streamFor)
	defer beat.Stop()
	defer end.Stop()
	for {
		text := ": still here\n\n"
		select {
		case <-news:
			text = "event: stored\ndata: look\n\n"
		case <-beat.C:
		case <-end.C:
			return
		case <-r.Context().Done():
			return
		}
		if _, err := w.Write([]byte(text)); err != nil || answer.Flush() != nil {
			return
		}
	}
}

// join adds a page. It returns nil if there are too many.
func (h *hub) join() (news chan struct{}, leave func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.pages) >= maxStreams {
		return nil, nil
	}
	news = make(chan struct{}, 1)
	if len(h.pages) == 0 {
		h.pages = make(map[chan struct{}]bool)
		var ctx context.Context
		ctx, h.stop = context.WithCancel(context.Background())
		go h.follow(ctx)
	}
	h.pages[news] = true
	return news, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if delete(h.pages, news); len(h.pages) == 0 {
			h.stop()
		}
	}
}

// follow asks how far the feed of each cell is until ctx ends. A cell that stops answering, or answers again, is news, too.
func (h *hub) follow(ctx context.Context) {
	var last map[string]store.FeedPosition // by cell; nil before the first answer
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var sampled time.Time
	for {
		if time.Since(sampled) >= sampleEvery {
			sampled = time.Now()
			h.sample(ctx)
			if last != nil {
				h.tell() // deliveries die, and programs stop, without an event
			}
		}
		asking, cancel := context.WithTimeout(ctx, h.console.config.Timeout)
		feeds, err := h.console.admin.Feeds(asking)
		cancel()
		if ctx.Err() != nil {
			return
		}
		if partly(err) {
			newest := make(map[string]store.FeedPosition, len(feeds))
			for cell, feed := range feeds {
				newest[cell] = feed.Newest
			}
			if last != nil && !maps.Equal(newest, last) {
				h.console.figures.forget()
				h.tell()
			}
			last = newest
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// tell tells all pages that there is something new. A page that has not heard of the last news hears of both at once.
func (h *hub) tell() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for news := range h.pages {
		select {
		case news <- struct{}{}:
		default:
		}
	}
}
