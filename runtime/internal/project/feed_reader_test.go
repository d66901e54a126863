package project

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// scriptedFeed answers as it is told, whatever it is asked.
type scriptedFeed struct {
	store.Feed
	pages func(after store.FeedPosition, limit int) (store.FeedPage, error)
}

func (f scriptedFeed) EventsSince(_ context.Context, after store.FeedPosition, limit int, _ ...store.EventFilter) (store.FeedPage, error) {
	return f.pages(after, limit)
}

// A subscription that lives through a failover must find out when the event that it read last is another one, also when the server has
// issued more numbers than that meanwhile.
func TestSubscriptionThroughAFailover(t *testing.T) {
	t.Parallel()
	event := func(n int64, commit store.CommitID) store.StoredEvent {
		return store.StoredEvent{Instance: store.InstanceKey{Workflow: "w", ID: "i"}, Version: n, GlobalSequence: n, Commit: commit}
	}
	for name, test := range map[string]struct {
		server string
		commit store.CommitID // of event 2 on the new server; 0 when it is not there
		back   bool
	}{
		"same event":                  {"00000002 later", 2, false},
		"another event":               {"00000002 later", 9, true},
		"no event after a failover":   {"00000002 later", 0, true},
		"restarted":                   {"00000001 later", 2, false},
		"deleted, and restarted":      {"00000001 later", 0, false},
		"another event, same history": {"00000001 later", 9, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked []store.FeedPosition
			over := false
			feed := scriptedFeed{settledFeed{}, func(after store.FeedPosition, limit int) (store.FeedPage, error) {
				asked = append(asked, after)
				server, events := "00000001 now", []store.StoredEvent{event(1, 1), event(2, 2)}
				if over {
					server, events = test.server, []store.StoredEvent{event(1, 1), event(3, 3), event(7, 7)}
					if test.commit != 0 {
						events = append(events[:1:1], event(2, test.commit), event(3, 3), event(7, 7))
					}
				}
				page := store.FeedPage{Next: max(after, 5), Settled: max(after, 5), Looked: max(after, 5), Server: server} // 5 is not wanted
				for _, e := range events {
					if e.Position() > after && len(page.Events) < limit {
						page.Events = append(page.Events, e)
						page.Next = max(e.Position(), 5)
						page.Settled, page.Looked = page.Next, page.Next
					}
				}
				return page, nil
			}}
			watch := NewFeedWatch(feed, Config{Logger: slog.New(slog.DiscardHandler), Clock: store.SystemClock{}, PollInterval: time.Hour})
			var got []int64
			for e, err := range watch.Subscribe(t.Context(), 0) {
				if err != nil {
					var back *store.FeedSetBack
					if !test.back || !errors.As(err, &back) || back.Event != 2 {
						t.Errorf("got error %v", err)
					}
					return
				}
				got = append(got, e.GlobalSequence)
				if len(got) == 2 {
					over = true
				}
				if e.GlobalSequence == 7 {
					break
				}
			}
			// What came between the last event and the position, which was passed by on the server before, is there too.
			if fmt.Sprint(got) != "[1 2 3 7]" || test.back {
				t.Errorf("got %v, asked after %v", got, asked)
			}
		})
	}
}
