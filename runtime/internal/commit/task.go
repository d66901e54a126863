package commit

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// task is a request on its way, with the answer when done is closed.
type task struct {
	ctx     context.Context
	key     store.InstanceKey
	request Request
	state   atomic.Int32

	result  Result
	err     error
	records store.InputRecords // to keep of an input that adds nothing
	lost    *lostDecision      // a decision on the request that may still be stored; nil for none
	done    chan struct{}

	line  line     // of the instance, when the task is the first that waits for it
	first [1]*task // room for what waits in line
}

const (
	taskWaiting int32 = iota
	taskTaken
	taskStoring
	taskWithdrawn
)

func newTask(ctx context.Context, key store.InstanceKey, req Request) *task {
	return &task{ctx: ctx, key: key, request: req, done: make(chan struct{})}
}

// take claims the task for a decision; false when its caller has gone.
func (t *task) take() bool { return t.state.CompareAndSwap(taskWaiting, taskTaken) }

// storing claims the task for the store, with what was decided on it; false when its caller has gone.
func (t *task) storing() bool {
	return t.state.CompareAndSwap(taskTaken, taskStoring) || t.state.Load() == taskStoring
}

// wait lets a task wait again of which nothing is stored; false when its caller has gone.
func (t *task) wait() bool {
	return t.state.CompareAndSwap(taskTaken, taskWaiting) || t.state.CompareAndSwap(taskStoring, taskWaiting) ||
		t.state.Load() == taskWaiting
}

// unstored says that nothing of the task is stored, and that it is decided again.
func (t *task) unstored() { t.state.CompareAndSwap(taskStoring, taskTaken) }

// withdraw takes the task back; false when it is on its way to the store, or stored.
func (t *task) withdraw() bool {
	for {
		state := t.state.Load()
		if state == taskStoring || state == taskWithdrawn {
			return state == taskWithdrawn
		}
		if t.state.CompareAndSwap(state, taskWithdrawn) {
			return true
		}
	}
}

// lostDecision was sent to the store in a commit whose answer was lost and that was not found. The store may still get to it: as long as
// the instance is at its version.
type lostDecision struct{ version int64 }

// outcome returns what the caller may be told. After a lost decision of a client's input, that is only what the store excludes the lost one by:
// a later version of the instance, or a record under the input's id. Inputs of deliveries end their delivery once, whatever is stored.
func (t *task) outcome(r Result, err error) (Result, error) {
	switch {
	case t.lost == nil || !t.request.ofClient() || usererr.OwnIs(err, store.ErrOutcomeUnknown):
		return r, err
	case err != nil:
		return Result{}, fmt.Errorf("%w; it was decided again, and that failed: %w", store.ErrOutcomeUnknown, err)
	case r.Kind == Accepted || t.request.InputID != "" || r.Version > t.lost.version:
		return r, nil
	}
	return Result{}, fmt.Errorf("%w; it was decided again, and then it was %s; with an input id, the outcome would be certain",
		store.ErrOutcomeUnknown, r.Kind)
}

func (t *task) withdrawn() bool { return t.state.Load() == taskWithdrawn }

func (t *task) answered() bool {
	select {
	case <-t.done:
		return true
	default:
		return false
	}
}

func (t *task) answer(r Result, err error) {
	t.result, t.err = r, err
	close(t.done)
}
