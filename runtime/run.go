package runtime

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// errStopping is the cause of a handler's context that ended because the engine stops.
var errStopping = errors.New("ironflow: the engine is stopping")

// stopGrace is how long handlers may take to return once their contexts are cancelled.
const stopGrace = 5 * time.Second

// Run delivers effects and timers, and runs projections, until ctx ends, then stops gracefully: nothing new is claimed,
// handlers get Config.StopTimeout to finish, and projections are given to those who stand by. After that the contexts of
// handlers are cancelled, and effects they leave unfinished go back to the outbox without costing an attempt.
//
// Run returns nil when every handler has returned, and an error naming the deliveries whose handlers did not, even though
// their contexts were cancelled; others take these over when their leases end. Failing handlers, and a store that does
// not answer, are logged and retried; they do not end Run. An engine runs once at a time.
func (e *Engine) Run(ctx context.Context) error {
	if e.readOnly {
		return ErrReadOnly
	}
	if !e.running.CompareAndSwap(false, true) {
		return errors.New("ironflow: Run was called while the engine is running")
	}
	defer e.running.Store(false)

	handlers, cancelHandlers := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancelHandlers(errStopping)
	var workers sync.WaitGroup
	workers.Go(func() { e.deliveries.Run(ctx, handlers) })
	workers.Go(func() { e.projections.Run(ctx, handlers) })
	workers.Go(func() { e.sweeper().Run(ctx) })
	workers.Go(func() { e.warnOfUnknown(ctx) })
	workers.Go(func() { e.watchSnapshots(ctx) })
	workers.Go(func() {
		listen(ctx, e.store.Notifier(), e.config.Logger, e.hear)
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

// hear passes on the news of other processes.
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
}

func (e *Engine) stuckError() error {
	stuck := append(e.deliveries.Unfinished(), e.projections.Unfinished()...)
	return fmt.Errorf("ironflow: stopped while %d handlers ignore their cancelled context: %s",
		len(stuck), strings.Join(stuck, ", "))
}
