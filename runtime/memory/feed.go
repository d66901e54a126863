package memory

import (
	"context"
	"errors"
	"sort"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// One transaction at a time gives numbers to events, so that the events that a read sees are always the first ones. Nothing is ever
// waited for.

// filterWindow is how many events a read with filters looks at.
const filterWindow = 10_000

// EventsSince implements [store.Feed].
func (s *Store) EventsSince(
	ctx context.Context, after store.FeedPosition, limit int, filters ...store.EventFilter,
) (found store.FeedPage, err error) {
	err = s.read(ctx, "read the feed", func() (err error) {
		if limit <= 0 {
			return errors.New("the limit must be positive")
		}
		found, err = s.feedPage(after, limit, filters)
		return err
	})
	return found, err
}

func (d *data) feedPage(after store.FeedPosition, limit int, filters []store.EventFilter) (p store.FeedPage, err error) {
	issued := store.FeedPosition(d.issued)
	rest := d.feed[d.behind(after):]
	if len(rest) == 0 {
		if after > issued {
			err = &store.FeedSetBack{Position: after, Issued: issued}
		}
		return store.FeedPage{Next: after, Settled: after, Looked: max(after, issued)}, err
	}
	window := limit
	if len(filters) > 0 {
		window = filterWindow
	}
	p.Next, p.Settled = after, rest[len(rest)-1].Position()
	bytes := 0
	for _, e := range rest[:min(len(rest), window)] {
		p.Next = e.Position()
		if !store.AcceptedBy(filters, &e.StoredEvent) {
			continue
		}
		p.Events = append(p.Events, e.copied())
		if bytes += len(e.Payload); len(p.Events) == limit || bytes >= store.PageBytes {
			break
		}
	}
	p.Looked = p.Next
	return p, nil
}

// behind is the index of the first event behind a position.
func (d *data) behind(after store.FeedPosition) int {
	return sort.Search(len(d.feed), func(i int) bool { return d.feed[i].Position() > after })
}

// FeedHorizon implements [store.Feed].
func (s *Store) FeedHorizon(ctx context.Context) (h store.FeedHorizon, err error) {
	err = s.read(ctx, "find the end of the feed", func() error {
		h.Settled, h.Issued = store.FeedPosition(s.issued), store.FeedPosition(s.issued)
		if n := len(s.feed); n > 0 {
			h.Newest = s.feed[n-1].Position()
		}
		return nil
	})
	return h, err
}

// FeedBlockers implements [store.Feed].
func (s *Store) FeedBlockers(ctx context.Context) ([]store.FeedBlocker, error) { return nil, ctx.Err() }

// FirstEventAfter implements [store.Feed].
func (s *Store) FirstEventAfter(ctx context.Context, after store.FeedPosition) (recorded time.Time, err error) {
	err = s.read(ctx, "find the first event after a position", func() error {
		if i := s.behind(after); i < len(s.feed) {
			recorded = s.feed[i].RecordedAt
		}
		return nil
	})
	return recorded, err
}
