package admin

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/explain"
	"github.com/ironflow-gen/ironflow/runtime/internal/project"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Admin operates a store. It starts nothing, and needs no Close. Safe for concurrent use.
//
// What a store lacks the ability for fails with [*store.Unsupported].
type Admin struct {
	store       *bound.Store
	config      Config
	clock       store.Clock
	explain     explain.Explainer
	projections *project.Board
	manifests   manifests
}

// Config tunes an Admin. The zero value is a good start; each zero field means its default.
type Config struct {
	Logger             *slog.Logger        // gets what was changed, and errors that no caller receives. Default: slog.Default()
	Telemetry          telemetry.Telemetry // is told of dead letters that were retried or discarded. Default: nobody is told
	Clock              store.Clock         // Default: that of the database where the store has one, else the system's clock
	StoreTimeout       time.Duration       // of each call of the store. Default: 30 s
	UnavailableTimeout time.Duration       // for how long a read is repeated while the store is unavailable. Default: 10 s
	SnapshotHeldAfter  time.Duration       // how long a snapshot is held before Health names its holder. Default: 1 min

	// Workflows are those whose code this process has. Others are known by what programs have told the store. Default: none.
	Workflows []*workflow.Workflow

	// Changed is called after a change that workers should see: dead letters were retried, a workflow was paused or resumed, a
	// projection got an order. Default: the processes on the store are notified, where the store can; otherwise they poll.
	Changed func()
}

// New returns an Admin of a store.
func New(st store.Store, config Config) (*Admin, error) {
	if st == nil {
		return nil, errors.New("ironflow: the store is nil")
	}
	config.Logger = telemetry.GuardLogger(cmp.Or(config.Logger, slog.Default()))
	config.StoreTimeout = cmp.Or(config.StoreTimeout, 30*time.Second)
	config.UnavailableTimeout = cmp.Or(config.UnavailableTimeout, 10*time.Second)
	config.SnapshotHeldAfter = cmp.Or(config.SnapshotHeldAfter, time.Minute)
	config.Telemetry = telemetry.Guard(config.Telemetry, config.Logger)
	a := &Admin{store: bound.New(st, config.StoreTimeout), config: config, clock: config.Clock}
	if a.clock == nil {
		a.clock = bound.ClockOf(a.store, config.Logger)
	}
	a.explain = explain.Explainer{Store: a.store, Clock: a.clock}
	a.projections = project.NewBoard(a.store, nil, project.Config{
		Name: "admin", Logger: config.Logger, Clock: a.clock, Announce: func() { a.tell(context.Background(), store.NewOrders) },
	}, nil)
	return a, nil
}

// moreWork wakes those who look for work.
func (a *Admin) moreWork(ctx context.Context) { a.tell(ctx, store.NewWork) }

// tell passes news on. Whoever does not hear of them polls.
func (a *Admin) tell(ctx context.Context, news store.News) {
	if a.config.Changed != nil {
		a.config.Changed()
		return
	}
	notifier := a.store.Notifier()
	if notifier == nil {
		return
	}
	if err := notifier.Notify(context.WithoutCancel(ctx), news); err != nil {
		a.config.Logger.WarnContext(ctx, "ironflow: telling other processes of news failed; they poll", "error", err)
	}
}
