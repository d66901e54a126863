package runtime

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// pauseWatch knows which workflows refuse inputs of clients. Its knowledge is at most one poll interval old. It needs no
// goroutine: the first caller after that time asks the store, and callers that come meanwhile use the old knowledge.
type pauseWatch struct {
	store   store.Pauses
	clock   store.Clock
	maxAge  time.Duration
	known   atomic.Pointer[refusals] // nil if the next caller must ask the store first
	looking sync.Mutex
}

type refusals struct {
	asOf  time.Time
	pause map[string]Pause
}

// pauseTimeout limits one question to the store. If the store does not answer, the input goes on and meets the same problem
// itself.
const pauseTimeout = 250 * time.Millisecond

// admit fails with *WorkflowPaused if a workflow refuses inputs of clients.
func (p *pauseWatch) admit(ctx context.Context, workflow string) error {
	known := p.known.Load()
	if now := p.clock.Now(); known == nil || now.Sub(known.asOf).Abs() >= p.maxAge {
		known = p.look(ctx, known, now)
	}
	if pause, refused := known.pause[workflow]; refused {
		return &WorkflowPaused{Pause: pause}
	}
	return nil
}

// look asks the store which workflows are paused, unless another goroutine does so already. If the store does not answer, the old
// knowledge is kept.
func (p *pauseWatch) look(ctx context.Context, known *refusals, now time.Time) *refusals {
	if known == nil {
		p.looking.Lock()
	} else if !p.looking.TryLock() {
		return known
	}
	defer p.looking.Unlock()
	if newer := p.known.Load(); newer != nil && newer != known { // another goroutine was faster
		return newer
	}
	next := &refusals{asOf: now}
	own, cancel := context.WithTimeout(ctx, pauseTimeout)
	defer cancel()
	if pauses, err := p.store.PausedWorkflows(own); err == nil {
		next.set(pauses)
	} else if known != nil {
		next.pause = known.pause
	}
	if ctx.Err() == nil { // otherwise the next caller, whose context may last longer, asks again
		p.known.Store(next)
	}
	return next
}

func (r *refusals) set(pauses []Pause) {
	r.pause = make(map[string]Pause)
	for _, pause := range pauses {
		if pause.RefuseInputs {
			r.pause[pause.Workflow] = pause
		}
	}
}

// forget makes the next input ask the store first. It waits for a question in progress, whose answer may be from before the
// change.
func (p *pauseWatch) forget() {
	p.looking.Lock()
	defer p.looking.Unlock()
	p.known.Store(nil)
}
