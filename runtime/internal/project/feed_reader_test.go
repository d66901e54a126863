package project

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
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

// takenOverFeed has the event 5 until it is looked at twice. Then a server has taken over whose feed is settled a step further with each look.
type takenOverFeed struct {
	store.Feed
	events  []store.StoredEvent // of the server that takes over
	settled []store.FeedPosition
	looks   atomic.Int64
}

var lastBefore = store.StoredEvent{Instance: store.InstanceKey{Workflow: "w", ID: "i"}, Version: 1, GlobalSequence: 5, Commit: 5}

func (f *takenOverFeed) now() (server string, events []store.StoredEvent, settled store.FeedPosition) {
	step := int(f.looks.Load()) - 2
	if step < 0 {
		return "00000001 now", []store.StoredEvent{lastBefore}, 5
	}
	return "00000002 later", f.events, f.settled[min(step, len(f.settled)-1)]
}

func (f *takenOverFeed) FeedHorizon(context.Context) (store.FeedHorizon, error) {
	f.looks.Add(1)
	_, _, settled := f.now()
	return store.FeedHorizon{Settled: settled, Issued: settled}, nil
}

func (f *takenOverFeed) EventsSince(
	_ context.Context, after store.FeedPosition, limit int, _ ...store.EventFilter,
) (store.FeedPage, error) {
	server, events, settled := f.now()
	page := store.FeedPage{Next: after, Settled: after, Looked: max(after, settled), Server: server}
	for _, e := range events {
		if e.Position() > after && e.Position() <= settled && len(page.Events) < limit {
			page.Events = append(page.Events, e)
			page.Next, page.Settled = e.Position(), e.Position()
		}
	}
	return page, nil
}

// A subscription that waits for events must find out that the database was set back, also when nothing more is stored. It must not say so
// while the feed of the server that took over cannot be read as far as the subscription has read.
func TestWaitingSubscriptionIsSetBack(t *testing.T) {
	t.Parallel()
	next := lastBefore
	next.Version, next.GlobalSequence, next.Commit = 2, 6, 6
	for name, test := range map[string]struct {
		settled []store.FeedPosition
		events  []store.StoredEvent
		back    bool
	}{
		"lost":                     {[]store.FeedPosition{6}, nil, true},
		"lost, and not yet known":  {[]store.FeedPosition{0, 4, 6}, nil, true},
		"kept":                     {[]store.FeedPosition{6}, []store.StoredEvent{lastBefore, next}, false},
		"kept, and not yet known":  {[]store.FeedPosition{0, 4, 6}, []store.StoredEvent{lastBefore, next}, false},
		"kept, and nothing beyond": {[]store.FeedPosition{0, 5, 5, 5, 6}, []store.StoredEvent{lastBefore, next}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			watch := NewFeedWatch(&takenOverFeed{events: test.events, settled: test.settled}, Config{
				Logger: slog.New(slog.DiscardHandler), Clock: store.SystemClock{}, PollInterval: time.Millisecond,
			})
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			var got []int64
			var back *store.FeedSetBack
			for e, err := range watch.Subscribe(ctx, 4) {
				if err != nil {
					if !errors.As(err, &back) {
						t.Fatalf("after %v: %v", got, err)
					}
					break
				}
				if got = append(got, e.GlobalSequence); len(got) == 2 {
					break
				}
			}
			if want := map[bool]string{true: "[5]", false: "[5 6]"}[test.back]; fmt.Sprint(got) != want || (back != nil) != test.back {
				t.Errorf("got %v and %v, want %s", got, back, want)
			}
		})
	}
}

// behindFeed is a feed that was set back below what its reader has read, and to which nothing is added.
type behindFeed struct {
	takenOverFeed
}

func (f *behindFeed) EventsSince(
	ctx context.Context, after store.FeedPosition, limit int, filters ...store.EventFilter,
) (store.FeedPage, error) {
	if _, _, settled := f.now(); after > settled {
		return store.FeedPage{}, &store.FeedSetBack{Position: after, Issued: settled}
	}
	return f.takenOverFeed.EventsSince(ctx, after, limit, filters...)
}

func TestWaitingSubscriptionIsBeyondTheFeed(t *testing.T) {
	t.Parallel()
	watch := NewFeedWatch(&behindFeed{takenOverFeed{settled: []store.FeedPosition{3}}}, Config{
		Logger: slog.New(slog.DiscardHandler), Clock: store.SystemClock{}, PollInterval: time.Millisecond,
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for e, err := range watch.Subscribe(ctx, 4) {
		if e.GlobalSequence == 5 {
			continue
		}
		var back *store.FeedSetBack
		if !errors.As(err, &back) || back.Position != 5 || back.Issued != 3 {
			t.Errorf("got event %d and error %v", e.GlobalSequence, err)
		}
	}
}
