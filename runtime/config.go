package runtime

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ironflow-gen/ironflow/runtime/internal/commit"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// Config tunes an engine. The zero value is a good start; each zero field means its default.
type Config struct {
	// Name names this process as the holder of leases and projections. Inspect, Why and Health show it. It need not be unique. Default: host name and process id, "web-1/4711".
	Name string

	// External names workflows that run elsewhere. Effects of this engine's workflows may start them or send them inputs although
	// they are not passed to NewEngine, as in a test of one workflow. A declaration that says external: true needs no name here.
	// Default: none.
	External []string

	// Logger gets errors and warnings that no caller receives. Default: slog.Default().
	Logger *slog.Logger

	// Telemetry is told what the engine does; package runtime/otel makes traces and metrics of it. Default: nobody is told.
	Telemetry telemetry.Telemetry

	// Clock is the engine's time. Default: that of the database where the store has one, see Timekeeper; else the system's clock.
	Clock store.Clock

	// StoreTimeout bounds each call to the store, when the caller's context does not end sooner: a server that hangs, or a connection that
	// is open and silent, then fails with *StoreTimeout, and the next call takes another connection. It bounds reads for people, too,
	// such as CountInstances. Default: 30 s.
	StoreTimeout time.Duration

	// DecideTimeout is how long a decision, the replay before it included, may take before the engine goes on without it: the input
	// and further ones of the instance then fail with *Stuck until the decider returns, an error is logged, and Health shows it.
	// Default: 10 s.
	DecideTimeout time.Duration

	// Batches is how many batches of inputs may be under way at the same time, each with a connection: while one is stored, the next is
	// decided. Default: 3, or 1 for a store that has one writer, as SQLite has.
	Batches int

	// BatchSize is how many inputs may go into one batch, and so into one commit. Default: 128.
	BatchSize int

	// MaxWaiting is how many inputs of clients may be on their way; further callers of Execute wait outside. Results of effects and
	// inputs of timers have room of their own, for as many. Default: 4096.
	MaxWaiting int

	// CacheBytes bounds the memory for states of instances used lately. Default: 64 MiB.
	CacheBytes int

	// MaxPayloadBytes bounds the JSON of each event, effect and timer that a decision wants to store, and of an input given as
	// JSON. What is larger fails with *PayloadTooLarge and stores nothing. Default: 4 MiB.
	MaxPayloadBytes int

	// Observe selects the inputs whose outcomes are stored, for Engine.Observations: of accepted inputs in their own commit, of
	// others in a transaction after it. It must be safe for concurrent use; a panic is logged and means
	// no. Default: of none.
	Observe func(instance InstanceKey, input string) bool

	// Redact returns what may be seen of a payload in logs and in observations: a JSON document, the payload itself when
	// nothing in it is secret. Events, effects and timers are stored as they are. It must be safe for concurrent use. When it
	// panics, or returns no JSON or more than MaxPayloadBytes, nothing of the payload is shown. Default: everything may be seen.
	Redact func(name PayloadName, payload []byte) []byte

	// SnapshotEvery is the number of events after which the state of an instance is stored, so that replay begins there. Generated code notices
	// a changed declaration or evolver and does not use older snapshots. If an evolver calls code of another module and that code changes,
	// delete the rows of the table snapshots. Default: 100.
	SnapshotEvery int

	// EffectHandlers is how many effects this process handles at the same time, and how many it claims at once.
	// Default: 256.
	EffectHandlers int

	// TimerHandlers is how many due timers this process delivers at the same time. Default: 256.
	TimerHandlers int

	// Lease is how long a claimed effect or timer belongs to this process without a heartbeat. The engine sends one each
	// third of it, so a handler may take longer; after a crash others take over when it ends. Default: 10 s.
	Lease time.Duration

	// PollInterval is how often an idle worker looks for work that another process made due. Work of this process wakes
	// its workers at once. Default: 200 ms.
	PollInterval time.Duration

	// EffectRetry is for effects that declare no retry of their own. Default: 25 attempts, pauses from 500 ms to 10 min.
	EffectRetry RetryPolicy

	// EffectTimeout is when the context of one attempt ends, for effects that declare no timeout. A handler that ignores
	// its context goes on, and keeps its lease. Default: 1 min.
	EffectTimeout time.Duration

	// TimerRetry is for timers whose delivery fails. Default: 25 attempts, pauses from 500 ms to 10 min.
	TimerRetry RetryPolicy

	// BlockedTimeout is how long an effect or timer waits while no process knows its payload or an event of its instance. After that
	// the delivery is a dead letter. It must be longer than a rollout takes. Default: 24 h.
	BlockedTimeout time.Duration

	// Projections are what Run projects events into. Of all engines that have a projection of one name, one at a time runs it;
	// the others stand by.
	Projections []AnyProjection

	// FeedStallAfter is how long the feed may wait for transactions that are under way before a warning names them.
	// Default: 10 s.
	FeedStallAfter time.Duration

	// SnapshotHeldAfter is how long somebody may hold a snapshot or a transaction in the database before a warning, and Health,
	// name who it is: dead rows stay in the tables as long. Default: 1 min.
	SnapshotHeldAfter time.Duration

	// Retention says how long completed instances and other records are kept. Default: for ever.
	Retention Retention

	// UnavailableTimeout is how long an input or a query is repeated while the store is unavailable, before it fails with
	// *Unavailable. A context with a deadline sets its own limit instead. See also WithUnavailableTimeout. Default: 10 s.
	UnavailableTimeout time.Duration

	// StopTimeout is how long Run waits for handlers before it cancels their contexts. Default: 15 s.
	StopTimeout time.Duration
}

var defaultRetry = RetryPolicy{MaxAttempts: 25, Base: 500 * time.Millisecond, Max: 10 * time.Minute}

func (c Config) withDefaults() Config {
	setDefault(&c.Name, processName())
	setDefault(&c.Logger, slog.Default())
	c.Logger = newLogger(c.Logger)
	c.Telemetry = telemetry.Guard(c.Telemetry, c.Logger)
	setDefault(&c.Clock, store.Clock(store.SystemClock{}))
	setDefault(&c.StoreTimeout, 30*time.Second)
	setDefault(&c.DecideTimeout, 10*time.Second)
	setDefault(&c.Batches, 3)
	setDefault(&c.BatchSize, 128)
	setDefault(&c.MaxWaiting, 4096)
	setDefault(&c.CacheBytes, 64<<20)
	setDefault(&c.MaxPayloadBytes, 4<<20)
	setDefault(&c.SnapshotEvery, 100)
	setDefault(&c.EffectHandlers, 256)
	setDefault(&c.TimerHandlers, 256)
	setDefault(&c.Lease, 10*time.Second)
	setDefault(&c.PollInterval, 200*time.Millisecond)
	setDefault(&c.EffectTimeout, time.Minute)
	setDefault(&c.BlockedTimeout, 24*time.Hour)
	setDefault(&c.FeedStallAfter, 10*time.Second)
	setDefault(&c.SnapshotHeldAfter, time.Minute)
	setDefault(&c.UnavailableTimeout, 10*time.Second)
	setDefault(&c.StopTimeout, 15*time.Second)
	c.EffectRetry = c.EffectRetry.WithDefaults(defaultRetry)
	c.TimerRetry = c.TimerRetry.WithDefaults(defaultRetry)
	c.Retention = c.Retention.withDefaults()
	return c
}

// commit is what the executor of an engine needs of it.
func (c *Config) commit(e *Engine) commit.Config {
	return commit.Config{
		Batches: c.Batches, BatchSize: c.BatchSize, MaxWaiting: c.MaxWaiting, CacheBytes: c.CacheBytes,
		MaxPayloadBytes: c.MaxPayloadBytes, SnapshotEvery: c.SnapshotEvery, StoreTimeout: c.StoreTimeout, DecideTimeout: c.DecideTimeout,
		Clock: c.Clock, Logger: c.Logger, Telemetry: c.Telemetry, Observe: c.Observe, Redact: c.Redact,
		Lease:     func(changes []store.Change) { e.deliveries.Lease(changes) },
		GiveBack:  func(changes []store.Change, err error) { e.deliveries.GiveBack(changes, err) },
		Committed: e.committed,
	}
}

// processName says where to look for this process.
func processName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d", strings.ToValidUTF8(host, "?"), os.Getpid())
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (c Config) validate() error {
	for name, n := range map[string]int{
		"Batches": c.Batches, "BatchSize": c.BatchSize, "MaxWaiting": c.MaxWaiting, "CacheBytes": c.CacheBytes,
		"MaxPayloadBytes": c.MaxPayloadBytes, "SnapshotEvery": c.SnapshotEvery, "EffectHandlers": c.EffectHandlers, "TimerHandlers": c.TimerHandlers,
	} {
		if n < 0 {
			return fmt.Errorf("ironflow: Config.%s is %d, it must not be negative", name, n)
		}
	}
	for name, d := range map[string]time.Duration{
		"BlockedTimeout": c.BlockedTimeout,
		"Lease":          c.Lease, "PollInterval": c.PollInterval, "EffectTimeout": c.EffectTimeout, "StopTimeout": c.StopTimeout,
		"FeedStallAfter": c.FeedStallAfter, "SnapshotHeldAfter": c.SnapshotHeldAfter, "UnavailableTimeout": c.UnavailableTimeout, "StoreTimeout": c.StoreTimeout,
		"DecideTimeout": c.DecideTimeout,
	} {
		if d < 0 {
			return fmt.Errorf("ironflow: Config.%s is %v, it must not be negative", name, d)
		}
	}
	for name, p := range map[string]RetryPolicy{"EffectRetry": c.EffectRetry, "TimerRetry": c.TimerRetry} {
		if !validRetry(p) {
			return fmt.Errorf("ironflow: Config.%s is %+v; it needs MaxAttempts and Base of at least 0 and Max of at least Base",
				name, p)
		}
	}
	if !storableName(c.Name) {
		return fmt.Errorf("ironflow: Config.Name is %q, it must be valid UTF-8 of at most %d bytes without control characters",
			c.Name, maxNameLength)
	}
	return c.Retention.validate()
}

func validRetry(p RetryPolicy) bool { return p.MaxAttempts >= 0 && p.Base >= 0 && p.Max >= p.Base }

// maxNameLength is the longest Config.Name, in bytes.
const maxNameLength = 200

func storableName(name string) bool {
	return len(name) <= maxNameLength && utf8.ValidString(name) && !strings.ContainsFunc(name, unicode.IsControl)
}
