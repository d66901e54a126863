package project

import (
	"context"
	"log/slog"
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
