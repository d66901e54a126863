package commit

import (
	"runtime"
	"slices"
	"sync"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// lane serves a share of the instances, a batch at a time. It has a goroutine while there is something to do.
type lane struct {
	x     *Executor
	cache *stateCache // of the goroutine that runs

	// distrust counts the batches to come that check what is cached before they decide, instead of when they store:
	// another process works on the same instances.
	distrust int

	mu      sync.Mutex
	waiting []*task
	running bool
	watch   *watchdog // of the goroutine that runs

	// apart are the instances that are served alone, with their inputs in order. They stay apart until they have none.
	apart map[store.InstanceKey][]*task
}

func newLane(x *Executor, cacheBytes int) *lane {
	l := &lane{x: x, cache: newStateCache(cacheBytes), apart: make(map[store.InstanceKey][]*task)}
	l.watch = &watchdog{lane: l}
	return l
}

// goexit ends a goroutine whose lane has gone on without it.
func goexit() { runtime.Goexit() }

// goOnWithout lets the lane go on by another goroutine, because user code does not return to the one that takes a batch through. The
// batch's other instances are decided again: nothing of it is stored. Inputs of the instance itself fail.
func (l *lane) goOnWithout(b *batch, call *telemetry.StuckCode) {
	b.forget()
	var rest []*task
	for _, g := range b.groups {
		if g.key == call.Instance {
			g.answerAll(l.x.stuck.error(call))
			continue
		}
		for _, t := range g.tasks {
			if !t.answered() {
				rest = append(rest, t)
			}
		}
	}
	l.putBack(rest)
	l.mu.Lock()
	l.watch = &watchdog{lane: l}
	l.mu.Unlock()
	go l.run()
}

// add lets a task wait for its turn.
func (l *lane) add(t *task) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if queue, ok := l.apart[t.key]; ok {
		l.apart[t.key] = append(queue, t)
		return
	}
	l.waiting = append(l.waiting, t)
	if !l.running {
		l.running = true
		go l.run()
	}
}

func (l *lane) run() {
	l.mu.Lock()
	watch := l.watch
	l.mu.Unlock()
	usererr.Watch(func() {
		for tasks, ok := l.next(); ok; tasks, ok = l.next() {
			if len(tasks) > 0 {
				newBatch(l, watch, tasks).run()
			}
		}
	}, func() { // user code ended the goroutine; the batch has answered
		if !watch.returned() {
			go l.run()
		}
	})
}

// next takes the tasks of the next batch. It gives the lane's goroutine back when nothing waits.
func (l *lane) next() (tasks []*task, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.running = false
		l.waiting = nil
		return nil, false
	}
	n := min(len(l.waiting), l.x.config.BatchSize)
	for _, t := range l.waiting[:n] {
		if queue, ok := l.apart[t.key]; ok {
			l.apart[t.key] = append(queue, t)
		} else if t.take() {
			tasks = append(tasks, t)
		}
	}
	l.waiting = slices.Delete(l.waiting, 0, n)
	return tasks, true
}

// putBack lets tasks that were taken wait again, before all others.
func (l *lane) putBack(tasks []*task) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = slices.Concat(waitAgain(tasks), l.waiting)
}

// waitAgain lets tasks wait that were taken, and of which nothing is stored. Those whose callers have gone are answered.
func waitAgain(tasks []*task) (rest []*task) {
	for _, t := range tasks {
		if err := t.ctx.Err(); err != nil {
			t.answer(Result{}, err)
		} else if t.wait() {
			rest = append(rest, t)
		}
	}
	return rest
}

// drop forgets a task that was withdrawn.
func (l *lane) drop(t *task) {
	l.mu.Lock()
	defer l.mu.Unlock()
	is := func(other *task) bool { return other == t }
	if queue, ok := l.apart[t.key]; ok {
		l.apart[t.key] = slices.DeleteFunc(queue, is)
	}
	l.waiting = slices.DeleteFunc(l.waiting, is)
}

// setApart lets an instance be served alone, beginning with tasks that were taken. Only the lane's goroutine calls it.
func (l *lane) setApart(key store.InstanceKey, tasks []*task) {
	l.cache.remove(key)
	l.mu.Lock()
	defer l.mu.Unlock()
	// Those that came meanwhile are older than what comes next.
	l.waiting = slices.DeleteFunc(l.waiting, func(t *task) bool {
		if t.key == key {
			tasks = append(tasks, t)
		}
		return t.key == key
	})
	l.apart[key] = waitAgain(tasks)
	go l.serveApart(key)
}

// serveApart serves an instance until none of its inputs waits.
func (l *lane) serveApart(key store.InstanceKey) {
	var t *task
	usererr.Watch(func() {
		var ok bool
		for t, ok = l.nextApart(key); ok; t, ok = l.nextApart(key) {
			if t.take() {
				t.answer(l.x.single(t))
			}
		}
	}, func() { // user code ended the goroutine
		t.answer(Result{}, usererr.ErrGoexit)
		go l.serveApart(key)
	})
}

func (l *lane) nextApart(key store.InstanceKey) (t *task, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	queue := l.apart[key]
	if len(queue) == 0 {
		delete(l.apart, key)
		return nil, false
	}
	l.apart[key] = queue[1:]
	return queue[0], true
}
