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

// Config configures an engine. The zero value is a good start: each zero field means its default.
type Config struct {
	// Name names this process as the holder of leases and projections. Inspect, Why and Health show it. It need not be unique. Default: host name and process id, "web-1/4711".
	Name string

	// Version names the release of this program; Admin.Programs shows it. Default: the version or the commit in the build information.
	Version string

	// External names workflows that other engines run. Effects of this engine's workflows may start these workflows, or send inputs to
	// them, although they are not passed to NewEngine. A test of one workflow needs this. Targets that are declared with external: true
	// need not be listed. Default: none.
	External []string

	// Remotes reaches workflows of other services, by their names: effects that send inputs to these workflows are delivered by the Remote.
	// httpapi.NewRemote returns one. Effects cannot start these workflows. Default: none.
	Remotes map[string]Remote

	// Logger gets errors and warnings that no caller receives. Default: slog.Default().
	Logger *slog.Logger

	// Telemetry receives reports of the engine's work. Package runtime/otel turns them into traces and metrics. Default: no reports.
	Telemetry telemetry.Telemetry

	// Clock tells the engine the time. Default: the clock of the database if the store is a store.Timekeeper, else the system's
	// clock.
	Clock store.Clock

	// StoreTimeout limits each call to the store. If the server or the connection does not answer in time, the call fails with
	// *StoreTimeout, and the next call takes another connection. The caller's context may end sooner. The limit also holds for
	// long reads such as CountInstances. Default: 30 s.
	StoreTimeout time.Duration

	// DecideTimeout is how long a decision, including the replay before it, may take. After that the input fails with *Stuck, and
	// so do further inputs of the instance until the decider returns. An error is logged, and Health shows the instance. Default:
	// 10 s.
	DecideTimeout time.Duration

	// Batches is how many batches of inputs may be in progress at the same time. Each uses one connection. While one batch is
	// stored, the next is decided. Default: 3, or 1 for a store with a single writer, such as SQLite.
	Batches int

	// BatchSize is how many inputs may go into one batch, and so into one commit. Default: 128.
	BatchSize int

	// MaxWaiting is how many inputs of clients may wait for a batch or be in one; further calls of Execute block. Results of
	// effects and inputs of timers have a separate limit of the same size. Default: 4096.
	MaxWaiting int

	// CacheBytes limits the memory for cached states of recently used instances. Default: 64 MiB.
	CacheBytes int

	// MaxPayloadBytes limits the JSON of each event, effect and timer of a decision, and of an input given as JSON. An input with
	// a larger one fails with *PayloadTooLarge; nothing is stored. Default: 4 MiB.
	MaxPayloadBytes int

	// Observe selects the inputs whose outcomes are stored for Engine.Observations. The outcome of an accepted input is stored in
	// the commit of its events, any other in a transaction of its own. Observe must be safe for concurrent use. A panic is logged
	// and counts as false. Default: no input.
	Observe func(instance InstanceKey, input string) bool

	// Redact returns the part of a payload that observations may show, as a JSON document; it returns the payload itself when
	// nothing in it is secret. Events, effects and timers are stored unchanged. Redact must be safe for concurrent use. If it
	// panics, or returns no JSON or more than MaxPayloadBytes, the payload is left out. Default: payloads are shown unchanged.
	Redact func(name PayloadName, payload []byte) []byte

	// Keys has the keys that encrypt personal fields, for example those of a key management service. Its methods must be safe for concurrent
	// use, and a call may be repeated. A process uses a key for up to 5 seconds without asking for it again. Default: the keys are in the
	// store.
	Keys store.SubjectKeys

	// SnapshotEvery is the number of events after which the state of an instance is stored as a snapshot. Replay begins at the snapshot.
	// A snapshot that another declaration or evolver made is not used. To recognize a changed evolver, NewEngine folds sample events for
	// a millisecond. Default: 100.
	SnapshotEvery int

	// EffectHandlers is how many effects this process handles at the same time, and how many it claims at once.
	// Default: 256.
	EffectHandlers int

	// TimerHandlers is how many due timers this process delivers at the same time, and how many it claims at once. Default: 256.
	TimerHandlers int

	// Lease is how long a claimed effect or timer belongs to this process. The engine renews it after each third of this time, so
	// a handler may take longer. After a crash, other processes take over when the lease ends. Default: 10 s.
	Lease time.Duration

	// PollInterval is the time after which an idle worker looks again for work of other processes. The memory store tells workers when
	// something is due, so they do not poll it. Work of this process wakes its
	// workers at once. Default: 200 ms.
	PollInterval time.Duration

	// EffectRetry is the retry policy of effects that declare none. Default: 25 attempts, pauses from 500 ms to 10 min.
	EffectRetry RetryPolicy

	// EffectTimeout is the time after which the context of one attempt ends, for effects that declare no timeout. A handler that
	// ignores its context keeps running, and keeps its lease. Default: 1 min.
	EffectTimeout time.Duration

	// TimerRetry is the retry policy for the delivery of timers. Default: 25 attempts, pauses from 500 ms to 10 min.
	TimerRetry RetryPolicy

	// BlockedTimeout is how long an effect or timer waits while no process can decode its payload or an event of its instance, or use the key of
	// its subject. After that the delivery is a dead letter. It must be longer than a rollout takes. Default: 24 h.
	BlockedTimeout time.Duration

	// Projections are the projections that Run keeps up to date. If several engines have a projection of the same name, one of
	// them runs it at a time, and the others stand by.
	Projections []AnyProjection

	// FeedStallAfter is how long the feed may wait for open transactions before a warning names them. Default: 10 s.
	FeedStallAfter time.Duration

	// SnapshotHeldAfter is how long a database session may hold a snapshot or a transaction before a warning and Health name it.
	// Until it ends, the database cannot remove dead rows. Default: 1 min.
	SnapshotHeldAfter time.Duration

	// Shadow compares the decisions of this engine with those that candidates would make. Default: none.
	Shadow Shadow

	// Retention says how long completed instances and other records are kept. Default: for ever.
	Retention Retention

	// UnavailableTimeout is how long an input or a query is retried while the store is unavailable, before it fails with
	// *Unavailable. A context with a deadline is retried until the deadline instead. See also WithUnavailableTimeout. Default: 10
	// s.
	UnavailableTimeout time.Duration

	// StopTimeout is how long Run waits for handlers before it cancels their contexts. Default: 15 s.
	StopTimeout time.Duration
}

var defaultRetry = RetryPolicy{MaxAttempts: 25, Base: 500 * time.Millisecond, Max: 10 * time.Minute}

func (c Config) withDefaults() Config {
	setDefault(&c.Name, processName())
	setDefault(&c.Version, programVersion())
	setDefault(&c.Logger, slog.Default())
	c.Logger = telemetry.GuardLogger(c.Logger)
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
	setDefault(&c.Shadow.Share, 0.1)
	c.EffectRetry = c.EffectRetry.WithDefaults(defaultRetry)
	c.TimerRetry = c.TimerRetry.WithDefaults(defaultRetry)
	c.Retention = c.Retention.withDefaults()
	return c
}

// commit returns the config of the engine's executor.
func (c *Config) commit(e *Engine) commit.Config {
	return commit.Config{
		Batches: c.Batches, BatchSize: c.BatchSize, MaxWaiting: c.MaxWaiting, CacheBytes: c.CacheBytes,
		MaxPayloadBytes: c.MaxPayloadBytes, SnapshotEvery: c.SnapshotEvery, StoreTimeout: c.StoreTimeout, DecideTimeout: c.DecideTimeout,
		Clock: c.Clock, Logger: c.Logger, Telemetry: c.Telemetry, Observe: c.Observe, Redact: c.Redact,
		Shadow:    e.shadow,
		Lease:     func(changes []store.Change) { e.deliveries.Lease(changes) },
		GiveBack:  func(changes []store.Change, err error) { e.deliveries.GiveBack(changes, err) },
		Committed: e.committed,
	}
}

// processName returns the host name and the process id.
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
			return fmt.Errorf("ironflow: Config.%s is %d; it must not be negative", name, n)
		}
	}
	for name, d := range map[string]time.Duration{
		"BlockedTimeout": c.BlockedTimeout,
		"Lease":          c.Lease, "PollInterval": c.PollInterval, "EffectTimeout": c.EffectTimeout, "StopTimeout": c.StopTimeout,
		"FeedStallAfter": c.FeedStallAfter, "SnapshotHeldAfter": c.SnapshotHeldAfter, "UnavailableTimeout": c.UnavailableTimeout, "StoreTimeout": c.StoreTimeout,
		"DecideTimeout": c.DecideTimeout,
	} {
		if d < 0 {
			return fmt.Errorf("ironflow: Config.%s is %v; it must not be negative", name, d)
		}
	}
	for name, p := range map[string]RetryPolicy{"EffectRetry": c.EffectRetry, "TimerRetry": c.TimerRetry} {
		if !validRetry(p) {
			return fmt.Errorf("ironflow: Config.%s is %+v; it needs MaxAttempts and Base of at least 0 and Max of at least Base",
				name, p)
		}
	}
	for field, name := range map[string]string{"Name": c.Name, "Version": c.Version} {
		if !storableName(name) {
			return fmt.Errorf("ironflow: Config.%s is %q; it must be valid UTF-8 of at most %d bytes without control characters",
				field, name, maxNameLength)
		}
	}
	return c.Retention.validate()
}

func validRetry(p RetryPolicy) bool { return p.MaxAttempts >= 0 && p.Base >= 0 && p.Max >= p.Base }

// maxNameLength is the longest Config.Name and Config.Version, in bytes.
const maxNameLength = 200

func storableName(name string) bool {
	return len(name) <= maxNameLength && utf8.ValidString(name) && !strings.ContainsFunc(name, unicode.IsControl)
}
