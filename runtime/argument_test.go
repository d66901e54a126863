package runtime_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// What cannot be stored cannot be looked for either: every question is refused by one type of error, whatever the store.
func TestInvalidArguments(t *testing.T) {
	texts := map[string]string{"a NUL byte": "a\x00b", "not valid UTF-8": "a\xffb"}
	times := map[string]time.Time{
		"the year 300000":  time.Date(300000, 1, 1, 0, 0, 0, 0, time.UTC),
		"the year 10000":   time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("west", -3600)),
		"the year -290000": time.Date(-290000, 1, 1, 0, 0, 0, 0, time.UTC),
		"the year 0":       time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	onStores(t, func(b *bed) {
		engine := b.engine(b.config(newClock()), tickets(ticket.Decider{}, ticket.Handler{}))
		ctx := b.Context()
		must2(b, ticket.NewClient(engine), "a")
		instances := func(f runtime.InstanceFilter) map[string]error {
			_, listed := engine.Instances(ctx, runtime.InstanceQuery{InstanceFilter: f})
			_, counted := engine.CountInstances(ctx, f)
			return map[string]error{"Instances": listed, "CountInstances": counted}
		}
		dead := func(f runtime.DeadLetterFilter) map[string]error {
			_, listed := engine.DeadLetters(ctx, runtime.DeadLetterQuery{DeadLetterFilter: f})
			_, counted := engine.CountDeadLetters(ctx, f)
			_, retried := engine.RetryDeadLettersWhere(ctx, f)
			_, discarded := engine.DiscardDeadLettersWhere(ctx, runtime.Discard{Reason: "r"}, f)
			return map[string]error{"DeadLetters": listed, "CountDeadLetters": counted, "RetryDeadLettersWhere": retried, "DiscardDeadLettersWhere": discarded}
		}
		one := func(_ any, err error) map[string]error { return map[string]error{"it": err} }
		lease := func(key string) runtime.Lease {
			return runtime.Lease{Queue: store.TimerQueue, Instance: runtime.InstanceKey{Workflow: "ticket", ID: "a"}, Key: key, Version: 1}
		}
		cursor := func(place string) string { return base64.RawURLEncoding.EncodeToString([]byte(place)) }
		refused := map[string]map[string]error{
			"an unknown activity":   instances(runtime.InstanceFilter{Activity: "busy"}),
			"an unknown queue":      dead(runtime.DeadLetterFilter{Queue: "letters"}),
			"limit of instances":    one(engine.Instances(ctx, runtime.InstanceQuery{Limit: -1})),
			"limit of dead letters": one(engine.DeadLetters(ctx, runtime.DeadLetterQuery{Limit: -1})),
			"limit of discarded":    one(engine.DiscardedLetters(ctx, runtime.DiscardedQuery{Limit: -1})),
			"limit of observations": one(engine.Observations(ctx, runtime.ObservationQuery{Limit: -1})),
			"limit of history":      one(engine.History(ctx, runtime.InstanceKey{Workflow: "ticket", ID: "a"}, 0, -1)),
			"start of history":      one(engine.History(ctx, runtime.InstanceKey{Workflow: "ticket", ID: "a"}, -1, 1)),
			"limit of the feed":     one(engine.EventsSince(ctx, 0, 0)),
			"start of the feed":     one(engine.EventsSince(ctx, -1, 1)),
		}
		for what, text := range texts {
			for field, errs := range map[string]map[string]error{
				"InstanceFilter.Workflow": instances(runtime.InstanceFilter{Workflow: text}),
				"InstanceFilter.Status":   instances(runtime.InstanceFilter{Status: text}),
				"dead Workflow":           dead(runtime.DeadLetterFilter{Workflow: text}),
				"dead Kind":               dead(runtime.DeadLetterFilter{Kind: text}),
				"dead Instance":           dead(runtime.DeadLetterFilter{Instance: text}),
				"dead ErrorContains":      dead(runtime.DeadLetterFilter{ErrorContains: text}),
				"discarded Workflow":      one(engine.DiscardedLetters(ctx, runtime.DiscardedQuery{Workflow: text})),
				"discarded Instance":      one(engine.DiscardedLetters(ctx, runtime.DiscardedQuery{Instance: text})),
				"observed Workflow":       one(engine.Observations(ctx, runtime.ObservationQuery{Instance: runtime.InstanceKey{Workflow: text}})),
				"observed instance":       one(engine.Observations(ctx, runtime.ObservationQuery{Instance: runtime.InstanceKey{ID: text}})),
				"EventFilter.Workflow":    one(engine.EventsSince(ctx, 0, 1, runtime.EventFilter{Workflow: text})),
				"EventFilter.Types":       one(engine.EventsSince(ctx, 0, 1, runtime.EventFilter{Workflow: "ticket", Types: []string{"Opened", text}})),
				"a subscription":          one(firstOf(engine, ctx, runtime.EventFilter{Workflow: text})),
				"a lease to retry":        one(engine.RetryDeadLetters(ctx, lease(text))),
				"a lease to discard":      one(engine.DiscardDeadLetters(ctx, runtime.Discard{Reason: "r"}, lease(text))),
				"a lease to explain":      one(engine.WhyDelivery(ctx, lease(text))),
				"Discard.Reason":          one(engine.DiscardDeadLetters(ctx, runtime.Discard{Reason: text}, lease("k"))),
				"Discard.By":              one(engine.DiscardDeadLetters(ctx, runtime.Discard{Reason: "r", By: text}, lease("k"))),
				"Pause.By":                one(nil, engine.PauseWorkflow(ctx, runtime.Pause{Workflow: "ticket", By: text})),
				"Pause.Reason":            one(nil, engine.PauseWorkflow(ctx, runtime.Pause{Workflow: "ticket", Reason: text})),
				"a paused projection":     one(nil, engine.PauseProjection(ctx, text)),
				"an awaited projection":   one(nil, engine.AwaitProjection(ctx, text)),
			} {
				refused[field+" with "+what] = errs
			}
		}
		for what, at := range times {
			for field, errs := range map[string]map[string]error{
				"CreatedFrom":     instances(runtime.InstanceFilter{CreatedFrom: at}),
				"CreatedBefore":   instances(runtime.InstanceFilter{CreatedBefore: at}),
				"UpdatedFrom":     instances(runtime.InstanceFilter{UpdatedFrom: at}),
				"UpdatedBefore":   instances(runtime.InstanceFilter{UpdatedBefore: at}),
				"DiedSince":       dead(runtime.DeadLetterFilter{DiedSince: at}),
				"DiedUntil":       dead(runtime.DeadLetterFilter{DiedUntil: at}),
				"observed Before": one(engine.Observations(ctx, runtime.ObservationQuery{Before: at})),
			} {
				refused[field+" in "+what] = errs
			}
		}
		for what, errs := range refused {
			for call, err := range errs {
				var invalid *runtime.InvalidArgument
				if !errors.As(err, &invalid) || strings.Contains(err.Error(), "SQLSTATE") || strings.ContainsRune(err.Error(), 0) {
					b.Errorf("%s: %s: got error %v, want *runtime.InvalidArgument", what, call, err)
				}
			}
		}
		for _, place := range []string{`{"CreatedAt":"2031-01-01T00:00:00Z","ID":"a\u0000","Workflow":"w"}`, `{"CreatedAt":"0000-01-01T00:00:00Z","ID":"a","Workflow":"w"}`} {
			_, err := engine.Instances(ctx, runtime.InstanceQuery{Cursor: cursor(place)})
			if err == nil || !strings.Contains(err.Error(), "cursor") {
				b.Errorf("%s: got error %v", place, err)
			}
		}
		// What is merely unusual is looked for.
		for _, filter := range []runtime.InstanceFilter{
			{Workflow: strings.Repeat("x", 10_000)}, {Status: "\u2028\U0010ffff"},
			{CreatedFrom: time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC), CreatedBefore: time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)},
		} {
			for call, err := range instances(filter) {
				if err != nil {
					b.Errorf("%s of %+v: %v", call, filter, err)
				}
			}
		}
	})
}

func firstOf(engine *runtime.Engine, ctx context.Context, filter runtime.EventFilter) (event runtime.StoredEvent, err error) {
	for event, err = range engine.Subscribe(ctx, 0, filter) {
		break
	}
	return event, err
}

// A time that cannot be stored is an error of the decision, on every store; one that is long past is now.
func TestTimersOutOfRange(t *testing.T) {
	onStores(t, func(b *bed) {
		for n, test := range []struct {
			at   time.Time
			want string // empty when it is accepted
		}{
			{time.Date(300000, 1, 1, 0, 0, 0, 0, time.UTC), "300000"},
			{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), "10000"},
			{time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), ""},
			{time.Time{}, ""},
			{time.Date(-300000, 1, 1, 0, 0, 0, 0, time.UTC), ""},
		} {
			engine := b.engine(b.config(newClock()), tickets(noted(func(d ticket.NoteDecision, _ time.Time) ticket.NoteDecision {
				return d.StartTimer(ticket.TimerReminder{Input: ticket.Remind{Text: "x"}}.At(test.at))
			}), ticket.Handler{}))
			client := ticket.NewClient(engine)
			id := fmt.Sprint("t", n)
			must2(b, client, id)
			_, err := client.Note(b.Context(), ticket.Note{ID: id})
			var invalid *runtime.InvalidArgument
			if is := errors.As(err, &invalid); is != (test.want != "") || err != nil && !is {
				b.Errorf("%v: got error %v", test.at, err)
			} else if is {
				wantError(b, err, "ticket/"+id, "input Note", "reminder", test.want)
			}
			b.wantTable("count(*)", "timers", fmt.Sprintf("WHERE instance = '%s' AND key = 'reminder'", id), map[bool]string{true: "0", false: "1"}[test.want != ""])
		}
	})
}

// A clock that is beyond what can be stored is named before anything is.
func TestClockOutOfRange(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		client := ticket.NewClient(b.engine(b.config(c), tickets(ticket.Decider{}, ticket.Handler{})))
		c.mu.Lock()
		c.now = time.Date(300000, 1, 1, 0, 0, 0, 0, time.UTC)
		c.mu.Unlock()
		_, err := client.Open(b.Context(), ticket.Open{ID: "a", Subject: "s"})
		var invalid *runtime.InvalidArgument
		if !errors.As(err, &invalid) {
			b.Errorf("got error %v", err)
		}
		b.wantTable("*", "events", "")
	})
}
