package project

import (
	"context"
	"math"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// List returns all projections by name: those of the board and, from other programs or the past, those in the store.
func (b *Board) List(ctx context.Context) ([]store.ProjectionInfo, error) {
	states, err := b.allStates(ctx)
	if err != nil {
		return nil, err
	}
	return b.infos(ctx, states)
}

// Info returns one projection. An unknown name is *store.UnknownProjection.
func (b *Board) Info(ctx context.Context, name string) (store.ProjectionInfo, error) {
	states, err := b.allStates(ctx)
	if err != nil {
		return store.ProjectionInfo{}, err
	}
	i := slices.IndexFunc(states, func(s store.ProjectionState) bool { return s.Name == name })
	if i < 0 {
		return store.ProjectionInfo{}, unknownProjection(name, states)
	}
	list, err := b.infos(ctx, states[i:i+1])
	if err != nil {
		return store.ProjectionInfo{}, err
	}
	return list[0], nil
}

// ReadByAll returns the position up to which all projections have read.
func (b *Board) ReadByAll(ctx context.Context) (store.FeedPosition, error) {
	states, err := b.allStates(ctx)
	read := store.FeedPosition(math.MaxInt64)
	for _, s := range states {
		read = min(read, s.Position)
	}
	return read, err
}

// infos adds how far behind the projections are.
func (b *Board) infos(ctx context.Context, states []store.ProjectionState) ([]store.ProjectionInfo, error) {
	if len(states) == 0 { // the store may have no feed
		return []store.ProjectionInfo{}, nil
	}
	horizon, err := b.store.FeedHorizon(ctx)
	if err != nil {
		return nil, err
	}
	now := b.config.Clock.Now()
	list := make([]store.ProjectionInfo, 0, len(states))
	for _, s := range states {
		info := store.ProjectionInfo{ProjectionState: s, Registered: b.find(s.Name) != nil}
		if info.Behind = max(int64(horizon.Newest-s.Position), 0); info.Behind > 0 {
			oldest, err := b.store.FirstEventAfter(ctx, s.Position)
			if err != nil {
				return nil, err
			}
			if !oldest.IsZero() {
				info.Delay = max(now.Sub(oldest), 0)
			}
		}
		list = append(list, info)
	}
	return list, nil
}

// allStates returns the stored states, and for projections of the board that have not run yet the state that they will begin with.
func (b *Board) allStates(ctx context.Context) ([]store.ProjectionState, error) {
	states, err := b.store.Projections(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range b.Names() {
		if !slices.ContainsFunc(states, func(s store.ProjectionState) bool { return s.Name == name }) {
			states = append(states, store.ProjectionState{Name: name, Status: store.ProjectionRunning})
		}
	}
	slices.SortFunc(states, func(a, b store.ProjectionState) int { return strings.Compare(a.Name, b.Name) })
	return states, nil
}

// stored returns the stored state of a projection; nil for one of the board that has not run yet. A name that is neither stored nor
// on the board is *store.UnknownProjection.
func (b *Board) stored(ctx context.Context, name string) (*store.ProjectionState, error) {
	states, err := b.store.Projections(ctx, name)
	switch {
	case err != nil:
		return nil, err
	case len(states) > 0:
		return &states[0], nil
	case b.find(name) != nil:
		return nil, nil
	}
	if states, err = b.allStates(ctx); err != nil {
		return nil, err
	}
	return nil, unknownProjection(name, states)
}

func unknownProjection(name string, all []store.ProjectionState) error {
	unknown := &store.UnknownProjection{Name: name}
	for _, s := range all {
		unknown.Known = append(unknown.Known, s.Name)
	}
	return unknown
}
