package sqlite

import (
	"cmp"
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
)

// backlogQueries are the statements of [runtime.Backlogs] on one queue.
type backlogQueries struct {
	next, due, later, dead, waiting string
}

func newBacklogQueries(named *strings.Replacer) backlogQueries {
	return backlogQueries{
		// next finds the kind that comes next in the index of what is due, one after the other.
		next: named.Replace(`
SELECT workflow_type, {kind} FROM {table} WHERE dead_at IS NULL AND (workflow_type, {kind}) > (?, ?)
ORDER BY workflow_type, {kind} LIMIT 1`),
		due: named.Replace(`
SELECT count(*), min(run_at) FROM (
    SELECT run_at FROM {table} WHERE workflow_type = ? AND {kind} = ? AND dead_at IS NULL AND run_at <= ? ORDER BY run_at LIMIT ?)`),
		// later has those that are leased first: leases are short.
		later: named.Replace(`
SELECT count(*), count(CASE WHEN claimed_at IS NOT NULL AND attempts > 0 THEN 1 END) FROM (
    SELECT claimed_at, attempts FROM {table}
    WHERE workflow_type = ? AND {kind} = ? AND dead_at IS NULL AND run_at > ? ORDER BY run_at LIMIT ?)`),
		dead: named.Replace(`
SELECT workflow_type, {kind} FROM {table} WHERE dead_at IS NOT NULL ORDER BY dead_at DESC LIMIT ?`),
		waiting: named.Replace(`
SELECT {part}, {number}, token, {kind}, {requested}, run_at, attempts, last_error, claimed_at, dead_at FROM {table}
WHERE workflow_id = ? AND workflow_type = ? ORDER BY run_at, {since}, {item} LIMIT ?`),
	}
}

// Backlog implements [runtime.Backlogs].
func (q queue) Backlog(ctx context.Context, now time.Time, limit int) ([]runtime.Backlog, error) {
	found := make(map[runtime.Kind]*runtime.Backlog)
	err := q.store.readOneMoment(ctx, func(on *connection) error {
		if err := q.countAlive(ctx, on, found, now, limit); err != nil {
			return err
		}
		return on.query(func(columns []driver.Value) error {
			of(found, columns).Dead++
			return ctx.Err()
		}, q.sql.backlogs.dead, int64(limit))
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: count the backlog of %s: %w", q.name, err)
	}
	backlogs := make([]runtime.Backlog, 0, len(found))
	for _, b := range found {
		backlogs = append(backlogs, *b)
	}
	slices.SortFunc(backlogs, func(a, b runtime.Backlog) int {
		return cmp.Or(cmp.Compare(a.Kind.Workflow, b.Kind.Workflow), cmp.Compare(a.Kind.Name, b.Kind.Name))
	})
	return backlogs, nil
}

// of returns the backlog of the kind that the first two columns name.
func of(found map[runtime.Kind]*runtime.Backlog, columns []driver.Value) *runtime.Backlog {
	kind := runtime.Kind{Workflow: text(columns[0]), Name: text(columns[1])}
	if found[kind] == nil {
		found[kind] = &runtime.Backlog{Kind: kind}
	}
	return found[kind]
}

// countAlive goes from kind to kind and counts what is not dead.
func (q queue) countAlive(
	ctx context.Context, on *connection, found map[runtime.Kind]*runtime.Backlog, now time.Time, limit int,
) error {
	for kind := (runtime.Kind{}); ; {
		var b *runtime.Backlog
		next := func(columns []driver.Value) error {
			b = of(found, columns)
			return ctx.Err()
		}
		if err := on.query(next, q.sql.backlogs.next, kind.Workflow, kind.Name); err != nil || b == nil {
			return err
		}
		kind = b.Kind
		due := func(columns []driver.Value) error {
			b.Due, b.OldestDue = number(columns[0]), orZero(columns[1])
			return ctx.Err()
		}
		later := func(columns []driver.Value) error {
			b.Leased = number(columns[1])
			b.Delayed = number(columns[0]) - b.Leased
			return ctx.Err()
		}
		args := []driver.Value{kind.Workflow, kind.Name, micros(now), int64(limit)}
		if err := on.query(due, q.sql.backlogs.due, args...); err != nil {
			return err
		}
		if err := on.query(later, q.sql.backlogs.later, args...); err != nil {
			return err
		}
	}
}

// Waiting implements [runtime.Backlogs].
func (q queue) Waiting(ctx context.Context, instance runtime.InstanceKey, limit int) (waiting []runtime.WaitingDelivery, err error) {
	row := func(columns []driver.Value) error {
		w := runtime.WaitingDelivery{
			Lease: runtime.Lease{Queue: q.name, Instance: instance, Token: number(columns[2])},
			Kind:  runtime.Kind{Workflow: instance.Workflow, Name: text(columns[3])},
			Due:   fromMicros(number(columns[4])), RunAt: fromMicros(number(columns[5])),
			Attempts: int(number(columns[6])), LastError: text(columns[7]),
			ClaimedAt: orZero(columns[8]), DiedAt: orZero(columns[9]),
		}
		q.found(&w.Lease, columns[0], columns[1])
		waiting = append(waiting, w)
		return ctx.Err()
	}
	err = q.store.read(ctx, func(on *connection) error {
		return on.query(row, q.sql.backlogs.waiting, instance.ID, instance.Workflow, int64(limit))
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: read %s of %s: %w", q.name, instance, err)
	}
	return waiting, nil
}
