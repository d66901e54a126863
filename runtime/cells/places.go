package cells

import (
	"sync"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// maxPlaces bounds each half of what is remembered.
const maxPlaces = 1 << 16

// places remember which instances are not in their newest home. What was not asked for lately is forgotten: when one half is full, it replaces
// the other one.
type places struct {
	mu           sync.Mutex
	recent, rest map[store.InstanceKey]*cell
}

func (p *places) get(instance store.InstanceKey) *cell {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.recent[instance]; c != nil {
		return c
	}
	c := p.rest[instance]
	if c != nil {
		p.set(instance, c)
	}
	return c
}

func (p *places) put(instance store.InstanceKey, c *cell) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.set(instance, c)
}

func (p *places) set(instance store.InstanceKey, c *cell) {
	if p.recent == nil || len(p.recent) >= maxPlaces {
		p.recent, p.rest = make(map[store.InstanceKey]*cell), p.recent
	}
	p.recent[instance] = c
}

func (p *places) forget(instance store.InstanceKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.recent, instance)
	delete(p.rest, instance)
}
