package telemetry

import (
	"fmt"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/internal/plain"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Explanation says why a decision was made, and how its effects and timers ended. It is a snapshot: later events do not change
// it.
type Explanation struct {
	At time.Time // time of the explanation by the engine's clock; Deliveries are as of then

	// Origin says how the chain began. Earlier is the decision before the first of the chain if Origin is OriginEarlier or
	// OriginDeleted.
	Origin  Origin
	Earlier *store.DecisionRef

	// Chain has the decisions from the origin to the explained decision, which is the last. Each decision requested the effect or
	// timer that brought the input of the next. The chain is empty for a delivery of a schedule, which no decision requested.
	Chain []ExplainedDecision

	// Deliveries are the effects and timers that the last decision requested. For WhyDelivery it is only the explained one.
	Deliveries []ExplainedDelivery
}

// Origin says how a chain of decisions began.
type Origin string

const (
	OriginClient   Origin = "client"   // an input of a client
	OriginSchedule Origin = "schedule" // a declared recurring input
	OriginDeleted  Origin = "deleted"  // the decision before the first was deleted
	OriginEarlier  Origin = "earlier"  // the chain is longer than 100 decisions; to go on, ask about Explanation.Earlier
)

// ExplainedDecision is a decision within an Explanation.
type ExplainedDecision struct {
	store.DecisionRef
	Now    time.Time // given to decide
	Events []store.EventCause
	Cause  store.Cause

	// Deliveries are the effects and timers that the decision requested. They are set only in ExplainedDelivery.Next and in a timeline.
	Deliveries []ExplainedDelivery
}

// ExplainedDelivery is an effect or timer that a decision requested. If Waiting, Discarded, Ended and LedTo are nil and
// SearchEnded is false, it is done and returned no input.
type ExplainedDelivery struct {
	Lease store.Lease // without Token
	Kind  string

	Waiting   *store.WaitingDelivery // set while it is not done; its StateAt says what it waits for
	Discarded *store.DiscardedLetter // set if it was discarded as a dead letter
	Ended     *store.EndedDelivery   // set if it ended in another way, or brought an input to another instance
	LedTo     *store.DecisionRef     // the decision on its result, on the input that it brought, or on the input that reports it as a dead letter
	Attempt   int                    // the attempt that led to LedTo

	// Next is the decision LedTo with its deliveries, if another instance made it, such as a child. At most 32 decisions are
	// followed. For decisions of the same instance, call Why with LedTo.
	Next *ExplainedDecision

	// SearchEnded says that LedTo was not among the 10,000 events that were searched.
	SearchEnded bool
}

// String returns the explanation as lines of text: each input, below it the decision on it, and below the last decision its
// effects and timers.
func (x *Explanation) String() string {
	var text strings.Builder
	line := func(depth int, format string, args ...any) {
		text.WriteString(strings.Repeat("  ", depth))
		for _, r := range fmt.Sprintf(format, args...) {
			plain.WriteRune(&text, r) // ids and errors may have anything in them
		}
		text.WriteByte('\n')
	}
	switch x.Origin {
	case OriginSchedule:
		line(0, "a schedule came due")
	case OriginDeleted:
		line(0, "the decision before is not stored any more: %s", x.Earlier)
	case OriginEarlier:
		line(0, "the chain began earlier, with %s", x.Earlier)
	}
	for i := range x.Chain {
		d := &x.Chain[i]
		line(0, "%s", d.Arrival())
		line(1, "%s", d.Decided())
	}
	var follow func(depth int, deliveries []ExplainedDelivery)
	follow = func(depth int, deliveries []ExplainedDelivery) {
		for i := range deliveries {
			d := &deliveries[i]
			line(depth, "%s: %s", d.Title(), d.Fate(x.At))
			if d.Next != nil {
				line(depth+1, "%s", d.Next.Decided())
				follow(depth+2, d.Next.Deliveries)
			}
		}
	}
	follow(2, x.Deliveries)
	return text.String()
}

// BroughtBy returns the effect or timer that brought the input, for Engine.WhyDelivery; the zero Lease for an input of a client.
func (d *ExplainedDecision) BroughtBy() store.Lease {
	by := d.Cause.Delivery
	if by == nil {
		return store.Lease{}
	}
	instance := d.Instance
	if by.Workflow != "" {
		instance = store.InstanceKey{Workflow: by.Workflow, ID: by.Instance}
	}
	return store.Lease{Queue: by.Queue, Instance: instance, Version: by.Version, Position: by.Position, Key: by.Key}
}

// Arrival says which input was decided on and where it came from.
func (d *ExplainedDecision) Arrival() string {
	text := "input " + d.Cause.Input
	if d.Cause.InputID != "" {
		text += fmt.Sprintf(" with id %q", d.Cause.InputID)
	}
	by := d.Cause.Delivery
	switch from := d.BroughtBy(); {
	case by == nil && d.Cause.By != "":
		return text + fmt.Sprintf(" of %s, because: %s", d.Cause.By, d.Cause.Reason)
	case by == nil:
		return text + " of a client"
	case from.Instance.ID == "": // a schedule
		text += " by " + by.Kind
	default:
		text += fmt.Sprintf(" by %s %s of %s", by.Queue.Singular(), by.Kind, from.Instance)
	}
	if by.Attempt > 1 {
		text += fmt.Sprintf(", attempt %d", by.Attempt)
	}
	return text
}

// Decided says when the decision was made, and which events it stored.
func (d *ExplainedDecision) Decided() string {
	var events []string
	for _, event := range d.Events {
		events = append(events, fmt.Sprintf("%d %s", event.Version, event.Type))
	}
	return fmt.Sprintf("%s decided at %s: %s", d.Instance, whyTime(d.Now), strings.Join(events, ", "))
}

// Title names the delivery.
func (d *ExplainedDelivery) Title() string {
	if d.Lease.Queue == store.TimerQueue {
		return fmt.Sprintf("timer %s (version %d)", d.Lease.Key, d.Lease.Version)
	}
	return fmt.Sprintf("effect %s (version %d, position %d)", d.Kind, d.Lease.Version, d.Lease.Position)
}

// Fate says how the delivery ended, or what it waits for at a time.
func (d *ExplainedDelivery) Fate(now time.Time) string {
	var parts []string
	if d.Waiting != nil {
		parts = append(parts, waitingFate(d.Waiting, now))
	}
	if d.Discarded != nil {
		text := fmt.Sprintf("discarded at %s after %s", whyTime(d.Discarded.Discard.At), attempts(d.Discarded.Attempts))
		if d.Discarded.Discard.By != "" {
			text += " by " + d.Discarded.Discard.By
		}
		parts = append(parts, text+", because: "+d.Discarded.Discard.Reason)
	}
	if d.Ended != nil {
		parts = append(parts, endedFate(d.Ended)...)
	}
	if d.LedTo != nil {
		text := fmt.Sprintf("led to input %s, decided as %s", d.LedTo.Input, d.LedTo)
		if d.LedTo.Input == "" {
			text = fmt.Sprintf("led to %s, which is not stored any more", d.LedTo)
		}
		if d.Attempt > 1 {
			text += fmt.Sprintf(", in attempt %d", d.Attempt)
		}
		parts = append(parts, text)
	}
	switch {
	case len(parts) > 0:
		return strings.Join(parts, "; ")
	case d.SearchEnded:
		return "not found among what came next; there is more"
	default:
		return "done, without a result"
	}
}

// endedFate says how a delivery ended, unless the decision that it led to says it.
func endedFate(e *store.EndedDelivery) []string {
	switch e.Ending {
	case store.EndedDelivered:
		return nil
	case store.EndedRefused:
		return []string{fmt.Sprintf("its input was refused at %s: %s", whyTime(e.At), e.Reason)}
	case store.EndedReplaced:
		return []string{fmt.Sprintf("replaced at %s by %s", whyTime(e.At), e.By)}
	case store.EndedCompleted:
		return []string{fmt.Sprintf("dropped at %s, when %s completed the instance", whyTime(e.At), e.By)}
	default:
		text := fmt.Sprintf("cancelled at %s by %s", whyTime(e.At), e.By)
		if e.Attempts > 0 {
			text += fmt.Sprintf(", in attempt %d", e.Attempts)
		}
		return []string{text}
	}
}

func waitingFate(w *store.WaitingDelivery, now time.Time) string {
	var text string
	state := w.StateAt(now)
	switch state {
	case store.DeliveryDue:
		text = "due since " + whyTime(w.RunAt)
	case store.DeliveryLeased:
		text = fmt.Sprintf("attempt %d since %s", w.Attempts, whyTime(w.ClaimedAt))
		if w.Holder != "" {
			text += " by " + w.Holder
		}
	case store.DeliveryDelayed:
		text = "waits until " + whyTime(w.RunAt)
	case store.DeliveryDead:
		text = "dead since " + whyTime(w.DiedAt)
		if !w.ToldAt.IsZero() {
			text += ", the instance was told"
		}
	case store.DeliveryBlocked:
		text = "waits since " + whyTime(w.BlockedSince) + " for a process that can take it: " + w.LastError
	}
	if w.Attempts > 0 && w.LastError != "" && state != store.DeliveryBlocked {
		text += fmt.Sprintf(", %s, last error: %s", attempts(w.Attempts), w.LastError)
	}
	return text
}

func attempts(n int) string {
	if n == 1 {
		return "1 attempt"
	}
	return fmt.Sprintf("%d attempts", n)
}

func whyTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.999999Z07:00") }
