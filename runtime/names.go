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

// Workflow is a defined workflow, which NewEngine registers.
type Workflow = workflow.Workflow

// InstanceKey names an instance: the name of its workflow and its own id.
type InstanceKey = store.InstanceKey

// Outcome is the outcome of an input: accepted, rejected, or too late because the instance had completed.
type Outcome[E, R any] = workflow.Outcome[E, R]

// Encoded is an event or a rejection as JSON: its declared name, and an object with its fields.
type Encoded = workflow.Encoded

// PayloadName names the message that a payload belongs to, for example the input Pay of the workflow order.
type PayloadName = workflow.PayloadName

// Unfinished says that a stub was called: a method that ironflow-gen added to your code and that you have not written yet.
type Unfinished = workflow.Unfinished

// Effects.

// EffectCall tells a handler about the call it is handling.
type EffectCall = workflow.EffectCall

// RetryPolicy says how often, and after which pauses, a failed delivery is tried again. The pause after attempt n is
// Base·2^(n-1), at most Max. Then up to half of it, chosen at random, is taken off, so that many failures do not retry at the
// same moment ("equal jitter", see the AWS Architecture Blog, "Exponential Backoff And Jitter").
type RetryPolicy = workflow.RetryPolicy

// Remote delivers inputs to a workflow of another service; see Config.Remotes.
type Remote = workflow.Remote

// Projections and the feed.

// StoredEvent is an event as the store has it: its fields are JSON.
type StoredEvent = store.StoredEvent

// FeedPosition is a place in the feed: the global sequence of the last event before it.
type FeedPosition = store.FeedPosition

// EventFilter accepts the events of one workflow that have one of the given types; without types, all events of the workflow.
type EventFilter = store.EventFilter

// ProjectionInfo describes a projection: whether it runs, its position, and how far it is behind the feed.
type ProjectionInfo = store.ProjectionInfo

// Operations.

// Store stores instances with their events, the outbox of effects, and timers. Packages postgres, sqlite and memory have one
// each.
type Store = store.Store

// Lease names a delivery and is the right to settle it, as long as no newer claim has a higher Token.
type Lease = store.Lease

// Health has figures about an engine and its store; see Engine.Health.
type Health = telemetry.Health

// InstanceFilter selects instances.
type InstanceFilter = store.InstanceFilter

// DeadLetterFilter selects dead letters.
type DeadLetterFilter = store.DeadLetterFilter

// Discard says who discarded dead letters, when and why.
type Discard = store.Discard

// Pause describes the pause of a workflow. Meanwhile its effects, timers and schedules wait, in every process.
type Pause = store.Pause

// ObservationQuery selects observations; see Engine.Observations.
type ObservationQuery = store.ObservationQuery

// ArchivedInstance is an instance that is about to be deleted.
type ArchivedInstance = store.ArchivedInstance

// Explanation says why a decision was made, and how its effects and timers ended.
type Explanation = telemetry.Explanation

// ExplainedDecision is a decision within an Explanation.
type ExplainedDecision = telemetry.ExplainedDecision

// ExplainedDelivery is an effect or timer of a decision within an Explanation.
type ExplainedDelivery = telemetry.ExplainedDelivery

// Origin says how a chain of decisions began.
type Origin = telemetry.Origin

// Errors to match with errors.As.

// FeedSetBack says that a reader's position is not part of the feed: the database lost events, for example when an older backup
// was restored.
type FeedSetBack = store.FeedSetBack

// InputIDReused says that another input was sent with the same id before.
type InputIDReused = store.InputIDReused

// InvalidArgument says that an argument cannot be stored or searched for: a text, a time or a number.
type InvalidArgument = store.InvalidArgument

// InvalidIdentifier says that an id or a unique key is empty, longer than store.MaxIDLength, or not text that can be stored.
type InvalidIdentifier = store.InvalidIdentifier

// InvalidInput lists the mistakes in an input given as JSON.
type InvalidInput = workflow.InvalidInput

// PanicError is a panic of user code. In names the function that was called, Value is the value of the panic, Stack the stack
// trace. errors.Is and errors.As find Value if it is an error.
type PanicError = store.PanicError

// PayloadTooLarge says that a payload has more bytes than Config.MaxPayloadBytes allows.
type PayloadTooLarge = workflow.PayloadTooLarge

// ProjectionHalted says that a projection has stopped after errors, so a caller would wait for it in vain.
type ProjectionHalted = store.ProjectionHalted

// SequenceBehind says that the database gives new events global sequence numbers that other events already have. Readers would
// not see the new events.
type SequenceBehind = store.SequenceBehind

// StoreTimeout says that the store did not answer a call within Config.StoreTimeout: the server hangs, or the connection is dead.
type StoreTimeout = store.StoreTimeout

// Stuck says that user code of an instance, usually its decider or evolver, did not return within Config.DecideTimeout.
type Stuck = telemetry.Stuck

// Unavailable says that the store cannot be reached or cannot serve the call now: the server is down, starting, a standby, or out
// of disk space.
type Unavailable = store.Unavailable

// UndecodableEvent says that the fields of a stored event do not have the types that this program declares for them.
type UndecodableEvent = workflow.UndecodableEvent

// UniqueKeyConflict says that another active instance holds the unique key of an input.
type UniqueKeyConflict = store.UniqueKeyConflict

// UnknownDelivery says that no stored decision requested an effect or timer.
type UnknownDelivery = store.UnknownDelivery

// UnknownEvent says that a stored event is not in this program's declaration, usually because a newer program wrote it.
type UnknownEvent = workflow.UnknownEvent

// UnknownInstance says that an instance has no stored events.
type UnknownInstance = store.UnknownInstance

// UnknownProjection says that neither the engine nor the store has a projection with the given name.
type UnknownProjection = store.UnknownProjection

// UnknownVersion says that an instance never had the given version.
type UnknownVersion = store.UnknownVersion

// WorkflowPaused says that a workflow was paused so that it refuses inputs of clients; see Pause.RefuseInputs.
type WorkflowPaused = store.WorkflowPaused

// Errors to match with errors.Is.
var (
	// ErrOutcomeUnknown says that the store's answer to a commit was lost, or that the caller's context ended before it. The
	// decision is stored completely or not at all.
	ErrOutcomeUnknown = store.ErrOutcomeUnknown

	// ErrLocked says that another transaction held a lock for longer than the store waits.
	ErrLocked = store.ErrLocked

	// ErrDeadlock says that the database ended this transaction because it and another one waited for each other.
	ErrDeadlock = store.ErrDeadlock

	// ErrReadOnly says that the engine's store was opened read-only. Inputs and Run need a store that can be written.
	ErrReadOnly = store.ErrReadOnly
)

// Values for fields of InstanceFilter and DeadLetterFilter.
const (
	OnlyActive    = store.OnlyActive
	OnlyCompleted = store.OnlyCompleted
	OnlyTold      = store.OnlyTold
	ToldOrNot     = store.ToldOrNot
)

// Values of Origin.
const (
	OriginClient   = telemetry.OriginClient
	OriginSchedule = telemetry.OriginSchedule
	OriginEarlier  = telemetry.OriginEarlier
	OriginDeleted  = telemetry.OriginDeleted
)

// Permanent marks a handler's error as one that no retry can fix: the effect becomes a dead letter at once. Do not pass nil: the
// effect becomes a dead letter all the same, with the error that its cause is missing.
func Permanent(err error) error { return workflow.Permanent(err) }

// RetryAfter marks a handler's error with the pause before the next attempt. The pause replaces the one of the retry policy. Use
// it, for example, when a service answers "429 Retry-After". The attempt counts. Do not pass nil: the attempt fails all the same,
// with the error that its cause is missing.
func RetryAfter(err error, pause time.Duration) error { return workflow.RetryAfter(err, pause) }

// Snooze is the error of a handler that was called too early. The effect is due again after the pause, and the attempt does not
// count. So an effect can be snoozed any number of times without becoming a dead letter.
func Snooze(pause time.Duration) error { return workflow.Snooze(pause) }

// WithUnavailableTimeout returns a context for calls of an engine. While the store is unavailable, such a call is retried for d,
// instead of until the context's deadline or for Config.UnavailableTimeout. With 0 it fails at once.
func WithUnavailableTimeout(ctx context.Context, d time.Duration) context.Context {
	return bound.WithUnavailableTimeout(ctx, d)
}
