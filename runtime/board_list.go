package runtime

import (
	"context"
	"math"
	"slices"
	"strings"
)

// List returns all projections by name: those of the board and, from other programs or the past, those in the store.
func (b *projectionBoard) List(ctx context.Context) ([]ProjectionInfo, error) {
	states, err := b.allStates(ctx)
	if err != nil {
		return nil, err
	}
	return b.infos(ctx, states)
}

// Info returns one projection. An unknown name is *UnknownProjection.
func (b *projectionBoard) Info(ctx context.Context, name string) (ProjectionInfo, error) {
	states, err := b.allStates(ctx)
	if err != nil {
		return ProjectionInfo{}, err
	}
	i := slices.IndexFunc(states, func(s ProjectionState) bool { return s.Name == name })
	if i < 0 {
		return ProjectionInfo{}, unknownProjection(name, states)
	}
	list, err := b.infos(ctx, states[i:i+1])
	if err != nil {
		return ProjectionInfo{}, err
	}
	return list[0], nil
}

// ReadByAll returns the position up to which all projections have read.
func (b *projectionBoard) ReadByAll(ctx context.Context) (FeedPosition, error) {
	states, err := b.allStates(ctx)
	read := FeedPosition(math.MaxInt64)
	for _, s := range states {
		read = min(read, s.Position)
	}
	return read, err
}

// infos adds how far behind the projections are.
func (b *projectionBoard) infos(ctx context.Context, states []ProjectionState) ([]ProjectionInfo, error) {
	horizon, err := b.store.FeedHorizon(ctx)
	if err != nil {
		return nil, err
	}
	now := b.config.Clock.Now()
	list := make([]ProjectionInfo, 0, len(states))
	for _, s := range states {
		info := ProjectionInfo{ProjectionState: s, Registered: b.find(s.Name) != nil}
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
func (b *projectionBoard) allStates(ctx context.Context) ([]ProjectionState, error) {
	states, err := b.store.Projections(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range b.names() {
		if !slices.ContainsFunc(states, func(s ProjectionState) bool { return s.Name == name }) {
			states = append(states, ProjectionState{Name: name, Status: ProjectionRunning})
		}
	}
	slices.SortFunc(states, func(a, b ProjectionState) int { return strings.Compare(a.Name, b.Name) })
	return states, nil
}

// stored returns the stored state of a projection; nil for one of the board that has not run yet. A name that is neither stored nor
// on the board is *UnknownProjection.
func (b *projectionBoard) stored(ctx context.Context, name string) (*ProjectionState, error) {
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

func unknownProjection(name string, all []ProjectionState) error {
	unknown := &UnknownProjection{Name: name}
	for _, s := range all {
		unknown.Known = append(unknown.Known, s.Name)
	}
	return unknown
}
