package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
)

// countingOpens is a decider that counts its calls, and is busy when the subject says so.
func countingOpens(calls *atomic.Int32) ticket.Decider {
	return ticket.Decider{
		OnOpen: func(_ time.Time, _ ticket.State, in ticket.Open) ticket.OpenDecision {
			load := calls.Add(1)
			if in.Subject == "busy" {
				return ticket.RejectOpen(ticket.Busy{Load: int64(load)})
			}
			return ticket.AcceptOpen(ticket.Opened{Subject: in.Subject}).Effect(ticket.Notify{Text: "hello"})
		},
	}
}

func TestRepeatedInputHasItsFirstOutcome(t *testing.T) {
	onStores(t, func(b *bed) {
		var calls atomic.Int32
		engine := b.engine(b.config(newClock()), tickets(countingOpens(&calls), ticket.Handler{}))
		other := b.engine(b.config(newClock()), tickets(countingOpens(&calls), ticket.Handler{})) // with a cache of its own
		client, elsewhere := ticket.NewClient(engine), ticket.NewClient(other)
		ctx, id := b.Context(), runtime.WithInputID("é 1")

		open := ticket.Open{ID: "a", Subject: "printer"}
		first, err := client.Open(ctx, open, id)
		must(b, first, err)
		noted, err := client.Note(ctx, ticket.Note{ID: "a", Text: "n"})
		must(b, noted, err)
		solved, err := client.Solve(ctx, ticket.Solve{ID: "a"}, runtime.WithInputID("solve"))
		must(b, solved, err)
		late, err := client.Note(ctx, ticket.Note{ID: "a", Text: "late"}, runtime.WithInputID("late"))
		if err != nil || !late.AlreadyCompleted() {
			b.Fatalf("got %+v, error %v", late, err)
		}
		busy, err := client.Open(ctx, ticket.Open{ID: "b", Subject: "busy"}, id)
		if err != nil || !busy.Rejected() {
			b.Fatalf("got %+v, error %v", busy, err)
		}
		before := calls.Load()
		b.unchanged(func() {
			for _, c := range []*ticket.Client{client, elsewhere} {
				again, err := c.Open(ctx, open, id)
				if err != nil || !reflect.DeepEqual(again, first) {
					b.Errorf("got %+v, error %v, want %+v", again, err, first)
				}
				if again, err := c.Solve(ctx, ticket.Solve{ID: "a"}, runtime.WithInputID("solve")); err != nil || !reflect.DeepEqual(again, solved) {
					b.Errorf("got %+v, error %v, want %+v", again, err, solved)
				}
				if again, err := c.Note(ctx, ticket.Note{ID: "a", Text: "late"}, runtime.WithInputID("late")); err != nil || again.Version != late.Version || !again.AlreadyCompleted() {
					b.Errorf("got %+v, error %v, want %+v", again, err, late)
				}
				if again, err := c.Open(ctx, ticket.Open{ID: "b", Subject: "busy"}, id); err != nil || !reflect.DeepEqual(again, busy) {
					b.Errorf("got %+v, error %v, want %+v", again, err, busy)
				}
			}
		})
		if calls.Load() != before {
			b.Errorf("the decider was asked again")
		}
	})
}

func TestInputIDOfAnotherInput(t *testing.T) {
	onStores(t, func(b *bed) {
		client := ticket.NewClient(b.engine(b.config(newClock()), tickets(ticket.Decider{}, ticket.Handler{})))
		id := runtime.WithInputID("1")
		out, err := client.Open(b.Context(), ticket.Open{ID: "a", Subject: "s"}, id)
		must(b, out, err)
		b.unchanged(func() {
			for _, send := range []func() error{
				func() error { _, err := client.Open(b.Context(), ticket.Open{ID: "a", Subject: "t"}, id); return err },
				func() error { _, err := client.Note(b.Context(), ticket.Note{ID: "a", Text: "s"}, id); return err },
			} {
				err := send()
				var reused *runtime.InputIDReused
				if !errors.As(err, &reused) || reused.InputID != "1" || reused.First != "Open" {
					b.Errorf("got error %v", err)
				}
				if strings.Count(err.Error(), reused.Instance.String()) != 1 {
					b.Errorf("the error does not name the instance once: %v", err)
				}
			}
			for _, bad := range []string{"", strings.Repeat("x", 513), "\xff", "a\x00"} {
				if _, err := client.Note(b.Context(), ticket.Note{ID: "a"}, runtime.WithInputID(bad)); err == nil {
					b.Errorf("the id %q is taken", bad)
				}
			}
		})
	})
}

// TestOneInputIDAtOnce sends one input many times at once, through engines that know nothing of each other, mixed with
// others of the same instance.
func TestOneInputIDAtOnce(t *testing.T) {
	onStores(t, func(b *bed) {
		var calls atomic.Int32
		var engines []*ticket.Client
		for range 3 {
			engines = append(engines, ticket.NewClient(b.engine(b.config(newClock()), tickets(countingOpens(&calls), ticket.Handler{}))))
		}
		const repeats = 8
		var group sync.WaitGroup
		var mu sync.Mutex
		outcomes := map[string]int{}
		send := func(client *ticket.Client, subject, id string) {
			out, err := client.Open(b.Context(), ticket.Open{ID: subject, Subject: subject}, runtime.WithInputID(id))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				b.Errorf("%s: %v", id, err)
			}
			outcomes[fmt.Sprintf("%s %s", id, out)]++
		}
		for i := range repeats {
			for _, client := range engines {
				for n := range 5 {
					group.Go(func() { send(client, fmt.Sprint("fresh", n), "1") })
				}
				group.Go(func() { send(client, "busy", "2") })
				group.Go(func() {
					_, err := client.Note(b.Context(), ticket.Note{ID: "fresh0", Text: fmt.Sprint(i)})
					if err != nil {
						b.Errorf("Note: %v", err)
					}
				})
			}
		}
		group.Wait()
		if len(outcomes) != 6 {
			b.Errorf("got %v, want the same outcome for each id", outcomes)
		}
		b.wantTable("count(*)", "input_outcomes", "", "6")
		b.wantTable("count(*)", "events", "WHERE type = 'Opened'", "5")
	})
}

func TestObservations(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		config := b.config(c)
		config.Observe = func(instance runtime.InstanceKey, input string) bool {
			return instance.ID != "secret" && input != "Hold"
		}
		config.Redact = func(name runtime.PayloadName, payload []byte) []byte {
			if name.Name == "Note" {
				return []byte(`{"hidden":true}`)
			}
			return payload
		}
		var calls atomic.Int32
		engine := b.engine(config, tickets(countingOpens(&calls), ticket.Handler{}))
		client, ctx := ticket.NewClient(engine), b.Context()
		for _, send := range []func() error{
			func() error { _, err := client.Open(ctx, ticket.Open{ID: "secret", Subject: "s"}); return err },
			func() error {
				_, err := client.Open(ctx, ticket.Open{ID: "a", Subject: "busy"}, runtime.WithInputID("1"))
				return err
			},
			func() error { _, err := client.Open(ctx, ticket.Open{ID: "a", Subject: "printer"}); return err },
			func() error { _, err := client.Hold(ctx, ticket.Hold{ID: "a"}); return err },
			func() error { _, err := client.Resume(ctx, ticket.Resume{ID: "a"}); return err },
			func() error { _, err := client.Note(ctx, ticket.Note{ID: "a", Text: "n"}); return err },
			func() error { _, err := client.Solve(ctx, ticket.Solve{ID: "a"}); return err },
			func() error { _, err := client.Note(ctx, ticket.Note{ID: "a", Text: "late"}); return err },
		} {
			c.advance(time.Second)
			if err := send(); err != nil {
				b.Fatal(err)
			}
		}
		got, err := engine.Observations(ctx, runtime.ObservationQuery{Instance: runtime.InstanceKey{Workflow: "ticket", ID: "a"}})
		if err != nil {
			b.Fatal(err)
		}
		var lines []string
		for _, o := range got {
			lines = append(lines, fmt.Sprintf("%s %s%s %s %d %s%s %v", o.Input, o.InputID, o.Payload, o.Outcome, o.Version,
				o.Rejection, o.RejectionPayload, o.ObservedAt.Sub(epoch).Round(time.Second)))
		}
		want := []string{
			`Note {"hidden":true} completed 5  8s`,
			`Solve {"type":"Solve","id":"a"} accepted 5  7s`,
			`Note {"hidden":true} accepted 4  6s`,
			`Resume {"type":"Resume","id":"a"} accepted 3  5s`,
			`Open {"type":"Open","id":"a","subject":"printer"} accepted 1  3s`,
			`Open 1{"type":"Open","id":"a","subject":"busy"} rejected 0 Busy{"load":2} 2s`,
		}
		if strings.Join(lines, "\n") != strings.Join(want, "\n") {
			b.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
		}
	})
}

// Config.Observe is user code in the middle of a batch, for rejected inputs after its commit. Its panic takes nothing with it.
func TestObserveThatPanics(t *testing.T) {
	onStores(t, func(b *bed) {
		config := b.realConfig()
		config.Batches = 1
		config.Observe = func(instance runtime.InstanceKey, _ string) bool {
			if strings.HasPrefix(instance.ID, "bad") {
				panic("observe is broken")
			}
			return true
		}
		engine := b.engine(config, ledgers(ledger.Decider{OnAdd: func(_ time.Time, _ ledger.State, in ledger.Add) ledger.AddDecision {
			if in.Amount < 0 {
				return ledger.RejectAdd(ledger.Negative{Amount: in.Amount})
			}
			return ledger.AcceptAdd(ledger.Added{Amount: in.Amount})
		}}, ledger.Handler{}))
		client := ledger.NewClient(engine)
		const each = 20
		var callers sync.WaitGroup
		for i := range each {
			for kind, amount := range map[string]int64{"good": 1, "bad": 1, "bad and refused": -1} {
				callers.Go(func() {
					out, err := client.Add(context.Background(), ledger.Add{Account: fmt.Sprint(kind, i), Amount: amount})
					if err != nil || out.Accepted() != (amount > 0) {
						b.Errorf("%s: %v, %v", kind, out, err)
					}
				})
			}
		}
		callers.Wait()
		b.wantTable("count(*)", "instances", "", fmt.Sprint(2*each))
		b.wantTable("count(*)", "observations", "", fmt.Sprint(each))
		b.wantLog("Config.Observe panicked", "instance=bad0", "observe is broken")
	})
}
