package runtime

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// PauseWorkflow lets the effects, timers and schedules of a workflow wait, in all processes on this store, until
// ResumeWorkflow; nothing of it is claimed any more. What was claimed before is finished. With RefuseInputs, clients are
// refused too: in this process at once, in others within Config.PollInterval. At is filled in.
//
// The pause is stored: it outlives this process.
func (e *Engine) PauseWorkflow(ctx context.Context, pause Pause) error {
	if _, err := e.workflow(pause.Workflow); err != nil {
		return err
	}
	pause.At = store.StoredTime(e.config.Clock.Now())
	if err := store.CheckArgument("Pause", pause); err != nil {
		return err
	}
	if err := e.store.PauseWorkflow(ctx, pause); err != nil {
		return err
	}
	e.pauses.forget()
	e.config.Logger.WarnContext(ctx, "ironflow: workflow paused", "workflow", pause.Workflow, "by", pause.By,
		"reason", pause.Reason, "refuse_inputs", pause.RefuseInputs)
	return nil
}

// ResumeWorkflow ends the pause of a workflow. What became due meanwhile is delivered now. A workflow that is not paused stays
// as it is.
func (e *Engine) ResumeWorkflow(ctx context.Context, workflow string) error {
	if _, err := e.workflow(workflow); err != nil {
		return err
	}
	if err := e.store.ResumeWorkflow(ctx, workflow); err != nil {
		return err
	}
	e.pauses.forget()
	e.Wake()
	e.newWork.announce()
	e.config.Logger.WarnContext(ctx, "ironflow: workflow resumed", "workflow", workflow)
	return nil
}

// PausedWorkflows returns which workflows are paused, sorted by name, those that are not registered with this engine too.
func (e *Engine) PausedWorkflows(ctx context.Context) ([]Pause, error) {
	return e.store.PausedWorkflows(ctx)
}

// pauseWatch knows which workflows refuse the inputs of clients, as of a moment that is not longer ago than a poll interval.
// It needs no goroutine: whoever comes when its knowledge is old looks, and those who come meanwhile go by what is known.
type pauseWatch struct {
	store   store.Pauses
	clock   store.Clock
	maxAge  time.Duration
	known   atomic.Pointer[refusals] // nil when it is to be looked up before anything else
	looking sync.Mutex
}

type refusals struct {
	asOf  time.Time
	pause map[string]Pause
}

// pauseTimeout bounds a look. A pause is a convenience; when the store is in trouble, the input itself finds out.
const pauseTimeout = 250 * time.Millisecond

// admit fails with *WorkflowPaused when a workflow takes no inputs of clients.
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

// look finds out what is paused, unless somebody else does. When the store does not say, what was known goes on.
func (p *pauseWatch) look(ctx context.Context, known *refusals, now time.Time) *refusals {
	if known == nil {
		p.looking.Lock()
	} else if !p.looking.TryLock() {
		return known
	}
	defer p.looking.Unlock()
	if newer := p.known.Load(); newer != nil && newer != known { // somebody else was faster
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
	if ctx.Err() == nil { // else the next caller has more patience
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

// forget has the next input look first. It waits for a look that is under way and may have been too early.
func (p *pauseWatch) forget() {
	p.looking.Lock()
	defer p.looking.Unlock()
	p.known.Store(nil)
}
