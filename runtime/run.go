package runtime

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/project"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// errStopping is the cause with which handlers' contexts end when the engine stops.
var errStopping = errors.New("ironflow: the engine is stopping")

// stopGrace is how long handlers may take to return after their contexts are cancelled.
const stopGrace = 5 * time.Second

// Run delivers effects and timers, and runs projections, until ctx ends. Then it stops gracefully: it claims nothing new, gives
// handlers Config.StopTimeout to finish, and leaves its projections to other engines. After StopTimeout it cancels the contexts
// of handlers. Effects that they leave unfinished go back to the outbox, and the attempt does not count.
//
// Run returns nil if every handler has returned. Otherwise it returns an error that names the deliveries whose handlers ignored
// the cancelled context; other processes take these over when their leases end. Errors of handlers and of the store do not end
// Run: they are logged and retried. Calling Run while the engine is running is an error.
func (e *Engine) Run(ctx context.Context) error {
	if e.readOnly {
		return ErrReadOnly
	}
	if !e.running.CompareAndSwap(false, true) {
		return errors.New("ironflow: Run was called while the engine is running; call it once")
	}
	defer e.running.Store(false)
	e.started.Store(true)

	handlers, cancelHandlers := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancelHandlers(errStopping)
	var workers sync.WaitGroup
	workers.Go(func() { e.deliveries.Run(ctx, handlers) })
	workers.Go(func() { e.projections.Run(ctx, handlers) })
	workers.Go(func() { e.sweeper().Run(ctx) })
	workers.Go(func() { e.warnOfUnknown(ctx) })
	workers.Go(func() { e.recordProgram(ctx) })
	workers.Go(func() { e.watchSnapshots(ctx) })
	workers.Go(func() {
		project.Listen(ctx, e.store.Notifier(), e.config.Logger, e.hear)
	})
	stopped := make(chan struct{})
	go func() {
		workers.Wait()
		close(stopped)
	}()

	<-ctx.Done()
	select {
	case <-stopped:
		return nil
	case <-time.After(e.config.StopTimeout):
	}
	cancelHandlers(errStopping)
	select {
	case <-stopped:
		return nil
	case <-time.After(stopGrace):
		return e.stuckError()
	}
}

// hear wakes workers and readers for news of other processes.
func (e *Engine) hear(what store.News) {
	if what&store.NewWork != 0 {
		e.Wake()
	}
	if what&store.NewEvents != 0 {
		e.feed.LookAgain()
	}
	if what&store.NewOrders != 0 {
		e.projections.LookAgain()
	}
	if what&store.NewForgotten != 0 {
		e.store.DropKeys()
	}
}

func (e *Engine) stuckError() error {
	stuck := append(e.deliveries.Unfinished(), e.projections.Unfinished()...)
	return fmt.Errorf("ironflow: Run ended while %d handlers ignore their cancelled context: %s",
		len(stuck), strings.Join(stuck, ", "))
}
