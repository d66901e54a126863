package project

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// settledFeed is a feed in which nothing happens.
type settledFeed struct{ store.Feed }

func (settledFeed) FeedHorizon(context.Context) (store.FeedHorizon, error) {
	return store.FeedHorizon{}, nil
}

// TestNewsOutlivesTheReader says that a reader that leaves as news comes does not take the news along: another may have come,
// and has looked already.
func TestNewsOutlivesTheReader(t *testing.T) {
	t.Parallel()
	for range 60 {
		w := NewFeedWatch(settledFeed{}, Config{Logger: slog.New(slog.DiscardHandler), Clock: store.SystemClock{}, PollInterval: time.Hour})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			w.look(ctx)
			close(ended)
		}()
		time.Sleep(lookPause / 3) // it has looked, and pauses before it waits for news
		w.LookAgain()
		cancel()
		<-ended
		select {
		case <-w.wake:
		default:
			t.Fatal("the news is lost")
		}
	}
}

// countedFeed counts how often its end is read.
type countedFeed struct {
	store.Feed
	horizon atomic.Pointer[store.FeedHorizon]
	reads   atomic.Int64
}

func (f *countedFeed) FeedHorizon(context.Context) (store.FeedHorizon, error) {
	return *f.horizon.Load(), nil
}
func (f *countedFeed) FeedBlockers(context.Context) ([]store.FeedBlocker, error) {
	return nil, nil
}

func (f *countedFeed) EventsSince(
	_ context.Context, after store.FeedPosition, _ int, _ ...store.EventFilter,
) (store.FeedPage, error) {
	f.reads.Add(1)
	return store.FeedPage{Next: after, Settled: after, Looked: max(after, f.horizon.Load().Settled)}, nil
}

// A reader that is further than the feed of a store that has just been opened, while a transaction stalls it, waits for its turn, and the
// stall is logged.
func TestStalledFeedIsNotReadAgainAndAgain(t *testing.T) {
	t.Parallel()
	feed := &countedFeed{}
	feed.horizon.Store(&store.FeedHorizon{Issued: 10, Newest: 10})
	logged := make(chan string, 100)
	watch := NewFeedWatch(feed, Config{
		Logger: slog.New(slog.NewTextHandler(lines(logged), nil)), Clock: store.SystemClock{}, PollInterval: time.Millisecond,
		FeedStallAfter: 50 * time.Millisecond,
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	go func() {
		for line := range logged {
			if strings.Contains(line, "a transaction stalls the feed") {
				cancel()
				return
			}
		}
	}()
	for _, err := range watch.Subscribe(ctx, 10) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
	if n := feed.reads.Load(); n != 2 { // before it waits, and when its context has ended
		t.Errorf("the end was read %d times", n)
	}
}

type lines chan<- string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

// What a look found before all readers had gone says nothing of the feed that the next reader waits for.
func TestWaitBeginsWithALook(t *testing.T) {
	t.Parallel()
	feed := &countedFeed{}
	feed.horizon.Store(&store.FeedHorizon{Settled: 100, Issued: 100, Newest: 100})
	watch := NewFeedWatch(feed, Config{Logger: slog.New(slog.DiscardHandler), Clock: store.SystemClock{}, PollInterval: time.Millisecond})
	watch.wait(t.Context(), 99)
	feed.horizon.Store(&store.FeedHorizon{Settled: 60, Issued: 60, Newest: 60})
	waits := make(chan struct{})
	go func() {
		watch.wait(t.Context(), 60)
		close(waits)
	}()
	for range 10 { // looks at what is not news
		time.Sleep(2 * lookPause)
		select {
		case <-waits:
			t.Fatal("nothing is beyond the position, but the reader goes on")
		default:
		}
	}
	feed.horizon.Store(&store.FeedHorizon{Settled: 61, Issued: 61, Newest: 61})
	<-waits
}
