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

// Admin has the operations on a store. It starts no goroutines and need not be closed. It is safe for concurrent use.
//
// The store of a cells.Router stands for the stores of several cells. Lists and figures are then those of all cells, and [Admin.Cell] returns the
// operations on one of them.
//
// A method fails with [*store.Unsupported] if the store lacks the ability that the method needs.
type Admin struct {
	store       *bound.Store
	config      Config
	clock       store.Clock
	explain     explain.Explainer
	projections *project.Board
	manifests   manifests

	cell  string   // that the store is, if another Admin has made this one
	cells []*Admin // by name, if the store stands for several; otherwise nil
}

// Config tunes an Admin. The zero value is a good start; each zero field means its default.
type Config struct {
	Logger             *slog.Logger        // gets a record of each change, and errors that no caller receives. Default: slog.Default()
	Telemetry          telemetry.Telemetry // receives reports of retried and discarded dead letters. Default: no reports
	Clock              store.Clock         // Default: the clock of the database if the store is a store.Timekeeper, else the system's clock
	StoreTimeout       time.Duration       // limits each call to the store. Default: 30 s
	UnavailableTimeout time.Duration       // how long a read is retried while the store is unavailable. Default: 10 s
	SnapshotHeldAfter  time.Duration       // how long a snapshot is held before Health names its holder. Default: 1 min

	// Workflows are the workflows whose code this process has. For other workflows, Admin uses the descriptions that programs have
	// stored. Default: none.
	Workflows []*workflow.Workflow

	// By names who makes the changes of calls whose context names no operator, see store.WithOperator. Audit records have the name.
	// Default: none. Engines set their Config.Name.
	By string

	// Keys has the keys that encrypt personal fields. Default: the keys are in the store.
	Keys store.SubjectKeys

	// Changed is called after a change that workers should see at once: dead letters were retried, a workflow was paused or resumed, or a
	// projection is to be paused, resumed, rebuilt or moved. Default: the processes on the store are notified if the store is a
	// store.Notifier; otherwise they see the change at their next poll.
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
	a.store.Seal(bound.Sealing{Erased: []byte(bound.ErasedText), Keys: config.Keys, Logger: config.Logger})
	if a.clock == nil {
		a.clock = bound.ClockOf(a.store, config.Logger)
	}
	a.explain = explain.Explainer{Store: a.store, Clock: a.clock}
	a.projections = project.NewBoard(a.store, nil, project.Config{
		Name: "admin", Logger: config.Logger, Clock: a.clock, Announce: func() { a.tell(context.Background(), store.NewOrders) },
	}, nil)
	var err error
	if a.cells, err = newCells(a.store.CellStores(), config); err != nil {
		return nil, err
	}
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
