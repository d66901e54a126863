package runtime

import (
	"context"
	"errors"
	"slices"

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

// addKnown adds what only this process knows of a queue.
func (e *Engine) addKnown(name store.QueueName, h *telemetry.QueueHealth) {
	h.Handlers, h.Busy = e.deliveries.Handlers(name)
	for i := range h.Kinds {
		k := &h.Kinds[i]
		k.Limit, k.Known = e.deliveries.Limit(name, k.Kind)
	}
}
