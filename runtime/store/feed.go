package store

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// FeedPosition is a place in the feed: the global sequence of the last event before it. 0 is the beginning.
type FeedPosition int64

// Feed is the ability of a store to return the events of all instances in one order, to readers that keep a position and
// read on from there.
//
// No event is ever missed: once a page has returned a position, no event appears before that position, however many
// writers there are and however long their transactions take. The events of an instance come in the order of their versions.
// The events of different instances come in an order that is the same for every reader; it is not always the order of
// their commits.
type Feed interface {
	// EventsSince returns up to limit events after a position, oldest first. With filters, it returns only events that one of them
	// accepts. It waits for nothing. A page ends with the event whose payload reaches PageBytes. There are more events to
	// read while its Next is before its Settled, even when the page has fewer than limit.
	//
	// A position beyond the last number that was given to an event is *FeedSetBack.
	EventsSince(ctx context.Context, after FeedPosition, limit int, filters ...EventFilter) (FeedPage, error)

	// FeedHorizon returns how far the feed can be read. Polling it while nothing is written is cheap.
	FeedHorizon(ctx context.Context) (FeedHorizon, error)

	// FeedBlockers returns the transactions that hold FeedHorizon back, the oldest first; none when nothing does.
	FeedBlockers(ctx context.Context) ([]FeedBlocker, error)

	// FirstEventAfter returns when the first event after a position was recorded, also when the feed cannot be read that far yet.
	// It is zero when there is none.
	FirstEventAfter(ctx context.Context, after FeedPosition) (time.Time, error)
}

// EventFilter accepts the events of one workflow that have one of the given types; without types, all events of the workflow.
// With several filters, an event must be accepted by one of them.
type EventFilter struct {
	Workflow string
	Types    []string
}

// AcceptedBy reports whether one of the filters accepts an event, or there are no filters.
func AcceptedBy(filters []EventFilter, e *StoredEvent) bool {
	return len(filters) == 0 || slices.ContainsFunc(filters, func(f EventFilter) bool {
		return f.Workflow == e.Instance.Workflow && (len(f.Types) == 0 || slices.Contains(f.Types, e.Type))
	})
}

// FeedPage is what a read of the feed returns.
type FeedPage struct {
	Events []StoredEvent

	// Next is the position to read on from. It is past the last event of the page, and past events that no filter accepts. It is
	// never beyond the last event that was looked at: after a crash, a number that no event has may be given to another event.
	Next FeedPosition

	// Settled is how far the feed could be read. Next is at most Settled.
	Settled FeedPosition

	// Looked is how far this page has looked, including numbers that no event has. There are new events only if FeedHorizon is
	// beyond it. Do not store it as a position.
	Looked FeedPosition

	// Server identifies a run of the database server: its first word changes with a failover, the rest with each restart. It is
	// empty for a store without a server.
	Server string
}

// FeedHorizon is how far the feed can be read.
type FeedHorizon struct {
	// Settled is the position before which no further event will appear.
	Settled FeedPosition

	// Issued is the highest number that was given to an event. The transaction may still be running, or may have been rolled back.
	// When Issued is larger than Settled, the feed waits for running transactions.
	Issued FeedPosition

	// Newest is the number of the newest stored event. When it is larger than Settled, there are events that cannot be read yet.
	Newest FeedPosition
}

// FeedSetBack says that a reader's position is not part of the feed. The database lost events, by a failover to a server that lacked
// the last commits or by a restore, and new events get the numbers of the lost ones. The reader would miss them.
//
// Undo what the reader made of the lost events. Then read on from Issued, or from an earlier position that is certain; 0 always
// works. RebuildProjection does both for a projection.
type FeedSetBack struct {
	Position FeedPosition // of the reader
	Issued   FeedPosition // the last number that was given to an event

	// Event is the number of an event that was read and then lost, or replaced by another event; 0 when that is not known.
	Event FeedPosition

	// Repair is the statement to run if no events were lost and only the sequence of their numbers is behind; empty for none.
	Repair string
}

func (e *FeedSetBack) Error() string {
	text := fmt.Sprintf("position %d is %d beyond the last number that was given to an event, %d", e.Position, e.Position-e.Issued, e.Issued)
	if e.Event != 0 {
		text = fmt.Sprintf("event %d, which was read, is not in the database any more; the last number that was given to an event is %d", e.Event, e.Issued)
	}
	text += fmt.Sprintf(": the database was set back by a failover or a restore. Undo what you made from the lost events, and read on "+
		"from position %d at the latest, or from 0; RebuildProjection does both for a projection", min(e.Issued, e.Position-1))
	if e.Repair != "" {
		text += ". If no event was lost, only the numbering is behind; run: " + e.Repair
	}
	return text
}

// SequenceBehind says that the database gives new events global sequence numbers that other events already have. Readers would
// not see the new events, so no event is stored until Repair was run. A failover by logical replication and some restores leave
// the sequence behind.
type SequenceBehind struct {
	Issued FeedPosition // the last number that was given to an event
	Stored FeedPosition // the highest number of a stored event
	Repair string       // the statement that corrects the sequence
}

func (e *SequenceBehind) Error() string {
	return fmt.Sprintf("the sequence that numbers events is at %d, but event %d is stored: new events would be invisible to readers; run this statement: %s",
		e.Issued, e.Stored, e.Repair)
}

// FeedBlocker is a transaction that the feed waits for, because it may still commit events with lower numbers than committed
// events have. Every writing transaction of the database server is a blocker, in any database, because the server does not say
// which of them write events.
type FeedBlocker struct {
	TransactionID uint64
	PID           int    // of the server's process; 0 for a prepared transaction
	Prepared      string // identifier of a prepared transaction, which stays until COMMIT PREPARED or ROLLBACK PREPARED
	Database      string
	User          string
	Application   string // application_name; the transaction of a projection names the projection
	Client        string // address; empty for a local connection, or when the store may not see it
	State         string // active, idle in transaction, prepared; empty when the store may not see it
	Query         string // the beginning of the last statement; may hold data

	// Since is when the transaction began. It is zero when the store may not see it: in PostgreSQL that takes the role
	// pg_read_all_stats.
	Since time.Time
}

// Age returns how long the transaction has lasted; 0 if Since is unknown.
func (b FeedBlocker) Age(now time.Time) time.Duration {
	if b.Since.IsZero() {
		return 0
	}
	return max(now.Sub(b.Since), 0)
}

func (b FeedBlocker) String() string {
	who := fmt.Sprintf("process %d", b.PID)
	if b.PID == 0 {
		who = fmt.Sprintf("prepared transaction %q", b.Prepared)
	}
	text := fmt.Sprintf("%s (transaction %d, database %q, user %q, application %q", who, b.TransactionID, b.Database,
		b.User, b.Application)
	if b.State != "" {
		text += ", " + b.State
	}
	if !b.Since.IsZero() {
		text += ", since " + b.Since.UTC().Format(time.RFC3339)
	}
	return text + ")"
}

// FeedStatus is how far the feed can be read, and what holds it up.
type FeedStatus struct {
	FeedHorizon
	Blockers []FeedBlocker // the oldest first
}

// FeedStalled says that the feed has waited for other transactions for longer than Config.FeedStallAfter. Readers lose nothing; they
// fall behind until the oldest of the blockers ends.
type FeedStalled struct {
	FeedStatus
	For time.Duration
}

func (e *FeedStalled) Error() string {
	text := fmt.Sprintf("the feed has been stuck at position %d for %v, events up to %d wait", e.Settled,
		e.For.Round(time.Millisecond), e.Issued)
	if len(e.Blockers) == 0 {
		return text + "; it is unknown what they wait for"
	}
	text += " for the end of " + e.Blockers[0].String()
	if n := len(e.Blockers) - 1; n > 0 {
		text += fmt.Sprintf(" and of %d younger ones", n)
	}
	return text
}
