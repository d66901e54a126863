package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// filterWindow is how many events a read with filters looks at. It bounds the time of a read that finds little
// of what it wants.
const filterWindow = 10_000

// EventsSince implements store.Feed. Settled events stay settled, so a full page of them needs no query of the feed's horizon.
func (s *Store) EventsSince(
	ctx context.Context, after store.FeedPosition, limit int, filters ...store.EventFilter,
) (store.FeedPage, error) {
	if limit <= 0 {
		return store.FeedPage{}, errors.New("postgres: read the feed: the limit must be positive")
	}
	if s.reader != nil {
		return s.readFeedBehind(ctx, after, limit, filters)
	}
	page, err := s.readFeed(ctx, s.pool, after, s.horizon.settled(), limit, filters)
	if errors.Is(err, errOtherServer) {
		page, err = store.FeedPage{Next: after, Settled: after}, nil
	}
	if err != nil || len(page.Events) == limit || page.Next < page.Settled {
		return page, err
	}
	horizon, err := s.horizon.find(ctx)
	if err != nil {
		return store.FeedPage{}, err
	}
	if err := s.checkPosition(after, horizon); err != nil {
		return store.FeedPage{}, err
	}
	if horizon.server != page.Server {
		page.Events, page.Next = nil, after
	}
	rest, err := s.readFeed(ctx, s.pool, page.Next, horizon, limit-len(page.Events), filters)
	rest.Events = append(page.Events, rest.Events...)
	return rest, err
}

// checkPosition fails with *store.FeedSetBack if a position is beyond what was issued.
func (s *Store) checkPosition(after store.FeedPosition, horizon sight) error {
	if after <= horizon.Issued {
		return nil
	}
	repair := setSequence(s.schema, fmt.Sprint(int64(after)))
	return wrap(&store.FeedSetBack{Position: after, Issued: horizon.Issued, Repair: repair}, "read the feed")
}

// errOtherServer says that not the server answers that has said how far the feed is settled.
var errOtherServer = errors.New("the server was restarted, or is another one; read again")

// readFeed reads what is after a position and up to one that is settled. If it reads from the store's own server, that must be the one that
// has said so.
func (s *Store) readFeed(
	ctx context.Context, from sender, after store.FeedPosition, known sight, limit int, filters []store.EventFilter,
) (store.FeedPage, error) {
	page := store.FeedPage{Next: after, Settled: after, Looked: max(after, known.Settled), Server: known.server}
	if after >= known.Settled {
		return page, nil
	}
	workflows, types := filterColumns(filters)
	var server string
	end, more := known.Settled, false
	err := transact(ctx, from, func(batch *pgx.Batch) {
		batch.Queue(readInOrder)
		if from == sender(s.pool) {
			batch.Queue(serverRun).QueryRow(func(row pgx.Row) error { return row.Scan(&server) })
		}
		if len(filters) > 0 {
			batch.Queue(s.queries.filterEnd, int64(after), int64(known.Settled), filterWindow).QueryRow(func(row pgx.Row) error {
				return row.Scan(&end, &more)
			})
			queueRows(batch, &page.Events, scanEvent, s.queries.readFiltered, []any{
				int64(after), int64(known.Settled), limit, workflows, types, int64(store.PageBytes), filterWindow,
			})
		} else {
			queueRows(batch, &page.Events, scanEvent, s.queries.readEvents, []any{
				int64(after), int64(end), limit, workflows, types, int64(store.PageBytes),
			})
		}
	})
	if err == nil && server != known.server && from == sender(s.pool) {
		s.horizon.forget(server)
		err = errOtherServer
	}
	if err != nil {
		return store.FeedPage{}, wrap(err, "read the feed after position %d", after)
	}
	if n := len(page.Events); n > 0 {
		page.Next = page.Events[n-1].Position()
	}
	if len(page.Events) == limit || store.FullPage(page.Events) {
		page.Settled = known.Settled
		return page, nil
	}
	if len(filters) > 0 {
		page.Next = max(page.Next, end)
	}
	page.Settled = page.Next
	if more {
		page.Settled = known.Settled
	}
	return page, nil
}

// filterColumns returns a row for each type of each filter. A filter without types is one with an empty type.
func filterColumns(filters []store.EventFilter) (workflows, types []string) {
	workflows, types = []string{}, []string{}
	for _, f := range filters {
		wanted := f.Types
		if len(wanted) == 0 {
			wanted = []string{""}
		}
		for _, t := range wanted {
			workflows, types = append(workflows, f.Workflow), append(types, t)
		}
	}
	return workflows, types
}

func scanEvent(row pgx.CollectableRow) (e store.StoredEvent, err error) {
	err = row.Scan(&e.GlobalSequence, &e.Instance.Workflow, &e.Instance.ID, &e.Version,
		&e.Type, &e.SchemaVersion, &e.Payload, &e.RecordedAt, &e.Commit, nil, nil)
	e.RecordedAt = e.RecordedAt.UTC()
	return e, err
}

// FeedHorizon implements store.Feed. Concurrent calls share a round trip.
func (s *Store) FeedHorizon(ctx context.Context) (store.FeedHorizon, error) {
	found, err := s.horizon.find(ctx)
	if err == nil && s.reader != nil {
		found = s.reader.limit(ctx, found)
	}
	return found.FeedHorizon, err
}

// FirstEventAfter implements store.Feed.
func (s *Store) FirstEventAfter(ctx context.Context, after store.FeedPosition) (time.Time, error) {
	found, err := readRowsInOrder(ctx, s.pool, pgx.RowTo[time.Time], s.queries.firstEventAfter, int64(after))
	if err != nil {
		return time.Time{}, wrap(err, "find the first event after position %d", after)
	}
	if len(found) == 0 {
		return time.Time{}, nil
	}
	return found[0].UTC(), nil
}

// FeedBlockers implements store.Feed. For sessions of other users, the server shows only the process, the transaction and the
// application. Members of pg_read_all_stats see the other fields, too.
func (s *Store) FeedBlockers(ctx context.Context) ([]store.FeedBlocker, error) {
	ticket, waits := s.horizon.oldest() // 0 while a ticket is under way
	if !waits {
		return nil, nil
	}
	blockers, err := queryRows(ctx, s.pool, scanBlocker, feedBlockers, ticket)
	if err != nil {
		return nil, wrap(err, "find what stalls the feed")
	}
	return blockers, nil
}

func scanBlocker(row pgx.CollectableRow) (b store.FeedBlocker, err error) {
	var since *time.Time
	err = row.Scan(&b.TransactionID, &b.PID, &b.Prepared, &b.Database, &b.User, &b.Application, &b.Client, &b.State, &b.Query, &since)
	b.Since = orZero(since)
	return b, err
}
