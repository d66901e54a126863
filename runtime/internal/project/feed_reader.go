package project

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/internal/backoff"
	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// subscriptionPage is how many events a subscription reads at once.
const subscriptionPage = 256

// Subscribe is Engine.Subscribe.
func (w *FeedWatch) Subscribe(ctx context.Context, after store.FeedPosition, filters ...store.EventFilter) iter.Seq2[store.StoredEvent, error] {
	return func(yield func(store.StoredEvent, error) bool) {
		reader, failures := feedReader{feed: w.store, position: after, sure: after}, 0
		for {
			position := reader.position
			page, err := reader.read(ctx, subscriptionPage, filters...)
			if ctx.Err() != nil {
				yield(store.StoredEvent{}, ctx.Err())
				return
			}
			if back := (*store.FeedSetBack)(nil); errors.As(err, &back) {
				yield(store.StoredEvent{}, fmt.Errorf("ironflow: reading the feed after position %d: %w", position, err))
				return
			}
			if err != nil {
				failures++
				if !yield(store.StoredEvent{}, fmt.Errorf("ironflow: reading the feed after position %d: %w", position, err)) {
					return
				}
				bound.Sleep(ctx, w.config.Clock, backoff.Poll.Pause(failures))
				continue
			}
			failures = 0
			for _, event := range page.Events {
				if ctx.Err() != nil {
					yield(store.StoredEvent{}, ctx.Err())
					return
				}
				if !yield(event, nil) {
					return
				}
			}
			if len(page.Events) == 0 && page.Next >= page.Settled {
				w.wait(ctx, page.Looked)
			}
		}
	}
}

// feedReader reads page after page. When another server answers, or the same one after a restart, it makes sure that the server has the
// events that were read.
type feedReader struct {
	feed     store.Feed
	position store.FeedPosition
	server   string // that answered last

	// sure is the number of the last event that was read, which commit has stored, or the position that the reader began at. No
	// filter accepts the events between sure and position.
	sure   store.FeedPosition
	commit store.CommitID
}

func (r *feedReader) read(ctx context.Context, limit int, filters ...store.EventFilter) (store.FeedPage, error) {
	page, err := r.feed.EventsSince(ctx, r.position, limit, filters...)
	if err != nil {
		return store.FeedPage{}, err
	}
	if r.server != "" && page.Server != r.server {
		known, err := r.checkHistory(ctx, page.Server)
		if err != nil {
			return store.FeedPage{}, err
		}
		if !known { // there is nothing to read as yet
			return store.FeedPage{Next: r.position, Settled: r.position, Looked: r.position}, nil
		}
		if r.position != r.sure { // the numbers between the two may have been given again
			r.position, r.server = r.sure, page.Server
			return r.read(ctx, limit, filters...)
		}
	}
	r.position, r.server = page.Next, page.Server
	if n := len(page.Events); n > 0 {
		r.sure, r.commit = page.Events[n-1].Position(), page.Events[n-1].Commit
	}
	return page, nil
}

// checkHistory fails when the last event that was read is another event now. An event that is missing was deleted by retention, or
// lost if there was a failover. It is not known what became of it while the feed of the new server cannot be read that far.
func (r *feedReader) checkHistory(ctx context.Context, server string) (known bool, err error) {
	if r.commit == 0 {
		return true, nil
	}
	page, err := r.feed.EventsSince(ctx, r.sure-1, 1)
	if err != nil {
		return false, err
	}
	there := len(page.Events) > 0 && page.Events[0].Position() == r.sure
	before, _, _ := strings.Cut(r.server, " ")
	after, _, _ := strings.Cut(server, " ")
	switch {
	case !there && page.Looked < r.sure:
		return false, nil
	case there && page.Events[0].Commit != r.commit, !there && before != after:
		return false, &store.FeedSetBack{Position: r.sure, Issued: max(page.Settled, page.Looked), Event: r.sure}
	}
	return true, nil
}
