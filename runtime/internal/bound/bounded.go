package bound

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

const storeSetting = "Config.StoreTimeout"

// StoreGrace is how long a call may take to return after its context has ended. After that the caller goes on without it.
const StoreGrace = 250 * time.Millisecond

// Limit bounds the calls to a store. All calls pass through Answered, so that there is one place where that is done.
type Limit struct {
	Timeout time.Duration
	prompt  bool // calls return when their contexts end, as those of a store.InProcess do
}

// abandonedCall says that a call to the store has not returned although its context has ended.
type abandonedCall struct {
	call string
	err  error
}

func (e *abandonedCall) Error() string { return e.call + ": " + e.err.Error() }
func (e *abandonedCall) Unwrap() error { return e.err }

// Answered makes a call to the store. It returns when the call does, at the latest soon after ctx has ended or the limit is reached,
// even if the call ignores its context. late gets what a call that was given up returns at last, when it succeeds; nil
// ignores that.
func Answered[T any](
	ctx context.Context, l Limit, name string, call func(context.Context) (T, error), late func(T),
) (value T, err error) {
	if err := ctx.Err(); err != nil {
		return value, fmt.Errorf("%s: %w", name, err)
	}
	own, cancel := l.context(ctx)
	defer cancel()
	if l.prompt {
		value, err = recovered(own, call)
	} else {
		c := &pendingCall[T]{done: make(chan struct{})}
		go func() {
			_ = usererr.Call(func() (err error) {
				c.value, err = recovered(own, call)
				return err
			}, func(err error) { c.end(err, late) })
		}()
		select {
		case <-c.done:
		case <-own.Done():
			if !c.wait(StoreGrace) {
				err := ctx.Err()
				if err == nil {
					err = &store.StoreTimeout{Call: name, After: l.Timeout, Setting: storeSetting}
				}
				return value, &abandonedCall{name, err}
			}
		}
		value, err = c.value, c.err
	}
	if err != nil && ctx.Err() == nil && own.Err() != nil && errors.Is(err, context.DeadlineExceeded) {
		return value, &store.StoreTimeout{Call: name, After: l.Timeout, Setting: storeSetting, Err: err}
	}
	return value, err
}

// context returns the context of a call.
func (l Limit) context(ctx context.Context) (context.Context, context.CancelFunc) {
	if l.prompt { // most calls do not wait, and need no timer
		own := &lateTimer{Context: ctx, deadline: time.Now().Add(l.Timeout)}
		return own, own.stop
	}
	return context.WithTimeout(ctx, l.Timeout)
}

// recovered makes a call to the store, whose panic is an error.
func recovered[T any](ctx context.Context, call func(context.Context) (T, error)) (value T, err error) {
	defer usererr.RecoverTo(&err, "the store", "")
	return call(ctx)
}

// pendingCall is a call that is under way on a goroutine of its own.
type pendingCall[T any] struct {
	value T
	err   error
	done  chan struct{}

	mu      sync.Mutex
	ended   bool
	givenUp bool
}

// end notes how the call ended.
func (c *pendingCall[T]) end(err error, late func(T)) {
	c.mu.Lock()
	c.err = err
	c.ended = true
	givenUp := c.givenUp
	c.mu.Unlock()
	if givenUp && late != nil && c.err == nil {
		late(c.value)
	}
	close(c.done)
}

// wait waits for the call to end. It returns false when the call was given up.
func (c *pendingCall[T]) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-c.done:
		return true
	case <-timer.C:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.givenUp = !c.ended
	return c.ended
}

// Done is answered for a call without a result.
func Done(ctx context.Context, l Limit, name string, call func(context.Context) error) error {
	_, err := Answered(ctx, l, name, func(ctx context.Context) (struct{}, error) { return struct{}{}, call(ctx) }, nil)
	return err
}

// Abandonable makes an update that no longer has an effect once ended is called: a call that was given up must not change what its caller
// has gone on with.
func Abandonable(update store.ProjectionUpdate) (guarded store.ProjectionUpdate, end func()) {
	var mu sync.Mutex
	ended := false
	guarded = func(s *store.ProjectionState) error {
		mu.Lock()
		defer mu.Unlock()
		if ended {
			return errors.New("the caller did not wait for the update any longer")
		}
		return update(s)
	}
	return guarded, func() {
		mu.Lock()
		defer mu.Unlock()
		ended = true
	}
}
