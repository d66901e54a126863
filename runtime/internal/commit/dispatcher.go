package commit

import (
	"slices"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// distrustedBatches is for how many batches the cache is checked first, after a race was lost to another process.
const distrustedBatches = 64

// dispatcher lets inputs wait, and hands them to batches. An instance is in service at most once, in a batch or apart from the batches, so
// its inputs never race within a process. Only its own inputs wait for it meanwhile.
type dispatcher struct {
	x *Executor

	mu    sync.Mutex
	lines map[store.InstanceKey]*line // of the instances that have inputs or are in service
	ready []*line                     // those that are not in service, the one that has waited longest in front

	underWay  []*batch // each with a goroutine
	inService int      // instances in these
	attended  bool     // attend comes again
	starting  bool     // one more, which takes what is ready when its goroutine runs
	alarm     bool     // set, for when the first that is ready has waited for patience

	spare [][]group // empty ones of batches that were served

	// distrust counts the batches to come that check what is cached before they decide, instead of when they store:
	// another process works on the same instances.
	distrust int
}

// patience is how long an instance waits for enough others, while one more batch may be under way.
const patience = 20 * time.Millisecond

// line holds the inputs of an instance that wait, in order.
type line struct {
	key     store.InstanceKey
	waiting []*task
	since   time.Time // when it became ready
	batch   *batch    // that has the instance in service
	apart   bool      // in service apart from the batches
}

func newDispatcher(x *Executor) *dispatcher {
	return &dispatcher{x: x, lines: make(map[store.InstanceKey]*line)}
}

// add lets a task wait for its turn.
func (d *dispatcher) add(t *task) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l, ok := d.lines[t.key]; ok {
		l.waiting = append(l.waiting, t)
		return
	}
	t.first[0] = t
	l := &t.line
	l.key, l.waiting = t.key, t.first[:]
	d.lines[t.key] = l
	d.queue(l)
	d.begin()
}

func (d *dispatcher) queue(l *line) {
	l.since = time.Now()
	d.ready = append(d.ready, l)
}

// begin begins one more batch when it is wanted.
func (d *dispatcher) begin() {
	switch {
	case d.starting:
	case d.wanted():
		d.starting = true
		go d.work(nil, nil, nil)
	case d.mayBegin() && !d.alarm:
		d.alarm = true
		time.AfterFunc(patience-time.Since(d.ready[0].since), func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.alarm = false
			d.begin()
		})
	}
}

func (d *dispatcher) mayBegin() bool { return len(d.ready) > 0 && len(d.underWay) < d.x.config.Batches }

// wanted reports whether one more batch shall take what is ready. Each costs something of its own, which its inputs share. So, beside others, a
// batch begins when it has as many instances as they have together, or is half full. At a small load there are several small batches
// under way, and few large ones at a high load.
func (d *dispatcher) wanted() bool {
	return d.mayBegin() && (len(d.ready) >= min(d.inService, d.x.config.BatchSize/2) || time.Since(d.ready[0].since) >= patience)
}

// next takes the tasks of the next batch, after one is served: nil before the first. It returns nil to end the goroutine.
func (d *dispatcher) next(served *batch, w *watch) *batch {
	d.mu.Lock()
	defer d.mu.Unlock()
	if served != nil {
		d.release(served)
	} else {
		d.starting = false
	}
	var b *batch
	for b == nil && d.wanted() {
		b = d.take()
	}
	if b != nil {
		b.watch = w
		d.underWay = append(d.underWay, b)
		d.attend()
	}
	d.begin()
	return b
}

// take takes up to Config.BatchSize tasks. It returns nil when the callers of all that it has looked at have gone.
func (d *dispatcher) take() *batch {
	b := &batch{x: d.x, in: unlocked{d.x}, cache: d.x.cache, doubts: d.distrust > 0}
	d.distrust = max(d.distrust-1, 0)
	room := d.x.config.BatchSize
	b.all = d.groups(min(room, len(d.ready)))
	for room > 0 && len(d.ready) > 0 {
		l := d.ready[0]
		d.ready[0], d.ready = nil, d.ready[1:]
		n := min(room, len(l.waiting))
		tasks := slices.DeleteFunc(l.waiting[:n:n], func(t *task) bool { return !t.take() })
		l.waiting = l.waiting[n:]
		if len(tasks) == 0 {
			d.leave(l)
			continue
		}
		l.batch = b
		b.all = b.all[:len(b.all)+1]
		g := &b.all[len(b.all)-1]
		g.key, g.tasks, g.line = l.key, tasks, l
		room -= len(tasks)
	}
	if len(b.all) == 0 {
		d.spare = append(d.spare, b.all)
		return nil
	}
	b.groups = make([]*group, len(b.all))
	for i := range b.all {
		b.groups[i] = &b.all[i]
	}
	d.inService += len(b.all)
	return b
}

// groups returns room for n zero groups, which a batch that was served had before when it has as much.
func (d *dispatcher) groups(n int) []group {
	if last := len(d.spare) - 1; last >= 0 {
		groups := d.spare[last]
		d.spare[last], d.spare = nil, d.spare[:last]
		if cap(groups) >= n {
			return groups
		}
	}
	return make([]group, 0, n)
}

// leave says that an instance is not in service any more.
func (d *dispatcher) leave(l *line) {
	l.batch, l.apart = nil, false
	if len(l.waiting) > 0 {
		d.queue(l)
	} else {
		delete(d.lines, l.key)
	}
}

// release lets the tasks that a batch has not answered wait again, before all others of their instances.
func (d *dispatcher) release(b *batch) {
	d.underWay = slices.DeleteFunc(d.underWay, func(other *batch) bool { return other == b })
	d.inService -= len(b.all)
	for i := range b.all {
		g := &b.all[i]
		if g.line.batch == b {
			g.waitAgain()
			d.leave(g.line)
		}
	}
	if !b.left {
		clear(b.all)
		d.spare = append(d.spare, b.all[:0])
	}
}

// waitAgain lets those of the group's tasks wait again that have no answer, and of which nothing is stored.
func (g *group) waitAgain() {
	var rest []*task
	for _, t := range g.tasks {
		if !t.answered() && t.wait() {
			rest = append(rest, t)
		}
	}
	if len(rest) > 0 {
		g.line.waiting = append(rest, g.line.waiting...)
	}
}

// drop forgets a task that was withdrawn.
func (d *dispatcher) drop(t *task) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l, ok := d.lines[t.key]
	if !ok {
		return
	}
	l.waiting = slices.DeleteFunc(l.waiting, func(other *task) bool { return other == t })
	if len(l.waiting) == 0 && l.batch == nil && !l.apart {
		delete(d.lines, l.key)
		d.ready = slices.DeleteFunc(d.ready, func(other *line) bool { return other == l })
	}
}
