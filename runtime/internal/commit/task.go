package commit

import (
	"context"
	"sync/atomic"

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
