package runtime

import (
	"context"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Inputs and outcomes.

// Workflow is a defined workflow, ready to be registered with an engine.
type Workflow = workflow.Workflow

// InstanceKey names an instance: the name of its workflow and its own id.
type InstanceKey = store.InstanceKey

// Outcome is the outcome of an input that was decided on.
type Outcome[E, R any] = workflow.Outcome[E, R]

// Encoded is an event or a rejection as JSON: its declared name, and an object with its fields.
type Encoded = workflow.Encoded

// PayloadName names what a payload is of: the input Pay of the workflow order, say.
type PayloadName = workflow.PayloadName

// Unfinished says that a stub was called: a method of the first skeleton, or one that "ironflow-gen generate -stubs" added,
// that is not written yet.
type Unfinished = workflow.Unfinished

// Effects.

// EffectCall tells a handler about the call it is handling.
type EffectCall = workflow.EffectCall

// RetryPolicy says how often, and how soon, a delivery that failed is tried again: attempt n is followed by a pause of
// Base·2^(n-1), at most Max, of which a random half is taken off so that failures do not come back in step ("equal jitter", see
// the AWS Architecture Blog, "Exponential Backoff And Jitter").
type RetryPolicy = workflow.RetryPolicy

// Projections and the feed.

// StoredEvent is an event as it is kept.
type StoredEvent = store.StoredEvent

// FeedPosition is a place in the feed: the global sequence of the last event before it.
type FeedPosition = store.FeedPosition

// EventFilter accepts events of a workflow: those of the given types, or all without types.
type EventFilter = store.EventFilter

// ProjectionInfo is the state of a projection, and how far it is behind.
type ProjectionInfo = store.ProjectionInfo

// Operations.

// Store keeps instances with their events, the outbox of effects and the timers.
type Store = store.Store

// Lease is the right to settle or consume one delivery while Token is its newest.
type Lease = store.Lease

// Health is how an engine and its store are doing.
type Health = telemetry.Health

// InstanceFilter says which instances are wanted.
type InstanceFilter = store.InstanceFilter

// DeadLetterFilter selects dead letters.
type DeadLetterFilter = store.DeadLetterFilter

// Discard says who gave dead letters up, when and why.
type Discard = store.Discard

// Pause says that a workflow is paused: its effects, timers and schedules wait, in every process.
type Pause = store.Pause

// ObservationQuery asks for observations.
type ObservationQuery = store.ObservationQuery

// ArchivedInstance is an instance that is about to be deleted.
type ArchivedInstance = store.ArchivedInstance

// Explanation says why a decision was made and what became of what it asked for.
type Explanation = telemetry.Explanation

// ExplainedDecision is a decision within an Explanation.
type ExplainedDecision = telemetry.ExplainedDecision

// ExplainedDelivery is an effect or timer that a decision asked for.
type ExplainedDelivery = telemetry.ExplainedDelivery

// Origin is what a chain of decisions begins with.
type Origin = telemetry.Origin

// Errors to match with errors.As.

// FeedSetBack says that a reader's position is not part of the feed.
type FeedSetBack = store.FeedSetBack

// InputIDReused says that an input came with an id under which another input came before.
type InputIDReused = store.InputIDReused

// InvalidArgument says that a text, a time or a number cannot be stored or looked for, in any store.
type InvalidArgument = store.InvalidArgument

// InvalidIdentifier says that an id or a unique key is empty, longer than store.MaxIDLength, or not text that can be stored.
type InvalidIdentifier = store.InvalidIdentifier

// InvalidInput says that an input given as JSON is none that the workflow takes.
type InvalidInput = workflow.InvalidInput

// PanicError is a panic in user code, caught and turned into an error. In says what was called, Value what the code panicked with,
// Stack where. errors.Is and errors.As find Value when it is an error.
type PanicError = store.PanicError

// PayloadTooLarge says that a payload has more bytes than Config.MaxPayloadBytes allows.
type PayloadTooLarge = workflow.PayloadTooLarge

// ProjectionHalted says that a projection has stopped, so that waiting for it is of no use.
type ProjectionHalted = store.ProjectionHalted

// SequenceBehind says that the database gives events numbers that other events have already: readers would not see the new
// events.
type SequenceBehind = store.SequenceBehind

// StoreTimeout says that the store did not answer a call within Config.StoreTimeout: its server hangs, or a connection to it is
// open and carries nothing any more.
type StoreTimeout = store.StoreTimeout

// Stuck says that user code of an instance, its decider or evolver most likely, has not returned within Config.DecideTimeout.
type Stuck = telemetry.Stuck

// Unavailable says that the store cannot be reached, or cannot do now what it was asked for: its server is down, starting, a
// standby, or out of disk.
type Unavailable = store.Unavailable

// UndecodableEvent says that the fields of a stored event do not have the types that this program declares for them.
type UndecodableEvent = workflow.UndecodableEvent

// UniqueKeyConflict says that another active instance holds the unique key of an input.
type UniqueKeyConflict = store.UniqueKeyConflict

// UnknownDelivery says that no decision asked for an effect or timer.
type UnknownDelivery = store.UnknownDelivery

// UnknownEvent says that a stored event is not in this program's declaration: a newer program wrote it.
type UnknownEvent = workflow.UnknownEvent

// UnknownInstance says that no event of the instance is stored.
type UnknownInstance = store.UnknownInstance

// UnknownProjection says that neither the engine nor the store has a projection of a name.
type UnknownProjection = store.UnknownProjection

// UnknownVersion says that an instance has not been at a version.
type UnknownVersion = store.UnknownVersion

// WorkflowPaused says that a workflow takes no inputs of clients, because it was paused in that way.
type WorkflowPaused = store.WorkflowPaused

// Errors to match with errors.Is.
var (
	// ErrOutcomeUnknown says that the store's answer to a commit did not come, or not before the caller's context ended: the input
	// is stored entirely or not at all.
	ErrOutcomeUnknown = store.ErrOutcomeUnknown

	// ErrLocked says that another transaction held a lock that was needed, for longer than a store waits.
	ErrLocked = store.ErrLocked

	// ErrDeadlock says that two transactions waited for each other, and that the database ended this one's wait.
	ErrDeadlock = store.ErrDeadlock

	// ErrReadOnly says that the engine's store was opened for reading only: inputs, and Run, need an engine whose store writes.
	ErrReadOnly = store.ErrReadOnly
)

// Values of fields of the filters above.
const (
	OnlyActive    = store.OnlyActive
	OnlyCompleted = store.OnlyCompleted
	OnlyTold      = store.OnlyTold
	ToldOrNot     = store.ToldOrNot
)

// What a chain of decisions begins with.
const (
	OriginClient   = telemetry.OriginClient
	OriginSchedule = telemetry.OriginSchedule
	OriginEarlier  = telemetry.OriginEarlier
	OriginDeleted  = telemetry.OriginDeleted
)

// Permanent marks a handler's error as one that no retry can fix: the effect becomes a dead letter at once. It needs an error:
// with nil the effect becomes a dead letter too, whose text says so.
func Permanent(err error) error { return workflow.Permanent(err) }

// RetryAfter marks a handler's error with the pause before the next attempt, in place of the effect's backoff; a service that
// answers "429 Retry-After" is a case for it. The attempt counts like any other. It needs an error: with nil the attempt has
// failed too, with a text that says so.
func RetryAfter(err error, pause time.Duration) error { return workflow.RetryAfter(err, pause) }

// Snooze is a handler's error that says that it is too early: the effect is due again after the pause, and the attempt does not
// count. A handler that waits for something this way, as often as it takes, never makes a dead letter of its effect.
func Snooze(pause time.Duration) error { return workflow.Snooze(pause) }

// WithUnavailableTimeout returns a context whose calls of the engine are repeated for d while the store is unavailable, and not
// until the context's deadline. 0 means that they fail at once.
func WithUnavailableTimeout(ctx context.Context, d time.Duration) context.Context {
	return bound.WithUnavailableTimeout(ctx, d)
}
