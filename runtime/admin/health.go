package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/commit"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// BacklogLimit limits the counts in Health: a larger number of deliveries of one kind and state is reported as this number.
const BacklogLimit = 10_000

// Health returns figures about the store. It is cheap enough to be read every few seconds. The fields that describe a single engine stay
// empty. A kind of deliveries is Known if a running program delivers it. If a part cannot be read, that
// part is empty and the error says why; the other parts are set.
func (a *Admin) Health(ctx context.Context) (telemetry.Health, error) {
	now := store.StoredTime(a.clock.Now())
	h := telemetry.Health{At: now}
	var errs []error
	var err error
	h.Paused, err = a.store.PausedWorkflows(ctx)
	errs = append(errs, err)
	programs, err := a.Programs(ctx)
	errs = append(errs, err)
	for _, queue := range eitherQueue("") {
		into := &h.Effects
		if queue == store.TimerQueue {
			into = &h.Timers
		}
		*into, err = a.queueHealth(ctx, queue, now, h.Paused, programs)
		errs = append(errs, err)
		h.Undelivered = append(h.Undelivered, undelivered(queue, *into)...)
		abandoned, err := a.abandoned(ctx, queue, now, *into, programs)
		errs = append(errs, err)
		h.Abandoned = append(h.Abandoned, abandoned...)
	}
	if a.cells == nil {
		var own telemetry.CellHealth
		own, err = a.storeHealth(ctx)
		h.Feed, h.Replica = own.Feed, own.Replica
	} else {
		h.Cells, err = inCells(ctx, a, func(ctx context.Context, c *Admin) (telemetry.CellHealth, error) { return c.storeHealth(ctx) })
	}
	errs = append(errs, err)
	h.SnapshotHolders, err = a.SnapshotHolders(ctx)
	errs = append(errs, err)
	h.Projections, err = a.Projections(ctx)
	return h, joined(append(errs, err))
}

// joined returns all errors as one. Cells that did not answer are named once.
func joined(errs []error) error {
	var lacks lacking
	var others []error
	for _, err := range errs {
		others = append(others, lacks.fails(err))
	}
	if err := errors.Join(others...); err != nil {
		return errors.Join(err, lacks.err)
	}
	return lacks.err
}

func (a *Admin) queueHealth(
	ctx context.Context, queue store.QueueName, now time.Time, paused []store.Pause, programs []Program,
) (h telemetry.QueueHealth, err error) {
	backlogs, err := a.store.Backlog(ctx, queue, now, BacklogLimit)
	var lacks lacking
	if err := lacks.fails(err); err != nil {
		return h, fmt.Errorf("backlog of %s: %w", queue, err)
	}
	for _, b := range backlogs {
		known := slices.ContainsFunc(programs, func(p Program) bool { return p.Running && p.Manifest.Delivers(queue, b.Kind) })
		h.Kinds = append(h.Kinds, telemetry.KindHealth{Backlog: b, Known: known, Paused: pauseOf(paused, b.Kind.Workflow) != nil})
	}
	return h, lacks.err
}

func undelivered(queue store.QueueName, h telemetry.QueueHealth) (found []telemetry.UnknownStored) {
	for _, k := range h.Kinds {
		if u, waits := commit.Unknown(queue, k); waits && !k.Known {
			found = append(found, u)
		}
	}
	return found
}

// abandoned returns the leases in a queue whose holder is a program that no longer runs. A holder of which the store knows no program may
// have begun just now. A name may have several programs; then all must be gone. One that claimed after it was last seen lives, but
// does not get through with its heartbeat.
func (a *Admin) abandoned(
	ctx context.Context, queue store.QueueName, now time.Time, h telemetry.QueueHealth, programs []Program,
) (found []telemetry.AbandonedLeases, err error) {
	if h.Total().Leased == 0 || !slices.ContainsFunc(programs, func(p Program) bool { return !p.Running }) {
		return nil, nil
	}
	holders, err := a.store.LeaseHolders(ctx, queue, now, BacklogLimit)
	var lacks lacking
	if err := lacks.fails(err); err != nil {
		return nil, err
	}
	for _, holder := range holders {
		var last *Program
		for i := range programs { // those that run come first, then those that were seen last
			if programs[i].Process == holder.Holder {
				last = &programs[i]
				break
			}
		}
		if last == nil || last.Running || holder.ClaimedAt.After(last.Until) {
			continue
		}
		gone := telemetry.AbandonedLeases{Queue: queue, LeaseHolder: holder, SeenAt: last.SeenAt}
		if !last.StoppedAt.IsZero() {
			gone.SeenAt, gone.Stopped = last.StoppedAt, true
		}
		found = append(found, gone)
	}
	return found, lacks.err
}

// FeedStatus returns how far the feed can be read. If transactions hold it back, it names them. For a store that stands for several cells, call
// Feeds.
func (a *Admin) FeedStatus(ctx context.Context) (store.FeedStatus, error) {
	if err := a.oneStore(); err != nil {
		return store.FeedStatus{}, err
	}
	horizon, err := a.store.FeedHorizon(ctx)
	if err != nil || horizon.Settled >= horizon.Issued {
		return store.FeedStatus{FeedHorizon: horizon}, err
	}
	blockers, err := a.store.FeedBlockers(ctx)
	return store.FeedStatus{FeedHorizon: horizon, Blockers: blockers}, err
}

// fewTransactions is the number of transactions below which a snapshot does no harm, however long it is held.
const fewTransactions = 1000

// SnapshotHolders returns the holders of snapshots, such as sessions of the database, that have kept many dead rows in the tables for
// longer than Config.SnapshotHeldAfter. The oldest comes first, in each cell.
func (a *Admin) SnapshotHolders(ctx context.Context) (harmful []store.SnapshotHolder, err error) {
	if a.cells != nil {
		parts, err := inCells(ctx, a, func(ctx context.Context, c *Admin) ([]store.SnapshotHolder, error) { return c.SnapshotHolders(ctx) })
		return slices.Concat(parts...), err
	}
	holders, err := a.store.SnapshotHolders(ctx)
	now := a.clock.Now()
	for _, h := range holders {
		if h.Transactions >= fewTransactions && (h.Since.IsZero() || now.Sub(h.Since) >= a.config.SnapshotHeldAfter) {
			h.Cell = a.cell
			harmful = append(harmful, h)
		}
	}
	return harmful, err
}

func pauseOf(paused []store.Pause, workflow string) *store.Pause {
	i := slices.IndexFunc(paused, func(p store.Pause) bool { return p.Workflow == workflow })
	if i < 0 {
		return nil
	}
	return &paused[i]
}
