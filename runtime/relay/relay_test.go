package relay_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/enrolment"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/relay"
	"github.com/ironflow-gen/ironflow/runtime/relay/internal/relaytest"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Engines that come and go, and a broker that stores messages without an answer, do not make an event appear twice, or out of order.
func TestRelayIsHandedOver(t *testing.T) {
	for name, forgetful := range map[string]bool{"exactly once": false, "at least once": true} {
		t.Run(name, func(t *testing.T) {
			onStores(t, func(t *testing.T, st runtime.Store) {
				const accounts, additions = 3, 40
				b := &broker{forgetful: forgetful}
				b.fault = func(relay.Message) error {
					if rand.IntN(20) == 0 {
						return errDown
					}
					return nil
				}
				b.lose = func(int) error {
					if rand.IntN(5) == 0 {
						return errors.New("no answer")
					}
					return nil
				}
				first, client := relaytest.Engine(t, st, relay.Relay{Sink: b.sink(), BatchSize: 7})
				second, _ := relaytest.Engine(t, st, relay.Relay{Sink: b.sink(), BatchSize: 7})
				var writing sync.WaitGroup
				for a := range accounts {
					writing.Go(func() { relaytest.Add(t, client, fmt.Sprint("account", a), additions) })
				}
				for range 5 {
					stop := relaytest.Run(t, first)
					time.Sleep(20 * time.Millisecond)
					stopSecond := relaytest.Run(t, second)
					stop()
					time.Sleep(20 * time.Millisecond)
					stopSecond()
				}
				writing.Wait()
				relaytest.Run(t, first)
				relaytest.Await(t, first)
				b.wantOrder(t, accounts*additions)
			})
		})
	}
}

// While the broker is down the relay waits, and Health says why. Nothing is lost.
func TestBrokerIsDown(t *testing.T) {
	onStores(t, func(t *testing.T, st runtime.Store) {
		b := &broker{}
		b.fault = func(relay.Message) error { return errDown }
		engine, client := relaytest.Engine(t, st, relay.Relay{Sink: b.sink()})
		relaytest.Run(t, engine)
		relaytest.Add(t, client, "a", 3)
		is := relaytest.State(t, engine, func(is runtime.ProjectionInfo) bool { return is.Attempts > 3 })
		if !strings.Contains(is.LastError, errDown.Error()) || is.Position != 0 {
			t.Errorf("it is %+v", is)
		}
		var before, after int
		b.set(func() { before = b.calls })
		time.Sleep(200 * time.Millisecond)
		b.set(func() { after = b.calls })
		if after-before > 60 {
			t.Errorf("%d attempts in 200 ms", after-before)
		}
		b.set(func() { b.fault = nil })
		relaytest.Await(t, engine)
		b.wantOrder(t, 3)
		if is := relaytest.State(t, engine, func(is runtime.ProjectionInfo) bool { return is.Behind == 0 }); is.LastError != "" {
			t.Errorf("it is %+v", is)
		}
	})
}

// A relay stops at an event that the broker will never accept, after it has published those before it.
func TestRefusedEvent(t *testing.T) {
	onStores(t, func(t *testing.T, st runtime.Store) {
		b := &broker{}
		b.fault = func(m relay.Message) error {
			if m.Event.Version == 3 {
				return runtime.Permanent(errors.New("the message is too large"))
			}
			return nil
		}
		engine, client := relaytest.Engine(t, st, relay.Relay{Sink: b.sink()})
		relaytest.Add(t, client, "a", 5)
		relaytest.Run(t, engine)
		is := relaytest.State(t, engine, func(is runtime.ProjectionInfo) bool { return is.StoppedAt != 0 })
		if !strings.Contains(is.LastError, "too large") || !strings.Contains(is.LastError, "version 3") {
			t.Errorf("it is %+v", is)
		}
		b.wantOrder(t, 2)
		if err := engine.SkipProjectionEvent(t.Context(), "broker", is.StoppedAt); err != nil {
			t.Fatal(err)
		}
		relaytest.Await(t, engine)
		if n := len(b.stored()); n != 4 {
			t.Errorf("the broker has %d messages, want 4", n)
		}
	})
}

// A relay whose sink can begin again is rebuilt, and another one is not.
func TestRebuild(t *testing.T) {
	onStores(t, func(t *testing.T, st runtime.Store) {
		b := &broker{}
		engine, client := relaytest.Engine(t, st, relay.Relay{Sink: b.sink()})
		relaytest.Run(t, engine)
		relaytest.Add(t, client, "a", 3)
		relaytest.Await(t, engine)
		if err := engine.RebuildProjection(t.Context(), "broker"); err != nil {
			t.Fatal(err)
		}
		relaytest.Add(t, client, "a", 1)
		relaytest.Await(t, engine)
		b.wantOrder(t, 4)
		without, _ := relaytest.Engine(t, memory.New(), relay.Relay{Sink: struct{ relay.Sink }{b.sink()}})
		if err := without.RebuildProjection(t.Context(), "broker"); err == nil || !strings.Contains(err.Error(), "cannot be rebuilt") {
			t.Errorf("got error %v", err)
		}
	})
}

// A relay pauses, and does not publish meanwhile.
func TestPause(t *testing.T) {
	onStores(t, func(t *testing.T, st runtime.Store) {
		b := &broker{}
		engine, client := relaytest.Engine(t, st, relay.Relay{Sink: b.sink()})
		if err := engine.PauseProjection(t.Context(), "broker"); err != nil {
			t.Fatal(err)
		}
		relaytest.Run(t, engine)
		relaytest.Add(t, client, "a", 3)
		time.Sleep(50 * time.Millisecond)
		b.wantOrder(t, 0)
		if err := engine.ResumeProjection(t.Context(), "broker"); err != nil {
			t.Fatal(err)
		}
		relaytest.Await(t, engine)
		b.wantOrder(t, 3)
	})
}

// A broker that has events that the store has lost, or messages of others, stops the relay: the events with the numbers of the lost ones are
// not taken for published.
func TestBrokerIsAhead(t *testing.T) {
	for name, test := range map[string]struct{ id, problem string }{
		"lost":    {"5-1f", "set back"},
		"another": {"2-1f", "is not in the database any more"},
		"strange": {"hello", "is not of this relay"},
	} {
		t.Run(name, func(t *testing.T) {
			onStores(t, func(t *testing.T, st runtime.Store) {
				b := &broker{messages: []relay.Message{{ID: test.id}}}
				engine, client := relaytest.Engine(t, st, relay.Relay{Sink: b.sink()})
				relaytest.Add(t, client, "a", 3)
				relaytest.Run(t, engine)
				is := relaytest.State(t, engine, func(is runtime.ProjectionInfo) bool { return is.Status != "running" })
				if !strings.Contains(is.LastError, test.problem) || is.Position != 0 || len(b.stored()) != 1 {
					t.Errorf("it is %+v, the broker has %d messages", is, len(b.stored()))
				}
			})
		})
	}
}

// Only the events that the filters select are published, and the relay catches up with the others.
func TestFilters(t *testing.T) {
	onStores(t, func(t *testing.T, st runtime.Store) {
		b := &broker{}
		engine, client := relaytest.Engine(t, st, relay.Relay{Sink: b.sink(), Filters: []runtime.EventFilter{{Workflow: "ledger", Types: []string{"LedgerClosed"}}}})
		relaytest.Run(t, engine)
		relaytest.Add(t, client, "a", 3)
		if outcome, err := client.Close(t.Context(), ledger.Close{Account: "a"}); err != nil || !outcome.Accepted() {
			t.Fatal(outcome, err)
		}
		relaytest.Await(t, engine)
		if got := b.stored(); len(got) != 1 || got[0].Event.Type != "LedgerClosed" {
			t.Errorf("the broker has %+v", got)
		}
	})
}

// A message has no personal values, whether the subject is forgotten or not.
func TestPersonalFieldsStayHome(t *testing.T) {
	onStores(t, func(t *testing.T, st runtime.Store) {
		b := &broker{}
		engine, err := runtime.NewEngine(st, runtime.Config{Projections: []runtime.AnyProjection{relay.Relay{Name: "broker", Sink: b.sink()}}},
			enrolment.NewWorkflow(enrolment.Decider{}, enrolment.Evolver{}, enrolment.Handler{}))
		if err != nil {
			t.Fatal(err)
		}
		outcome, err := enrolment.NewClient(engine).Enrol(t.Context(), enrolment.Enrol{
			EnrolmentID: "e-1", CustomerID: "customer-1", Email: "ann@secret.example", Guests: []enrolment.Guest{{Name: "Zebulon", Age: 7}},
		})
		if err != nil || !outcome.Accepted() {
			t.Fatal(outcome, err)
		}
		relaytest.Run(t, engine)
		relaytest.Await(t, engine)
		body := string(b.stored()[0].Body)
		for _, secret := range []string{"ann@", "Zebulon", "email"} {
			if strings.Contains(body, secret) {
				t.Errorf("%s has %q", body, secret)
			}
		}
		if !strings.HasSuffix(body, `"data":{"customer_id":"customer-1","guests":[{"age":7}]}}`) && !strings.Contains(body, `"age":7`) {
			t.Errorf("the body is %s", body)
		}
	})
}

// A panic of a sink is an error, as a sink's own mistake in counting.
func TestSinkMisbehaves(t *testing.T) {
	t.Parallel()
	b := &broker{}
	b.fault = func(relay.Message) error { panic("no") }
	engine, client := relaytest.Engine(t, memory.New(), relay.Relay{Sink: b.sink()})
	relaytest.Run(t, engine)
	relaytest.Add(t, client, "a", 1)
	relaytest.State(t, engine, func(is runtime.ProjectionInfo) bool { return strings.Contains(is.LastError, "panic") })
	b.set(func() { b.fault = nil })
	relaytest.Await(t, engine)
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	for problem, r := range map[string]relay.Relay{
		"the name of a relay is empty":     {Sink: (&broker{}).sink()},
		"it has no Sink":                   {Name: "r"},
		"unknown placeholder {tenant}":     {Name: "r", Sink: (&broker{}).sink(), Subject: "a.{tenant}"},
		"has the character \"*\"":          {Name: "r", Sink: (&broker{}).sink(), Subject: "a.*"},
		"empty part":                       {Name: "r", Sink: (&broker{}).sink(), Subject: "a..b"},
		"unknown Format 7":                 {Name: "r", Sink: (&broker{}).sink(), Format: 7},
		"must not be negative":             {Name: "r", Sink: (&broker{}).sink(), BatchSize: -1},
		"an EventFilter has no":            {Name: "r", Sink: (&broker{}).sink(), Filters: []runtime.EventFilter{{}}},
		"unknown placeholder {workflow":    {Name: "r", Sink: (&broker{}).sink(), Subject: "a.{workflow"},
		"use {event}, {version}":           {Name: "r", Sink: (&broker{}).sink(), DataSchema: "https://a/{id}"},
		"\"a/{event}\": it is no absolute": {Name: "r", Sink: (&broker{}).sink(), DataSchema: "a/{event}"},
		"\"a:b c\": it is no absolute":     {Name: "r", Sink: (&broker{}).sink(), DataSchema: "a:b c"},
	} {
		if _, err := r.On(memory.New()); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("got error %v, want %q", err, problem)
		}
	}
}

// The next page is read while the events of one are published, and the events stay in their order when a page has to be published again.
func TestReadsAhead(t *testing.T) {
	t.Parallel()
	st := &watchedFeed{Store: memory.New(), ahead: make(chan struct{})}
	b := &broker{}
	refused := false
	b.fault = func(m relay.Message) error {
		if m.Event.Version != 2 || refused {
			return nil
		}
		refused = true
		select {
		case <-st.ahead:
			return errDown
		case <-time.After(20 * time.Second):
			t.Error("the next page was not read while the first was published")
			return nil
		}
	}
	engine, client := relaytest.Engine(t, st, relay.Relay{Sink: b.sink(), BatchSize: 2})
	relaytest.Add(t, client, "a", 6)
	relaytest.Run(t, engine)
	relaytest.Await(t, engine)
	b.wantOrder(t, 6)
}

// watchedFeed closes ahead when the feed is read after its second event.
type watchedFeed struct {
	*memory.Store
	ahead chan struct{}
	once  sync.Once
}

func (s *watchedFeed) EventsSince(
	ctx context.Context, after store.FeedPosition, limit int, filters ...store.EventFilter,
) (store.FeedPage, error) {
	if after == 2 {
		s.once.Do(func() { close(s.ahead) })
	}
	return s.Store.EventsSince(ctx, after, limit, filters...)
}
