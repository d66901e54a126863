package commit

import (
	"sync"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// uniqueKey is a unique key of a workflow. The zero value is none.
type uniqueKey struct{ workflow, key string }

func (r *Request) uniqueKey() uniqueKey {
	if r.Input.UniqueKey == "" {
		return uniqueKey{}
	}
	return uniqueKey{r.Workflow.Name(), r.Input.UniqueKey}
}

// wantedKey is the unique key that the first of the group's inputs wants that want one; empty when none does.
func (g *group) wantedKey() string {
	for _, t := range g.tasks {
		if key := t.request.Input.UniqueKey; key != "" {
			return key
		}
	}
	return ""
}

func (g *group) wantsKey() bool { return g.wantedKey() != "" }

// take notes that a change of the batch takes a key.
func (b *batch) take(key uniqueKey, instance store.InstanceKey) {
	if key == (uniqueKey{}) {
		return
	}
	if b.keys == nil {
		b.keys = make(map[uniqueKey]store.InstanceKey)
	}
	b.keys[key] = instance
}

// takes reports whether a change of another instance takes a key. What the batch stores decides then, so the input has to wait for it.
func (b *batch) takes(key uniqueKey, instance store.InstanceKey) bool {
	holder, taken := b.keys[key]
	return taken && holder != instance
}

// contendedKeys are the keys that inputs apart from the batches want: another transaction holds them, so a batch that wanted one would
// wait for it, too.
type contendedKeys struct {
	mu     sync.Mutex
	inputs map[uniqueKey]int
}

// want notes that an input wants a key, until done is called.
func (c *contendedKeys) want(key uniqueKey) (done func()) {
	if key == (uniqueKey{}) {
		return func() {}
	}
	c.add(key, 1)
	return func() { c.add(key, -1) }
}

func (c *contendedKeys) add(key uniqueKey, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inputs == nil {
		c.inputs = make(map[uniqueKey]int)
	}
	if c.inputs[key] += n; c.inputs[key] == 0 {
		delete(c.inputs, key)
	}
}

// has reports whether an input of the group wants one of the keys.
func (c *contendedKeys) has(g *group) bool {
	if g.wantedKey() == "" {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range g.tasks {
		if c.inputs[t.request.uniqueKey()] > 0 {
			return true
		}
	}
	return false
}
