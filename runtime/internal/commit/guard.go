package commit

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// watch knows which user code a goroutine is calling.
type watch struct {
	mu     sync.Mutex
	call   telemetry.StuckCode // the newest
	task   *task               // that it is called for; nil to read a state
	calls  int                 // so far
	inside bool                // the newest has not returned
	left   bool                // somebody else goes on without the goroutine
	over   bool                // the goroutine has ended

	seen, same int // calls at the last tick, and how many ticks have found the same one under way
}

// enter says that user code is called for a task. It ends the goroutine when nobody waits for it any more.
func (w *watch) enter(t *task) { w.enterFor(t.key, t.request.purpose(), t) }

func (w *watch) enterFor(instance store.InstanceKey, input string, t *task) {
	w.mu.Lock()
	left := w.left
	if !left {
		w.call.Instance, w.call.Input, w.call.Since = instance, input, time.Now()
		w.task, w.inside = t, true
		w.calls++
	}
	w.mu.Unlock()
	if left {
		runtime.Goexit()
	}
}

// leave says that user code has returned. It ends the goroutine when nobody waits for it any more: what it decided does not count.
func (w *watch) leave() {
	w.mu.Lock()
	w.inside = false
	left := w.left
	w.mu.Unlock()
	if left {
		runtime.Goexit()
	}
}

// stuckTicks is how often the same call is found before it counts as stuck. A process that was frozen finds it once.
const stuckTicks = 4

// stuck reports that the same call was found often enough. Then the goroutine is left.
func (w *watch) stuck() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.inside || w.seen != w.calls {
		w.seen, w.same = w.calls, 0
		return false
	}
	w.same++
	w.left = w.same >= stuckTicks
	return w.left
}

// end says that the goroutine ends.
func (w *watch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
}

func (w *watch) ended() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.over
}

// giveUp leaves the goroutine. It reports whether that is inside user code; else the goroutine ends by itself.
func (w *watch) giveUp() (inside bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.left = true
	return w.inside
}

// tick is the time between two looks at what user code is called.
func (s *stuckCalls) tick() time.Duration { return max(s.after/stuckTicks, 1) }

// guard runs a part of the engine that calls user code, on a goroutine of its own, which user code may end. run calls it between enter and
// leave only. guard returns when run does; with *Stuck when one call has not returned for Config.DecideTimeout; or at the end of ctx.
//
// With an error at is the task that user code was called for last. It may still be at work then, on what it was given.
func (s *stuckCalls) guard(ctx context.Context, run func(*watch)) (at *task, err error) {
	w := &watch{}
	returned := make(chan error, 1)
	go func() {
		_ = usererr.Call(func() (err error) {
			defer usererr.RecoverTo(&err, "the engine", "")
			run(w)
			return nil
		}, func(err error) {
			returned <- err
			s.remove(&w.call)
		})
	}()
	ticker := time.NewTicker(s.tick())
	defer ticker.Stop()
	for {
		select {
		case err := <-returned:
			return w.task, err
		case <-ctx.Done():
			if !w.giveUp() {
				if err := <-returned; err != usererr.ErrGoexit {
					return w.task, err
				}
				return w.task, ctx.Err()
			}
			err = ctx.Err()
		case <-ticker.C:
			if !w.stuck() {
				continue
			}
			err = s.error(&w.call)
		}
		s.add(&w.call)
		select {
		case <-returned: // just now, and its goroutine has forgotten the call before it was added
			s.remove(&w.call)
		default:
		}
		return w.task, err
	}
}
