package store

import (
	"context"
	"fmt"
)

// An ability is an interface that a store may implement beside Store. This file has the small ones.

// Unsupported says that a feature needs an ability that the store lacks. NewEngine fails with it when the config or a workflow
// needs the feature; otherwise the call that needs it does. Nothing was done.
type Unsupported struct {
	Store   string // type of the store, as in "*sqlite.Store"
	Ability string // name of the interface that it does not implement, as in "Feed"
	Feature string // what needs it, as in "Config.Retention"
}

func (e *Unsupported) Error() string {
	return fmt.Sprintf("ironflow: %s needs a store that implements %s; %s does not", e.Feature, e.Ability, e.Store)
}

// InputLog is a Store that keeps InputRecords: the outcomes of inputs that came with an id, and observed inputs. Without it,
// Change.Inputs is empty. WithInputID, Config.Observe and Engine.Observations need it.
type InputLog interface {
	// InputOutcomes returns the recorded outcomes of inputs that came with an id, in the order of inputs. An outcome that is not
	// recorded, or was deleted, is nil.
	InputOutcomes(ctx context.Context, inputs []InputKey) ([][]byte, error)

	// RecordInputs stores records of inputs that added nothing to their instance. It fails with ErrConflict, and stores nothing,
	// when an outcome is recorded already under the id of one of them.
	RecordInputs(ctx context.Context, inputs InputRecords) error

	// Observations returns observations of one instance, of a workflow or of all, the newest first. A page ends with the
	// observation whose payloads reach PageBytes.
	Observations(ctx context.Context, query ObservationQuery) ([]Observation, error)
}

// Schedules is a Store that keeps recurring inputs. Workflows that declare schedules need it.
type Schedules interface {
	// PutSchedules starts schedules that are not stored yet, and restarts those that are stored with another definition. Their
	// deliveries are in the timers' queue. The instance of such a delivery has an empty id.
	PutSchedules(ctx context.Context, schedules []StoredSchedule) error
}

// Snapshots is a Store that keeps states, so that an instance with a long history is read faster. Without it, ReadRequest.Schema
// has no effect and every event is replayed. No feature needs it.
type Snapshots interface {
	// SaveSnapshots stores states. A snapshot replaces that of its instance when that is as old or older, or of a lost history.
	// A snapshot that is older than the stored one, or whose instance has no event of its version and commit, is ignored.
	SaveSnapshots(ctx context.Context, snapshots []Snapshot) error
}

// Notifier is a Store through which processes tell each other about news, so that they need not wait for their next poll. A
// notification may be lost, come late, or come without news. No feature needs it.
type Notifier interface {
	// Notify wakes the listeners of all processes. The engine calls it beside its commits, and not for each of them.
	Notify(ctx context.Context, what News) error

	// Listen calls wake for each notification, on one goroutine, until ctx ends or the connection is lost. Then it returns the
	// reason. When it begins to listen, it calls wake once with all kinds of news, as it may have missed some.
	Listen(ctx context.Context, wake func(what News)) error
}

// News are kinds of what a process may want to know of others; they can be joined with |.
type News int

const (
	NewWork   News = 1 << iota // effects or timers are due
	NewEvents                  // the feed has grown
	NewOrders                  // a projection is to do something else, or free to be taken over
)

// SerialWriter is a Store whose commits wait for each other. By default the engine uses one lane on it: larger batches share
// more, and a second lane would only wait.
type SerialWriter interface {
	SerialWriter()
}

// ReadOnlyStore is a Store that may have been opened for reading only. Then inputs and Engine.Run fail with ErrReadOnly.
type ReadOnlyStore interface {
	ReadOnly() bool
}
