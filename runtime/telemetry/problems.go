package telemetry

import (
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// lateAfter is how long a delivery may be due before Problems names it.
const lateAfter = time.Minute

// Problems returns the parts of the health that need an operator, each as a line of text: dead letters, deliveries that are blocked or late,
// kinds that no program delivers, pauses, what holds up the feed or keeps dead rows, a read replica that is late or cannot be used, and projections that do not run.
func (h *Health) Problems() (found []string) {
	add := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	for _, kinds := range [][]KindHealth{h.Effects.Kinds, h.Timers.Kinds} {
		for _, b := range kinds {
			if b.Dead > 0 {
				add("%d dead letters of %s", b.Dead, b.Kind)
			}
			if b.Blocked > 0 {
				add("%d of %s are blocked: %s", b.Blocked, b.Kind, b.BlockedError)
			}
			if late := h.At.Sub(b.OldestDue); !b.OldestDue.IsZero() && late > lateAfter && !b.Paused {
				add("the oldest of %s has been due for %s", b.Kind, late.Round(time.Second))
			}
		}
	}
	for _, u := range h.Unknown {
		add("no running program delivers the %s", u)
	}
	for _, p := range h.Paused {
		add("workflow %s is paused by %s: %s", p.Workflow, p.By, p.Reason)
	}
	for _, b := range h.Feed.Blockers {
		add("the feed waits for %s", b)
	}
	if r := h.Replica; r != nil && (r.Problem != "" || r.Lag > lateAfter) {
		add("the read replica is %s", r)
	}
	for _, s := range h.SnapshotHolders {
		add("dead rows are kept for %s", s)
	}
	for _, p := range h.Projections {
		if p.Status != store.ProjectionRunning {
			add("projection %s is %s %s", p.Name, p.Status, p.LastError)
		}
	}
	return found
}
