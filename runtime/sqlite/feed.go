package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// The feed needs no care here. SQLite lets one transaction write at a time, and a number is given to an event inside of
// it: whoever has a higher number began to write after all those with lower ones had committed, or were rolled back and
// have left their numbers to it. So the events that a read sees are always the first ones, without one missing in between,
// and nothing is ever waited for.

// filterWindow is how many events a read with filters looks at. It bounds the time of a read that finds little of what it
// wants.
const filterWindow = 10_000

// EventsSince implements [store.Feed].
func (s *Store) EventsSince(
	ctx context.Context, after store.FeedPosition, limit int, filters ...store.EventFilter,
) (store.FeedPage, error) {
	if limit <= 0 {
		return store.FeedPage{}, errors.New("sqlite: read the feed: the limit must be positive")
	}
	r := feedReader{ctx: ctx, limit: limit, window: limit, filters: filters}
	if len(filters) > 0 {
		r.window = filterWindow
	}
	err := s.readers.read(ctx, func(on *connection) error { return r.read(on, after) })
	if err != nil {
		return store.FeedPage{}, fmt.Errorf("sqlite: read the feed after position %d: %w", after, err)
	}
	return r.page, nil
}

// feedReader reads a page.
type feedReader struct {
	ctx     context.Context
	limit   int // of events
	window  int // of events to look at
	filters []store.EventFilter

	looked int
	bytes  int // of the page's payloads
	page   store.FeedPage
}

func (r *feedReader) read(on *connection, after store.FeedPosition) (err error) {
	// Each statement sees a moment of its own. One writer gives the numbers, so the events up to the first that is asked for are stored, or
	// were deleted. What comes between the statements is not in the page, and is left to the next one.
	issued, err := lastOf(on, lastNumber)
	if err != nil {
		return err
	}
	if r.page.Settled, err = lastOf(on, newestEvent); err != nil {
		return err
	}
	r.page.Next = after
	if after >= r.page.Settled {
		r.page.Settled, r.page.Looked = after, max(after, issued)
		if after > issued {
			return &store.FeedSetBack{Position: after, Issued: issued}
		}
		return nil
	}
	defer func() { r.page.Looked = r.page.Next }()
	err = on.query(r.event, eventsSince, int64(after), int64(r.page.Settled), int64(r.window))
	if errors.Is(err, errPageFull) {
		return nil
	}
	if err == nil && r.looked < r.window {
		r.page.Next = r.page.Settled
	}
	return err
}

// errPageFull ends the query of a page that needs no more.
var errPageFull = errors.New("the page is full")

func (r *feedReader) event(columns []driver.Value) error {
	e := store.StoredEvent{
		GlobalSequence: number(columns[0]),
		Instance:       store.InstanceKey{Workflow: text(columns[1]), ID: text(columns[2])},
		Type:           text(columns[4]),
	}
	r.looked++
	r.page.Next = e.Position()
	if !store.AcceptedBy(r.filters, &e) {
		return r.ctx.Err()
	}
	e.Version, e.SchemaVersion = number(columns[3]), int(number(columns[5]))
	e.Payload, e.RecordedAt = []byte(text(columns[6])), fromMicros(number(columns[7]))
	e.Commit = store.CommitID(number(columns[8]))
	r.page.Events = append(r.page.Events, e)
	r.bytes += len(e.Payload)
	if len(r.page.Events) == r.limit || r.bytes >= store.PageBytes {
		return errPageFull
	}
	return r.ctx.Err()
}

// lastOf returns the number that a statement finds.
func lastOf(on *connection, statement string) (last store.FeedPosition, err error) {
	err = on.query(func(columns []driver.Value) error {
		last = store.FeedPosition(number(columns[0]))
		return nil
	}, statement)
	return last, err
}

// FeedHorizon implements [store.Feed].
func (s *Store) FeedHorizon(ctx context.Context) (store.FeedHorizon, error) {
	var issued, newest store.FeedPosition
	err := s.readers.read(ctx, func(on *connection) (err error) {
		if newest, err = lastOf(on, newestEvent); err != nil {
			return err
		}
		issued, err = lastOf(on, lastNumber) // of an event that may have been deleted
		return err
	})
	if err != nil {
		return store.FeedHorizon{}, fmt.Errorf("sqlite: find the end of the feed: %w", err)
	}
	return store.FeedHorizon{Settled: issued, Issued: issued, Newest: newest}, nil
}

// FirstEventAfter implements [store.Feed].
func (s *Store) FirstEventAfter(ctx context.Context, after store.FeedPosition) (recorded time.Time, err error) {
	row := func(columns []driver.Value) error {
		recorded = fromMicros(number(columns[0]))
		return nil
	}
	err = s.readers.read(ctx, func(on *connection) error { return on.query(row, firstEventAfter, int64(after)) })
	if err != nil {
		return time.Time{}, fmt.Errorf("sqlite: find the first event after position %d: %w", after, err)
	}
	return recorded, nil
}

// FeedBlockers implements [store.Feed].
func (s *Store) FeedBlockers(ctx context.Context) ([]store.FeedBlocker, error) {
	return nil, ctx.Err()
}
