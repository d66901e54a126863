package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// Health returns figures about the engine and its store. It is cheap enough to be read every few seconds. If a part of them
// cannot be read, that part is empty and the error says why; the other parts are set.
func (e *Engine) Health(ctx context.Context) (Health, error) {
	h, err := e.admin.Health(ctx)
	errs := []error{err}
	h.Running = e.running.Load()
	h.Inputs, h.Cache = e.executor.Health()
	h.Stuck = append(e.executor.StuckCode(), e.projections.StuckSteps()...)
	e.addKnown(store.EffectQueue, &h.Effects)
	e.addKnown(store.TimerQueue, &h.Timers)
	unknown, err := e.unknownEvents(ctx)
	errs = append(errs, err)
	h.Unknown = slices.Concat(e.unknownOf(store.EffectQueue, h.Effects), e.unknownOf(store.TimerQueue, h.Timers), unknown)
	h.Projections, err = e.Projections(ctx)
	return h, errors.Join(append(errs, err)...)
}

// readyTimeout bounds the call to the store that Ready makes.
const readyTimeout = 2 * time.Second

// Ready fails unless the store answers a read within 2 seconds, and Run has not ended. It may be called every second. An engine on which
// Run was never called needs only the store: it sends inputs, and other processes deliver their effects.
func (e *Engine) Ready(ctx context.Context) error {
	if e.started.Load() && !e.running.Load() {
		return errors.New("ironflow: Run has ended")
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	nothing := []store.ReadRequest{{Instance: InstanceKey{Workflow: "ironflow", ID: "ready"}}}
	if _, err := e.store.Read(ctx, nothing); err != nil {
		return fmt.Errorf("ironflow: the store does not answer: %w", err)
	}
	return nil
}

// addKnown adds what only this process knows of a queue.
func (e *Engine) addKnown(name store.QueueName, h *telemetry.QueueHealth) {
	h.Handlers, h.Busy = e.deliveries.Handlers(name)
	for i := range h.Kinds {
		k := &h.Kinds[i]
		k.Limit, k.Known = e.deliveries.Limit(name, k.Kind)
	}
}
