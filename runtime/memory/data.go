package memory

import (
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// data are the tables. Rows that are pointed to are never changed, but replaced.
//
// Texts that may be missing are empty, and times that may be missing are zero.
type data struct {
	instances map[store.InstanceKey]instance
	events    map[store.InstanceKey][]*event // event number i has version i+1
	feed      []*event                       // all events, by their global sequence
	issued    int64                          // the last global sequence
	snapshots map[store.InstanceKey]store.Snapshot
	keys      map[uniqueKey]string                      // ids of the instances that hold them
	search    map[store.InstanceKey]map[string]searched // by field

	effects, timers *queue
	born            int64 // number of the last delivery
	buckets         map[store.Kind]time.Time

	outcomes     map[store.InputKey]store.InputOutcome
	observations []store.Observation // by their numbers
	observed     int64               // the last number
	ended        map[store.InstanceKey][]store.EndedDelivery
	discarded    []store.DiscardedLetter
	audits       map[string]store.AuditRecord

	marks map[store.InstanceKey]int64 // generations of cells that keep ids for other stores
	cell  store.CellRecord

	subjects    map[string]store.SubjectKey
	pauses      map[string]store.Pause
	programs    map[programKey]store.Program
	manifests   map[string]string
	chores      map[string]chore
	projections map[string]store.ProjectionState
	values      map[string]any // what projections have written
}

func newData() data {
	return data{
		instances: make(map[store.InstanceKey]instance), events: make(map[store.InstanceKey][]*event),
		snapshots: make(map[store.InstanceKey]store.Snapshot), keys: make(map[uniqueKey]string), search: make(map[store.InstanceKey]map[string]searched),
		effects: newQueue(store.EffectQueue), timers: newQueue(store.TimerQueue), buckets: make(map[store.Kind]time.Time),
		outcomes: make(map[store.InputKey]store.InputOutcome), ended: make(map[store.InstanceKey][]store.EndedDelivery),
		audits: make(map[string]store.AuditRecord), subjects: make(map[string]store.SubjectKey),
		pauses: make(map[string]store.Pause), programs: make(map[programKey]store.Program), manifests: make(map[string]string),
		chores: make(map[string]chore), marks: make(map[store.InstanceKey]int64),
		projections: make(map[string]store.ProjectionState), values: make(map[string]any),
	}
}

// instance is what is stored of an instance beside its events. The status is that at completion.
type instance struct {
	createdAt, completedAt time.Time
	status                 string
	keys                   []string // unique keys that it holds
}

type event struct {
	store.StoredEvent
	cause     string
	status    string // of the instance, with the last event of a change
	completes bool
	parent    *store.Parent // of the instance, with its first event
}

type uniqueKey struct{ workflow, key string }

type programKey struct{ process, digest string }

type chore struct {
	runAt time.Time
	token int64
}

// delivery is a row of effects or timers. runAt is both when it is due and when its lease ends.
type delivery struct {
	lease   store.Lease // with the token of the row
	kind    store.Kind
	payload string
	number  int64 // grows with the deliveries that are stored

	runAt, dueAt                            time.Time
	attempts                                int
	lastError, trace, holder                string
	claimedAt, diedAt, toldAt, blockedSince time.Time

	limitKey   string
	slot       bool      // it was claimed under a limit
	parkedFrom time.Time // when it was due before a limit parked it
}
