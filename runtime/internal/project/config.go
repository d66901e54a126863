package project

import (
	"log/slog"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// Config is what reading the feed and running projections takes of an engine's config.
type Config struct {
	Name   string // of this process, as the owner of projections
	Logger *slog.Logger
	Clock  store.Clock

	Telemetry telemetry.Telemetry // nil for none

	Lease          time.Duration // of a projection
	PollInterval   time.Duration // between two looks for events of other processes
	StoreTimeout   time.Duration // of a call of the store
	FeedStallAfter time.Duration

	// Announce tells other processes that a projection is to do something else, or free to be taken over.
	Announce func()
}
