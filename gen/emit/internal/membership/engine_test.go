package membership

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/ironflow-gen/ironflow/gen/emit/internal/renamed"
	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

func TestMain(m *testing.M) {
	code := pgserver.Main(m)
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// clock moves when it is told to.
type clock struct {
	mu     sync.Mutex
	now    time.Time
	alarms map[chan time.Time]time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	ring := make(chan time.Time, 1)
	c.alarms[ring] = c.now.Add(d)
	return ring
}

func (c *clock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
	for ring, at := range c.alarms {
		if !at.After(now) {
			ring <- now
			delete(c.alarms, ring)
		}
	}
}

// club is an engine that runs both workflows.
type club struct {
	*testing.T
	clock  *clock
	client *Client
	cards  *renamed.Client
	engine *runtime.Engine
}

// onBoth runs a scenario on both stores.
func onBoth(t *testing.T, handler Handler, scenario func(c club)) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		store, err := sqlite.OpenMemory(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		scenario(open(t, store, handler))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		pool, err := pgxpool.New(t.Context(), pgserver.Database(t))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		if err := postgres.Migrate(t.Context(), pool); err != nil {
			t.Fatal(err)
		}
		store, err := postgres.New(t.Context(), pool)
		if err != nil {
			t.Fatal(err)
		}
		scenario(open(t, store, handler))
	})
}

// open starts a club on a day in March, before the clocks in Berlin go forward.
func open(t *testing.T, store runtime.Store, handler Handler) club {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := &clock{now: time.Date(2031, time.March, 4, 5, 6, 7, 0, time.UTC), alarms: make(map[chan time.Time]time.Time)}
	engine, err := runtime.NewEngine(store, runtime.Config{Clock: c},
		NewWorkflow(Decider{}, Evolver{}, handler), renamed.NewWorkflow(renamed.Decider{}, renamed.Evolver{}))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- engine.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return club{t, c, NewClient(engine), renamed.NewClient(engine), engine}
}

func (c club) join(email string) {
	c.Helper()
	gold := PlanGold
	if out, err := c.client.Join(c.Context(), Join{MemberID: "m", Email: email, Plan: &gold}); err != nil || !out.Accepted() {
		c.Fatalf("Join: %+v, %v", out, err)
	}
}

// scheduled waits until schedules of the workflow are stored.
func (c club) scheduled(names ...string) {
	c.Helper()
	var got []string
	for range 500 {
		schedules, err := c.engine.Schedules(c.Context(), WorkflowName)
		if err != nil {
			c.Fatal(err)
		}
		got = nil
		for _, s := range schedules {
			got = append(got, s.Name)
		}
		if slices.Equal(got, names) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	c.Fatalf("the schedules %v are stored, want %v", got, names)
}

// want waits until an instance has these events, among others and in any order, as they are printed.
func want[E any](c club, history func(context.Context, string) ([]runtime.Recorded[E], error), id string, events ...string) {
	c.Helper()
	var got []string
	for range 500 {
		recorded, err := history(c.Context(), id)
		if unknown := new(runtime.UnknownInstance); err != nil && !errors.As(err, &unknown) {
			c.Fatal(err)
		}
		got = nil
		for _, r := range recorded {
			got = append(got, strings.TrimPrefix(fmt.Sprintf("%T%+v", r.Event, r.Event), "membership."))
		}
		if !slices.ContainsFunc(events, func(e string) bool { return !slices.Contains(got, e) }) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	c.Fatalf("%s has the events\n%s\nwant\n%s", id, strings.Join(got, "\n"), strings.Join(events, "\n"))
}

func works() Handler {
	return Handler{OnCharge: func(Charge) error { return nil }, OnMail: func(Mail) error { return nil }}
}

func TestChildren(t *testing.T) {
	onBoth(t, works(), func(c club) {
		c.join("m@example.com")
		want(c, c.cards.History, "m-card", "renamed.Granted{Serial:no. 050607 Owner:m@example.com Look:{Shade:gold Text:[] Lasts:24h0m0s}}")
		if out, err := c.cards.Lock(c.Context(), renamed.Lock{BadgeID: "m-card"}); err != nil || !out.Accepted() {
			c.Fatalf("Lock: %+v, %v", out, err)
		}
		want(c, c.cards.History, "m-card", "renamed.Locked{}", "renamed.Destroyed{}")
		want(c, c.client.History, "m", "CardGone{Card:m-card Status:gone Number:no. 050607 ValidFor:24h0m0s}")
		want(c, c.cards.History, "membership/m/1/2", "renamed.Granted{Serial:no. 050607 Owner:guest of m Look:{Shade:black Text:[guest] Lasts:0s}}")
	})
}

func TestChildThatDoesNotStart(t *testing.T) {
	onBoth(t, works(), func(c club) {
		c.join("")
		want(c, c.client.History, "m", "CardRefused{Card:m-card Reason:the child refused to start: NoHolder{}}")
	})
}

func TestSent(t *testing.T) {
	onBoth(t, works(), func(c club) {
		c.join("m@example.com")
		want(c, c.cards.History, "m-card", "renamed.Granted{Serial:no. 050607 Owner:m@example.com Look:{Shade:gold Text:[] Lasts:24h0m0s}}")
		if out, err := c.client.Leave(c.Context(), Leave{MemberID: "m"}); err != nil || !out.Accepted() {
			c.Fatalf("Leave: %+v, %v", out, err)
		}
		want(c, c.cards.History, "m-card", "renamed.Locked{}", "renamed.Destroyed{}")
	})
}

// TestOptionalResult has handlers that may answer with no input. One that does not is done all the same.
func TestOptionalResult(t *testing.T) {
	bounced := works()
	bounced.Answer = Bounced{Text: "no such box"}
	for name, test := range map[string]struct {
		handler Handler
		reason  string // of the event Unheard; empty when there is none
	}{
		"no input": {works(), ""},
		"an input": {bounced, "no such box"},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, test.handler, func(c club) {
				c.join("m@example.com")
				if test.reason != "" {
					unheard, err := plainly(c, "Unheard")
					if err != nil || !strings.Contains(*unheard.(Unheard).Reason, test.reason) {
						c.Errorf("got %+v, %v, want %q", unheard, err, test.reason)
					}
					return
				}
				for range 500 { // until the mail is no longer waiting
					report, err := c.engine.Inspect(c.Context(), runtime.InstanceKey{Workflow: WorkflowName, ID: "m"})
					if err != nil {
						c.Fatal(err)
					}
					if !slices.ContainsFunc(report.Effects, func(e store.WaitingDelivery) bool { return e.Kind.Name == "Mail" }) {
						break
					}
					time.Sleep(10 * time.Millisecond)
				}
				history, err := c.client.History(c.Context(), "m")
				if err != nil || slices.ContainsFunc(history, func(r runtime.Recorded[Event]) bool { _, is := r.Event.(Unheard); return is }) {
					c.Errorf("got %+v, %v, want no Unheard", history, err)
				}
			})
		})
	}
}

// TestFill sends an input through an engine, which checks the decision against the declaration and stores it.
func TestFill(t *testing.T) {
	onBoth(t, works(), func(c club) {
		in := Fill{MemberID: "m", Text: "text", Price: "1.50", Color: ColorRed, Tree: Tree{Leaf: Leaf{Name: "name", Color: ColorRed}}, Texts: []string{"texts"}}
		out, err := c.client.Fill(c.Context(), in)
		if want := []FillEvent{Filled{Tree: &in.Tree}}; err != nil || !reflect.DeepEqual(out.Events, want) {
			c.Fatalf("got %+v, %v", out, err)
		}
		if view, err := c.client.State(c.Context(), "m"); err != nil || view.Version != 1 {
			c.Errorf("got version %d, %v", view.Version, err)
		}
		stored, err := plainly(c, "Filled")
		if err != nil || stored.(Filled).Tree.Leaf != in.Tree.Leaf {
			c.Errorf("got %+v, %v", stored, err)
		}
		if out, err := c.client.Internal().Empty(c.Context(), Empty{OtherID: "m"}); err != nil || !out.Accepted() || out.Version != 2 {
			c.Errorf("got %+v, %v", out, err)
		}
	})
}

func TestDead(t *testing.T) {
	onBoth(t, Handler{
		OnCharge: func(Charge) error { return runtime.Permanent(errors.New("no money")) },
		OnMail:   func(Mail) error { return runtime.Permanent(errors.New("no such mailbox")) },
	}, func(c club) {
		c.join("m@example.com")
		unpaid, err := plainly(c, "Unpaid")
		if err != nil || unpaid.(Unpaid).AmountCents != 900 || *unpaid.(Unpaid).Plan != PlanGold || !strings.HasSuffix(unpaid.(Unpaid).Reason, "no money") {
			c.Errorf("%+v, %v", unpaid, err)
		}
		unheard, err := plainly(c, "Unheard")
		if err != nil || !strings.HasSuffix(*unheard.(Unheard).Reason, "no such mailbox") {
			c.Errorf("%+v, %v", unheard, err)
		}
	})
}

// plainly waits for an event of the member.
func plainly(c club, name string) (Event, error) {
	c.Helper()
	for range 500 {
		recorded, err := c.client.History(c.Context(), "m")
		if err != nil {
			return nil, err
		}
		for _, r := range recorded {
			if fmt.Sprintf("%T", r.Event) == "membership."+name {
				return r.Event, nil
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil, errors.New("it did not happen")
}

// TestRenewals lets a state's timer fire twice. In between, clocks in Berlin go forward.
func TestRenewals(t *testing.T) {
	onBoth(t, works(), func(c club) {
		c.join("m@example.com")
		first := time.Date(2031, time.April, 1, 7, 0, 0, 0, time.UTC)
		c.clock.set(first.Add(time.Minute))
		want(c, c.client.History, "m", "Renewed{DueAt:2031-04-01 07:00:00 +0000 UTC}")
		c.clock.set(first.AddDate(0, 8, 0).Add(2 * time.Hour)) // four were missed, and winter came
		want(c, c.client.History, "m", "Renewed{DueAt:2031-12-01 08:00:00 +0000 UTC}")
		history, err := c.client.History(c.Context(), "m")
		if err != nil {
			c.Fatal(err)
		}
		count := 0
		for _, r := range history {
			if _, ok := r.Event.(Renewed); ok {
				count++
			}
		}
		if count != 2 {
			c.Errorf("there are %d renewals, want 2: of those that were missed only the latest is made up for", count)
		}
	})
}

// TestNagging lets a decision's timer fire, which keeps what the decision has put into it.
func TestNagging(t *testing.T) {
	onBoth(t, Handler{
		OnCharge: func(Charge) error { return runtime.Permanent(errors.New("no money")) },
		OnMail:   func(Mail) error { return nil },
	}, func(c club) {
		c.join("m@example.com")
		if _, err := plainly(c, "Unpaid"); err != nil {
			c.Fatal(err)
		}
		c.clock.set(c.clock.Now().Add(24*time.Hour + time.Second))
		nagged, err := plainly(c, "Nagged")
		if err != nil || nagged.(Nagged).Text != "please pay" || !nagged.(Nagged).DueAt.Equal(time.Date(2031, time.March, 5, 5, 6, 7, 0, time.UTC)) {
			c.Errorf("%+v, %v", nagged, err)
		}
	})
}

func TestSchedules(t *testing.T) {
	onBoth(t, works(), func(c club) {
		c.scheduled("daily_count", "weekly_count")                        // a schedule begins at the time at which it is stored
		c.clock.set(time.Date(2031, time.March, 6, 1, 0, 0, 0, time.UTC)) // a Thursday
		want(c, c.client.History, "count-20310305T000000Z", "Counted{DueAt:2031-03-05 00:00:00 +0000 UTC}")
		c.clock.set(c.clock.Now().Add(time.Second)) // for the next poll
		want(c, c.client.History, "count-20310306T000000Z", "Counted{DueAt:2031-03-06 00:00:00 +0000 UTC}")
		c.clock.set(time.Date(2031, time.March, 10, 13, 0, 0, 0, time.UTC)) // Monday, and summer in New York since yesterday
		want(c, c.client.History, "the-count", "Counted{DueAt:2031-03-10 13:00:00 +0000 UTC}")
	})
}
