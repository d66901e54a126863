package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime"
)

// filterWindow is how many global sequences a read with filters looks at. It bounds the time of a read that finds little
// of what it wants.
const filterWindow = 10_000

// EventsSince implements runtime.Feed. What is settled stays so: a page that is full of it is read without asking how far
// it goes.
func (s *Store) EventsSince(
	ctx context.Context, after runtime.FeedPosition, limit int, filters ...runtime.EventFilter,
) (runtime.FeedPage, error) {
	if limit <= 0 {
		return runtime.FeedPage{}, errors.New("postgres: read the feed: the limit must be positive")
	}
	page, err := s.readFeed(ctx, after, s.horizon.settled(), limit, filters)
	if err != nil || len(page.Events) == limit || page.Next < page.Settled {
		return page, err
	}
	horizon, err := s.horizon.find(ctx)
	if err != nil {
		return runtime.FeedPage{}, err
	}
	rest, err := s.readFeed(ctx, page.Next, horizon.Settled, limit-len(page.Events), filters)
	rest.Events = append(page.Events, rest.Events...)
	return rest, err
}

// readFeed reads what is after a position and up to one that is settled.
func (s *Store) readFeed(
	ctx context.Context, after, settled runtime.FeedPosition, limit int, filters []runtime.EventFilter,
) (runtime.FeedPage, error) {
	if after >= settled {
		return runtime.FeedPage{Next: after, Settled: settled}, nil
	}
	page := runtime.FeedPage{Next: settled, Settled: settled}
	if len(filters) > 0 {
		page.Next = min(settled, after+filterWindow)
	}
	workflows, types := filterColumns(filters)
	var err error
	page.Events, err = readRowsInOrder(ctx, s.pool, scanEvent, s.queries.readEvents, int64(after), int64(page.Next), limit, workflows, types)
	if err != nil {
		return runtime.FeedPage{}, wrap(err, "read the feed after position %d", after)
	}
	if len(page.Events) == limit {
		page.Next = page.Events[limit-1].Position()
	}
	return page, nil
}

// filterColumns returns a row for each type of each filter. A filter without types is one with an empty type.
func filterColumns(filters []runtime.EventFilter) (workflows, types []string) {
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

func scanEvent(row pgx.CollectableRow) (e runtime.StoredEvent, err error) {
	err = row.Scan(&e.GlobalSequence, &e.Instance.Workflow, &e.Instance.ID, &e.Version,
		&e.Type, &e.SchemaVersion, &e.Payload, &e.RecordedAt, &e.Commit)
	e.RecordedAt = e.RecordedAt.UTC()
	return e, err
}

// FeedHorizon implements runtime.Feed. Calls that come together share a round trip.
func (s *Store) FeedHorizon(ctx context.Context) (runtime.FeedHorizon, error) {
	return s.horizon.find(ctx)
}

// FeedBlockers implements runtime.Feed. Of other users' sessions the server shows the process, the transaction and the
// application; the rest only to members of pg_read_all_stats.
func (s *Store) FeedBlockers(ctx context.Context) ([]runtime.FeedBlocker, error) {
	ticket, waits := s.horizon.oldest()
	if !waits {
		return nil, nil
	}
	blockers, err := queryRows(ctx, s.pool, scanBlocker, feedBlockers, ticket)
	if err != nil {
		return nil, wrap(err, "find what stalls the feed")
	}
	return blockers, nil
}

func scanBlocker(row pgx.CollectableRow) (b runtime.FeedBlocker, err error) {
	var since *time.Time
	err = row.Scan(&b.TransactionID, &b.PID, &b.Prepared, &b.Database, &b.User, &b.Application, &b.Client, &b.State, &b.Query, &since)
	b.Since = orZero(since)
	return b, err
}
