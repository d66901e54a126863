package commit

import (
	"container/list"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// cached is what is known of an instance as of a version.
type cached struct {
	version   int64
	completed bool
	state     any
	lastEvent time.Time // recorded time of the last event
	parent    *store.Parent
	created   store.CommitID // of the commit that created it; 0 while that is not stored
	last      store.CommitID // of the commit that stored the event of this version; not that of what is being decided
	bytes     int            // about what the state takes: the size of its last snapshot and of the events since then
	snapshot  int64          // version of the newest snapshot
	asOf      time.Time      // when the store said so, or took it in
	replayed  replayed
}

// replayed says when a state was made of what is stored.
type replayed struct {
	at      time.Time
	forgets int64 // bound.Store.Forgets by then
}

// cacheAge is how long the state of an active instance is used after the store confirmed it last by a read or a change. The store
// compares the version and the commit of the last event, so an older state would do no harm; it has most likely been overtaken.
const cacheAge = time.Hour

// entryOverhead is about what an entry takes beside its state.
const entryOverhead = 400

// stateCache keeps the states of the instances used last, within a number of bytes. An entry is of the batch that has its instance in
// service; only has is for others, too. What it says is true only of the version and the commit it names: whoever uses it has the
// store check both.
type stateCache struct {
	mu          sync.Mutex
	limit, used int
	entries     map[store.InstanceKey]*list.Element
	recent      *list.List // of cacheEntry, the one used last in front
	stats       cacheStats
}

// cacheStats are what others than a cache's own goroutine may know of it.
type cacheStats struct {
	hits, misses, entries, bytes atomic.Int64
}

type cacheEntry struct {
	key store.InstanceKey
	cached
}

// expired reports whether a state with personal values is not used any more. It is replayed, so that values of a subject that was
// forgotten meanwhile do not stay in it, also if this process was not told.
func (c *cached) expired(w *workflow.Workflow, now replayed) bool {
	return w.Personal() != nil && (c.replayed.forgets != now.forgets || now.at.Sub(c.replayed.at).Abs() > bound.KeyLife)
}

func newStateCache(limit int) *stateCache {
	return &stateCache{limit: limit, entries: make(map[store.InstanceKey]*list.Element), recent: list.New()}
}

// has reports whether the state of an instance is there, so that this program can read the instance.
func (c *stateCache) has(key store.InstanceKey, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	element, ok := c.entries[key]
	return ok && now.Sub(element.Value.(*cacheEntry).asOf).Abs() <= cacheAge
}

func (c *stateCache) get(key store.InstanceKey, now time.Time) (cached, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	element, ok := c.entries[key]
	if ok && now.Sub(element.Value.(*cacheEntry).asOf).Abs() > cacheAge {
		c.drop(key)
		ok = false
	}
	if !ok {
		c.stats.misses.Add(1)
		return cached{}, false
	}
	c.stats.hits.Add(1)
	c.recent.MoveToFront(element)
	return element.Value.(*cacheEntry).cached, true
}

func (c *stateCache) put(key store.InstanceKey, state cached) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if element, ok := c.entries[key]; ok {
		entry := element.Value.(*cacheEntry)
		c.used += state.bytes - entry.bytes
		entry.cached = state
		c.recent.MoveToFront(element)
	} else {
		c.used += state.bytes + len(key.ID) + entryOverhead
		c.entries[key] = c.recent.PushFront(&cacheEntry{key, state})
	}
	for c.used > c.limit && c.recent.Len() > 0 {
		c.drop(c.recent.Back().Value.(*cacheEntry).key)
	}
	c.publish()
}

func (c *stateCache) remove(key store.InstanceKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(key)
}

func (c *stateCache) drop(key store.InstanceKey) {
	if element, ok := c.entries[key]; ok {
		c.used -= element.Value.(*cacheEntry).bytes + len(key.ID) + entryOverhead
		c.recent.Remove(element)
		delete(c.entries, key)
		c.publish()
	}
}

func (c *stateCache) publish() {
	c.stats.entries.Store(int64(len(c.entries)))
	c.stats.bytes.Store(int64(c.used))
}
