package otel

// Names of the metrics. Durations are in seconds.
const (
	InputDuration        = "ironflow.input.duration"         // histogram: workflow, input, outcome, error.type
	InputRepeats         = "ironflow.input.repeats"          // counter: workflow, input
	CommitDuration       = "ironflow.commit.duration"        // histogram: apart, outcome
	CommitInputs         = "ironflow.commit.inputs"          // histogram
	CommitEvents         = "ironflow.commit.events"          // counter
	CommitLeased         = "ironflow.commit.leased"          // counter: queue
	CommitObservations   = "ironflow.commit.observations"    // counter
	DeliveryDuration     = "ironflow.delivery.duration"      // histogram: queue, workflow, kind, result, error.type
	DeliveryDelay        = "ironflow.delivery.delay"         // histogram: queue, workflow, kind
	DeliveryActive       = "ironflow.delivery.active"        // up-down counter: queue, workflow, kind
	ClaimDuration        = "ironflow.claim.duration"         // histogram: queue, outcome
	ClaimDeliveries      = "ironflow.claim.deliveries"       // counter: queue
	SettlementDuration   = "ironflow.settlement.duration"    // histogram: queue, outcome
	SettlementSettled    = "ironflow.settlement.deliveries"  // counter: queue
	SettlementLost       = "ironflow.settlement.lost"        // counter: queue
	DeadLettersRetried   = "ironflow.dead_letters.retried"   // counter
	DeadLettersDiscarded = "ironflow.dead_letters.discarded" // counter
	ProjectionDuration   = "ironflow.projection.duration"    // histogram: projection, outcome, error.type
	ProjectionEvents     = "ironflow.projection.events"      // counter: projection
	RetentionDuration    = "ironflow.retention.duration"     // histogram: records, workflow, outcome
	RetentionDeleted     = "ironflow.retention.deleted"      // counter: records, workflow
	RetentionKept        = "ironflow.retention.kept"         // counter: workflow
	QueueDeliveries      = "ironflow.queue.deliveries"       // gauge: queue, workflow, kind, state
	QueueOldestDue       = "ironflow.queue.oldest_due"       // gauge: queue, workflow, kind
	QueueLimit           = "ironflow.queue.limit"            // gauge: queue, workflow, kind, limit
	QueueHandlers        = "ironflow.queue.handlers"         // gauge: queue
	InputsWaiting        = "ironflow.inputs.waiting"         // gauge
	InputsLimit          = "ironflow.inputs.limit"           // gauge
	CacheEntries         = "ironflow.cache.entries"          // gauge
	CacheBytes           = "ironflow.cache.bytes"            // gauge
	CacheLimit           = "ironflow.cache.limit"            // gauge
	CacheLookups         = "ironflow.cache.lookups"          // counter: outcome (hit, miss)
	WorkflowPaused       = "ironflow.workflow.paused"        // gauge: workflow
	FeedSettled          = "ironflow.feed.settled"           // gauge
	FeedUnsettled        = "ironflow.feed.unsettled"         // gauge
	FeedBlockerAge       = "ironflow.feed.blocker_age"       // gauge
	ReplicaLag           = "ironflow.replica.lag"            // gauge
	ProjectionBehind     = "ironflow.projection.behind"      // gauge: projection
	ProjectionDelay      = "ironflow.projection.delay"       // gauge: projection
	ProjectionSkipped    = "ironflow.projection.skipped"     // gauge: projection
	ProjectionStatus     = "ironflow.projection.status"      // gauge: projection, state
	Problems             = "ironflow.problems"               // gauge: reason
)

// Keys of attributes. After the prefix they are the same as in logs.
const (
	Workflow   = "ironflow.workflow"
	Instance   = "ironflow.instance" // spans only
	Input      = "ironflow.input"
	InputID    = "ironflow.input_id" // spans only
	Outcome    = "ironflow.outcome"  // of an input: as in telemetry.InputEnd, or error; of a transaction: stored, conflict or error
	Repeated   = "ironflow.repeated" // spans only; the input was sent before with the same id
	Version    = "ironflow.version"  // spans only
	Events     = "ironflow.events"   // spans only
	Queue      = "ironflow.queue"    // effects or timers
	Kind       = "ironflow.kind"     // name of the effect, or of the input that the timer delivers
	Timer      = "ironflow.timer"    // spans only; the timer's key
	Attempt    = "ironflow.attempt"  // spans only
	Result     = "ironflow.result"   // of an attempt: a telemetry.DeliveryResult
	State      = "ironflow.state"    // of deliveries: due, leased, delayed or dead; of a projection: running, paused or stopped
	Limit      = "ironflow.limit"    // of an effect: concurrency, global, rate or per_key
	Apart      = "ironflow.apart"
	Projection = "ironflow.projection"
	Position   = "ironflow.position" // spans only
	Records    = "ironflow.records"  // what retention deletes: a store.RecordKind
	Reason     = "ironflow.reason"   // of a problem: a telemetry.ProblemReason

	// ErrorType is set if something failed; docs/operate/telemetry.md lists its values.
	ErrorType = "error.type"
)
