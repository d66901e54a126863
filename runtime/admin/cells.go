package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// newCells makes the operations on each of the cells that a store stands for.
func newCells(of []store.CellStore, config Config) (cells []*Admin, err error) {
	config.Changed = nil
	for _, c := range of {
		config.Keys = c.Keys
		a, err := New(c.Store, config)
		if err != nil {
			return nil, err
		}
		a.cell = c.Cell
		cells = append(cells, a)
	}
	return cells, nil
}

// Cells returns the names of the cells, sorted, if the store is that of a cells.Router. Otherwise there are none.
func (a *Admin) Cells() (names []string) {
	for _, c := range a.cells {
		names = append(names, c.cell)
	}
	return names
}

// Cell returns the operations on the store of one cell. What a store has by itself, such as a projection, is changed by them. An empty name
// means the whole store. For an unknown name, the error is *store.InvalidArgument.
func (a *Admin) Cell(name string) (*Admin, error) {
	if name == "" {
		return a, nil
	}
	for _, c := range a.cells {
		if c.cell == name {
			return c, nil
		}
	}
	return nil, &store.InvalidArgument{Argument: "the cell", Problem: fmt.Sprintf("%q is unknown; the cells are: %s", name, strings.Join(a.Cells(), ", "))}
}

// oneStore fails if the store stands for several: what is asked for belongs to one of them.
func (a *Admin) oneStore() error {
	if a.cells == nil {
		return nil
	}
	return &store.InvalidArgument{Argument: "the store", Problem: fmt.Sprintf("has several cells, and this belongs to one of them: "+
		"use the operations that Cell returns for one of: %s", strings.Join(a.Cells(), ", "))}
}

// inCells asks all cells for a part of an answer. If some of them do not answer, the error is *store.Incomplete.
func inCells[T any](ctx context.Context, a *Admin, call func(context.Context, *Admin) (T, error)) ([]T, error) {
	return bound.Parts(ctx, a.cells, func(c *Admin) string { return c.cell }, call)
}

// Feeds returns how far the feed of each cell can be read, by the name of the cell. If the store does not stand for several cells, its feed
// has the name "". If some cells do not answer, the error is *store.Incomplete.
func (a *Admin) Feeds(ctx context.Context) (map[string]store.FeedStatus, error) {
	if a.cells == nil {
		status, err := a.FeedStatus(ctx)
		if err != nil {
			return nil, err
		}
		return map[string]store.FeedStatus{"": status}, nil
	}
	parts, err := inCells(ctx, a, func(ctx context.Context, c *Admin) (telemetry.CellHealth, error) {
		status, err := c.FeedStatus(ctx)
		return telemetry.CellHealth{Cell: c.cell, Feed: status}, err
	})
	feeds := make(map[string]store.FeedStatus, len(parts))
	for _, p := range parts {
		feeds[p.Cell] = p.Feed
	}
	return feeds, err
}

// storeHealth returns what Health has of each store by itself.
func (a *Admin) storeHealth(ctx context.Context) (telemetry.CellHealth, error) {
	h := telemetry.CellHealth{Cell: a.cell}
	var noFeed, noReplica error
	if bound.Has[store.Feed](a.store) {
		h.Feed, noFeed = a.FeedStatus(ctx)
	}
	h.Replica, noReplica = a.store.ReplicaStatus(ctx)
	return h, errors.Join(noFeed, noReplica)
}

// awaitHome returns the cell that has an instance. It waits until there is one. While cells are unavailable, it goes on waiting.
func (a *Admin) awaitHome(ctx context.Context, instance store.InstanceKey) (*Admin, error) {
	for {
		parts, err := inCells(ctx, a, func(ctx context.Context, c *Admin) (*Admin, error) {
			summary, err := c.store.Summary(ctx, instance)
			if err != nil || summary.Version == 0 {
				return nil, err
			}
			return c, nil
		})
		if i := slices.IndexFunc(parts, func(c *Admin) bool { return c != nil }); i >= 0 {
			return parts[i], nil
		}
		if err := new(lacking).fails(err); err != nil && !bound.IsUnavailable(err) {
			return nil, err
		}
		if !bound.Sleep(ctx, store.SystemClock{}, pollInterval) {
			return nil, ctx.Err()
		}
	}
}
