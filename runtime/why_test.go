package runtime_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/examples/travel/booking"
	"github.com/ironflow-gen/ironflow/examples/travel/refund"
	"github.com/ironflow-gen/ironflow/examples/travel/trip"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

func ticketKey(id string) runtime.InstanceKey { return runtime.InstanceKey{Workflow: "ticket", ID: id} }

// wantWhy compares an explanation's text; the clock's epoch stands as T.
func (b *bed) wantWhy(why *runtime.Explanation, err error, want string) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
	got := strings.ReplaceAll(why.String(), stamp(epoch)+"Z", "T")
	if want = strings.TrimPrefix(want, "\n"); got != want {
		b.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// An input of a client asks for two effects and a timer. One is tried twice and leads to the next decision, whose effect dies.
func TestWhy(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		var asked atomic.Int64
		key := make(chan string, 9)
		engine := b.engine(b.config(c), tickets(ticket.Decider{
			OnOpen: func(_ time.Time, _ ticket.State, in ticket.Open) ticket.OpenDecision {
				return ticket.AcceptOpen(ticket.Opened{Subject: in.Subject}).Effect(ticket.FindAgent{}, ticket.Notify{Text: "opened"}).
					StartTimer(ticket.TimerReminder{}.In(2 * time.Hour).Key("late"))
			},
			OnAssigned: func(_ time.Time, _ ticket.State, in ticket.Assigned) ticket.AssignedDecision {
				return ticket.AcceptAssigned(ticket.AgentAssigned{Agent: in.Agent}).Effect(ticket.Notify{Text: "assigned"})
			},
		}, ticket.Handler{
			OnFindAgent: func(_ context.Context, _ ticket.FindAgent, call runtime.EffectCall) (ticket.FindAgentResult, error) {
				if asked.Add(1) == 1 {
					return nil, errors.New("all are at lunch")
				}
				key <- call.IdempotencyKey
				return ticket.Assigned{Agent: "Ann"}, nil
			},
			OnNotify: func(_ context.Context, e ticket.Notify, _ runtime.EffectCall) error {
				if e.Text == "assigned" {
					return runtime.Permanent(errors.New("no such address"))
				}
				return nil
			},
		}))
		out, err := ticket.NewClient(engine).Open(b.Context(), ticket.Open{ID: "a", Subject: "s"}, runtime.WithInputID("mail-7"))
		must(b, out, err)
		ctx := b.Context()

		why, err := engine.Why(ctx, ticketKey("a"), 1)
		b.wantWhy(why, err, `
input Open with id "mail-7" of a client
  ticket/a decided at T: 1 Opened
    effect FindAgent (version 1, position 0): due since T
    effect Notify (version 1, position 1): due since T
    timer stale (version 1): waits until 2031-03-04T06:06:07.890123Z
    timer reminder/late (version 1): waits until 2031-03-04T07:06:07.890123Z
`)
		if why.Origin != runtime.OriginClient || len(why.Chain) != 1 || why.Chain[0].Cause.InputID != "mail-7" {
			b.Errorf("got %+v", why)
		}

		stop := b.run(engine)
		b.eventually("the first attempt has failed", func() bool {
			return slices.Equal(b.table("attempts, last_error", "effects", "WHERE kind = 'FindAgent' AND claimed_at IS NULL"),
				[]string{"1 effect FindAgent: all are at lunch"})
		})
		why, err = engine.Why(ctx, ticketKey("a"), 1)
		if err != nil || !strings.Contains(why.String(), ", 1 attempt, last error: effect FindAgent: all are at lunch") {
			b.Errorf("got %v, %v", why, err)
		}
		b.advanceUntil(c, time.Second, "the effect of the second decision is dead", func() bool {
			return len(b.table("kind", "effects", "WHERE died_at IS NOT NULL")) == 1 && len(b.table("kind", "effects", "")) == 1
		})
		if err := stop(); err != nil {
			b.Error(err)
		}

		why, err = engine.Why(ctx, ticketKey("a"), 2)
		if err != nil {
			b.Fatal(err)
		}
		second, died := stamp(why.Chain[1].Now), stamp(why.Deliveries[0].Waiting.DiedAt)
		b.wantWhy(why, err, fmt.Sprintf(`
input Open with id "mail-7" of a client
  ticket/a decided at T: 1 Opened
input Assigned by effect FindAgent of ticket/a, attempt 2
  ticket/a decided at %sZ: 2 AgentAssigned
    effect Notify (version 2, position 0): dead since %sZ, 1 attempt, last error: effect Notify: no such address
`, second, died))
		if first := why.Chain[0]; why.Chain[1].Cause.Delivery.Kind != "FindAgent" || first.Version != 1 || first.Input != "Open" ||
			!first.Now.Equal(epoch.Truncate(time.Microsecond)) || first.Events[0].Type != "Opened" {
			b.Errorf("got %+v", why.Chain)
		}

		why, err = engine.Why(ctx, ticketKey("a"), 1)
		if err != nil || len(why.Deliveries) != 4 {
			b.Fatalf("got %v, %v", why, err)
		}
		if found := why.Deliveries[0]; found.Waiting != nil || found.LedTo == nil || found.Attempt != 2 ||
			*found.LedTo != (store.DecisionRef{Instance: ticketKey("a"), Version: 2, Input: "Assigned"}) {
			b.Errorf("got %+v", found)
		}
		if told := why.Deliveries[1]; told.Waiting != nil || told.LedTo != nil || told.Discarded != nil || told.Ended != nil || told.SearchEnded {
			b.Errorf("got %+v", told)
		}
		for _, text := range []string{"led to input Assigned, decided as ticket/a version 2, in attempt 2\n",
			"position 1): done, without a result\n"} {
			if !strings.Contains(why.String(), text) {
				b.Errorf("no %q in\n%s", text, why)
			}
		}

		// By the key that the outside knows, and by the dead letter.
		lease, err := runtime.ParseIdempotencyKey(<-key)
		if err != nil {
			b.Fatal(err)
		}
		why, err = engine.WhyDelivery(ctx, lease)
		if err != nil || len(why.Deliveries) != 1 || why.Deliveries[0].Kind != "FindAgent" || why.Deliveries[0].LedTo.Version != 2 {
			b.Errorf("got %v, %v", why, err)
		}
		letters, err := engine.DeadLetters(ctx, runtime.DeadLetterQuery{})
		if err != nil {
			b.Fatal(err)
		}
		letter := letters.Items[0].Lease
		if _, err := engine.DiscardDeadLetters(ctx, runtime.Discard{By: "Bob", Reason: "has moved"}, letter); err != nil {
			b.Fatal(err)
		}
		why, err = engine.WhyDelivery(ctx, letter)
		if err != nil || len(why.Chain) != 2 || why.Deliveries[0].Waiting != nil || why.Deliveries[0].Discarded.Discard.By != "Bob" {
			b.Fatalf("got %v, %v", why, err)
		}
		if text := " after 1 attempt by Bob, because: has moved\n"; !strings.HasSuffix(why.String(), text) {
			b.Errorf("no %q in\n%s", text, why)
		}
	})
}

// Each event of a decision is explained by the decision; those of another in the same instance are not taken for it.
func TestWhyInTheMiddleOfADecision(t *testing.T) {
	onStores(t, func(b *bed) {
		engine := b.engine(b.config(newClock()), tickets(ticket.Decider{
			OnImport: func(_ time.Time, _ ticket.State, in ticket.Import) ticket.ImportDecision {
				return ticket.AcceptImport(ticket.Opened{Subject: in.Subject}, ticket.Tagged{Tag: "t"}, ticket.Tagged{Tag: "u"})
			},
		}, ticket.Handler{}))
		client := ticket.NewClient(engine)
		imported, err := client.Import(b.Context(), ticket.Import{ID: "a", Subject: "s"})
		must(b, imported, err)
		solved, err := client.Solve(b.Context(), ticket.Solve{ID: "a"})
		must(b, solved, err)
		for version, first := range []int64{1: 1, 2: 1, 3: 1, 4: 4} {
			if version == 0 {
				continue
			}
			why, err := engine.Why(b.Context(), ticketKey("a"), int64(version))
			if err != nil || len(why.Chain) != 1 || why.Chain[0].Version != first || len(why.Chain[0].Events) != map[int64]int{1: 3, 4: 1}[first] {
				b.Errorf("version %d: got %v, %v", version, why, err)
			}
		}
	})
}

// Many decisions share a commit, and their effects a version. Each effect is explained by its own.
func TestWhyWithinACommit(t *testing.T) {
	onStores(t, func(b *bed) {
		config := b.config(newClock())
		config.Batches = 1
		begun, goOn := make(chan struct{}), make(chan struct{})
		engine := b.engine(config, tickets(ticket.Decider{
			OnNote: func(_ time.Time, _ ticket.State, in ticket.Note) ticket.NoteDecision {
				if in.Text == "0" {
					close(begun)
					<-goOn
				}
				d := ticket.AcceptNote(ticket.Noted{Text: in.Text}).Effect(ticket.Notify{Text: in.Text})
				return d.StartTimer(ticket.TimerReminder{}.In(time.Hour).Key(in.Text))
			},
		}, ticket.Handler{}))
		goOnce := sync.OnceFunc(func() { close(goOn) })
		b.Cleanup(goOnce) // or the store could not be closed
		b.open(engine, "a")
		client := ticket.NewClient(engine)
		var group sync.WaitGroup
		const notes = 100
		note := func(i int) {
			group.Go(func() {
				out, err := client.Note(b.Context(), ticket.Note{ID: "a", Text: fmt.Sprint(i)})
				if err != nil || !out.Accepted() {
					b.Errorf("got %+v, %v", out, err)
				}
			})
		}
		note(0)
		wait(b, "the first is decided on", begun)
		for i := 1; i < notes; i++ {
			note(i)
		}
		b.eventually("the others wait behind it", func() bool { return runtime.Waiting(engine) == notes-1 })
		goOnce()
		group.Wait()
		if commits := b.table("DISTINCT commit_id", "events", ""); len(commits) > notes/2 {
			b.Fatalf("%d commits, so no two decisions may share one", len(commits))
		}
		history, err := client.History(b.Context(), "a")
		if err != nil {
			b.Fatal(err)
		}
		text := func(why *runtime.Explanation) string {
			return history[why.Chain[0].Version-1].Event.(ticket.Noted).Text
		}
		claim := store.Claim{Kinds: []store.Kind{{Workflow: "ticket", Name: "Notify"}, {Workflow: "ticket", Name: "Remind"}},
			Now: epoch.Add(2 * time.Hour), Until: epoch.Add(3 * time.Hour), Limit: 1000}
		effects, err := b.store.Effects().Claim(b.Context(), claim)
		timers, err2 := b.store.Timers().Claim(b.Context(), claim)
		if cmp.Or(err, err2) != nil || len(effects) != notes || len(timers) != notes {
			b.Fatalf("got %d effects and %d timers, errors %v, %v", len(effects), len(timers), err, err2)
		}
		for _, d := range append(effects, timers...) {
			why, err := engine.WhyDelivery(b.Context(), d.Lease)
			if err != nil {
				b.Fatal(err)
			}
			want := fmt.Sprintf(`{"text":%q}`, text(why))
			if d.Lease.Queue == store.TimerQueue {
				want = string(d.Payload)
				if d.Lease.Key != "reminder/"+text(why) {
					b.Errorf("timer %s is explained by the note %s", d.Lease.Key, text(why))
				}
			}
			if string(d.Payload) != want || why.Deliveries[0].Waiting == nil || len(why.Deliveries) != 1 {
				b.Errorf("%s is explained by %v", d.Payload, why)
			}
		}
	})
}

// A timer that starts itself again goes back further than an explanation does.
func TestWhyOfALongChain(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		config := b.config(c)
		config.PollInterval = time.Millisecond
		engine := b.engine(config, tickets(ticket.Decider{
			OnOpen: func(_ time.Time, _ ticket.State, in ticket.Open) ticket.OpenDecision {
				return ticket.AcceptOpen(ticket.Opened{Subject: in.Subject}).StartTimer(ticket.TimerReminder{}.In(time.Second))
			},
			OnRemind: func(now time.Time, _ ticket.State, in ticket.Remind) ticket.RemindDecision {
				return ticket.AcceptRemind(ticket.Reminded{At: now}).StartTimer(ticket.TimerReminder{}.In(time.Second))
			},
		}, ticket.Handler{}))
		b.open(engine, "a")
		b.run(engine)
		const maxWhyDepth = 100 // as Why says
		const version = maxWhyDepth + 20
		b.advanceUntil(c, time.Second, "the timer has fired often", func() bool {
			return len(b.table("version", "events", fmt.Sprintf("WHERE version = %d", version))) == 1
		})
		why, err := engine.Why(b.Context(), ticketKey("a"), version)
		if err != nil {
			b.Fatal(err)
		}
		if why.Origin != runtime.OriginEarlier || len(why.Chain) != maxWhyDepth || why.Chain[0].Version != 21 ||
			*why.Earlier != (store.DecisionRef{Instance: ticketKey("a"), Version: 20, Input: "Remind"}) {
			b.Errorf("got %v", why)
		}
		why, err = engine.Why(b.Context(), why.Earlier.Instance, why.Earlier.Version)
		if err != nil || why.Origin != runtime.OriginClient || len(why.Chain) != 20 || why.Chain[0].Input != "Open" {
			b.Errorf("got %v, %v", why, err)
		}
		want := store.DecisionRef{Instance: ticketKey("a"), Version: 21, Input: "Remind"}
		if next := why.Deliveries[0]; *next.LedTo != want || next.Lease.Key != "reminder" || next.Attempt != 1 {
			b.Errorf("got %+v", next)
		}
	})
}

func TestWhyOfWhatIsNotThere(t *testing.T) {
	onStores(t, func(b *bed) {
		engine := b.engine(b.config(newClock()), tickets(ticket.Decider{OnOpen: opened(ticket.Notify{Text: "t"})}, ticket.Handler{}))
		b.open(engine, "a")
		for _, version := range []int64{-1, 0, 2} {
			_, err := engine.Why(b.Context(), ticketKey("a"), version)
			if unknown := new(runtime.UnknownVersion); !errors.As(err, &unknown) || version == 2 && unknown.Newest != 1 {
				b.Errorf("version %d: got error %v", version, err)
			}
		}
		solved, err := ticket.NewClient(engine).Solve(b.Context(), ticket.Solve{ID: "a"})
		must(b, solved, err)
		for _, lease := range []runtime.Lease{
			{Queue: store.EffectQueue, Instance: ticketKey("a"), Version: 1, Position: 1},
			{Queue: store.EffectQueue, Instance: ticketKey("a"), Version: 2},
			{Queue: store.TimerQueue, Instance: ticketKey("a"), Version: 2, Key: "reminder"},
		} {
			_, err := engine.WhyDelivery(b.Context(), lease)
			if unknown := new(runtime.UnknownDelivery); !errors.As(err, &unknown) || unknown.Delivery != lease {
				b.Errorf("%+v: got error %v", lease, err)
			}
			wantError(b, err, "ticket/a", fmt.Sprint(lease.Version))
		}
		_, err = engine.Why(b.Context(), ticketKey("b"), 1)
		_, err2 := engine.WhyDelivery(b.Context(), runtime.Lease{Queue: store.EffectQueue, Instance: ticketKey("b"), Version: 1})
		for _, err := range []error{err, err2} {
			if _, ok := errors.AsType[*runtime.UnknownInstance](err); !ok {
				b.Errorf("got error %v", err)
			}
		}
		_, err = engine.Why(b.Context(), runtime.InstanceKey{Workflow: "order", ID: "a"}, 1)
		if _, ok := errors.AsType[*runtime.UnknownWorkflow](err); !ok {
			b.Errorf("got error %v", err)
		}
	})
}

func TestParseIdempotencyKey(t *testing.T) {
	t.Parallel()
	want := runtime.Lease{Queue: store.EffectQueue, Instance: runtime.InstanceKey{Workflow: "trip", ID: "a/3/0"}, Version: 12, Position: 3}
	if got, err := runtime.ParseIdempotencyKey("trip/a/3/0/12/3"); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, wrong := range []string{"", "trip", "trip/a/1", "trip/a/x/1", "trip/a/1/x", "trip/a/0/1", "trip/a/1/-1"} {
		if got, err := runtime.ParseIdempotencyKey(wrong); err == nil {
			t.Errorf("%q: got %+v", wrong, got)
		}
	}
}

// provider has flights, and no hotels.
type provider struct{}

func (provider) Book(_ context.Context, what, _, _ string) (reference, refusal string, err error) {
	if what == "hotel" {
		return "", "full", nil
	}
	return "f", "", nil
}

func (provider) Refund(context.Context, string, string) error { return nil }

// The chain goes from the last event of a trip through the bookings that it started.
func TestWhyAcrossInstances(t *testing.T) {
	onStores(t, func(b *bed) {
		engine := b.engine(b.config(newClock()), trip.NewWorkflow(trip.Decider{}, trip.Evolver{}),
			booking.NewWorkflow(booking.Decider{}, booking.Evolver{}, booking.Handler{Provider: provider{}}),
			refund.NewWorkflow(refund.Decider{}, refund.Evolver{}, refund.Handler{Provider: provider{}}))
		out, err := trip.NewClient(engine).Plan(b.Context(), trip.Plan{TripID: "a", Destination: "Rome"})
		must(b, out, err)
		b.run(engine)
		key := runtime.InstanceKey{Workflow: "trip", ID: "a"}
		b.eventuallyTable("instance", "instances", "WHERE workflow = 'trip' AND completed_at IS NOT NULL", "a")
		why, err := engine.Why(b.Context(), key, 3)
		b.wantWhy(why, err, `
input Plan of a client
  trip/a decided at T: 1 Planned
input Reserve by effect BookFlight of trip/a
  booking/a-flight decided at T: 1 Requested
input Confirmed by effect AskProvider of booking/a-flight
  booking/a-flight decided at T: 2 Booked
input FlightEnded by effect ended:trip of booking/a-flight
  trip/a decided at T: 2 FlightBooked
input Reserve by effect BookHotel of trip/a
  booking/a-hotel decided at T: 1 Requested
input Refused by effect AskProvider of booking/a-hotel
  booking/a-hotel decided at T: 2 TurnedDown
input HotelEnded by effect ended:trip of booking/a-hotel
  trip/a decided at T: 3 HotelRefused
    effect RefundFlight (version 3, position 0): led to input Start, decided as refund/trip/a/3/0 version 1
      refund/trip/a/3/0 decided at T: 1 Started
        effect Repay (version 1, position 0): led to input Repaid, decided as refund/trip/a/3/0 version 2
          refund/trip/a/3/0 decided at T: 2 MoneyReturned
            effect ended:trip (version 2, position 0): led to input RefundEnded, decided as trip/a version 4
`)
		next := why.Deliveries[0].Next
		if next == nil || next.Events[0].Type != "Started" || next.Input != "Start" || next.Deliveries[0].Next.Deliveries[0].Next != nil {
			b.Errorf("got %+v", next)
		}
		// A child whose id the effect says is found as well.
		why, err = engine.Why(b.Context(), key, 1)
		if err != nil || why.Deliveries[0].LedTo == nil || why.Deliveries[0].LedTo.Instance.ID != "a-flight" || why.Deliveries[0].Next == nil {
			b.Errorf("got %v, %v", why, err)
		}
		child := runtime.InstanceKey{Workflow: "booking", ID: "a-flight"}
		why, err = engine.Why(b.Context(), child, 2)
		want := store.DecisionRef{Instance: key, Version: 2, Input: "FlightEnded"}
		if err != nil || len(why.Deliveries) != 1 || why.Deliveries[0].LedTo == nil || *why.Deliveries[0].LedTo != want {
			b.Errorf("got %v, %v", why, err)
		}

		b.exec("DELETE FROM {p}events WHERE workflow = 'trip'")
		why, err = engine.Why(b.Context(), child, 2)
		if err != nil || why.Origin != runtime.OriginDeleted || len(why.Chain) != 2 || why.Earlier.Instance != key {
			b.Errorf("got %v, %v", why, err)
		}
		wantError(b, errors.New(why.String()), "the decision before is not stored any more: trip/a version 1",
			"led to trip/a version 2, which is not stored any more")
	})
}

// What an effect that only sends has led to is known to the sender.
func TestWhyOfAMessage(t *testing.T) {
	onStores(t, func(b *bed) {
		sender := withOptions(trip.NewWorkflow(trip.Decider{}, trip.Evolver{}), "BookFlight", func(o *workflow.EffectOptions) {
			o.Starts, o.Sends, o.Ended = nil, o.Starts, ""
		})
		engine := b.engine(b.config(newClock()), sender,
			booking.NewWorkflow(booking.Decider{}, booking.Evolver{}, booking.Handler{Provider: provider{}}),
			refund.NewWorkflow(refund.Decider{}, refund.Evolver{}, refund.Handler{Provider: provider{}}))
		b.run(engine)
		for i, id := range []string{"a", "b"} {
			out, err := trip.NewClient(engine).Plan(b.Context(), trip.Plan{TripID: id, Destination: "Rome"})
			must(b, out, err)
			b.eventuallyTable("version", "instances", "WHERE instance = '"+id+"-flight'", "2")
			b.eventuallyTable("kind", "effects", "")
			why, err := engine.Why(b.Context(), runtime.InstanceKey{Workflow: "trip", ID: id}, 1)
			b.wantWhy(why, err, strings.ReplaceAll(`
input Plan of a client
  trip/@ decided at T: 1 Planned
    effect BookFlight (version 1, position 0): led to input Reserve, decided as booking/@-flight version 1
      booking/@-flight decided at T: 1 Requested
        effect AskProvider (version 1, position 0): led to input Confirmed, decided as booking/@-flight version 2
          booking/@-flight decided at T: 2 Booked
`, "@", id))
			if i > 0 {
				continue
			}
			for _, table := range tables {
				b.exec("DELETE FROM {p}%s WHERE workflow = 'booking'", table)
			}
			why, err = engine.Why(b.Context(), runtime.InstanceKey{Workflow: "trip", ID: id}, 1)
			b.wantWhy(why, err, `
input Plan of a client
  trip/a decided at T: 1 Planned
    effect BookFlight (version 1, position 0): led to booking/a-flight version 1, which is not stored any more
`)
		}
	})
}

// What was cancelled, replaced, dropped, refused and done is told apart.
func TestWhyOfWhatEnded(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		asked, answer := make(chan bool, 1), make(chan bool)
		engine := b.engine(b.config(c), tickets(ticket.Decider{
			OnOpen: func(_ time.Time, _ ticket.State, in ticket.Open) ticket.OpenDecision {
				r := ticket.TimerReminder{}.In(30 * time.Minute)
				return ticket.AcceptOpen(ticket.Opened{Subject: in.Subject}).Effect(ticket.FindAgent{}, ticket.Notify{Text: "opened"}).
					StartTimer(r.Key("cancelled"), r.Key("replaced"), r.Key("refused").In(time.Minute))
			},
			OnNote: func(_ time.Time, _ ticket.State, in ticket.Note) ticket.NoteDecision {
				r := ticket.TimerReminder{}.In(40 * time.Minute)
				return ticket.AcceptNote(ticket.Noted{Text: in.Text}).Effect(ticket.Notify{Text: "later"}).
					CancelEffect("FindAgent").CancelTimer(r.Key("cancelled")).StartTimer(r.Key("replaced"))
			},
			OnRemind: func(time.Time, ticket.State, ticket.Remind) ticket.RemindDecision {
				return ticket.RejectRemind(ticket.Busy{})
			},
		}, ticket.Handler{
			OnFindAgent: func(context.Context, ticket.FindAgent, runtime.EffectCall) (ticket.FindAgentResult, error) {
				asked <- true
				<-answer
				return ticket.Assigned{Agent: "Ann"}, nil
			},
			OnNotify: func(context.Context, ticket.Notify, runtime.EffectCall) error { return nil },
		}))
		ctx, client := b.Context(), ticket.NewClient(engine)
		b.open(engine, "a")
		noted, err := client.Note(ctx, ticket.Note{ID: "a", Text: "n"})
		must(b, noted, err)
		b.open(engine, "late")
		b.run(engine)
		wait(b, "the agent of the ticket whose effect is not cancelled is asked for", asked)
		b.advanceUntil(c, time.Minute, "the reminder was refused", func() bool {
			return len(b.table("*", "ended_deliveries", "WHERE instance = 'a' AND ending = 'refused'")) == 1
		})
		for _, id := range []string{"a", "late"} {
			solved, err := client.Solve(ctx, ticket.Solve{ID: id})
			must(b, solved, err)
		}
		answer <- true
		b.eventuallyTable("kind", "effects", "")

		wantEnds := func(instance string, version int64, want map[string]string) {
			b.Helper()
			why, err := engine.Why(ctx, ticketKey(instance), version)
			if err != nil {
				b.Fatal(err)
			}
			ends := regexp.MustCompile(`\d{4}-\S*Z`).ReplaceAllString(why.String(), "T")
			if len(why.Deliveries) != len(want) {
				b.Errorf("%s version %d has %d deliveries: %s", instance, version, len(why.Deliveries), ends)
			}
			for what, end := range want {
				if !strings.Contains(ends, what+end+"\n") {
					b.Errorf("no %q in\n%s", what+end, ends)
				}
			}
		}
		wantEnds("a", 1, map[string]string{
			"effect FindAgent (version 1, position 0): ": "cancelled at T by ticket/a version 2",
			"effect Notify (version 1, position 1): ":    "done, without a result",
			"timer reminder/cancelled (version 1): ":     "cancelled at T by ticket/a version 2",
			"timer reminder/replaced (version 1): ":      "replaced at T by ticket/a version 2",
			"timer reminder/refused (version 1): ":       "its input was refused at T: rejected with ticket.Busy",
			"timer stale (version 1): ":                  "cancelled at T by ticket/a version 3", // which left its states
		})
		wantEnds("a", 2, map[string]string{
			"effect Notify (version 2, position 0): ": "done, without a result",
			"timer reminder/replaced (version 2): ":   "dropped at T, when ticket/a version 3 completed the instance",
		})
		why, err := engine.WhyDelivery(ctx, runtime.Lease{Queue: store.EffectQueue, Instance: ticketKey("late"), Version: 1})
		if err != nil || why.Deliveries[0].Ended == nil || why.Deliveries[0].Ended.Ending != store.EndedRefused ||
			why.Deliveries[0].Ended.Reason != "the instance had completed" || why.Deliveries[0].Ended.Attempts != 1 {
			b.Errorf("got %v, %v", why, err)
		}
	})
}
