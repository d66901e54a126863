package commit

import (
	"context"
	"log/slog"
	"sync"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// maxPendingSnapshots is how many snapshots wait to be written; more are dropped. Another is made soon.
const maxPendingSnapshots = 256

// snapshotWriter keeps states, so that an instance need not be replayed from its beginning. It writes beside the commits,
// with a goroutine while there is something to write.
type snapshotWriter struct {
	store store.Snapshots // nil when the store keeps none
	every int64           // events
	log   *slog.Logger

	mu      sync.Mutex
	pending []store.Snapshot
	running bool
}

func newSnapshotWriter(st *bound.Store, every int, log *slog.Logger) *snapshotWriter {
	w := &snapshotWriter{every: int64(every), log: log}
	if bound.Has[store.Snapshots](st) {
		w.store = st
	}
	return w
}

// consider makes snapshots of a batch's instances that have had enough events since the last one. The states are encoded here, where nobody
// changes them, and written later. It reports whether user code has left the states as they are.
func (w *snapshotWriter) consider(b *batch) bool {
	var due []*group
	for _, g := range b.groups {
		if g.chain != nil && !g.chain.tainted && w.isDue(g.chain) {
			due = append(due, g)
		}
	}
	if len(due) == 0 {
		return true
	}
	_, err := b.guardApart(context.Background(), func(on *watch) { // the batch is stored: nobody must begin it again
		for _, g := range due {
			on.enter(g.tasks[0])
			w.take(g.chain)
			on.leave()
		}
	})
	return err == nil
}

func (w *snapshotWriter) isDue(c *chain) bool {
	state := &c.current
	return w.store != nil && !state.completed && state.version-state.snapshot >= w.every && c.workflow.Schema() != ""
}

func (w *snapshotWriter) take(c *chain) {
	state := &c.current
	encoded, err := c.workflow.EncodeState(state.state)
	state.snapshot = state.version // do not try again at once
	if err != nil {
		w.log.Warn("ironflow: the state cannot be stored as a snapshot", "workflow", c.key.Workflow, "instance", c.key.ID, "error", err)
		return
	}
	state.bytes = len(encoded)
	w.add(store.Snapshot{
		Instance: c.key, Version: state.version, Commit: state.last, Schema: c.workflow.Schema(), State: encoded, Subject: c.change.Subject,
	})
}

func (w *snapshotWriter) add(s store.Snapshot) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.pending) >= maxPendingSnapshots {
		return
	}
	w.pending = append(w.pending, s)
	if !w.running {
		w.running = true
		go w.run()
	}
}

func (w *snapshotWriter) run() {
	for {
		w.mu.Lock()
		snapshots := newestOfEach(w.pending)
		w.pending = nil
		w.running = len(snapshots) > 0
		w.mu.Unlock()
		if len(snapshots) == 0 {
			return
		}
		if err := w.store.SaveSnapshots(context.Background(), snapshots); err != nil {
			w.log.Warn("ironflow: writing snapshots failed; replay takes longer until the next snapshot", "error", err)
		}
	}
}

// newestOfEach keeps the last snapshot of each instance.
func newestOfEach(snapshots []store.Snapshot) []store.Snapshot {
	place := make(map[store.InstanceKey]int, len(snapshots))
	var newest []store.Snapshot
	for _, s := range snapshots {
		if i, ok := place[s.Instance]; ok {
			newest[i] = s
			continue
		}
		place[s.Instance] = len(newest)
		newest = append(newest, s)
	}
	return newest
}
