package telemetry

import (
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// HealthProblem is a part of a Health that needs an operator.
type HealthProblem struct {
	Reason ProblemReason
	Text   string // one line
}

func (p HealthProblem) String() string { return p.Text }

// ProblemReason says what kind of problem it is.
type ProblemReason string

const (
	ProblemDead        ProblemReason = "dead"        // a kind of deliveries has dead letters
	ProblemBlocked     ProblemReason = "blocked"     // deliveries of a kind wait for a program that can take them
	ProblemLate        ProblemReason = "late"        // a delivery of a kind has been due for more than a minute
	ProblemUndelivered ProblemReason = "undelivered" // no running program delivers a kind
	ProblemAbandoned   ProblemReason = "abandoned"   // a process that no longer runs holds leases
	ProblemUnreadable  ProblemReason = "unreadable"  // this engine does not know a type of events of its workflows
	ProblemPaused      ProblemReason = "paused"      // a workflow is paused
	ProblemFeed        ProblemReason = "feed"        // a transaction holds up the feed
	ProblemReplica     ProblemReason = "replica"     // the read replica is late or cannot be used
	ProblemSnapshot    ProblemReason = "snapshot"    // a snapshot keeps dead rows
	ProblemProjection  ProblemReason = "projection"  // a projection is paused or stopped
	ProblemCode        ProblemReason = "code"        // user code of this engine does not return
)

// ProblemReasons are all reasons.
var ProblemReasons = []ProblemReason{
	ProblemDead, ProblemBlocked, ProblemLate, ProblemUndelivered, ProblemAbandoned, ProblemUnreadable, ProblemPaused, ProblemFeed,
	ProblemReplica, ProblemSnapshot, ProblemProjection, ProblemCode,
}

// lateAfter is how long a delivery may be due, and a process may be gone, before Problems names it.
const lateAfter = time.Minute

// Problems returns what needs an operator, sorted by what it is about. It needs no call to the store.
func (h *Health) Problems() (found []HealthProblem) {
	add := func(reason ProblemReason, format string, args ...any) {
		found = append(found, HealthProblem{reason, fmt.Sprintf(format, args...)})
	}
	for _, kinds := range [][]KindHealth{h.Effects.Kinds, h.Timers.Kinds} {
		for _, b := range kinds {
			if b.Dead > 0 {
				add(ProblemDead, "%d dead letters of %s", b.Dead, b.Kind)
			}
			if b.Blocked > 0 {
				add(ProblemBlocked, "%d of %s are blocked: %s", b.Blocked, b.Kind, b.BlockedError)
			}
			if late := h.At.Sub(b.OldestDue); !b.OldestDue.IsZero() && late > lateAfter && !b.Paused {
				add(ProblemLate, "the oldest of %s has been due for %s", b.Kind, late.Round(time.Second))
			}
		}
	}
	for _, u := range h.Undelivered {
		add(ProblemUndelivered, "no running program delivers the %s", u)
	}
	for _, a := range h.Abandoned {
		if h.At.Sub(a.SeenAt) > lateAfter {
			add(ProblemAbandoned, "%s", a)
		}
	}
	for _, u := range h.Unknown {
		if u.What == UnknownEventType {
			add(ProblemUnreadable, "this program does not know the %s", u)
		}
	}
	for _, p := range h.Paused {
		add(ProblemPaused, "workflow %s is paused by %s: %s", p.Workflow, p.By, p.Reason)
	}
	for _, c := range append([]CellHealth{{Feed: h.Feed, Replica: h.Replica}}, h.Cells...) {
		of := inCell(" of", c.Cell)
		for _, b := range c.Feed.Blockers {
			add(ProblemFeed, "the feed%s waits for %s", of, b)
		}
		if r := c.Replica; r != nil && (r.Problem != "" || r.Lag > lateAfter) {
			add(ProblemReplica, "the read replica%s is %s", of, r)
		}
	}
	for _, s := range h.SnapshotHolders {
		add(ProblemSnapshot, "dead rows are kept for %s", s)
	}
	for _, p := range h.Projections {
		if p.Status != store.ProjectionRunning {
			add(ProblemProjection, "projection %s%s is %s %s", p.Name, inCell(" in", p.Cell), p.Status, p.LastError)
		}
	}
	for _, c := range h.Stuck {
		of := "the decider or evolver of " + c.Instance.String()
		if c.Projection != "" {
			of = "the step of projection " + c.Projection
		}
		add(ProblemCode, "%s has not returned since %s", of, c.Since.UTC().Format(time.RFC3339))
	}
	return found
}

// inCell names a cell in a sentence, if there is one.
func inCell(preposition, cell string) string {
	if cell == "" {
		return ""
	}
	return preposition + " cell " + cell
}
