package runtime

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"
)

// FeedPosition is a place in the feed: the global sequence of the last event before it. 0 is the beginning.
type FeedPosition int64

// Feed is the part of a Store that hands out the events of all instances in one order, for readers that keep a position
// and go on from there.
//
// No event is ever missed: what has been handed out behind a position never gets an event before it, however many
// writers there are, and how long their transactions take. The events of an instance come in the order of their versions.
// The events of different instances come in an order that is the same for every reader; it is not always the order of
// their commits.
type Feed interface {
	// EventsSince returns up to limit events after a position, oldest first, and only those that a filter accepts
	// when there is one. It waits for nothing. A page ends with the event whose payload reaches PageBytes. There are more events to
	// read while its Next is before its Settled, even when the page has fewer than limit.
	//
	// A position beyond the last number that was given to an event is *FeedSetBack.
	EventsSince(ctx context.Context, after FeedPosition, limit int, filters ...EventFilter) (FeedPage, error)

	// FeedHorizon finds out how far the feed can be read. Polling it while nothing is written is cheap.
	FeedHorizon(ctx context.Context) (FeedHorizon, error)

	// FeedBlockers returns what FeedHorizon waits for, the oldest first; nothing when it does not wait.
	FeedBlockers(ctx context.Context) ([]FeedBlocker, error)

	// FirstEventAfter returns when the first event after a position was recorded, also when the feed cannot be read that far yet.
	// It is zero when there is none.
	FirstEventAfter(ctx context.Context, after FeedPosition) (time.Time, error)
}

// EventFilter lets events of a workflow through: those of the given types, or all when there are none. Of several
// filters one is enough.
type EventFilter struct {
	Workflow string
	Types    []string
}

// FeedPage is what a read of the feed returns.
type FeedPage struct {
	Events []StoredEvent

	// Next is the position to read on from. It is past the last event, and past those that the filters held back. It is never
	// beyond the last event that was looked at, because numbers that no event has may be given again after a crash.
	Next FeedPosition

	// Settled is how far the feed could be read: Next is at most that.
	Settled FeedPosition

	// Looked is how far this page has looked, over numbers that no event has: only a FeedHorizon beyond it has news. It is not a
	// position to keep.
	Looked FeedPosition

	// Server tells the runs of database servers apart: its first word is another one after a failover, the rest after each
	// restart. It is empty for a store without a server.
	Server string
}

// FeedHorizon is how far the feed can be read.
type FeedHorizon struct {
	// Settled is the position that no event will appear before any more.
	Settled FeedPosition

	// Issued is the highest number that was given to an event, by a transaction that may not have ended yet, or not well.
	// When it is larger than Settled, the feed waits for transactions that were under way.
	Issued FeedPosition

	// Newest is the number of the newest event that is stored. When it is larger than Settled, there are events that cannot be read
	// yet.
	Newest FeedPosition
}

// FeedSetBack says that a reader's position is not part of the feed: the database lost events, by a failover to a server that lacked
// the last commits or by a restore, and numbers new ones as those that were lost. The reader would miss them.
//
// Undo what the reader made of the lost events. Then read on from Issued, or from an earlier position that is certain; 0 always
// works. RebuildProjection does both for a projection.
type FeedSetBack struct {
	Position FeedPosition // of the reader
	Issued   FeedPosition // the last number that was given to an event

	// Event, when not 0, is the number of an event that the reader has read and that was lost, or replaced by another event.
	Event FeedPosition

	// Repair, when not empty, is the statement to run if no events were lost and only the sequence of their numbers is behind.
	Repair string
}

func (e *FeedSetBack) Error() string {
	text := fmt.Sprintf("position %d is %d beyond the last number that was given to an event, %d", e.Position, e.Position-e.Issued, e.Issued)
	if e.Event != 0 {
		text = fmt.Sprintf("event %d, which was read, is not in the database any more; the last number that was given to an event is %d", e.Event, e.Issued)
	}
	text += fmt.Sprintf(": the database was set back, by a failover or a restore. Undo what was made of the events that are lost, and read on "+
		"from position %d at the latest, or from 0; RebuildProjection does so for a projection", min(e.Issued, e.Position-1))
	if e.Repair != "" {
		text += ". If no event was lost, only the numbering was: " + e.Repair
	}
	return text
}

// SequenceBehind says that the database gives numbers to events that other events have already: readers would not see them. A failover
// by logical replication and some restores leave the sequence behind. No event is stored until Repair was run.
type SequenceBehind struct {
	Issued FeedPosition // the last number that was given to an event
	Stored FeedPosition // the highest number of a stored event
	Repair string       // the statement that fixes it
}

func (e *SequenceBehind) Error() string {
	return fmt.Sprintf("the sequence that numbers events is at %d, but event %d is stored: new events would be invisible to readers; run this statement: %s",
		e.Issued, e.Stored, e.Repair)
}

// FeedBlocker is a transaction that the feed waits for, because it may be about to commit events that were numbered
// before those that are committed already. Any transaction of the database server that writes is one, in whatever
// database: the server does not tell which of them writes events.
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

// Age is how long the transaction has lasted; 0 when that is not known.
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

// FeedStalled says that the feed has waited for other transactions for long. Readers lose nothing by it; they fall behind
// until the oldest of the blockers ends.
type FeedStalled struct {
	FeedStatus
	For time.Duration
}

func (e *FeedStalled) Error() string {
	text := fmt.Sprintf("the feed has been stuck at position %d for %v, events up to %d wait", e.Settled,
		e.For.Round(time.Millisecond), e.Issued)
	if len(e.Blockers) == 0 {
		return text + "; what holds it up is not known"
	}
	text += " for the end of " + e.Blockers[0].String()
	if n := len(e.Blockers) - 1; n > 0 {
		text += fmt.Sprintf(" and of %d younger ones", n)
	}
	return text
}

// Position is the place right behind the event.
func (e *StoredEvent) Position() FeedPosition { return FeedPosition(e.GlobalSequence) }

// EventsSince reads the feed, see Feed.EventsSince. It needs no Run. Events of workflows that are not registered with
// the engine come too.
func (e *Engine) EventsSince(ctx context.Context, after FeedPosition, limit int, filters ...EventFilter) (FeedPage, error) {
	if err := checkFeed(after, limit, filters); err != nil {
		return FeedPage{}, err
	}
	return e.store.EventsSince(ctx, after, limit, filters...)
}

func checkFeed(after FeedPosition, limit int, filters []EventFilter) error {
	if limit < 1 {
		return &InvalidArgument{Argument: "the limit", Problem: fmt.Sprintf("is %d, it must be positive", limit)}
	}
	if err := checkArgument("the position", after); err != nil {
		return err
	}
	return checkArgument("EventFilter", filters)
}

// FeedStatus says how far the feed can be read and, when transactions hold it up, which.
func (e *Engine) FeedStatus(ctx context.Context) (FeedStatus, error) {
	horizon, err := e.store.FeedHorizon(ctx)
	if err != nil || horizon.Settled >= horizon.Issued {
		return FeedStatus{FeedHorizon: horizon}, err
	}
	blockers, err := e.store.FeedBlockers(ctx)
	return FeedStatus{FeedHorizon: horizon, Blockers: blockers}, err
}

// subscriptionPage is how many events a subscription reads at once.
const subscriptionPage = 256

// Subscribe returns the events after a position, and then those to come, as long as ctx and the loop over them last:
//
//	for event, err := range engine.Subscribe(ctx, position, runtime.EventFilter{Workflow: "order"}) {
//		if err != nil {
//			return err
//		}
//		position = event.Position()
//	}
//
// An error of the store comes with an event that is empty; a loop that goes on after it tries again, after a pause. The
// end of ctx comes as an error too, and is the last, and so is *FeedSetBack. The position is the caller's to keep: a subscription that starts
// again from the last one it kept misses nothing. To keep it in one transaction with what was made of the events, use a
// Projection.
//
// Events of this process come at once, those of others within Config.PollInterval, or sooner while Run runs.
func (e *Engine) Subscribe(ctx context.Context, after FeedPosition, filters ...EventFilter) iter.Seq2[StoredEvent, error] {
	return func(yield func(StoredEvent, error) bool) {
		if err := checkFeed(after, subscriptionPage, filters); err != nil {
			yield(StoredEvent{}, err)
			return
		}
		reader, failures := feedReader{feed: e.store, position: after, sure: after}, 0
		for {
			position := reader.position
			page, err := reader.read(ctx, subscriptionPage, filters...)
			if ctx.Err() != nil {
				yield(StoredEvent{}, ctx.Err())
				return
			}
			if back := (*FeedSetBack)(nil); errors.As(err, &back) {
				yield(StoredEvent{}, fmt.Errorf("ironflow: reading the feed after position %d: %w", position, err))
				return
			}
			if err != nil {
				failures++
				if !yield(StoredEvent{}, fmt.Errorf("ironflow: reading the feed after position %d: %w", position, err)) {
					return
				}
				sleep(ctx, e.config.Clock, pollBackoff.Pause(failures))
				continue
			}
			failures = 0
			for _, event := range page.Events {
				if ctx.Err() != nil {
					yield(StoredEvent{}, ctx.Err())
					return
				}
				if !yield(event, nil) {
					return
				}
			}
			if len(page.Events) == 0 && page.Next >= page.Settled {
				e.feed.wait(ctx, page.Looked)
			}
		}
	}
}

// feedReader reads one page after the other. When another server answers, or the same one after a restart, it makes sure that what it
// has read is still there.
type feedReader struct {
	feed     Feed
	position FeedPosition
	server   string // that answered last

	// sure is the position that the reader began at, or behind the last event that it has read, which commit has stored. What is
	// between it and position was not wanted.
	sure   FeedPosition
	commit CommitID
}

func (r *feedReader) read(ctx context.Context, limit int, filters ...EventFilter) (FeedPage, error) {
	page, err := r.feed.EventsSince(ctx, r.position, limit, filters...)
	if err != nil {
		return FeedPage{}, err
	}
	if r.server != "" && page.Server != r.server {
		if err := r.checkHistory(ctx, page.Server); err != nil {
			return FeedPage{}, err
		}
		if r.position != r.sure { // the numbers between the two may have been given again
			r.position, r.server = r.sure, page.Server
			return r.read(ctx, limit, filters...)
		}
	}
	r.position, r.server = page.Next, page.Server
	if n := len(page.Events); n > 0 {
		r.sure, r.commit = page.Events[n-1].Position(), page.Events[n-1].Commit
	}
	return page, nil
}

// checkHistory fails when the last event that was read is another one now. One that is not there was deleted, unless there was a
// failover.
func (r *feedReader) checkHistory(ctx context.Context, server string) error {
	if r.commit == 0 {
		return nil
	}
	page, err := r.feed.EventsSince(ctx, r.sure-1, 1)
	if err != nil {
		return err
	}
	there := len(page.Events) > 0 && page.Events[0].Position() == r.sure
	before, _, _ := strings.Cut(r.server, " ")
	after, _, _ := strings.Cut(server, " ")
	if there && page.Events[0].Commit != r.commit || !there && before != after {
		return &FeedSetBack{Position: r.sure, Issued: max(page.Settled, page.Looked), Event: r.sure}
	}
	return nil
}

// sleep waits for a time, or for the end of ctx.
func sleep(ctx context.Context, clock Clock, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-clock.After(d):
	}
}

// checkFilters refuses filters that could only be mistakes.
func checkFilters(filters []EventFilter) error {
	for _, f := range filters {
		if f.Workflow == "" {
			return errors.New("an EventFilter has no Workflow; leave the filter out to get the events of all")
		}
	}
	return nil
}
