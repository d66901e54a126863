package otel

// Names of the metrics. Durations are in seconds.
const (
	InputDuration      = "ironflow.input.duration"        // histogram: workflow, input, outcome
	CommitDuration     = "ironflow.commit.duration"       // histogram: apart, outcome
	CommitInputs       = "ironflow.commit.inputs"         // histogram
	CommitEvents       = "ironflow.commit.events"         // counter
	DeliveryDuration   = "ironflow.delivery.duration"     // histogram: queue, workflow, kind, result
	DeliveryDelay      = "ironflow.delivery.delay"        // histogram: queue, workflow, kind
	DeliveryActive     = "ironflow.delivery.active"       // up-down counter: queue, workflow, kind
	ClaimDuration      = "ironflow.claim.duration"        // histogram: queue, outcome
	ClaimDeliveries    = "ironflow.claim.deliveries"      // counter: queue
	SettlementDuration = "ironflow.settlement.duration"   // histogram: queue, outcome
	SettlementSettled  = "ironflow.settlement.deliveries" // counter: queue
	SettlementLost     = "ironflow.settlement.lost"       // counter: queue
	QueueDeliveries    = "ironflow.queue.deliveries"      // gauge: queue, workflow, kind, state
	QueueOldestDue     = "ironflow.queue.oldest_due"      // gauge: queue, workflow, kind
	QueueHandlers      = "ironflow.queue.handlers"        // gauge: queue
	InputsWaiting      = "ironflow.inputs.waiting"        // gauge
	CacheBytes         = "ironflow.cache.bytes"           // gauge
	CacheLookups       = "ironflow.cache.lookups"         // counter: outcome (hit, miss)
	FeedUnsettled      = "ironflow.feed.unsettled"        // gauge
	ProjectionBehind   = "ironflow.projection.behind"     // gauge: projection
	ProjectionDelay    = "ironflow.projection.delay"      // gauge: projection
)

// Keys of attributes. Behind the prefix they are those of the log.
const (
	Workflow   = "ironflow.workflow"
	Instance   = "ironflow.instance" // spans only
	Input      = "ironflow.input"
	InputID    = "ironflow.input_id" // spans only
	Outcome    = "ironflow.outcome"  // of an input: accepted, rejected, completed, existed or error
	Version    = "ironflow.version"  // spans only
	Events     = "ironflow.events"   // spans only
	Queue      = "ironflow.queue"    // effects or timers
	Kind       = "ironflow.kind"     // the effect's name, or the input that the timer brings
	Timer      = "ironflow.timer"    // spans only; the timer's key
	Attempt    = "ironflow.attempt"  // spans only
	Result     = "ironflow.result"   // of an attempt: a runtime.DeliveryResult
	State      = "ironflow.state"    // of deliveries: due, leased, delayed or dead
	Apart      = "ironflow.apart"
	Projection = "ironflow.projection"
)
