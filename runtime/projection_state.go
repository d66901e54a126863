package runtime

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// ProjectionStore is a Store whose transactions a projection can write in.
type ProjectionStore[Tx any] interface {
	Store

	// Project calls apply with a transaction, then update with the stored state of the named projection as it is at the end
	// of it, locked, and commits both together. When one of them fails, nothing is stored and its error is returned,
	// wrapped. A conflict with other transactions is ErrConflict. Whatever apply does, the transaction ends with the call, and with
	// ctx, even if apply does not return.
	Project(ctx context.Context, name string, apply func(ctx context.Context, tx Tx) error, update ProjectionUpdate) error
}

// Projections is the part of a Store that keeps the state of projections.
type Projections interface {
	// Projections returns the states of the named projections that are there, or of all, by name.
	Projections(ctx context.Context, names ...string) ([]ProjectionState, error)

	// UpdateProjection lets update change the stored state of a projection, locked for as long as that takes. One that is not
	// there begins as a running one at position 0. When update fails, nothing changes and its error is returned, wrapped.
	UpdateProjection(ctx context.Context, name string, update ProjectionUpdate) error
}

// ProjectionUpdate changes a state in place. It may be called again when the database asks for it.
type ProjectionUpdate func(*ProjectionState) error

// ProjectionState is what is stored of a projection.
type ProjectionState struct {
	Name     string
	Status   ProjectionStatus
	Position FeedPosition // everything up to it is applied, or passed by
	EventAt  time.Time    // RecordedAt of the last event that was applied; zero for none
	Skipped  int64        // events that were skipped on demand
	Rebuild  bool         // its owner is to reset it before anything else

	// Attempts is how often the next batch has failed, LastError why at last.
	Attempts  int
	LastError string
	StoppedAt FeedPosition // of the event that it stopped at; 0 unless it has stopped

	// Owner is the process that runs it, until LeaseUntil; empty when none does. Whoever takes it over, or changes what it
	// is to do, raises Token, and every step of the owner compares it in the transaction of the step.
	Owner      string
	Token      int64
	LeaseUntil time.Time

	UpdatedAt time.Time // when anything of this changed
}

// ProjectionStatus says whether a projection makes progress.
type ProjectionStatus string

const (
	ProjectionRunning ProjectionStatus = "running"
	ProjectionPaused  ProjectionStatus = "paused"  // by PauseProjection
	ProjectionStopped ProjectionStatus = "stopped" // at an event that it cannot apply
)

// ProjectionInfo is how a projection is doing.
type ProjectionInfo struct {
	ProjectionState

	// Behind is how many events are still to be looked at, at most: numbers that no event has are counted, too.
	Behind int64

	// Delay is the age of the oldest event that is still to be looked at, also while a stall keeps the feed from being read that
	// far; 0 when there is none.
	Delay time.Duration

	// Registered says that this engine has it and would run it.
	Registered bool
}

// UnknownProjection says that there is no projection of a name, neither with the engine nor in the store.
type UnknownProjection struct {
	Name  string
	Known []string
}

func (e *UnknownProjection) Error() string {
	known := "there are none"
	if len(e.Known) > 0 {
		known = "there are: " + strings.Join(e.Known, ", ")
	}
	return fmt.Sprintf("there is no projection %q (%s); put it into the Config.Projections of an engine", e.Name, known)
}

// ProjectionHalted says that a projection does not get where it was waited for.
type ProjectionHalted struct {
	Name      string
	StoppedAt FeedPosition
	LastError string
}

func (e *ProjectionHalted) Error() string {
	if e.StoppedAt == 0 {
		return fmt.Sprintf("projection %q has stopped: %s", e.Name, e.LastError)
	}
	return fmt.Sprintf("projection %q has stopped at event %d: %s", e.Name, e.StoppedAt, e.LastError)
}
