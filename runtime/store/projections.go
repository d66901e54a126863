package store

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Projections is the ability of a store to store the states of projections. Config.Projections needs it, and Feed.
type Projections interface {
	// Projections returns the stored states of the named projections, sorted by name; without names, of all projections.
	Projections(ctx context.Context, names ...string) ([]ProjectionState, error)

	// UpdateProjection locks the stored state of a projection and lets update change it. A projection that is not stored begins
	// as running, at position 0. When update fails, nothing changes and its error is returned, wrapped.
	UpdateProjection(ctx context.Context, name string, update ProjectionUpdate) error
}

// ProjectionStore is the ability of a store to run a projection in its transactions.
type ProjectionStore[Tx any] interface {
	// Project calls apply with a transaction. Then it locks the stored state of the named projection, calls update with it, and
	// commits both together. When apply or update fails, nothing is stored and its error is returned, wrapped. A conflict with
	// other transactions is ErrConflict. The transaction ends with the call, and with ctx even if apply does not return.
	Project(ctx context.Context, name string, apply func(ctx context.Context, tx Tx) error, update ProjectionUpdate) error
}

// ProjectionUpdate changes a state in place. It may be called several times if the database asks to run a transaction again.
type ProjectionUpdate func(*ProjectionState) error

// ProjectionState is the stored state of a projection.
type ProjectionState struct {
	Name     string
	Status   ProjectionStatus
	Position FeedPosition // every event up to it is applied, or not accepted by a filter
	EventAt  time.Time    // RecordedAt of the last event that was applied; zero for none
	Skipped  int64        // events that were skipped by SkipProjectionEvent
	Rebuild  bool         // its owner must reset it before the next step

	// Attempts is how often the next batch has failed, LastError the last reason.
	Attempts  int
	LastError string
	StoppedAt FeedPosition // the event that it stopped at; 0 unless it has stopped

	// Owner is the process that runs the projection until LeaseUntil; empty if none does. A takeover raises Token; so do pausing,
	// resuming, skipping and rebuilding. Every step of the owner compares Token in the transaction of the step.
	Owner      string
	Token      int64
	LeaseUntil time.Time

	UpdatedAt time.Time // when any of these fields changed
}

// ProjectionStatus says whether a projection makes progress.
type ProjectionStatus string

const (
	ProjectionRunning ProjectionStatus = "running"
	ProjectionPaused  ProjectionStatus = "paused"  // by PauseProjection
	ProjectionStopped ProjectionStatus = "stopped" // at an event that it cannot apply
)

// ProjectionInfo describes a projection: its stored state, and how far it is behind the feed.
type ProjectionInfo struct {
	ProjectionState

	// Behind is how many events are not read yet. It may be too high, because it counts numbers that no event has.
	Behind int64

	// Delay is the age of the oldest event that is not read yet; 0 if there is none. It also grows while the feed is stalled.
	Delay time.Duration

	// Registered says that the projection is in the Config.Projections of this engine.
	Registered bool

	// Cell is the cell that the projection is in, if an admin.Admin of all cells of a cells.Router has listed it.
	Cell string
}

// UnknownProjection says that neither the engine nor the store has a projection with the given name.
type UnknownProjection struct {
	Name  string
	Known []string
}

func (e *UnknownProjection) Error() string {
	known := "there are none"
	if len(e.Known) > 0 {
		known = "there are: " + strings.Join(e.Known, ", ")
	}
	return fmt.Sprintf("there is no projection %q (%s); add it to Config.Projections of an engine", e.Name, known)
}

// ProjectionHalted says that a projection has stopped after errors, so a caller would wait for it in vain.
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
